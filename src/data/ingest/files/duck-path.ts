import { symlinkSync } from "node:fs";
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
