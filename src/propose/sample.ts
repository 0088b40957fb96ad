import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { type ErrorFacts, LapidaryError } from "../base/errors.ts";
import { firstLineOf } from "../base/message.ts";
import { EVENTS_DEFAULTS } from "../config/events/events-schema.ts";
import type { SqlSource } from "../config/types.ts";
import { guessDelimiter } from "../data/ingest/files/index.ts";
import { runQuery } from "../data/ingest/sources/query.ts";
import { identifier, literal, queryRows } from "../data/ingest/sql.ts";
import { checkNamed, checkOneLog, otherLogHint } from "./one-log.ts";
import type { LogFormat } from "./proposal.ts";
import { fieldsIn, jsonFields } from "./proposals/nested.ts";
import type { SampledField } from "./sampled-field.ts";

/** Rows that are looked at. */
const SAMPLE_ROWS = 20_000;
/** Files that they are from, spread over all. */
const MOST_FILES = 8;
/** Larger files are sampled at their beginning alone. @unit bytes */
const MOST_BYTES = 256 * 2 ** 20;
const MOST_FIELDS = 1000;

/** Rows of a log, drawn over its files. */
export interface Sample {
  /** What separates the fields, if it is not what the format says. */
  readonly delimiter: string | null;
  /** Whether decimals follow a comma; the values have points. */
  readonly hasDecimalComma: boolean;
  readonly format: LogFormat;
  /** Whether the names of the files do not tell the format. */
  readonly namesFormat: boolean;
  readonly files: readonly string[];
  readonly numRows: number;
  readonly fields: readonly SampledField[];
}

/** A log that is open to be looked at. */
export class Log {
  readonly files: readonly string[];
  readonly format: LogFormat;
  readonly namesFormat: boolean;
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  /** Of the fields inside of others, by their dotted names. */
  readonly #paths = new Map<string, readonly string[]>();
  #delimiter: string | null = null;

  private constructor(files: readonly string[], { instance, connection }: Engine) {
    this.files = files;
    const [first = ""] = files;
    const named = formatOfName(first);
    this.format = named ?? formatOfBytes(first);
    this.namesFormat = named === null;
    this.#instance = instance;
    this.#connection = connection;
  }

  /**
   * Opens the files that paths or globs name.
   *
   * @throws {LapidaryError} EVENTS_NOT_FOUND, EVENTS_UNREADABLE
   */
  static async open(patterns: readonly string[]): Promise<Log> {
    const engine = await startEngine();
    const paths = new Set<string>();
    for (const pattern of patterns) for (const path of await expand(engine.connection, pattern)) paths.add(path);
    const files = [...paths].sort();
    const formats = new Set(files.map(formatOfName));
    if (formats.size > 1) throw mixedFormats(files);
    return new Log(files, engine);
  }

  /**
   * Runs a query; its rows are kept in the folder `into`.
   *
   * @throws {LapidaryError} EVENTS_QUERY
   */
  static async ofQuery(sql: SqlSource, into: string): Promise<Log> {
    const path = await runQuery(sql, { into, where: "the query" });
    return new Log([path], await startEngine());
  }

