import { isNumeric } from "../../../config/events/value-kinds.ts";
import type { TimeUnit } from "../../../config/types.ts";
import { ORIGIN_CODES, ORIGINS } from "../../../features/schema.ts";
import type { PlannedColumn } from "../plan.ts";
import { literal } from "../sql.ts";
import { plainListSql, stagedListType } from "./lists.ts";

/**
 * SQL of the plainest spellings, which are nearly all values of nearly all logs. What a value may be and how else it may
 * be spelt is said by `features/event-rules.ts` alone: every value that this SQL leaves NULL is asked of it. So SQL may
 * know fewer spellings than the rules, never others.
 */

const INTEGER_TYPE = /^U?(TINY|SMALL|BIG)?INT(EGER)?$/;
const TIMESTAMP_TYPE = /^(TIMESTAMP|DATE)/;

/** SQL types of staged ids, after which their own type is forgotten. */
export type IdType = "BIGINT" | "UBIGINT" | "VARCHAR";

/** What the SQL of one staged column needs to know of the field that it reads. */
export interface FieldFacts {
  /** SQL type of the field in this file. */
  readonly type: string;
  /** SQL type of the staged ids over all files. */
  readonly idType: IdType;
  readonly timeUnit: TimeUnit;
  /** Whether it is read of JSON, where a text may stand for an object or a list. */
  readonly isJson: boolean;
  /** Whether rows with another spelling have been set aside, so that none needs to be told from the plain ones. */
  readonly isChecked: boolean;
}

/** Type in which ids of a field can be staged without loss. */
export function idTypeOf(type: string): IdType {
  if (type === "UBIGINT") return "UBIGINT";
  return INTEGER_TYPE.test(type) ? "BIGINT" : "VARCHAR";
}

/** SQL type of a staged column. */
export function stagedType({ kind, list }: PlannedColumn, idType: IdType): string {
  if (list) return stagedListType(list);
  if (kind === "id") return idType;
  if (kind === "time") return "BIGINT";
  return isNumeric(kind) ? "FLOAT" : "UTINYINT";
}

/** Whether a field of this type can hold a value that is not spelt plainly. */
export function mayBeOdd({ kind }: PlannedColumn, type: string): boolean {
  if (kind === "list") return true;
  const isInteger = INTEGER_TYPE.test(type);
  if (kind === "id" || kind === "number") return !isInteger;
  if (isNumeric(kind)) return !/^U.*INT/.test(type);
  return !(kind === "flag" && type === "BOOLEAN");
}

/** SQL of the value of `raw`, in the column's staged type; NULL where it is missing or not spelt plainly. */
export function plainSql(column: PlannedColumn, raw: string, facts: FieldFacts): string {
  switch (column.kind) {
    case "list":
      return column.list ? plainListSql(column.list, raw, facts) : raw;
    case "id":
      return idSql(raw, facts);
    case "time":
      return timeSql(raw, facts);
    case "number":
      return numberSql(raw, facts.type);
    case "value":
      return ofFloatSql(numberSql(raw, facts.type), "x >= 0");
    case "count":
      return ofFloatSql(numberSql(raw, facts.type), "x >= 0 AND x = floor(x)");
    case "flag":
      return flagSql(raw, facts.type);
    case "origin":
      return `CASE ${raw}::VARCHAR ${ORIGINS.map((origin) => `WHEN ${literal(origin)} THEN ${ORIGIN_CODES[origin]}`).join(" ")} END`;
  }
}

/** Ids of at most so many bytes are plain: far below the limit of the rules. @unit bytes */
const PLAIN_ID_BYTES = 128;

function idSql(raw: string, { type, idType, isJson, isChecked }: FieldFacts): string {
  if (idTypeOf(type) !== "VARCHAR" || (isChecked && type === "VARCHAR")) return `${raw}::${idType}`;
  // Tables with gaps hold integer ids as floats.
  if (type === "FLOAT" || type === "DOUBLE") {
    return `CASE WHEN ${raw} = floor(${raw}) AND abs(${raw}) < 9e15 AND ${raw} <> 0 THEN ${raw}::BIGINT::VARCHAR END`;
  }
  const text = type === "VARCHAR" ? raw : `${raw}::VARCHAR`;
  // With a point it may be a number that is spelt otherwise; with a brace, in JSON, no text at all.
  const isNested = isJson ? ` AND NOT prefix(${text}, '{') AND NOT prefix(${text}, '[')` : "";
  // A mark in the place of what is no text begins with NUL.
  return `CASE WHEN strlen(${text}) <= ${PLAIN_ID_BYTES} AND NOT prefix(${text}, chr(0)) AND NOT contains(${text}, '.') AND ${text} <> '-0'${isNested} THEN ${text} END`;
}

