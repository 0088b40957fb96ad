/** Logs of the same rows in every form that ingest reads. */
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type { EventsConfig } from "../../src/config/types.ts";

/** A row by the names of its fields. */
export type Row = Readonly<Record<string, string | number | null>>;

/** The fields of `eventsConfig`. */
export const NAMES = ["event_id", "user_id", "ad_id", "ts", "action", "origin", "brand", "price", "is_click", "dwell"];
const TYPES = { ad_id: "BIGINT", ts: "BIGINT", price: "FLOAT", is_click: "UTINYINT", dwell: "INTEGER" } as const;

function csv(rows: readonly Row[]): string {
  const field = (value: string | number | null | undefined) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${[NAMES.join(","), ...rows.map((each) => NAMES.map((name) => field(each[name])).join(","))].join("\n")}\n`;
}

function tsv(rows: readonly Row[]): string {
  return `${[NAMES.join("\t"), ...rows.map((each) => NAMES.map((name) => each[name] ?? "").join("\t"))].join("\r\n")}\r\n`;
}

function jsonl(rows: readonly Row[]): string {
  return rows.map((each) => `${JSON.stringify(each)}\n`).join("");
}

/** Writes rows as one file of a form. */
type Writer = (rows: readonly Row[], path: string, engine: DuckDBConnection) => Promise<void>;

const text = (write: (rows: readonly Row[]) => string | Buffer): Writer => {
  return async (rows, path) => writeFileSync(path, write(rows));
};

/** The format, the ending and the writer of each form. */
export const FORMS: Readonly<Record<string, readonly [format: EventsConfig["format"], ending: string, write: Writer]>> =
  {
    csv: ["csv", "csv", text(csv)],
    tsv: ["tsv", "tsv", text(tsv)],
    jsonl: ["jsonl", "jsonl", text(jsonl)],
    gz: ["csv", "csv.gz", text((rows) => gzipSync(csv(rows)))],
    zst: ["jsonl", "jsonl.zst", writeZst],
    parquet: ["parquet", "parquet", writeParquet],
  };

const columnsSql = (types: Readonly<Record<string, string>>) =>
  `{${NAMES.map((name) => `'${name}': '${types[name] ?? "VARCHAR"}'`).join(", ")}}`;

async function writeParquet(rows: readonly Row[], path: string, engine: DuckDBConnection): Promise<void> {
  writeFileSync(`${path}.rows`, jsonl(rows));
  const read = `read_json('${path}.rows', format = 'newline_delimited', columns = ${columnsSql(TYPES)})`;
  await engine.run(`COPY (FROM ${read}) TO '${path}' (FORMAT parquet)`);
}

async function writeZst(rows: readonly Row[], path: string, engine: DuckDBConnection): Promise<void> {
  writeFileSync(`${path}.rows`, jsonl(rows));
  const lines = `read_csv('${path}.rows', columns = {'t': 'VARCHAR'}, auto_detect = false, header = false, delim = '\x01', quote = '', escape = '')`;
  const form = "FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01', COMPRESSION zstd";
  await engine.run(`COPY (FROM ${lines}) TO '${path}' (${form})`);
}

/** An engine that writes logs, until it is disposed of. */
export async function openEngine(): Promise<Disposable & { readonly connection: DuckDBConnection }> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  return {
    connection,
    [Symbol.dispose]: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}
