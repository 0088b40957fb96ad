import type { DuckDBConnection } from "@duckdb/node-api";
import { isPlainObject } from "../../../base/check.ts";
import { KEPT } from "../kept/database.ts";
import { fieldOf, type IngestPlan, type PlannedColumn } from "../plan.ts";
import type { ReadPart } from "../sources/read-parquet.ts";
import type { RecordSource } from "../sources/record-source.ts";
import { literal, queryRows } from "../sql.ts";
import { jsonKeysSql, type TextScan } from "./relations.ts";
import { columnsWith, NESTED_SQL } from "./spellings.ts";

/** Table of the records of a batch that are no rows: `seq`, `code` and `expected`. */
export const UNUSABLE = "unusable";

/** Keys of the records of files, by their paths. */
export type KeysOfFiles = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Sets the records of JSONL aside that are no object, or name a field that the log maps twice: of such a record the
 * engine would read one value and say nothing of the other. They go from `staged` to {@link UNUSABLE}.
 */
export async function setUnusableAside(
  connection: DuckDBConnection,
  scan: TextScan,
  plan: IngestPlan,
): Promise<KeysOfFiles> {
  // Told apart as text, which the engine does in half of the time, and reads back as the list that it was.
  const found = await queryRows(
    connection,
    `SELECT path, text::VARCHAR[] FROM (SELECT DISTINCT path, keys::VARCHAR AS text FROM ${jsonKeysSql(scan)})`,
  );
  const layouts = found.map(([path, keys]) => ({ path: String(path), keys: keys as readonly string[] | null }));
  const mapped = new Set(plan.all.flatMap((column) => topField(fieldOf(column))));
  const repeating = layouts.flatMap(({ keys }) => (keys !== null && repeats(keys, mapped) ? [keys] : []));
  if (repeating.length > 0 || layouts.some(({ keys }) => keys === null)) await setAside(connection, scan, repeating);
  const keysOf = new Map<string, Set<string>>();
  for (const { path, keys } of layouts) keysOf.set(path, new Set([...(keysOf.get(path) ?? []), ...(keys ?? [])]));
  return keysOf;
}

async function setAside(
  connection: DuckDBConnection,
  scan: TextScan,
  repeating: readonly (readonly string[])[],
): Promise<void> {
  const isRepeating = [...new Set(repeating.map((keys) => literal(JSON.stringify(keys))))];
  const twice = isRepeating.length === 0 ? "false" : `to_json(keys)::VARCHAR IN (${isRepeating.join(", ")})`;
  await connection.run(
    `INSERT INTO ${UNUSABLE} SELECT seq, CASE WHEN keys IS NULL THEN 'EVENT_OBJECT' ELSE 'EVENT_KEY_REPEATED' END,
       CASE WHEN keys IS NULL THEN 'a JSON object' ELSE 'each field once' END
     FROM ${jsonKeysSql(scan)} WHERE keys IS NULL OR ${twice}`,
  );
  await connection.run(
    `DELETE FROM ${KEPT}.staged WHERE seq >= ${scan.firstSeq} AND seq IN (SELECT seq FROM ${UNUSABLE})`,
  );
}

function topField(field: string | null): string[] {
  return field === null ? [] : [field, field.split(".")[0] ?? field];
}

function repeats(keys: readonly string[], mapped: ReadonlySet<string>): boolean {
  const known = keys.filter((key) => mapped.has(key));
  return new Set(known).size < known.length;
}

/**
 * Marks the texts among the suspects that were objects or lists: the engine hands both them and text that looks like
 * them as text, and only the record itself tells which it is.
 */
export async function markNested(
  connection: DuckDBConnection,
  plan: IngestPlan,
  { parts, records }: BatchRecords,
): Promise<void> {
  for (const i of await columnsWith(connection, plan, isBraced)) {
    const column = plan.all[i]!;
    const field = fieldOf(column);
    if (field === null) continue;
    const nested: number[] = [];
    for (const [part, seqs] of await rowsByPart(connection, parts, `suspects WHERE ${isBraced(`o${i}`)}`)) {
      for await (const { seq, raw } of records(part, seqs)) {
        const value = valueAt(JSON.parse(Buffer.from(raw).toString("utf8")) as object, field);
        if (isNested(value, column)) nested.push(seq);
      }
    }
    if (nested.length === 0) continue;
    await connection.run(`UPDATE suspects SET o${i} = ${NESTED_SQL} WHERE seq IN (${nested.join(", ")})`);
  }
}

/**
 * Gives records whose texts are not well-formed Unicode the code of that: JSON may write half of a character by its
 * number, which the engine takes for no JSON at all.
 */
export async function nameIllFormed(connection: DuckDBConnection, { parts, records }: BatchRecords): Promise<void> {
  const illFormed: number[] = [];
  for (const [part, seqs] of await rowsByPart(connection, parts, `${UNUSABLE} WHERE code = 'EVENT_OBJECT'`)) {
    for await (const { seq, raw } of records(part, seqs))
      if (isObject(Buffer.from(raw).toString("utf8"))) illFormed.push(seq);
  }
  if (illFormed.length === 0) return;
  const verdict = "code = 'EVENT_ID', expected = 'well-formed Unicode'";
  await connection.run(`UPDATE ${UNUSABLE} SET ${verdict} WHERE seq IN (${illFormed.join(", ")})`);
}

/** Whether a text is an object of JSON. */
function isObject(text: string): boolean {
  // Of most broken records this tells it without an error that is thrown and caught.
  if (!/\\u[dD][89a-fA-F]/.test(text)) return false;
  try {
    return isPlainObject(JSON.parse(text));
  } catch {
    return false;
  }
}

/** Whether a value is an object, or a list where none is expected. */
function isNested(value: unknown, { list }: PlannedColumn): boolean {
  return typeof value === "object" && value !== null && !(list !== undefined && Array.isArray(value));
}

/** SQL of whether a text may be an object or a list. */
function isBraced(text: string): string {
  return `left(${text}, 1) IN ('{', '[')`;
}

/** The files of a batch, and what reads records of them. */
export interface BatchRecords {
  readonly parts: readonly ReadPart[];
  readonly records: RecordSource;
}

/** Sequence numbers of what `from` selects, by the file of the batch that they are in, in order. */
export async function rowsByPart(
  connection: DuckDBConnection,
  parts: readonly ReadPart[],
  from: string,
): Promise<ReadonlyMap<ReadPart, readonly number[]>> {
  const rows = await queryRows(connection, `SELECT seq::VARCHAR FROM ${from} ORDER BY seq`);
  const inOrder = parts.filter(({ numRecords }) => numRecords > 0).sort((a, b) => a.firstSeq - b.firstSeq);
  const byPart = new Map<ReadPart, number[]>();
  let at = 0;
  for (const seq of rows.map(([text]) => Number(text))) {
    while (at + 1 < inOrder.length && seq >= inOrder[at + 1]!.firstSeq) at += 1;
    const part = inOrder[at]!;
    const seqs = byPart.get(part);
    if (seqs === undefined) byPart.set(part, [seq]);
    else seqs.push(seq);
  }
  return byPart;
}

/** The value of a field of a record: of its own name, or inside of others. */
function valueAt(record: object, field: string): unknown {
  const direct = (record as Record<string, unknown>)[field];
  if (direct !== undefined || !field.includes(".")) return direct;
  let value: unknown = record;
  for (const part of field.split(".")) value = (value as Record<string, unknown> | null)?.[part];
  return value;
}
