import type { DuckDBConnection } from "@duckdb/node-api";
import { BIGINT, DuckDBDataChunk, INTEGER, VARCHAR } from "@duckdb/node-api";
import { stagedType } from "../rows/plain-sql.ts";
import type { StageContext } from "../rows/staging.ts";
import type { LogPart } from "../sources/log.ts";
import { literal, queryRows } from "../sql.ts";
import { KEPT, renewKept } from "./database.ts";
import { factsText } from "./facts.ts";

/** A file whose rows were read, as it stands in `kept.files`. */
export interface KeptFile {
  readonly id: number;
  /** Sequence number of its first row. */
  readonly firstSeq: number;
  readonly numRecords: number;
  /** Keys of its records, of JSON. */
  readonly keys: readonly string[];
}

/** Makes the tables of {@link KEPT}, where there are none. */
async function createTables(connection: DuckDBConnection, { plan, idTypes }: StageContext): Promise<void> {
  const values = plan.all.map((column, i) => {
    const type = stagedType(column, idTypes[i] ?? "VARCHAR");
    // Users, items and events are many: to look for ids that repeat costs most of all compressing, and finds little.
    return `v${i} ${type}${column.required && type === "VARCHAR" ? " USING COMPRESSION uncompressed" : ""}`;
  });
  const tables = [
    "files (id INTEGER, key VARCHAR, facts VARCHAR, keys VARCHAR, first_seq BIGINT, records BIGINT)",
    `staged (seq BIGINT, ${values.join(", ")}, is_odd BOOLEAN, odd VARCHAR[])`,
    "set_aside (seq BIGINT)",
    "refused (seq BIGINT, column_index INTEGER, code VARCHAR, expected VARCHAR)",
    "letters (file INTEGER, line BIGINT, code VARCHAR, reason VARCHAR, raw BLOB)",
    "broken (file INTEGER, line BIGINT, code VARCHAR, reason VARCHAR, raw BLOB)",
    "reading (id_types VARCHAR)",
  ];
  for (const table of tables) await connection.run(`CREATE TABLE IF NOT EXISTS ${KEPT}.${table}`);
}

/**
 * Finds the files of a log whose rows are kept, by their places among its files; all of what is kept is read through
 * once, so that the engine's checksums are compared. What cannot be used is removed.
 */
export async function openEntries(
  connection: DuckDBConnection,
  parts: readonly LogPart[],
  { context, path }: { readonly context: StageContext; readonly path: string },
): Promise<ReadonlyMap<number, KeptFile>> {
  try {
    await createTables(connection, context);
    if (await areOf(connection, context)) {
      const found = await findEntries(connection, parts);
      await checkRows(connection);
      if (found.size === 0 || !isOrdered(context) || areFirst(found, parts)) return found;
    }
  } catch {
    // Damaged, in whatever way: what is lost is time.
  }
  await renewKept(connection, path);
  await createTables(connection, context);
  await areOf(connection, context);
  return new Map();
}

/** Whether what is kept has the types of ids of this log; those of an empty database are set to them. */
async function areOf(connection: DuckDBConnection, { idTypes }: StageContext): Promise<boolean> {
  const types = literal(JSON.stringify(idTypes));
  await connection.run(`INSERT INTO ${KEPT}.reading SELECT ${types} WHERE NOT EXISTS (SELECT * FROM ${KEPT}.reading)`);
  const [row] = await queryRows(connection, `SELECT count(*), count_if(id_types = ${types}) FROM ${KEPT}.reading`);
  return row?.[0] === "1" && row[1] === "1";
}

/** The kept files of a log, by their places among its files. */
export async function findEntries(
  connection: DuckDBConnection,
  parts: readonly LogPart[],
): Promise<ReadonlyMap<number, KeptFile>> {
  const rows = await queryRows(connection, `SELECT key, id, first_seq, records, keys FROM ${KEPT}.files`);
  const files = new Map<unknown, KeptFile>();
  for (const [key, id, firstSeq, records, keys] of rows) {
    const facts = { firstSeq: Number(firstSeq), numRecords: Number(records), keys: JSON.parse(String(keys)) };
    files.set(key, { id: Number(id), ...facts });
  }
  const found = new Map<number, KeptFile>();
  for (const { index, key } of parts) {
    const file = files.get(key);
    if (file !== undefined) found.set(index, file);
  }
  return found;
}

