import type { DuckDBConnection, DuckDBDataChunk } from "@duckdb/node-api";
import type { ColumnValues } from "../store/format.ts";

/** A quoted SQL identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A quoted SQL text. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Rows of a small result; 64-bit integers arrive as text. */
export async function queryRows(connection: DuckDBConnection, sql: string): Promise<readonly unknown[][]> {
  return (await connection.run(sql)).getRowsJson();
}

/** The single number that a query answers with. */
export async function queryNumber(connection: DuckDBConnection, sql: string): Promise<number> {
  return Number((await queryRows(connection, sql))[0]?.[0]);
}

/** Chunks of a result, as they are computed. */
export async function* streamChunks(connection: DuckDBConnection, sql: string): AsyncGenerator<DuckDBDataChunk> {
  const result = await connection.stream(sql);
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return;
    yield chunk;
  }
}

/** The values of a numeric column without NULLs, as DuckDB holds them: no copy, no object per row. */
export function numericColumn(chunk: DuckDBDataChunk, index: number): ColumnValues {
  // Every fixed-width vector of the client keeps its values in `items`, which its types hide.
  return (chunk.getColumnVector(index) as unknown as { readonly items: ColumnValues }).items;
}

/** The values of a text column without NULLs. */
export function textColumn(chunk: DuckDBDataChunk, index: number): string[] {
  return chunk.getColumnValues(index) as string[];
}
