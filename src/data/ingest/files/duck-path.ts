import { literal } from "../sql.ts";

/**
 * SQL text under which DuckDB's readers take exactly this file. They expand `*`, `?` and `[` in every path that they
 * are given, so each stands in a class of its own; nothing else is special to them, braces and backslashes included.
 * Pass `hive_partitioning = false` beside it, or names of folders become fields.
 */
export function duckPath(path: string): string {
  return literal(path.replace(/[*?[]/g, "[$&]"));
}
