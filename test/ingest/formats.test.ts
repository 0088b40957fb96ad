import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EventsConfig } from "../../src/config/types.ts";
import { eventsConfig, storeBytes, temporaryFolder } from "../../src/data/events.test.support.ts";
import { ingest } from "../../src/data/ingest/ingest.ts";

/** Generated logs; LAPIDARY_TEST_RUNS asks for more. */
const RUNS = Number(process.env["LAPIDARY_TEST_RUNS"] ?? 6);

/** What every format can hold: TSV has neither tabs nor line breaks, and text of space alone is no text of JSON's lines. */
const word = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 8 })
  .filter((text) => !/[\t\r\n\uFEFF]/.test(text) && text !== "\\N");

const row = fc.record({
  user_id: fc.oneof(
    fc.nat(9).map((i) => `u${i}`),
    word,
  ),
  ad_id: fc.nat(20),
  ts: fc.integer({ min: 1_600_000_000_000, max: 1_600_000_900_000 }),
  action: fc.option(fc.constantFrom("view", "like")),
  origin: fc.option(fc.constantFrom("ad", "organic")),
  brand: fc.option(word),
  price: fc.option(fc.float({ noNaN: true, noDefaultInfinity: true })),
  is_click: fc.option(fc.constantFrom(0, 1)),
  dwell: fc.option(fc.nat(9)),
});

type Row = Readonly<Record<string, string | number | null>>;

const NAMES = ["event_id", "user_id", "ad_id", "ts", "action", "origin", "brand", "price", "is_click", "dwell"];
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

let instance: DuckDBInstance;
let connection: DuckDBConnection;

beforeAll(async () => {
  instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  connection = await instance.connect();
});

afterAll(() => {
  connection.closeSync();
  instance.closeSync();
});

/** Writes rows as one file of a form, and returns its path. */
type Writer = (rows: readonly Row[], path: string) => Promise<void>;

const text = (write: (rows: readonly Row[]) => string | Buffer): Writer => {
  return async (rows, path) => writeFileSync(path, write(rows));
};

const FORMS: Readonly<Record<string, readonly [format: EventsConfig["format"], ending: string, write: Writer]>> = {
  csv: ["csv", "csv", text(csv)],
  tsv: ["tsv", "tsv", text(tsv)],
  jsonl: ["jsonl", "jsonl", text(jsonl)],
  gz: ["csv", "csv.gz", text((rows) => gzipSync(csv(rows)))],
  zst: ["jsonl", "jsonl.zst", writeZst],
  parquet: ["parquet", "parquet", writeParquet],
};

const columnsSql = (types: Readonly<Record<string, string>>) =>
  `{${NAMES.map((name) => `'${name}': '${types[name] ?? "VARCHAR"}'`).join(", ")}}`;

async function writeParquet(rows: readonly Row[], path: string): Promise<void> {
  writeFileSync(`${path}.rows`, jsonl(rows));
  const read = `read_json('${path}.rows', format = 'newline_delimited', columns = ${columnsSql(TYPES)})`;
  await connection.run(`COPY (FROM ${read}) TO '${path}' (FORMAT parquet)`);
}

async function writeZst(rows: readonly Row[], path: string): Promise<void> {
  writeFileSync(`${path}.rows`, jsonl(rows));
  const lines = `read_csv('${path}.rows', columns = {'t': 'VARCHAR'}, auto_detect = false, header = false, delim = '\x01', quote = '', escape = '')`;
  const form = "FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01', COMPRESSION zstd";
  await connection.run(`COPY (FROM ${lines}) TO '${path}' (${form})`);
}

/** What is stored, byte by byte: all but where it came from. */
function stored(store: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(storeBytes(store)).filter(([name]) => /columns|dictionaries/.test(name)));
}

interface Shuffle {
  readonly draws: Iterator<number>;
  readonly numFiles: number;
}

/** The rows in another order, in files. */
function shuffled(rows: readonly Row[], { draws, numFiles }: Shuffle): readonly (readonly Row[])[] {
  const drawn = rows.map((each) => ({ draw: Number(draws.next().value), each })).sort((a, b) => a.draw - b.draw);
  const parts = Array.from({ length: numFiles }, (): Row[] => []);
  for (const { draw, each } of drawn) parts[draw % numFiles]?.push(each);
  return parts.filter((part) => part.length > 0);
}

async function writeFiles(form: string, dir: string, parts: readonly (readonly Row[])[]): Promise<void> {
  const [, ending, write] = FORMS[form]!;
  mkdirSync(dir);
  for (const [i, part] of parts.entries()) await write(part, join(dir, `${i}.${ending}`));
}

async function ingested(form: string, dir: string, numRows: number): Promise<Readonly<Record<string, string>>> {
  const [format, ending] = FORMS[form]!;
  const store = join(dir, "store");
  const result = await ingest(eventsConfig(join(dir, `*.${ending}`), format), { store, threads: 1 });
  expect(result.rows).toMatchObject({ rowsRead: numRows, accepted: numRows });
  return stored(store);
}

describe("a log", () => {
  it(`gives the same bytes in six forms, split and shuffled among files (${RUNS} logs)`, async () => {
    const logs = fc.tuple(
      fc.array(row, { minLength: 1, maxLength: 40 }),
      fc.infiniteStream(fc.nat()),
      fc.integer({ min: 1, max: 4 }),
    );
    await fc.assert(
      fc.asyncProperty(logs, async ([generated, draws, numFiles]) => {
        using folder = temporaryFolder();
        const rows: Row[] = generated.map((each, i) => ({ event_id: `e${i}`, ...each }));
        const found: Record<string, unknown> = {};
        for (const form of Object.keys(FORMS)) {
          const dir = join(folder.path, form);
          await writeFiles(form, dir, shuffled(rows, { draws, numFiles }));
          found[form] = await ingested(form, dir, rows.length);
        }
        for (const form of Object.keys(FORMS)) expect(found[form], form).toEqual(found["csv"]);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });
});
