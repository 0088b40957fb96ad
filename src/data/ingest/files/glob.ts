import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * The paths that a glob matches, in no order: `*` any text of a name, `?` one character, `[a-z]` and `[!a-z]` one of a
 * set, `{a,b}` either, `**` folders of any depth (links to folders are not followed there). A part of the path that
 * names an existing file or folder is that one, even if it could be read as a pattern.
 *
 * What writers leave beside their files is no part of a log: names that begin with a dot, and the markers of Hadoop,
 * Spark and Delta. A pattern that spells its beginning out still matches it.
 */
export async function expandGlob(pattern: string): Promise<string[]> {
  if (await exists(pattern)) return [pattern];
  const found = await Promise.all(spanningBraces(pattern).map((plain) => expandParts("/", splitParts(plain))));
  return [...new Set(found.flat())];
}

const MARKERS =
  /^(\.|_SUCCESS$|_temporary$|_committed_|_started_|_metadata$|_common_metadata$|_delta_log$|_spark_metadata$)/;

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The parts of an absolute pattern between slashes; braces hold none. */
function splitParts(pattern: string): string[] {
  return pattern.split("/").filter((part) => part !== "");
}

/** A pattern as several, of which no braces hold a slash: `a/{b/c,d}.csv` is `a/b/c.csv` and `a/d.csv`. */
function spanningBraces(pattern: string): string[] {
  for (const { start, end, choices } of braces(pattern)) {
    if (!choices.some((choice) => choice.includes("/"))) continue;
    const [before, after] = [pattern.slice(0, start), pattern.slice(end)];
    return choices.flatMap((choice) => spanningBraces(`${before}${choice}${after}`));
  }
  return [pattern];
}

interface Braces {
  readonly start: number;
  readonly end: number;
  readonly choices: readonly string[];
}

/** The outermost braces that offer a choice; `{}` and `{a}` are plain text. */
function braces(pattern: string): Braces[] {
  const found: Braces[] = [];
  let depth = 0;
  let commas: number[] = [];
  let start = 0;
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i];
    if (character === "{" && depth++ === 0) {
      start = i;
      commas = [i];
    } else if (character === "," && depth === 1) commas.push(i);
    else if (character === "}" && depth > 0 && --depth === 0 && commas.length > 1) {
      const ends = [...commas.slice(1), i];
      const choices = ends.map((end, n) => pattern.slice(commas[n]! + 1, end));
      found.push({ start, end: i + 1, choices });
    }
  }
  return found;
}

async function expandParts(folder: string, parts: readonly string[]): Promise<string[]> {
  const [part, ...rest] = parts;
  if (part === undefined) return [folder];
  const literal = join(folder, part);
  if (await exists(literal)) return expandParts(literal, rest);
  if (part === "**") return expandDeep(folder, rest);
  const pattern = partPattern(part);
  const names = (await namesIn(folder)).filter((name) => pattern.test(name) && !isHidden(name, part));
  const found = await Promise.all(names.map((name) => expandParts(join(folder, name), rest)));
  // A file in the place of a folder leads nowhere; a name just listed is kept even if it is a link to nothing.
  return found.flat();
}

async function expandDeep(folder: string, rest: readonly string[]): Promise<string[]> {
  // At the end, `**` is all files below.
  const here = await expandParts(folder, rest.length === 0 ? ["*"] : rest);
  const found = rest.length === 0 ? await filesOf(here) : here;
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    if (isHidden(name, "**") || !(await lstat(path)).isDirectory()) continue;
    found.push(...(await expandDeep(path, rest)));
  }
  return found;
}

async function filesOf(paths: readonly string[]): Promise<string[]> {
  const isFolder = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        (stats) => stats.isDirectory(),
        () => false,
      ),
    ),
  );
  return paths.filter((_, i) => !isFolder[i]);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw cause;
  }
}

function isHidden(name: string, part: string): boolean {
  return MARKERS.test(name) && part[0] !== name[0];
}

/** A regular expression of one part of a path. */
function partPattern(part: string): RegExp {
  try {
    return new RegExp(`^${choicesPattern(part)}$`, "su");
  } catch {
    // A range that runs backwards, as in `[z-a]`, holds no character.
    return /(?!)/;
  }
}

function choicesPattern(part: string): string {
  let at = 0;
  let out = "";
  for (const { start, end, choices } of braces(part)) {
    out += `${namePattern(part.slice(at, start))}(?:${choices.map(choicesPattern).join("|")})`;
    at = end;
  }
  return out + namePattern(part.slice(at));
}

function namePattern(text: string): string {
  return text.replace(/\[([!^]?)(\]?[^\]]*)\]|[\s\S]/gu, (token, negation: string, set: string) => {
    if (set !== undefined) return `[${negation ? "^" : ""}${set.replace(/[\\\][^]/g, "\\$&")}]`;
    if (token === "*") return ".*";
    if (token === "?") return ".";
    return token.replace(/[\\^$.+()[\]{}|/]/g, "\\$&");
  });
}
