import type { DuckDBConnection, DuckDBDataChunk } from "@duckdb/node-api";
import { isNumeric } from "../../config/events/value-kinds.ts";
import { ORIGINS } from "../../features/schema.ts";
import { FLAG_CARDINALITY } from "../../features/transform.ts";
import type { ColumnLayout, ColumnType } from "../store/format.ts";
import { narrowestType } from "../store/format.ts";
import type { EventChunk, StoreWriter } from "../store/store-writer.ts";
import { cardinalityOf, codesTable } from "./dictionaries.ts";
import type { arrivalColumns } from "./outcomes/arrivals.ts";
import { type IngestPlan, type PlannedColumn, valueName } from "./plan.ts";
import { codeLists, listCodesTable, listColumn, vectorColumn } from "./rows/lists.ts";
import { numericColumn, streamChunks } from "./sql.ts";

const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  u8: "UTINYINT",
  u16: "USMALLINT",
  u32: "UINTEGER",
  f32: "FLOAT",
  f64: "DOUBLE",
};

/** Widths of the store's columns, from the number of their codes. */
export async function layoutColumns(connection: DuckDBConnection, plan: IngestPlan): Promise<readonly ColumnLayout[]> {
  const layouts: ColumnLayout[] = [];
  for (const column of plan.columns) {
    const { name, kind } = column;
    if (column.list?.kind === "vector") {
      layouts.push({ name, kind: "vector", type: "f32", cardinality: 0, dim: column.list.dim });
      continue;
    }
    if (isNumeric(kind)) {
      layouts.push({ name, kind, type: "f32", cardinality: 0 });
      continue;
    }
    const cardinality = await codeCount(connection, column);
    layouts.push({
      name,
      kind: kind === "flag" ? "flag" : (column.list?.kind ?? "category"),
      type: narrowestType(cardinality - 1),
      cardinality,
    });
  }
  return layouts;
}

async function codeCount(connection: DuckDBConnection, column: PlannedColumn): Promise<number> {
  if (column.kind === "flag") return FLAG_CARDINALITY;
  return column.kind === "origin" ? ORIGINS.length + 1 : cardinalityOf(connection, column);
}

/** What is stored of every event. */
export interface StoredColumns {
  /** Of the plan's columns. */
  readonly layouts: readonly ColumnLayout[];
  readonly arrivals: ReturnType<typeof arrivalColumns>;
}

/** The layouts of all columns, in the order of the store. */
export function allLayouts({ layouts, arrivals }: StoredColumns): readonly ColumnLayout[] {
  return [...layouts, ...arrivals.columns.map(({ layout }) => layout)];
}

/** Sorts the accepted events into store order and streams them, coded, into the writer. */
export async function writeEvents(
  connection: DuckDBConnection,
  plan: IngestPlan,
  { writer, stored }: { readonly writer: StoreWriter; readonly stored: StoredColumns },
): Promise<void> {
  for (const column of plan.columns) {
    if (column.list?.kind !== "categories") continue;
    const value = valueName(plan, column);
    await codeLists(connection, { name: column.name, value, codes: codesTable(column) });
  }
  const all = allLayouts(stored);
  for await (const chunk of streamChunks(connection, eventsSql(plan, stored))) {
    const events: EventChunk = {
      users: numericColumn(chunk, 0) as Uint32Array,
      times: numericColumn(chunk, 1) as Float64Array,
      columns: all.map((layout, index) => columnOf(chunk, index + 2, layout)),
    };
    writer.append(events);
  }
}

function columnOf(chunk: DuckDBDataChunk, index: number, { kind, type, dim }: ColumnLayout) {
  if (kind === "vector") return vectorColumn(chunk, index, dim ?? 1);
  return kind === "categories" ? listColumn(chunk, index, type) : numericColumn(chunk, index);
}

/**
 * Store order is (user, time); of equal times by what the events hold, so that files may be split and ordered at will.
 */
function eventsSql(plan: IngestPlan, { layouts, arrivals }: StoredColumns): string {
  const joins: string[] = [];
  const outputs: string[] = [];
  for (const [index, column] of plan.columns.entries()) {
    const type = SQL_TYPES[layouts[index]?.type ?? "u32"];
    const value = valueName(plan, column);
    if (column.list?.kind === "vector") outputs.push(`coalesce(${value}, []::FLOAT[]) AS c${index}`);
    else if (column.list) {
      joins.push(`LEFT JOIN ${listCodesTable(column.name)} AS l${index} ON l${index}.seq = accepted.seq`);
      outputs.push(`coalesce(l${index}.codes, [])::${type}[] AS c${index}`);
    } else if (isNumeric(column.kind)) outputs.push(`coalesce(${value}, 'NaN'::FLOAT) AS c${index}`);
    else if (column.ids === null) outputs.push(`coalesce(${value}, 0)::${type} AS c${index}`);
    else {
      joins.push(`LEFT JOIN ${codesTable(column)} AS k${index} ON k${index}.id = ${value}`);
      outputs.push(`coalesce(k${index}.code, 0)::${type} AS c${index}`);
    }
  }
  for (const { sql } of arrivals.columns) outputs.push(`${sql} AS c${outputs.length}`);
  const user = valueName(plan, plan.user);
  const time = valueName(plan, plan.time);
  const columns = outputs.map((_, index) => `c${index}`).join(", ");
  return `SELECT user_code, time, ${columns} FROM (SELECT users.code AS user_code, ${time}::DOUBLE AS time, ${outputs.join(", ")}
    FROM accepted JOIN ${codesTable(plan.user)} AS users ON users.id = ${user} ${joins.join(" ")} ${arrivals.joins})
    ORDER BY user_code, time, hash(${columns})`;
}