function numberSql(raw: string, type: string): string {
  const double = `TRY_CAST(${raw} AS DOUBLE)`;
  // The engine reads 1_000 as a thousand.
  const isText = type === "VARCHAR" ? ` AND NOT contains(${raw}, '_')` : "";
  // To add zero makes minus zero plain, that of a number too small for a float32 too: the two are one value.
  return `CASE WHEN abs(${double}) <= 3.4e38${isText} THEN ${double}::FLOAT + 0::FLOAT END`;
}

/** A float `x` that a rule takes; NULL otherwise. */
function ofFloatSql(float: string, rule: string): string {
  return `CASE WHEN ${rule.replaceAll("x", `(${float})`)} THEN ${float} END`;
}

function flagSql(raw: string, type: string): string {
  if (type === "BOOLEAN") return `CASE ${raw} WHEN false THEN 1 WHEN true THEN 2 END`;
  if (type !== "VARCHAR") return `CASE TRY_CAST(${raw} AS DOUBLE) WHEN 0 THEN 1 WHEN 1 THEN 2 END`;
  return `CASE ${raw} WHEN '0' THEN 1 WHEN '1' THEN 2 WHEN 'false' THEN 1 WHEN 'true' THEN 2 END`;
}

/** Microseconds at most, which is what the engine's timestamps hold. */
const PLAIN_ISO = "'\\d{4}-\\d{2}-\\d{2}([T ]([01]\\d|2[0-3]):\\d{2}:\\d{2}(\\.\\d{1,6})?Z?)?'";

function timeSql(raw: string, { type, timeUnit: unit }: FieldFacts): string {
  // A typed time carries its own unit.
  if (TIMESTAMP_TYPE.test(type)) {
    const instant = type === "TIMESTAMP WITH TIME ZONE" ? raw : `${raw}::TIMESTAMP`;
    return `CASE WHEN isfinite(${raw}) THEN floor(epoch_us(${instant}) / 1000)::BIGINT END`;
  }
  if (unit === "iso") {
    const instant = `TRY_CAST(${raw}::VARCHAR AS TIMESTAMP)`;
    const isPlain = `regexp_full_match(${raw}::VARCHAR, ${PLAIN_ISO})`;
    return `CASE WHEN ${isPlain} THEN floor(epoch_us(${instant}) / 1000)::BIGINT END`;
  }
  if (/^(FLOAT|DOUBLE)$/.test(type)) return floatTimeSql(raw, unit);
  const whole = `TRY_CAST(${raw} AS BIGINT)`;
  if (INTEGER_TYPE.test(type)) return wholeTimeSql(whole, "true", unit);
  // A whole number with as many digits as its text has characters is written as such, without a sign or a blank.
  const digits = PLAIN_DIGITS[unit];
  const isPlain = `strlen(${raw}::VARCHAR) = ${digits} AND ${whole} >= ${10n ** BigInt(digits - 1)}`;
  return wholeTimeSql(whole, isPlain, unit);
}

/** Digits of the times from 2001 to 2286. */
const PLAIN_DIGITS = { s: 10, ms: 13, us: 16, ns: 19 } as const;

/** Beyond it, seconds as milliseconds may leave 64 bits; all such times are far outside of every log. */
const PLAIN_SECONDS = 1e14;

function wholeTimeSql(whole: string, isWhole: string, unit: Exclude<FieldFacts["timeUnit"], "iso">): string {
  switch (unit) {
    case "ms":
      return `CASE WHEN ${isWhole} THEN ${whole} END`;
    case "s":
      return `CASE WHEN ${isWhole} AND abs(${whole}) < ${PLAIN_SECONDS} THEN ${whole} * 1000 END`;
    // The engine's division of integers rounds towards zero.
    case "us":
      return `CASE WHEN ${isWhole} AND ${whole} >= 0 THEN ${whole} // 1000 END`;
    case "ns":
      return `CASE WHEN ${isWhole} AND ${whole} >= 0 THEN ${whole} // 1000000 END`;
  }
}

function floatTimeSql(raw: string, unit: Exclude<FieldFacts["timeUnit"], "iso">): string {
  if (unit !== "s") {
    return wholeTimeSql(`${raw}::BIGINT`, `${raw} = floor(${raw}) AND abs(${raw}) < 9e15`, unit);
  }
  // Exact in decimals: seconds times a thousand in floats may fall short of a millisecond.
  const decimal = `TRY_CAST(${raw} AS DECIMAL(18, 6))`;
  const isExact = `${raw} BETWEEN 0 AND 1e11 AND ${decimal}::DOUBLE = ${raw}`;
  return `CASE WHEN ${isExact} THEN floor(${decimal} * 1000)::BIGINT END`;
}
