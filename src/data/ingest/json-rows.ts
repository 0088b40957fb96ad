import type { DuckDBConnection } from "@duckdb/node-api";
import { isPlainObject } from "../../config/check.ts";
import type { RecordSource } from "./dead-letters.ts";
import { fieldOf, type IngestPlan, type PlannedColumn } from "./plan.ts";
import { jsonKeysSql, type TextScan } from "./relations.ts";
import { columnsWith, NESTED_SQL } from "./spellings.ts";
import { literal, queryRows } from "./sql.ts";

/**
 * Sets the records of JSONL aside that are no object, or name a field that the log maps twice: of such a record the
 * engine would read one value and say nothing of the other. Keeps all keys in `json_keys`, the others in `unusable`.
 */
export async function setUnusableAside(connection: DuckDBConnection, scan: TextScan, plan: IngestPlan): Promise<void> {
  const layouts = await queryRows(connection, `SELECT DISTINCT keys FROM ${jsonKeysSql(scan)}`);
  const lists = layouts.map(([keys]) => keys as readonly string[] | null);
  const mapped = new Set(plan.all.flatMap((column) => topField(fieldOf(column))));
  const repeating = lists.filter((keys) => keys !== null && repeats(keys, mapped));
  await keepKeys(connection, new Set(lists.flatMap((keys) => keys ?? [])));
  if (repeating.length === 0 && !lists.includes(null)) return;
  const isRepeating = repeating.map((keys) => literal(JSON.stringify(keys)));
  const twice = isRepeating.length === 0 ? "false" : `to_json(keys)::VARCHAR IN (${isRepeating.join(", ")})`;
  await connection.run(
    `INSERT INTO unusable SELECT seq, CASE WHEN keys IS NULL THEN 'EVENT_OBJECT' ELSE 'EVENT_KEY_REPEATED' END,
       CASE WHEN keys IS NULL THEN 'a JSON object' ELSE 'each field once' END
     FROM ${jsonKeysSql(scan)} WHERE keys IS NULL OR ${twice}`,
  );
  await connection.run("DELETE FROM staged WHERE seq IN (SELECT seq FROM unusable)");
}

function topField(field: string | null): string[] {
  return field === null ? [] : [field, field.split(".")[0] ?? field];
}

function repeats(keys: readonly string[], mapped: ReadonlySet<string>): boolean {
  const known = keys.filter((key) => mapped.has(key));
  return new Set(known).size < known.length;
}

async function keepKeys(connection: DuckDBConnection, keys: ReadonlySet<string>): Promise<void> {
  const appender = await connection.createAppender("json_keys");
  for (const key of keys) {
    appender.appendVarchar(key);
    appender.endRow();
  }
  appender.closeSync();
}

/** All keys that records of the log have. */
export async function knownKeys(connection: DuckDBConnection): Promise<ReadonlySet<string>> {
  const rows = await queryRows(connection, "SELECT DISTINCT key FROM json_keys");
  return new Set(rows.map(([key]) => String(key)));
}

/**
 * Marks the texts among the suspects that were objects or lists: the engine hands both them and text that looks like
 * them as text, and only the record itself tells which it is.
 */
export async function markNested(connection: DuckDBConnection, plan: IngestPlan, read: RecordSource): Promise<void> {
  for (const i of await columnsWith(connection, plan, isBraced)) {
    const column = plan.all[i]!;
    const field = fieldOf(column);
    if (field === null) continue;
    const nested: number[] = [];
    for (const [file, seqs] of await rowsByFile(connection, `suspects WHERE ${isBraced(`o${i}`)}`)) {
      for await (const { seq, raw } of read(file, seqs)) {
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
export async function nameIllFormed(connection: DuckDBConnection, read: RecordSource): Promise<void> {
  const illFormed: number[] = [];
  for (const [file, seqs] of await rowsByFile(connection, "unusable WHERE code = 'EVENT_OBJECT'")) {
    for await (const { seq, raw } of read(file, seqs))
      if (isObject(Buffer.from(raw).toString("utf8"))) illFormed.push(seq);
  }
  if (illFormed.length === 0) return;
  const verdict = "code = 'EVENT_ID', expected = 'well-formed Unicode'";
  await connection.run(`UPDATE unusable SET ${verdict} WHERE seq IN (${illFormed.join(", ")})`);
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

type RowsByFile = ReadonlyMap<number, readonly number[]>;

/** Sequence numbers by file, of what `from` selects. */
async function rowsByFile(connection: DuckDBConnection, from: string): Promise<RowsByFile> {
  const rows = await queryRows(
    connection,
    `SELECT file, seq::VARCHAR FROM (SELECT seq FROM ${from}) JOIN read_files ON seq >= first_seq AND seq < first_seq + records
     ORDER BY seq`,
  );
  const byFile = new Map<number, number[]>();
  for (const [file, seq] of rows) byFile.set(Number(file), [...(byFile.get(Number(file)) ?? []), Number(seq)]);
  return byFile;
}

/** The value of a field of a record: of its own name, or inside of others. */
function valueAt(record: object, field: string): unknown {
  const own = (record as Record<string, unknown>)[field];
  if (own !== undefined || !field.includes(".")) return own;
  let value: unknown = record;
  for (const part of field.split(".")) value = (value as Record<string, unknown> | null)?.[part];
  return value;
}
