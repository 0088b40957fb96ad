import { LapidaryError } from "../../../base/errors.ts";
import type { EventsConfig } from "../../../config/types.ts";
import { isRefused, type Refused } from "../../../features/events/refusal.ts";
import type { IngestPlan, PlannedColumn } from "../plan.ts";
import { WINDOW_FIELD } from "../sources/split-files.ts";
import { literal } from "../sql.ts";
import { listTextSql, rawListSql } from "./lists.ts";
import { type IdType, idTypeOf, mayBeOdd, plainSql, stagedType } from "./plain-sql.ts";
import type { RawField, Relation } from "./relations.ts";
import { readValue } from "./spellings.ts";

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

/**
 * SQL of the rows of a relation: `seq`, of each planned column `i` the value `v{i}`, and whether some are there but not
 * spelt plainly: of nearly every row none, so `odd`, with their texts, is NULL.
 */
export function stagedSql(relation: Relation, context: StageContext): string {
  const { plan } = context;
  const { raws, values, types } = columnsOf(relation, context, false);
  const odd = plan.all.map(({ list }, i) => {
    const text = list ? listTextSql(`r${i}`, types[i] ?? "VARCHAR") : `r${i}::VARCHAR`;
    return `CASE WHEN v${i} IS NULL THEN ${text} END`;
  });
  const isOdd = plan.all.flatMap((column, i) =>
    !isGiven(column) && mayBeOdd(column, types[i] ?? "VARCHAR") ? [`(v${i} IS NULL AND r${i} IS NOT NULL)`] : [],
  );
  const anyOdd = isOdd.length === 0 ? "false" : `(${isOdd.join(" OR ")})`;
  return `SELECT seq, ${plan.all.map((_, i) => `v${i}`).join(", ")}, ${anyOdd} AS is_odd, CASE WHEN ${anyOdd} THEN [${odd.join(", ")}] END AS odd
    FROM (SELECT *, ${values.join(", ")} FROM (SELECT ${relation.seq} AS seq, ${raws.join(", ")} FROM ${relation.from}))`;
}

/** SQL of `seq` and the values of the rows of a relation all of whose rows that are not spelt plainly will be left out. */
export function checkedSql(relation: Relation, context: StageContext): string {
  const { raws, values } = columnsOf(relation, context, true);
  return `SELECT seq, ${values.join(", ")} FROM (SELECT ${relation.seq} AS seq, ${raws.join(", ")} FROM ${relation.from})`;
}

function columnsOf(relation: Relation, { config, plan, idTypes }: StageContext, isChecked: boolean) {
  const isJson = config.format === "jsonl";
  const timeUnit = config.time?.unit ?? "ms";
  const fields = plan.all.map((column) => rawOf(column, relation, config));
  const values = plan.all.map((column, i) => {
    const idType = idTypes[i] ?? "VARCHAR";
    if (isGiven(column)) return `r${i}::${stagedType(column, idType)} AS v${i}`;
    const facts = { type: fields[i]?.type ?? "VARCHAR", idType, timeUnit, isJson, isChecked };
    return `(${plainSql(column, `r${i}`, facts)})::${stagedType(column, idType)} AS v${i}`;
  });
  return { raws: fields.map(({ sql }, i) => `${sql} AS r${i}`), values, types: fields.map(({ type }) => type) };
}

function rawOf(column: PlannedColumn, relation: Relation, config: EventsConfig): RawField {
  const { source } = column;
  if ("from" in source) return spelledField(column, relation.field(source.from), config);
  if ("row" in source) return { sql: relation.seq, type: "BIGINT" };
  if ("window" in source) return relation.field(WINDOW_FIELD);
  return constantOf(column, source.value, config);
}

/** Whether a column's value is not read of the rows, so that none can spell it otherwise. */
function isGiven({ source }: PlannedColumn): boolean {
  return !("from" in source);
}

/** A constant, read once; the rules have been asked of it as of a value of a row. */
function constantOf(column: PlannedColumn, text: string, config: EventsConfig): RawField {
  const value = text === "" ? null : readValue(column, text, config);
  if (isRefused(value)) throw badConstant(column, value, text);
  return { sql: value === null ? "NULL" : literal(`${value}`), type: "VARCHAR" };
}

function badConstant({ name }: PlannedColumn, { code, expected }: Refused, text: string): LapidaryError {
  const hint = "Correct the constant in the configuration.";
  return new LapidaryError({ code, where: `events.${name}.value`, expected, got: JSON.stringify(text), hint });
}

/** A field with the decimal comma and the words of the log, if it has its own. */
function spelledField({ kind, list, source }: PlannedColumn, { sql, type }: RawField, config: EventsConfig): RawField {
  if (list) return { sql: rawListSql(list, sql, type), type };
  const values = "values" in source ? source.values : undefined;
  if (values !== undefined) return { sql: valuesSql(sql, values), type: "VARCHAR" };
  const isText = config.format === "csv" || config.format === "tsv";
  const hasComma = isText && config.text.decimal === "," && kind === "number";
  return { sql: hasComma ? `replace(replace(${sql}, '.', ''), ',', '.')` : sql, type };
}

/**
 * SQL of the value that a text stands for. Of two values, a text that neither list names is the one without a list. The
 * lists have `1` for `true`: a flag is one value however it is spelt.
 */
function valuesSql(sql: string, values: Readonly<Record<string, readonly string[]>>): string {
  const whole = `regexp_replace(${sql}::VARCHAR, '^(-?\\d+)\\.0+$', '\\1')`;
  const text = `CASE lower(trim(${whole})) WHEN 'true' THEN '1' WHEN 'false' THEN '0' ELSE ${whole} END`;
  const cases = Object.entries(values)
    .filter(([, texts]) => texts.length > 0)
    .map(([value, texts]) => `WHEN ${text} IN (${texts.map(literal).join(", ")}) THEN ${literal(value)}`);
  const rest = Object.entries(values).find(([, texts]) => texts.length === 0)?.[0];
  return `CASE WHEN ${sql} IS NULL THEN NULL ${cases.join(" ")} ELSE ${rest === undefined ? text : literal(rest)} END`;
}
