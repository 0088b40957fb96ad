import { stat } from "node:fs/promises";
import type { DuckDBConnection } from "@duckdb/node-api";
import { LapidaryError } from "../../config/errors.ts";
import type { EventsConfig } from "../../config/types.ts";
import { literal, queryRows } from "./sql.ts";

/** One file of the log. */
export interface LogFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** SQL type by field name, in the file's order; null for JSONL, whose rows each have their own fields. */
  readonly fields: ReadonlyMap<string, string> | null;
}

/** The text format's field delimiter. */
export function delimiterOf(format: EventsConfig["format"]): string {
  return format === "tsv" ? "\t" : ",";
}

/** SQL that reads a file as lines of text, in order. */
export function linesSql(path: string, rejects: string = ""): string {
  // A control character that no text log holds as the delimiter makes one field of each line.
  return `read_csv(${literal(path)}, columns = {'text': 'VARCHAR'}, auto_detect = false, header = false, delim = '\x01', quote = '', escape = '', strict_mode = false, max_line_size = 16777216${rejects})`;
}

/**
 * The files of the log, sorted by path, each with its fields.
 *
 * @throws {LapidaryError} EVENTS_NOT_FOUND if a pattern matches nothing, EVENTS_UNREADABLE if a file cannot be read
 */
export async function listLogFiles(connection: DuckDBConnection, config: EventsConfig): Promise<readonly LogFile[]> {
  const paths = new Set<string>();
  for (const pattern of config.from) {
    const rows = await queryRows(connection, `SELECT file FROM glob(${literal(pattern)})`);
    if (rows.length === 0) throw notFound(pattern);
    for (const [path] of rows) paths.add(String(path));
  }
  const files: LogFile[] = [];
  for (const path of [...paths].sort()) {
    const { size, mtimeMs } = await stat(path);
    files.push({ path, sizeBytes: size, modifiedMs: mtimeMs, fields: await fieldsOf(connection, path, config.format) });
  }
  return files;
}

async function fieldsOf(connection: DuckDBConnection, path: string, format: EventsConfig["format"]) {
  if (format === "jsonl") return null;
  try {
    if (format === "parquet") return await parquetFields(connection, path);
    const [header] = await queryRows(connection, `SELECT text FROM ${linesSql(path)} LIMIT 1`);
    const names = splitHeader(String(header?.[0] ?? ""), delimiterOf(format));
    return new Map(names.map((name) => [name, "VARCHAR"]));
  } catch (cause) {
    throw unreadable(path, format, cause);
  }
}

async function parquetFields(connection: DuckDBConnection, path: string): Promise<ReadonlyMap<string, string>> {
  const rows = await queryRows(connection, `DESCRIBE SELECT * FROM read_parquet(${literal(path)})`);
  return new Map(rows.map(([name, type]) => [String(name), String(type)]));
}

/** The fields of a header line; quotes around a field are removed. */
export function splitHeader(line: string, delimiter: string): string[] {
  const text = line.replace(/^\uFEFF/, "");
  if (text === "") return [];
  if (delimiter === "\t") return text.split("\t");
  const names: string[] = [];
  for (const [, quoted, plain] of `,${text}`.matchAll(/,(?:"((?:[^"]|"")*)"|([^,]*))/g)) {
    names.push(quoted?.replaceAll('""', '"') ?? plain ?? "");
  }
  return names;
}

/**
 * Checks that files that are read several times were the same each time.
 *
 * @throws {LapidaryError} EVENTS_UNREADABLE
 */
export async function checkUnchanged(files: readonly LogFile[], format: EventsConfig["format"]): Promise<void> {
  if (format !== "parquet") return;
  for (const { path, sizeBytes, modifiedMs } of files) {
    const now = await stat(path).catch(() => null);
    if (now?.size === sizeBytes && now.mtimeMs === modifiedMs) continue;
    throw new LapidaryError({
      code: "EVENTS_UNREADABLE",
      where: path,
      expected: "a file that stays as it is while it is read",
      got: "one that was changed or removed",
      hint: "Run the ingest again when the file is finished.",
    });
  }
}

/** An error of reading a file, told as data. */
export function unreadable(path: string, format: string, cause: unknown): LapidaryError {
  if (cause instanceof LapidaryError) return cause;
  const got = (cause instanceof Error ? cause.message : String(cause)).split("\n")[0] ?? "";
  const hint = "Check that the file is whole and that events.format is right.";
  return new LapidaryError(
    { code: "EVENTS_UNREADABLE", where: path, expected: `a readable ${format} file`, got, hint },
    { cause },
  );
}

function notFound(pattern: string): LapidaryError {
  const hint = "Check events.from; relative paths start at the configuration file.";
  return new LapidaryError({
    code: "EVENTS_NOT_FOUND",
    where: pattern,
    expected: "at least one file",
    got: "none",
    hint,
  });
}