/** Reads every block of what is kept: the engine compares the checksum of each, and throws where it is another. */
async function checkRows(connection: DuckDBConnection): Promise<void> {
  for (const table of ["files", "staged", "set_aside", "refused", "letters", "broken"]) {
    await queryRows(connection, `SELECT bit_xor(hash(row)) FROM ${KEPT}.${table} AS row`);
  }
}

/** Whether a row's sequence number is stored, so that it must be the one that a first ingest would give it. */
export function isOrdered({ plan }: Pick<StageContext, "plan">): boolean {
  return "row" in plan.user.source;
}

/** Whether the kept files are the first ones of the log, with the sequence numbers that a first ingest would give them. */
function areFirst(found: ReadonlyMap<number, KeptFile>, parts: readonly LogPart[]): boolean {
  let next = 0;
  for (const { index } of parts.slice(0, found.size)) {
    const file = found.get(index);
    if (file?.firstSeq !== next) return false;
    next += file.numRecords;
  }
  return true;
}

/** Where the next file that is read begins. */
export async function nextPlace(connection: DuckDBConnection): Promise<{ readonly id: number; readonly seq: number }> {
  const [row] = await queryRows(
    connection,
    `SELECT coalesce(max(id) + 1, 0), coalesce(max(first_seq + records), 0) FROM ${KEPT}.files`,
  );
  return { id: Number(row?.[0]), seq: Number(row?.[1]) };
}

/** Says that files have been read. */
export async function addFiles(
  connection: DuckDBConnection,
  files: readonly (KeptFile & { readonly part: LogPart })[],
): Promise<void> {
  const chunkSize = 2048;
  const appender = await connection.createAppender("files", "main", KEPT);
  for (let at = 0; at < files.length; at += chunkSize) {
    const some = files.slice(at, at + chunkSize);
    const chunk = DuckDBDataChunk.create([INTEGER, VARCHAR, VARCHAR, VARCHAR, BIGINT, BIGINT]);
    chunk.setColumns([
      some.map(({ id }) => id),
      some.map(({ part }) => part.key),
      some.map(({ part }) => factsText(part)),
      some.map(({ keys }) => JSON.stringify(keys)),
      some.map(({ firstSeq }) => BigInt(firstSeq)),
      some.map(({ numRecords }) => BigInt(numRecords)),
    ]);
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}

/** Removes all kept rows but those of the given files. */
export async function pruneEntries(connection: DuckDBConnection, used: Iterable<KeptFile>): Promise<void> {
  const ids = new Set([...used].map(({ id }) => id));
  const rows = await queryRows(connection, `SELECT id, first_seq, records FROM ${KEPT}.files ORDER BY first_seq`);
  const unused = rows.map((row) => row.map(Number)).filter(([id = -1]) => !ids.has(id));
  if (unused.length === 0) return;
  for (const [from, to] of joined(unused.map(([, first = 0, records = 0]) => [first, first + records]))) {
    for (const table of ["staged", "set_aside", "refused"]) {
      await connection.run(`DELETE FROM ${KEPT}.${table} WHERE seq >= ${from} AND seq < ${to}`);
    }
  }
  const gone = `(${unused.map(([id]) => id).join(", ")})`;
  for (const table of ["letters", "broken"]) await connection.run(`DELETE FROM ${KEPT}.${table} WHERE file IN ${gone}`);
  await connection.run(`DELETE FROM ${KEPT}.files WHERE id IN ${gone}`);
}

/** Ranges in order, those that touch as one. */
function joined(ranges: readonly (readonly [from: number, to: number])[]): readonly (readonly [number, number])[] {
  const all: [number, number][] = [];
  for (const [from, to] of ranges) {
    const last = all.at(-1);
    if (last?.[1] === from) last[1] = to;
    else all.push([from, to]);
  }
  return all;
}