  /** Rows drawn from files all over the log; the same for the same files. @throws {LapidaryError} EVENTS_UNREADABLE, EVENTS_EMPTY, INIT_FIELDS */
  async sample(): Promise<Sample> {
    const paths = spread(
      this.files.filter((path) => statSync(path).size > 0),
      MOST_FILES,
    );
    const perFile = Math.ceil(SAMPLE_ROWS / Math.max(1, paths.length));
    const parts: SampledField[][] = [];
    this.#delimiter = await this.#guessedDelimiter(paths[0]);
    // A sample is the same for the same seed on one thread alone.
    await this.#connection.run("SET threads = 1");
    for (const path of paths) parts.push(await this.#read(path, perFile));
    await this.#connection.run("RESET threads");
    const files = paths.map((path, i) => ({ path, fields: parts[i] ?? [] }));
    if (this.format === "csv" || this.format === "tsv") for (const file of files) checkNamed(file);
    checkOneLog(files);
    const read = joined(parts);
    const hasDecimalComma = (this.format === "csv" || this.format === "tsv") && hasCommas(read);
    const fields = hasDecimalComma ? read.map(withPoints) : read;
    const numRows = fields[0]?.values.length ?? 0;
    const [first = ""] = this.files;
    if (numRows === 0 || fields.length === 0) throw empty(first);
    if (fields.length > MOST_FIELDS)
      throw unreadable(first, { expected: `fewer than ${MOST_FIELDS} fields`, got: `${fields.length}` });
    const { format, namesFormat } = this;
    return { format, namesFormat, files: this.files, numRows, fields, hasDecimalComma, delimiter: this.#delimiter };
  }

  /** Aggregates over every row of the log; `{field}` texts come from {@link raw}. */
  async aggregate(expressions: readonly string[]): Promise<readonly unknown[]> {
    const files = this.files.filter((path) => statSync(path).size > 0);
    const list = `[${files.map(literal).join(", ")}]`;
    const [row] = await queryRows(this.#connection, `SELECT ${expressions.join(", ")} FROM ${this.#table(list)}`);
    return row ?? [];
  }

  /** SQL of a field as it stands in {@link aggregate}. */
  raw(field: string): string {
    const path = this.#paths.get(field) ?? [field];
    if (this.format !== "jsonl") return path.map(identifier).join(".");
    const pointer = path.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
    return `json_extract_string(text, ${literal(pointer)})`;
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }

  #table(files: string): string {
    if (this.format === "parquet") return `read_parquet(${files}, union_by_name = true)`;
    if (this.format === "jsonl") {
      return `(SELECT json::VARCHAR AS text FROM read_ndjson_objects(${files}, ignore_errors = true))`;
    }
    // As ingest reads them: a quote is a character like any other in TSV.
    const [delimiter, quote] = this.format === "tsv" ? ["\t", ""] : [this.#delimiter ?? ",", '"'];
    const nulls = ["", ...EVENTS_DEFAULTS.nulls].map(literal).join(", ");
    return `read_csv(${files}, all_varchar = true, header = true, delim = ${literal(delimiter)}, nullstr = [${nulls}], quote = '${quote}', escape = '${quote}', null_padding = true, strict_mode = false, ignore_errors = true, union_by_name = true)`;
  }

  /** The delimiter of a file of CSV, if its header has more of another than of commas. */
  async #guessedDelimiter(path: string | undefined): Promise<string | null> {
    if (this.format !== "csv" || path === undefined) return null;
    const whole = `read_csv(${literal(path)}, all_varchar = true, header = true, delim = ${literal("\u0001")}, quote = '', strict_mode = false)`;
    const [header] = await queryRows(this.#connection, `DESCRIBE SELECT * FROM ${whole}`).catch(() => []);
    const delimiter = guessDelimiter(String(header?.[0] ?? ""))?.delimiter ?? ",";
    return delimiter === "," ? null : delimiter;
  }

  async #read(path: string, numRows: number): Promise<SampledField[]> {
    try {
      const table = this.#table(literal(path));
      const whole = statSync(path).size <= MOST_BYTES;
      const some = whole ? `USING SAMPLE reservoir(${numRows} ROWS) REPEATABLE (1)` : `LIMIT ${numRows}`;
      if (this.format === "jsonl") {
        const rows = await queryRows(this.#connection, `SELECT text FROM ${table} ${some}`);
        const { fields, paths } = jsonFields(rows.map(([text]) => String(text)));
        for (const [name, path] of paths) this.#paths.set(name, path);
        return fields;
      }
      const names = await fieldsIn(this.#connection, `FROM ${table}`);
      for (const { name, path: own } of names) if (own.length > 1) this.#paths.set(name, own);
      // As JSON, lists can be read.
      const columns = names
        .map(({ name, type }) =>
          type.endsWith("]") ? `to_json(${this.raw(name)})::VARCHAR` : `${this.raw(name)}::VARCHAR`,
        )
        .join(", ");
      const rows = await queryRows(this.#connection, `SELECT ${columns} FROM (SELECT * FROM ${table} ${some})`);
      return names.map(({ name, type }, i) => ({
        name,
        type,
        values: rows.map((row) => (row[i] === null ? null : String(row[i]))),
      }));
    } catch (cause) {
      const got = firstLineOf(cause);
      throw unreadable(path, { expected: `a readable ${this.format} file`, got }, cause);
    }
  }
}

interface Engine {
  readonly instance: DuckDBInstance;
  readonly connection: DuckDBConnection;
}

async function startEngine(): Promise<Engine> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  return { instance, connection };
}

async function expand(connection: DuckDBConnection, pattern: string): Promise<readonly string[]> {
  const path = resolve(pattern);
  if (existsSync(path) && statSync(path).isFile()) return [path];
  const rows = await queryRows(connection, `SELECT file FROM glob(${literal(path)})`);
  const files = rows.map(([file]) => String(file)).filter((file) => statSync(file).isFile());
  if (files.length > 0) return files;
  throw new LapidaryError({
    code: "EVENTS_NOT_FOUND",
    where: pattern,
    expected: "at least one file",
    got: existsSync(path) ? "a folder" : "none",
    hint: existsSync(path) ? `Name its files, as in "${pattern}/*.parquet".` : "Check the path.",
  });
}

function formatOfName(path: string): LogFormat | null {
  const name = /\.(parquet|csv|tsv|jsonl|ndjson)(\.(gz|zst))?$/i.exec(path)?.[1]?.toLowerCase();
  if (name === "ndjson") return "jsonl";
  return name === "parquet" || name === "csv" || name === "tsv" || name === "jsonl" ? name : null;
}

/** The format that the first bytes of an uncompressed file look like. */
function formatOfBytes(path: string): LogFormat {
  const bytes = Buffer.alloc(4096);
  const fd = openSync(path, "r");
  const size = readSync(fd, bytes, 0, bytes.length, 0);
  closeSync(fd);
  const text = bytes.subarray(0, size).toString("utf8");
  if (text.startsWith("PAR1")) return "parquet";
  const [line = ""] = text.replace(/^\uFEFF/, "").split("\n");
  if (line.trimStart().startsWith("{")) return "jsonl";
  return line.split("\t").length > line.split(",").length ? "tsv" : "csv";
}

/** Some of the files, the first and the last among them. */
function spread(files: readonly string[], most: number): readonly string[] {
  if (files.length <= most) return files;
  return Array.from({ length: most }, (_, i) => files[Math.round((i * (files.length - 1)) / (most - 1))] ?? "");
}

/** The rows of several files below each other; a field that a file does not have is missing there. */
function joined(parts: readonly (readonly SampledField[])[]): readonly SampledField[] {
  const names = new Map(parts.flat().map(({ name, type }) => [name, type]));
  return Array.from(names, ([name, type]) => ({
    name,
    type,
    values: parts.flatMap((part) => {
      const values = part.find((field) => field.name === name)?.values;
      return values ?? Array.from({ length: part[0]?.values.length ?? 0 }, () => null);
    }),
  }));
}

function unreadable(
  where: string,
  { expected, got }: Pick<ErrorFacts, "expected" | "got">,
  cause?: unknown,
): LapidaryError {
  const hint = "Check that the file is whole, and that its name says its format: .parquet, .csv, .tsv or .jsonl.";
  return new LapidaryError({ code: "EVENTS_UNREADABLE", where, expected, got, hint }, { cause });
}

function mixedFormats(files: readonly string[]): LapidaryError {
  const [smallest = ""] = files.toSorted((a, b) => statSync(a).size - statSync(b).size);
  const hint = otherLogHint(smallest);
  return new LapidaryError({
    code: "EVENTS_UNREADABLE",
    where: smallest,
    expected: "files of one format",
    got: [...new Set(files.map((file) => formatOfName(file) ?? "another"))].join(", "),
    hint,
  });
}

const COMMA_NUMBER = /^[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?$/;
/** Share of a field's values that must be numbers with a comma. */
const MOST_COMMAS = 0.99;

/** Whether some field has decimals after a comma, and none after a point. */
function hasCommas(fields: readonly SampledField[]): boolean {
  const isNumber = ({ values }: SampledField, form: RegExp, mark: RegExp): boolean => {
    const present = values.filter((value) => value !== null);
    const numbers = present.filter((value) => form.test(value));
    return numbers.length >= MOST_COMMAS * present.length && numbers.some((value) => mark.test(value));
  };
  const hasPoints = fields.some((field) => isNumber(field, /^[+-]?\d+(\.\d+)?$/, /\./));
  return !hasPoints && fields.some((field) => isNumber(field, COMMA_NUMBER, /,/));
}

function withPoints(field: SampledField): SampledField {
  const isComma = (value: string): boolean => COMMA_NUMBER.test(value) && value.includes(",");
  const point = (value: string): string => value.replaceAll(".", "").replace(",", ".");
  return { ...field, values: field.values.map((value) => (value !== null && isComma(value) ? point(value) : value)) };
}

function empty(where: string): LapidaryError {
  const hint = "Choose a file with events.";
  return new LapidaryError({ code: "EVENTS_EMPTY", where, expected: "at least one event", got: "none", hint });
}
