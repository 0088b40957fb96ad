import { mkdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256 } from "../../../files/digest.ts";
import { literal } from "../sql.ts";

/**
 * SQL text under which DuckDB's readers take exactly this file. They expand `*`, `?` and `[` in every path that they
 * are given, so each stands in a class of its own; nothing else is special to them, braces included. Pass
 * `hive_partitioning = false` beside it, or names of folders become fields.
 *
 * A path of {@link spellable} is needed: in one that has these characters, a backslash would be read as a slash.
 */
export function duckPath(path: string): string {
  return literal(path.replace(/[*?[]/g, "[$&]"));
}

/** A path of the file that {@link duckPath} can spell: its own, or `link`, which is then made to lead to it. */
export function spellable(path: string, link: string): string {
  if (!(path.includes("\\") && /[*?[]/.test(path))) return path;
  symlinkSync(path, link);
  return link;
}

/** {@link spellable}, by a link in the system's temporary folder that is the same each time; the caller removes it. */
export function spellableForNow(path: string): string {
  const link = join(tmpdir(), `lapidary-${sha256(path).slice(0, 32)}`);
  rmSync(link, { force: true });
  return spellable(path, link);
}

/** Where the database of a folder is. */
export interface DatabaseFolder {
  readonly path: string;
  /** Removes it, if it is not the folder itself. */
  readonly remove: () => void;
}

/**
 * Where the database of a folder can be: in it, or where its path has a `?` in a temporary one that is the same each
 * time. DuckDB cuts a database's path at the `?` to name the log of what it writes, through links too.
 *
 * @example
 * import { databaseFolder } from "lapidary/data";
 *
 * const { path, remove } = databaseFolder(process.cwd());
 * console.log(path === process.cwd()); // true
 * remove();
 */
export function databaseFolder(folder: string): DatabaseFolder {
  const real = realpathSync(folder);
  if (!real.includes("?")) return { path: folder, remove: () => {} };
  const digest = sha256(real).slice(0, 16);
  const path = join(tmpdir(), `lapidary-${process.getuid?.() ?? 0}-${digest}`);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
