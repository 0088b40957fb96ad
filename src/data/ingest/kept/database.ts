import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { makeFolder } from "../../../files/durable-file.ts";
import { databaseFolder } from "../files/index.ts";
import type { QueryEngine } from "../sources/query-engine.ts";
import { literal, queryRows } from "../sql.ts";

/**
 * The database `kept` of the rows that were read of a log, attached beside that of an ingest's work: an ingest that finds
 * a file there does not read it again. It may be removed whenever no ingest runs; that costs time only. Tables:
 *
 * - `files`: each file that was read: `id`, `key`, `facts`, the `keys` of its JSON, where its rows begin (`first_seq`) and how many `records` it has
 * - `staged`: the rows that are events, with their values
 * - `set_aside`: rows of Parquet files that stay where they are, which are not as they stand there: refused, or in `staged`
 * - `refused`: the rows that are none, with `code`, `column_index` and `expected`
 * - `letters`: of those the ones that are told one by one: `file`, `line`, `code`, `reason`, `raw`
 * - `broken`: the like of what is no record
 * - `reading`: the types of ids that all of it was read with
 */
export const KEPT = "kept";

/** Where the rows of a log are kept. */
export interface KeptPlace {
  /** Folder of all kept rows of a store. */
  readonly folder: string;
  /** Name of the file inside of it: that of the way in which the rows were read. */
  readonly name: string;
}

/** The place of the rows that were read for a store by the mapping of a digest. */
export function keptPlace(store: string, digest: string): KeptPlace {
  return { folder: `${store}.kept`, name: `${digest}.duckdb` };
}

/** Path of a database of kept rows; its folder is made. */
export function keptPath({ folder, name }: KeptPlace): string {
  // What lies there may be removed at any time, so it is where it is no folder.
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === false) rmSync(folder);
  makeFolder(folder);
  return join(databaseFolder(folder).path, name);
}

/** Removes all kept rows of a store but those in the given places. */
export function removeOthers(store: string, places: readonly KeptPlace[]): void {
  const { folder } = keptPlace(store, "");
  if (!existsSync(folder)) return;
  const database = databaseFolder(folder);
  for (const entry of readdirSync(database.path)) {
    if (!places.some(({ name }) => name === entry))
      rmSync(join(database.path, entry), { recursive: true, force: true });
  }
  if (places.length > 0) return;
  database.remove();
  rmSync(folder, { recursive: true, force: true });
}

/** Attaches the database, or an empty one where it is damaged. */
export async function attachKept(connection: DuckDBConnection, path: string): Promise<void> {
  // The newer format compresses without trying out what compresses best.
  const attach = () => connection.run(`ATTACH ${literal(path)} AS ${KEPT} (STORAGE_VERSION 'latest')`);
  try {
    await attach();
  } catch (error) {
    if (isLocked(error)) throw error;
    removeDatabase(path);
    await attach();
  }
}

/** Puts an empty database in the place of the attached one. */
export async function renewKept(connection: DuckDBConnection, path: string): Promise<void> {
  await connection.run(`DETACH ${KEPT}`).catch(() => {});
  removeDatabase(path);
  await attachKept(connection, path);
}

function removeDatabase(path: string): void {
  for (const ending of ["", ".wal"]) rmSync(`${path}${ending}`, { recursive: true, force: true });
}

/** Whether an error of the engine says that another process holds a database. */
export function isLocked(error: unknown): boolean {
  return error instanceof Error && /\block|already (open|attached)|conflict/i.test(error.message);
}

/** What the kept files said of their fields, by their keys, as it was kept; nothing where that cannot be read. */
export async function keptFacts(engine: QueryEngine, place: KeptPlace): Promise<ReadonlyMap<string, string>> {
  if (!existsSync(place.folder)) return new Map();
  const connection = await engine.connection();
  try {
    await connection.run(`ATTACH ${literal(keptPath(place))} AS ${KEPT} (READ_ONLY)`);
    const rows = await queryRows(connection, `SELECT key, facts FROM ${KEPT}.files`);
    return new Map(rows.map(([key, facts]) => [String(key), String(facts)]));
  } catch {
    return new Map();
  } finally {
    await connection.run(`DETACH DATABASE IF EXISTS ${KEPT}`);
  }
}
