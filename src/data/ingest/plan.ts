import type { EventsConfig, IdEncoding, Source } from "../../config/types.ts";
import { type EventSchema, ORIGIN_CODES, ORIGINS } from "../../features/schema.ts";
import { literal } from "./sql.ts";

/** How the values of a planned column are read. */
export type PlannedKind = "id" | "time" | "origin" | "number" | "flag";

/** One column of the staging table: where it comes from and what it may hold. */
export interface PlannedColumn {
  /** Name of the store's column; `user`, `time` and `id` are none. */
  readonly name: string;
  readonly source: Source;
  readonly kind: PlannedKind;
  /** A row without a value is rejected. */
  readonly required: boolean;
  /** How ids become codes; null where the kind is not `id` or needs no code. */
  readonly ids: IdEncoding | null;
}

/** The staging table of a configuration. */
export interface IngestPlan {
  readonly user: PlannedColumn;
  readonly time: PlannedColumn;
  readonly id: PlannedColumn | null;
  /** In the order of the store's columns. */
  readonly columns: readonly PlannedColumn[];
  /** All of the above. */
  readonly all: readonly PlannedColumn[];
}

const DICTIONARY: IdEncoding = { kind: "dictionary" };

/** The columns that a configuration asks for. */
export function planIngest(config: EventsConfig): IngestPlan {
  const id = (name: string, source: Source, options: Partial<PlannedColumn> = {}): PlannedColumn => {
    return { name, source, kind: "id", required: false, ids: DICTIONARY, ...options };
  };
  const user = id("user", { from: config.user }, { required: true });
  const time: PlannedColumn = { name: "time", source: config.time, kind: "time", required: true, ids: null };
  const event = config.id === null ? null : id("id", { from: config.id }, { required: true, ids: null });
  const columns = [
    id("item", { from: config.item }, { required: true, ids: config.itemIds }),
    id("action", config.action),
    id("surface", config.surface),
    id("origin", config.origin, { kind: "origin", ids: null }),
    ...Object.entries(config.attributes).map(([name, fact]) => planFact(name, fact, fact.ids)),
    ...Object.entries(config.outcomes).map(([name, fact]) => planFact(name, fact, DICTIONARY)),
  ];
  return { user, time, id: event, columns, all: [user, time, ...(event ? [event] : []), ...columns] };
}

/** The schema of the store that a configuration describes. */
export function schemaOf(config: EventsConfig): EventSchema {
  return {
    attributes: Object.entries(config.attributes).map(([name, { kind }]) => ({ name, kind })),
    outcomes: Object.entries(config.outcomes).map(([name, { kind, delayMs, objective }]) => {
      return { name, kind, delayMs, objective };
    }),
  };
}

interface Fact {
  readonly from: string;
  readonly kind: "category" | "number" | "flag";
}

function planFact(name: string, { from, kind }: Fact, ids: IdEncoding): PlannedColumn {
  const isCategory = kind === "category";
  return { name, source: { from }, kind: isCategory ? "id" : kind, required: false, ids: isCategory ? ids : null };
}

const INTEGER_TYPE = /^U?(TINY|SMALL|BIG)?INT(EGER)?$/;

/** SQL types of staged ids, after which their own type is forgotten. */
export type IdType = "BIGINT" | "UBIGINT" | "VARCHAR";

/** What one staged column needs to know of the field it reads. */
export interface FieldFacts {
  /** SQL type of the field in this file. */
  readonly type: string;
  /** SQL type of the staged ids over all files. */
  readonly idType: IdType;
  readonly timeUnit: EventsConfig["time"]["unit"];
}

/** Type in which ids of a field can be staged without loss. */
export function idTypeOf(type: string): IdType {
  if (/^(FLOAT|DOUBLE)$/.test(type)) return "BIGINT";
  if (type === "UBIGINT") return "UBIGINT";
  return INTEGER_TYPE.test(type) ? "BIGINT" : "VARCHAR";
}

/** SQL type of a staged column. */
export function stagedType({ kind }: PlannedColumn, idType: IdType): string {
  if (kind === "id") return idType;
  if (kind === "time") return "BIGINT";
  return kind === "number" ? "FLOAT" : "UTINYINT";
}

