import {
  BIGINT,
  type DuckDBConnection,
  DuckDBDataChunk,
  type DuckDBType,
  type DuckDBValue,
  FLOAT,
  LIST,
  listValue,
  UTINYINT,
  VARCHAR,
} from "@duckdb/node-api";
import { isNumeric } from "../../../config/events/value-kinds.ts";
import type { EventsConfig } from "../../../config/types.ts";
import { readCategories, readVector } from "../../../features/events/event-lists.ts";
import {
  NUMBER_RULES,
  readCategory,
  readFlag,
  readId,
  readOrigin,
  readTime,
} from "../../../features/events/event-rules.ts";
import { isRefused, Refused } from "../../../features/events/refusal.ts";
import { ORIGIN_CODES } from "../../../features/schema.ts";
import type { IngestPlan, PlannedColumn } from "../plan.ts";
import { queryRows, streamChunks, textColumn } from "../sql.ts";
import { NOT_TEXT } from "./relations.ts";

/** Text in the place of a value that is an object or a list. A NUL cannot stand in a literal. */
const NESTED = "\u0000nested";
/** SQL of {@link NESTED}. */
export const NESTED_SQL = "chr(0) || 'nested'";

/** Table of what the rules say of the texts of column `i` that are not spelt plainly: `raw`, `value`, `code`, `expected`. */
export function spelledTable(i: number): string {
  return `spelled_${i}`;
}

/**
 * Asks the rules about every distinct text of `suspects` that SQL did not read, column by column. Returns the columns that
 * have such texts, each of which has its {@link spelledTable} then.
 */
export async function spellOut(
  connection: DuckDBConnection,
  plan: IngestPlan,
  config: EventsConfig,
): Promise<ReadonlySet<number>> {
  const spelled = await columnsWith(connection, plan, (text) => `${text} IS NOT NULL`);
  for (const i of spelled) {
    const column = plan.all[i]!;
    const type = valueTypeOf(column);
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE ${spelledTable(i)} (raw VARCHAR, value ${type.toString()}, code VARCHAR, expected VARCHAR)`,
    );
    const appender = await connection.createAppender(spelledTable(i));
    const read = (text: string) => MARKS[text] ?? readValue(column, text, config);
    const sql = `SELECT DISTINCT o${i} FROM suspects WHERE o${i} IS NOT NULL`;
    for await (const found of streamChunks(connection, sql)) {
      appender.appendDataChunk(spelledChunk(textColumn(found, 0), type, read));
    }
    appender.closeSync();
  }
  return spelled;
}

/**
 * Columns of which some text of `suspects` passes an SQL test: to ask each column apart is most of what a small log
 * costs, and nearly none has any.
 */
export async function columnsWith(
  connection: DuckDBConnection,
  plan: IngestPlan,
  test: (text: string) => string,
): Promise<ReadonlySet<number>> {
  const tests = plan.all.map((_, i) => `bool_or(${test(`o${i}`)})`).join(", ");
  const [found = []] = await queryRows(connection, `SELECT ${tests} FROM suspects`);
  return new Set(plan.all.flatMap((_, i) => (found[i] === true ? [i] : [])));
}

function spelledChunk(texts: readonly string[], type: DuckDBType, read: (text: string) => Spelled): DuckDBDataChunk {
  const spelled = texts.map(read);
  const chunk = DuckDBDataChunk.create([VARCHAR, type, VARCHAR, VARCHAR]);
  const values = spelled.map((value) => (isRefused(value) ? null : value));
  const refusals = spelled.map((value) => (isRefused(value) ? value : null));
  chunk.setColumns([
    [...texts],
    values.map((value) => stagedValue(value, type)),
    refusals.map((refusal) => refusal?.code ?? null),
    refusals.map((refusal) => refusal?.expected ?? null),
  ]);
  return chunk;
}

function stagedValue(value: Exclude<Spelled, Refused> | null, type: DuckDBType): DuckDBValue {
  if (value === null) return null;
  if (typeof value === "object") return listValue([...value]);
  return type === BIGINT ? BigInt(value) : value;
}

function readList({ list }: PlannedColumn, text: string): Spelled {
  const value = list?.kind === "vector" ? readVector(text, list.dim) : readCategories(text, list?.delimiter);
  return value ?? [];
}

/** A value as it is staged. */
type Spelled = string | number | readonly string[] | Float32Array | Refused;

const MARKS: Readonly<Record<string, Refused>> = {
  [NESTED]: new Refused("EVENT_OBJECT", "one value, not an object or a list"),
  [NOT_TEXT]: new Refused("EVENT_ID", "text in UTF-8"),
};

function valueTypeOf({ kind, list }: PlannedColumn): DuckDBType {
  if (list) return LIST(list.kind === "vector" ? FLOAT : VARCHAR);
  if (kind === "id") return VARCHAR;
  if (kind === "time") return BIGINT;
  return isNumeric(kind) ? FLOAT : UTINYINT;
}

/** What the rules make of a text of a column, as it is staged. */
export function readValue(column: PlannedColumn, text: string, { time }: Pick<EventsConfig, "time">): Spelled {
  const { name, kind } = column;
  switch (kind) {
    case "list":
      return readList(column, text);
    case "id":
      return name === "user" || name === "id" ? readId(text) : readCategory(text);
    case "time":
      return readTime(text, time?.unit ?? "ms");
    case "number":
    case "value":
    case "count":
      return NUMBER_RULES[kind](text);
    case "flag": {
      const flag = readFlag(text);
      return isRefused(flag) ? flag : flag + 1;
    }
    case "origin": {
      const origin = readOrigin(text);
      return isRefused(origin) ? origin : ORIGIN_CODES[origin];
    }
  }
}
