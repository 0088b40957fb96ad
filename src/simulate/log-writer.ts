import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  DOUBLE,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBType,
  FLOAT,
  INTEGER,
  SMALLINT,
  TINYINT,
  UTINYINT,
} from "@duckdb/node-api";
import { FORMATS, type WorldConfig } from "../config/world/world.ts";
import { literal } from "../data/ingest/sql.ts";
import { makeFolder } from "../files/durable-file.ts";
import { AGE_BANDS, COUNTRIES, DEVICES } from "./behaviour/people.ts";
import { OracleCalibration } from "./oracles/calibrate.ts";
import { ASKED_SQL, calibratedSql } from "./oracles/oracle-sql.ts";
import type { Rows } from "./rows.ts";

/** Folder of the log, inside of a world's. */
export const LOG_FOLDER = "log";
/** Folder of the conversions as events of their own, in worlds that have them. */
const CONVERSIONS_FOLDER = "conversions";
/** Folder of the true probabilities, inside of a world's: apart, so that no log's pattern reads it. */
export const TRUTH_FOLDER = "truth";
/** Folder of what oracles say, beside the truth, in worlds whose oracles were asked. */
export const ORACLES_FOLDER = "oracles";
/** What they said before it is calibrated. */
const ASKED_FOLDER = "asked";
/** Numbers of a creative up to which each has a column of its own. */
const CREATIVE_COLUMNS = 8;

/** Rows of a chunk that the database takes at once. */
const CHUNK_ROWS = 2048;

/** Columns that a world has in any number. */
type Many = Rows["oracles" | "creative" | "personTraits" | "itemTraits"];

type Values = Rows["columns"][keyof Rows["columns"]] | Many[number];

