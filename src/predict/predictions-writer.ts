import { join } from "node:path";
import {
  DOUBLE,
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBType,
  FLOAT,
  LIST,
  listValue,
  VARCHAR,
} from "@duckdb/node-api";
import type { GivenRows } from "../data/index.ts";
import type { Objective } from "../features/objectives.ts";
import type { Scores } from "./scorer.ts";

/** Memory of the engine that writes; what does not fit goes to its folder. */
const MEMORY = "256MB";
/** Each thread that writes Parquet holds rows of its own. */
const THREADS = "2";

/** Scored rows: those of the output that stand beside their scores. */
export interface ScoredRows extends Scores {
  readonly rows: GivenRows;
}

type Value = string | number | null | ReturnType<typeof listValue>;

/** One column of the output: how it is kept until the end, and what it is in Parquet. */
interface OutputColumn {
  readonly name: string;
  readonly type: DuckDBType;
  /** SQL of its value from the kept one. */
  readonly sql: string;
  readonly values: (scored: ScoredRows) => readonly Value[];
}

/** Name of an objective's column in the output: `p_` and its name for a probability, `e_` for an expected amount or count. */
export function meanColumn({ name, kind }: Pick<Objective, "name" | "kind">): string {
  return `${kind === "binary" ? "p" : "e"}_${name}`;
}

/**
 * Writes scored rows as one Parquet file. They are kept on the disk until the end, so that memory does not grow with
 * their number.
 */
export class PredictionsWriter {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #appender: DuckDBAppender;
  readonly #columns: readonly OutputColumn[];

  private constructor(
    engine: {
      readonly instance: DuckDBInstance;
      readonly connection: DuckDBConnection;
      readonly appender: DuckDBAppender;
    },
    columns: readonly OutputColumn[],
  ) {
    this.#instance = engine.instance;
    this.#connection = engine.connection;
    this.#appender = engine.appender;
    this.#columns = columns;
  }

  /** @param workspace folder for what is kept; the caller removes it */
  static async open(workspace: string, layout: OutputLayout): Promise<PredictionsWriter> {
    const columns = columnsOf(layout);
    const options = { memory_limit: MEMORY, threads: THREADS, temp_directory: join(workspace, "spill") };
    const instance = await DuckDBInstance.create(join(workspace, "predictions.duckdb"), options);
    const connection = await instance.connect();
    const definitions = columns.map(({ type }, i) => `c${i} ${type.toString()}`);
    await connection.run(`CREATE TABLE predictions (${definitions.join(", ")})`);
    return new PredictionsWriter(
      { instance, connection, appender: await connection.createAppender("predictions") },
      columns,
    );
  }

  append(scored: ScoredRows): void {
    const chunk = DuckDBDataChunk.create(this.#columns.map(({ type }) => type));
    chunk.setColumns(this.#columns.map(({ values }) => values(scored)));
    this.#appender.appendDataChunk(chunk);
  }

  /** Writes all rows, in the order in which they came. */
  async finish(file: string): Promise<void> {
    this.#appender.closeSync();
    const outputs = this.#columns.map(
      ({ name, sql }, i) => `${sql.replace("?", `c${i}`)} AS "${name.replaceAll('"', '""')}"`,
    );
    await this.#connection.run(
      `COPY (SELECT ${outputs.join(", ")} FROM predictions) TO '${file.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd)`,
    );
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}

/** What the output holds beside surface, file and line. */
export interface OutputLayout {
  readonly objectives: readonly Objective[];
  /** Whether rows have ids of their events. */
  readonly events: boolean;
  /** Whether rows name users. */
  readonly users: boolean;
  /** Whether rows name items. */
  readonly items: boolean;
  /** Whether rows have times. */
  readonly times: boolean;
  readonly embeddings: boolean;
}

function columnsOf({ objectives, events, users, items, times, embeddings }: OutputLayout): readonly OutputColumn[] {
  const text = (name: string, values: (rows: GivenRows) => readonly Value[]): OutputColumn => {
    return { name, type: VARCHAR, sql: "?", values: ({ rows }) => values(rows) };
  };
  const id = (name: string) => text(name, ({ columns }) => missing(columns[name] as readonly string[]));
  const number = (name: string, sql: string, values: (rows: GivenRows) => ArrayLike<number>): OutputColumn => {
    return { name, type: DOUBLE, sql, values: ({ rows }) => Array.from(values(rows)) };
  };
  return [
    ...(events ? [text("event", (rows) => rows.events ?? [])] : []),
    ...(users ? [text("user", (rows) => rows.users)] : []),
    ...(items ? [id("item")] : []),
    ...(times ? [number("time", "epoch_ms(?::BIGINT) AT TIME ZONE 'UTC'", (rows) => rows.times)] : []),
    id("surface"),
    text("file", ({ files }) => files),
    number("line", "?::BIGINT", ({ lines }) => lines),
    ...objectives.map((objective, task): OutputColumn => {
      const name = meanColumn(objective);
      return { name, type: DOUBLE, sql: "?", values: ({ means }) => means[task] ?? [] };
    }),
    ...(embeddings ? [EMBEDDING] : []),
  ];
}

const EMBEDDING: OutputColumn = {
  name: "embedding",
  type: LIST(FLOAT),
  sql: "?",
  values: ({ embeddings: rows }) => (rows ?? []).map((row) => listValue(row)),
};

function missing(ids: readonly string[]): readonly (string | null)[] {
  return ids.map((id) => (id === "" ? null : id));
}
