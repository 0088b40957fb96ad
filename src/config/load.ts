import { readFile, stat } from "node:fs/promises";
import { extname, join, resolve as resolvePath } from "node:path";
import { createJiti } from "jiti";
import { LineCounter, parseDocument } from "yaml";
import { LapidaryError } from "../base/errors.ts";
import { firstLineOf } from "../base/message.ts";
import { defineProject } from "./define-project.ts";
import { applyOverrides } from "./overrides.ts";
import type { ProjectConfig } from "./project.ts";
import { resolveConfig } from "./resolve.ts";
/** Names under which a configuration is looked for, the first found wins. */
export const CONFIG_NAMES = ["ts", "js", "mjs", "yaml", "yml", "json"].map((ending) => `lapidary.config.${ending}`);

/** What {@link loadProject} reads and changes. */
export interface LoadOptions {
  /** A configuration file, or a folder that has one. @default the working folder */
  readonly config?: string;
  /** Overrides in Hydra's grammar, applied in order before the checks. */
  readonly set?: readonly string[];
}

/**
 * The project's configuration: found, read, overridden, checked and resolved.
 *
 * @throws {LapidaryError} CONFIG_NOT_FOUND, CONFIG_UNREADABLE, CONFIG_OVERRIDE, CONFIG_INVALID or CONFIG_UNKNOWN_KEY
 */
export async function loadProject({ config = ".", set = [] }: LoadOptions = {}): Promise<ProjectConfig> {
  const file = await findConfig(config);
  return resolveConfig(applyOverrides(await readConfig(file), set), file);
}

/**
 * Absolute path of the configuration file that `path` is, or that lies in the folder `path`.
 *
 * @throws {LapidaryError} CONFIG_NOT_FOUND
 */
export async function findConfig(path: string): Promise<string> {
  const absolute = resolvePath(path);
  if (await isFile(absolute)) return absolute;
  for (const name of CONFIG_NAMES) {
    const file = join(absolute, name);
    if (await isFile(file)) return file;
  }
  throw new LapidaryError({
    code: "CONFIG_NOT_FOUND",
    where: absolute,
    expected: `a configuration file, or a folder with one of ${CONFIG_NAMES.join(", ")}`,
    got: "none",
    hint: "Write one with `lapidary init DIR`, or name it with --config.",
  });
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/**
 * The value written in a configuration file, unchecked.
 *
 * @throws {LapidaryError} CONFIG_UNREADABLE with file and line
 */
export async function readConfig(file: string): Promise<unknown> {
  const ending = extname(file).toLowerCase();
  if (ending === ".yaml" || ending === ".yml") return parseText(await readText(file), file, "core");
  if (ending === ".json") return parseJson(await readText(file), file);
  if ([".ts", ".mts", ".js", ".mjs"].includes(ending)) return importModule(file);
  throw unreadable({
    where: file,
    expected: "a .ts, .js, .mjs, .yaml, .yml or .json file",
    got: ending || "no ending",
  });
}

async function readText(file: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).replace(/^\uFEFF/, "");
  } catch (cause) {
    throw unreadable({ where: file, expected: "a readable file", got: firstLineOf(cause) }, cause);
  }
}

async function importModule(file: string): Promise<unknown> {
  // A configuration may import "lapidary" wherever it lies, so the package answers for itself. Reading must not
  // write, hence no cache on disk; a file read twice is evaluated twice, hence none in memory.
  const jiti = createJiti(import.meta.url, {
    fsCache: false,
    moduleCache: false,
    virtualModules: { lapidary: { defineProject } },
  });
  try {
    const value: unknown = await jiti.import(file, { default: true });
    return value;
  } catch (cause) {
    throw unreadable(
      { where: file, expected: "a module whose default export is the configuration", got: firstLineOf(cause) },
      cause,
    );
  }
}

/** JSON is read strictly, then as YAML's JSON schema, which names the line of an error and finds duplicate keys. */
function parseJson(text: string, file: string): unknown {
  try {
    JSON.parse(text);
  } catch (cause) {
    const offset = /position (\d+)/.exec(firstLineOf(cause))?.[1];
    if (offset === undefined) parseText(text, file, "json");
    const line = offset === undefined ? "" : `:${text.slice(0, Number(offset)).split("\n").length}`;
    throw unreadable({ where: `${file}${line}`, expected: "JSON", got: firstLineOf(cause) }, cause);
  }
  return parseText(text, file, "json");
}

function parseText(text: string, file: string, schema: "core" | "json"): unknown {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, schema });
  const [error] = document.errors;
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw unreadable(
      { where: `${file}:${line}:${col}`, expected: "valid YAML or JSON", got: firstLineOf(error) },
      error,
    );
  }
  try {
    const value: unknown = document.toJS();
    return value;
  } catch (cause) {
    throw unreadable({ where: file, expected: "plain data", got: firstLineOf(cause) }, cause);
  }
}

function unreadable(facts: { where: string; expected: string; got: string }, cause?: unknown): LapidaryError {
  return new LapidaryError(
    { code: "CONFIG_UNREADABLE", ...facts, hint: "Correct the file, then run the command again." },
    { cause },
  );
}
