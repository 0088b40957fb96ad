import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { LapidaryError } from "../../../base/errors.ts";
import type { SqlSource } from "../../../config/types.ts";
import { makeFolder } from "../../../files/durable-file.ts";
import { searchable } from "../files/index.ts";
import { literal } from "../sql.ts";

/** Where the rows of a query go, and what its errors name. */
export interface QueryOptions {
  /** Folder that the rows are kept in. */
  readonly into: string;
  /** Where the query is written, as users know it. */
  readonly where: string;
}

/** Keeps the rows of a query as Parquet: the path of the file. @throws {LapidaryError} EVENTS_QUERY */
export async function runQuery(
  connection: DuckDBConnection,
  { query, folder }: SqlSource,
  { into, where }: QueryOptions,
): Promise<string> {
  makeFolder(into);
  const path = join(into, "rows.parquet");
  const statement = query.trim().replace(/;$/, "");
  using place = searchable(folder);
  try {
    await connection.run(`SET file_search_path = ${literal(place.path)}`);
    await connection.run("SET TimeZone = 'UTC'");
    await connection.run(`COPY (${statement}\n) TO ${literal(path)} (FORMAT parquet)`);
    return path;
  } catch (cause) {
    const got = (cause instanceof Error ? cause.message : String(cause)).split("\n")[0] ?? "";
    const hint = `Correct ${where}; it is SQL of DuckDB, and its paths are relative to ${folder}.`;
    throw new LapidaryError({ code: "EVENTS_QUERY", where, expected: "a query", got, hint }, { cause });
  }
}
