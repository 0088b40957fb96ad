import type { DuckDBConnection } from "@duckdb/node-api";
import type { EventsConfig } from "../../config/types.ts";
import { type IdType, idTypeOf, plainSql, stagedType } from "./plain-sql.ts";
import type { IngestPlan, PlannedColumn } from "./plan.ts";
import type { RawField, Relation } from "./relations.ts";
import { literal } from "./sql.ts";

/** Rows that fit between the sequence numbers of two files. */
export const ROWS_PER_FILE = 2 ** 40;

/** What the SQL of staged rows needs besides a relation. */
export interface StageContext {
  readonly config: EventsConfig;
  readonly plan: IngestPlan;
  /** Of each planned column, over all files. */
  readonly idTypes: readonly IdType[];
}

/** Types of the ids over all files: the one that all files share, else text. */
export function sharedIdTypes(
  plan: IngestPlan,
  typesOf: (column: PlannedColumn) => readonly string[],
): readonly IdType[] {
  return plan.all.map((column) => {
    const types = new Set(typesOf(column).map(idTypeOf));
    const [only] = types;
    return types.size === 1 && only !== undefined ? only : "VARCHAR";
  });
}

/** Creates the table of the rows of text; Parquet is its own: to decode its columns again is cheaper than to store a copy. */
export async function createStaged(connection: DuckDBConnection, { plan, idTypes }: StageContext): Promise<void> {
  const values = plan.all.map((column, i) => `v${i} ${stagedType(column, idTypes[i] ?? "VARCHAR")}`);
  const odd = plan.all.map((_, i) => `o${i} VARCHAR`);
  await connection.run(`CREATE TABLE staged (seq BIGINT, ${[...values, ...odd].join(", ")})`);
}

/**
 * SQL of the rows of a relation: `seq`, of each planned column `i` the value `v{i}`, and where it is there but not
 * spelt plainly its text `o{i}`.
 */
export function stagedSql(relation: Relation, { config, plan, idTypes }: StageContext): string {
  const raws: string[] = [];
  const values: string[] = [];
  const odd: string[] = [];
  for (const [i, column] of plan.all.entries()) {
    const { sql, type } = rawOf(column, relation, config);
    const idType = idTypes[i] ?? "VARCHAR";
    raws.push(`${sql} AS r${i}`);
    values.push(
      `(${plainSql(column, `r${i}`, { type, idType, timeUnit: config.time.unit })})::${stagedType(column, idType)} AS v${i}`,
    );
    odd.push(`CASE WHEN v${i} IS NULL THEN r${i}::VARCHAR END AS o${i}`);
  }
  return `SELECT seq, ${plan.all.map((_, i) => `v${i}`).join(", ")}, ${odd.join(", ")}
    FROM (SELECT *, ${values.join(", ")} FROM (SELECT ${relation.seq} AS seq, ${raws.join(", ")} FROM ${relation.from}))`;
}

function rawOf(column: PlannedColumn, relation: Relation, config: EventsConfig): RawField {
  const { source } = column;
  if ("from" in source) return spelledField(column, relation.field(source.from), config);
  return { sql: literal(source.value), type: "VARCHAR" };
}

/** A field with the decimal comma and the words of the log, if it has its own. */
function spelledField({ kind, source }: PlannedColumn, { sql, type }: RawField, config: EventsConfig): RawField {
  const values = "values" in source ? source.values : undefined;
  if (values !== undefined) return { sql: valuesSql(sql, values), type: "VARCHAR" };
  const isText = config.format === "csv" || config.format === "tsv";
  const hasComma = isText && config.text.decimal === "," && kind === "number";
  return { sql: hasComma ? `replace(replace(${sql}, '.', ''), ',', '.')` : sql, type };
}

/** SQL of the value that a text stands for. Of two values, a text that neither list names is the one without a list. */
function valuesSql(sql: string, values: Readonly<Record<string, readonly string[]>>): string {
  const text = `regexp_replace(${sql}::VARCHAR, '^(-?\\d+)\\.0+$', '\\1')`;
  const cases = Object.entries(values)
    .filter(([, texts]) => texts.length > 0)
    .map(([value, texts]) => `WHEN ${text} IN (${texts.map(literal).join(", ")}) THEN ${literal(value)}`);
  const rest = Object.entries(values).find(([, texts]) => texts.length === 0)?.[0];
  return `CASE WHEN ${sql} IS NULL THEN NULL ${cases.join(" ")} ELSE ${rest === undefined ? text : literal(rest)} END`;
}
