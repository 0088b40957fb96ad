/** What the parts of a configuration that name files and fields share. */
import { resolve as resolvePath } from "node:path";
import type { Problem } from "../../base/check.ts";
import type { UserConfig } from "../schema.ts";
import type { EventsConfig, SqlSource, TextConfig, TimeField, TimeUnit } from "../types.ts";
import { EVENTS_DEFAULTS } from "./events-schema.ts";

/** Told of every problem. */
export type Report = (problem: Problem) => void;

/** The problem of a value that the schema allows and the whole does not. */
export function invalid(path: string, facts: { expected: string; got: string; hint: string }): Problem {
  return { code: "CONFIG_INVALID", path, ...facts };
}

/** The format that the names of files tell; null if they tell none, or several. */
export function formatOfNames(paths: readonly string[]): EventsConfig["format"] | null {
  const formats = new Set(
    paths.map((path) => /\.(parquet|csv|tsv|jsonl|ndjson)(\.(gz|zst))?$/i.exec(path)?.[1]?.toLowerCase()),
  );
  const [format] = formats;
  if (formats.size !== 1) return null;
  if (format === "ndjson") return "jsonl";
  return format === "parquet" || format === "csv" || format === "tsv" || format === "jsonl" ? format : null;
}

/** Text as each format has it where nothing is said. */
export const PLAIN_TEXT: TextConfig = {
  delimiter: EVENTS_DEFAULTS.delimiter,
  quote: EVENTS_DEFAULTS.quote,
  escape: EVENTS_DEFAULTS.escape,
  encoding: EVENTS_DEFAULTS.encoding,
  nulls: EVENTS_DEFAULTS.nulls,
  decimal: EVENTS_DEFAULTS.decimal,
};

/**
 * How files of a format are spelt that are not the log's own, such as rows to score. What is said of a log of text is said
 * of its format: files of another one are as that has it.
 */
export function textOfFormat(log: Pick<EventsConfig, "format" | "text">, format: EventsConfig["format"]): TextConfig {
  return log.format === format || log.format === "parquet" ? log.text : PLAIN_TEXT;
}

/** The files that a user names as a log, absolute, or the query. */
export function resolveRows(
  from: UserConfig["events"]["from"],
  root: string,
): { readonly from: readonly string[]; readonly sql: SqlSource | null } {
  if (typeof from === "object" && "sql" in from) return { from: [], sql: { query: from.sql, folder: root } };
  const paths = typeof from === "string" ? [from] : from;
  return { from: paths.map((path) => resolvePath(root, path)), sql: null };
}

/** A field of times; `unit` is that of a field without its own. */
export function resolveTimeField(time: NonNullable<UserConfig["events"]["time"]>, unit: TimeUnit = "ms"): TimeField {
  return typeof time === "string" ? { from: time, unit } : { from: time.from, unit: time.unit };
}
