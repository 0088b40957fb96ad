import { type DuckDBConnection, DuckDBDataChunk, UINTEGER } from "@duckdb/node-api";
import { hashId } from "../../features/events/hash-id.ts";
import { type IngestPlan, type PlannedColumn, valueName } from "./plan.ts";
import { identifier, numericColumn, queryNumber, streamChunks, textColumn } from "./sql.ts";

/** Table of the codes of a column's ids. */
export function codesTable(column: PlannedColumn): string {
  return identifier(`codes ${column.name}`);
}

/**
 * Gives every distinct id of a column a code: 1, 2, … in the order of the first event that has it, so that a log that
 * grows keeps its codes, and of equal times in the order of the ids, so that files may be split and ordered at will; or
 * its hash.
 */
export async function buildCodes(connection: DuckDBConnection, plan: IngestPlan, column: PlannedColumn): Promise<void> {
  const table = codesTable(column);
  const value = valueName(plan, column);
  const time = valueName(plan, plan.time);
  // Rows that are users of their own stay in the order of the log.
  const order = "row" in column.source ? "id" : "id::VARCHAR";
  const ids = column.list ? `unnest(${value})` : value;
  await connection.run(
    `CREATE TABLE ${table} AS SELECT id, (row_number() OVER (ORDER BY first, ${order}))::UINTEGER AS code
     FROM (SELECT id, min(time) AS first FROM (SELECT ${ids} AS id, ${time} AS time FROM accepted) WHERE id IS NOT NULL GROUP BY id)`,
  );
  if (column.ids?.kind === "hash") await hashCodes(connection, table, column.ids.buckets);
}

async function hashCodes(connection: DuckDBConnection, table: string, buckets: number): Promise<void> {
  await connection.run("CREATE OR REPLACE TEMP TABLE hashed (ordinal UINTEGER, code UINTEGER)");
  const appender = await connection.createAppender("hashed");
  for await (const ids of readIds(connection, table)) {
    const chunk = DuckDBDataChunk.create([UINTEGER, UINTEGER]);
    chunk.setColumns([ids.ordinals, ids.texts.map((id) => hashId(id, buckets))]);
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
  await connection.run(`UPDATE ${table} SET code = hashed.code FROM hashed WHERE ${table}.code = hashed.ordinal`);
  await connection.run("DROP TABLE hashed");
}

async function* readIds(connection: DuckDBConnection, table: string) {
  for await (const chunk of streamChunks(connection, `SELECT code, id::VARCHAR FROM ${table} ORDER BY code`)) {
    yield { ordinals: [...numericColumn(chunk, 0)], texts: textColumn(chunk, 1) };
  }
}

/** Ids of the codes 1, 2, … of a column with a dictionary. */
export async function dictionaryIds(connection: DuckDBConnection, column: PlannedColumn): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { texts } of readIds(connection, codesTable(column))) for (const id of texts) ids.push(id);
  return ids;
}

/** Number of codes of a column, 0 included. */
export async function cardinalityOf(connection: DuckDBConnection, column: PlannedColumn): Promise<number> {
  if (column.ids?.kind === "hash") return column.ids.buckets + 1;
  return 1 + (await queryNumber(connection, `SELECT count(*) FROM ${codesTable(column)}`));
}