/** SQL of a column's value; NULL where the raw value is missing or cannot be read. Numbers are still DOUBLE here. */
export function valueSql(column: PlannedColumn, raw: string, { type, idType, timeUnit }: FieldFacts): string {
  const double = `TRY_CAST(${raw} AS DOUBLE)`;
  switch (column.kind) {
    case "id": {
      // Tables with gaps often hold integer ids as floats: 17.0 is the id 17, and 17.5 is none.
      if (type === "FLOAT" || type === "DOUBLE") {
        return `CASE WHEN ${raw} = floor(${raw}) AND abs(${raw}) < 9e15 THEN ${raw}::BIGINT::${idType} END`;
      }
      return `${raw}::${idType}`;
    }
    case "time":
      return timeSql(raw, type, timeUnit);
    case "number":
      return double;
    case "flag":
      return flagSql(raw, type);
    case "origin":
      return `CASE ${raw}::VARCHAR ${ORIGINS.map((origin) => `WHEN ${literal(origin)} THEN ${ORIGIN_CODES[origin]}`).join(" ")} END`;
  }
}

function flagSql(raw: string, type: string): string {
  if (type === "BOOLEAN") return `CASE ${raw} WHEN false THEN 1 WHEN true THEN 2 END`;
  const number = `CASE TRY_CAST(${raw} AS DOUBLE) WHEN 0 THEN 1 WHEN 1 THEN 2 END`;
  if (type !== "VARCHAR") return number;
  return `CASE lower(${raw}) WHEN '0' THEN 1 WHEN '1' THEN 2 WHEN 'false' THEN 1 WHEN 'true' THEN 2 ELSE ${number} END`;
}

function timeSql(raw: string, type: string, unit: EventsConfig["time"]["unit"]): string {
  // A typed time carries its own unit.
  if (unit === "iso" || /^(TIMESTAMP|DATE)/.test(type)) {
    const instant = `TRY_CAST(${raw} AS TIMESTAMPTZ)`;
    return `CASE WHEN isfinite(${instant}) THEN epoch_ms(${instant}) END`;
  }
  if (unit === "ms" && INTEGER_TYPE.test(type)) return `TRY_CAST(${raw} AS BIGINT)`;
  const double = `TRY_CAST(${raw} AS DOUBLE)`;
  const ms = { ms: `floor(${double})`, s: `round(${double} * 1000)`, us: `floor(${double} / 1000)` }[unit];
  return `TRY_CAST(${ms} AS BIGINT)`;
}

/** SQL conditions under which a row is rejected, each with its reason, most basic first. */
export function rejectionsOf(
  column: PlannedColumn,
  names: { readonly raw: string; readonly value: string },
  config: EventsConfig,
): readonly (readonly [condition: string, reason: string])[] {
  const { raw, value } = names;
  const field = "from" in column.source ? column.source.from : column.name;
  const missing = [`${raw} IS NULL`, `${field}: missing`] as const;
  const unreadable = (what: string) => [`${raw} IS NOT NULL AND ${value} IS NULL`, `${field}: ${what}`] as const;
  const basic = column.required ? [missing] : [];
  switch (column.kind) {
    case "id":
      return [...basic, unreadable("not an id")];
    case "time": {
      const range = `[${new Date(config.earliestMs).toISOString()}, ${new Date(config.latestMs).toISOString()})`;
      const outside = `${value} < ${config.earliestMs} OR ${value} >= ${config.latestMs}`;
      return [...basic, unreadable("not a time"), [outside, `${field}: outside ${range}`]];
    }
    case "number":
      return [
        unreadable("not a number"),
        [`NOT isfinite(${value}::DOUBLE)`, `${field}: not finite`],
        [`${value} IS NOT NULL AND TRY_CAST(${value} AS FLOAT) IS NULL`, `${field}: too large`],
      ];
    case "flag":
      return [unreadable("not 0, 1, true or false")];
    case "origin":
      return [unreadable(`not ${ORIGINS.join(" or ")}`)];
  }
}