/** Writes the log and its truth as Parquet, a pair of files at a time, while the next rows are being made. */
export class LogWriter implements AsyncDisposable {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #folder: string;
  /** Null unless they are asked. */
  readonly #oracles: OracleCalibration | null;
  /** The query of each folder's files. */
  readonly #parts: Readonly<Record<string, string>>;
  /** The files that are being written. */
  #pending: Promise<unknown> = Promise.resolve();

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, options: LogWriterOptions) {
    this.#instance = instance;
    this.#connection = connection;
    this.#folder = options.folder;
    this.#parts = partsOf(options);
    this.#oracles = options.oracles ? new OracleCalibration(Object.keys(options.config.surfaces).length) : null;
  }

  /** Opens a writer into a folder that is empty or not there. */
  static async open(options: LogWriterOptions): Promise<LogWriter> {
    for (const part of Object.keys(partsOf(options))) makeFolder(join(options.folder, part));
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    // The other core makes rows meanwhile, and one thread's files have the same bytes every time.
    await connection.run("SET threads = 1");
    return new LogWriter(instance, connection, options);
  }

  /** Takes over the rows as one file of this name; they may be overwritten as soon as this resolves. */
  async write(rows: Rows, name: string): Promise<void> {
    await this.#pending;
    const columns = columnsOf(rows);
    const fields = Object.entries(columns).map(([column, values]) => `${column} ${typeOf(values)}`);
    await this.#connection.run(`CREATE OR REPLACE TABLE staged (${fields.join(", ")})`);
    await this.#stage(Object.values(columns), rows.length);
    this.#oracles?.add(rows);
    this.#pending = this.#copy(`${name}.parquet`);
    // A failure is met by whoever awaits it next: before that it is nobody's.
    this.#pending.catch(() => {});
  }

  /** Waits for the last file. What oracles said is calibrated then: to all that happened. */
  async finish(): Promise<void> {
    await this.#pending;
    if (this.#oracles === null) return;
    const [asked, calibrated] = [ASKED_FOLDER, ORACLES_FOLDER].map((part) => join(this.#folder, part)) as [
      string,
      string,
    ];
    makeFolder(calibrated);
    const select = calibratedSql(this.#oracles.fit());
    for (const file of readdirSync(asked).sort()) {
      const from = `read_parquet(${literal(join(asked, file))})`;
      await this.#connection.run(
        `COPY (${select} FROM ${from}) TO ${literal(join(calibrated, file))} (FORMAT parquet)`,
      );
    }
    rmSync(asked, { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pending.catch(() => {});
    this.#connection.closeSync();
    this.#instance.closeSync();
  }

  async #stage(columns: readonly Values[], length: number): Promise<void> {
    const appender = await this.#connection.createAppender("staged");
    const types = columns.map(typeOf);
    for (let start = 0; start < length; start += CHUNK_ROWS) {
      const end = Math.min(length, start + CHUNK_ROWS);
      const chunk = DuckDBDataChunk.create(types, end - start);
      for (const [index, values] of columns.entries()) {
        // Every fixed-width vector of the client keeps its values in `items`, which its types hide.
        const vector = chunk.getColumnVector(index) as unknown as { readonly items: Values; flush(): void };
        vector.items.set(values.subarray(start, end));
        vector.flush();
      }
      appender.appendDataChunk(chunk);
    }
    appender.closeSync();
  }

  async #copy(file: string): Promise<void> {
    for (const [part, select] of Object.entries(this.#parts)) {
      await this.#connection.run(`COPY (${select}) TO ${literal(join(this.#folder, part, file))} (FORMAT parquet)`);
    }
  }
}

/** What a {@link LogWriter} needs. */
export interface LogWriterOptions {
  readonly folder: string;
  readonly config: WorldConfig;
  /** Whether the rows have what oracles say. */
  readonly oracles: boolean;
}

function partsOf({ config, oracles }: LogWriterOptions): Readonly<Record<string, string>> {
  const { conversion } = config;
  return {
    [LOG_FOLDER]: logSql(config),
    [TRUTH_FOLDER]: TRUTH_SQL,
    ...(conversion.log ? { [CONVERSIONS_FOLDER]: conversionsSql(conversion.windowMs) } : {}),
    ...(oracles ? { [ASKED_FOLDER]: ASKED_SQL } : {}),
  };
}

function columnsOf({ columns, creative, oracles, personTraits, itemTraits }: Rows): Readonly<Record<string, Values>> {
  const named = (name: string, all: Many) => all.map((values, i) => [`${name}${i}`, values] as const);
  const many = [...named("creative", creative), ...named("oracle", oracles)];
  const traits = [...named("personTrait", personTraits), ...named("itemTrait", itemTraits)];
  return { ...columns, ...Object.fromEntries([...many, ...traits]) };
}

function typeOf(values: Values): DuckDBType {
  if (values instanceof Float64Array) return DOUBLE;
  if (values instanceof Float32Array) return FLOAT;
  if (values instanceof Int32Array) return INTEGER;
  if (values instanceof Uint8Array) return UTINYINT;
  return values instanceof Int16Array ? SMALLINT : TINYINT;
}

function nameOf(names: readonly string[], code: string): string {
  return `[${names.map(literal).join(", ")}][${code} + 1]`;
}

/** The log as a company would keep it: ids, words, and nothing that only the world knows. */
function logSql({ surfaces, topics: { creativeDim }, traits }: WorldConfig): string {
  const creative = Array.from({ length: creativeDim }, (_, i) => `creative${i}`);
  const named = (count: number, column: string, name: string) =>
    Array.from({ length: count }, (_, i) => `${column}${i} AS ${name}_${i},`).join(" ");
  return `SELECT
    event::BIGINT AS event_id,
    make_timestamp_ms(time::BIGINT) AS time,
    user AS user_id,
    item AS item_id,
    'impression' AS action,
    ${nameOf(Object.keys(surfaces), "surface")} AS surface,
    ${nameOf(["organic", "ad"], "isAd")} AS origin,
    position,
    maker AS author_id,
    nullif(campaign, -1) AS campaign_id,
    ${nameOf(FORMATS, "format")} AS format,
    topic,
    ${creativeDim > CREATIVE_COLUMNS ? `[${creative.join(", ")}] AS creative` : creative.map((column, i) => `${column} AS creative_${i}`).join(", ")},
    ${nameOf(AGE_BANDS, "age")} AS age_band,
    ${nameOf(COUNTRIES, "country")} AS country,
    ${nameOf(DEVICES, "device")} AS device,
    ${named(traits.ofPeople, "personTrait", "person_trait")} ${named(traits.ofItems, "itemTrait", "item_trait")}
    looked AS is_view,
    dwell AS dwell_s,
    liked AS is_like,
    commented AS is_comment,
    shared AS is_share,
    nullif(clicked, -1) AS is_click,
    nullif(converted, -1) AS is_conversion,
    CASE WHEN isnan(delay) THEN NULL ELSE delay END AS conversion_hours
  FROM staged`;
}

/** The conversions, each at its own time; hours are kept as float32, so that the last ones are held within the window. */
function conversionsSql(windowMs: number): string {
  return `SELECT
    event::BIGINT AS event_id,
    make_timestamp_ms((time + least(round(delay * 3600000), ${windowMs}))::BIGINT) AS time,
    user AS user_id,
    item AS item_id
  FROM staged WHERE converted = 1`;
}

/** What only the world knows: the probability of each outcome, of the impression as a whole. */
const TRUTH_SQL = `SELECT
    event::BIGINT AS event_id,
    make_timestamp_ms(time::BIGINT) AS time,
    user AS user_id,
    trueLike AS p_like,
    CASE WHEN isnan(trueClick) THEN NULL ELSE trueClick END AS p_click,
    CASE WHEN isnan(trueConversion) THEN NULL ELSE trueConversion END AS p_conversion
  FROM staged`;
