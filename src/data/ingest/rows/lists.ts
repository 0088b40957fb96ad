/** Vectors and lists of ids: how SQL reads their plainest spellings, and what the store's writer is handed. */
import { type DuckDBConnection, type DuckDBDataChunk, DuckDBListVector } from "@duckdb/node-api";
import { VALUE_LIMITS } from "../../../config/events/value-kinds.ts";
import type { CategoriesAttribute, VectorAttribute } from "../../../config/types.ts";
import { arrayType, type ColumnType, type ColumnValues } from "../../store/format.ts";
import type { ListValues } from "../../store/list-writer.ts";
import { identifier, literal } from "../sql.ts";

/** What a column of lists is read as. */
export type ListSpec = Pick<VectorAttribute, "kind" | "dim"> | Pick<CategoriesAttribute, "kind" | "delimiter">;

/** SQL type of a staged list. */
export function stagedListType({ kind }: ListSpec): string {
  return kind === "vector" ? "FLOAT[]" : "VARCHAR[]";
}

/** Whether a field's SQL type can hold such a list: text, or a list of single values, of a vector of numbers. */
export function canHoldList({ kind }: ListSpec, type: string): boolean {
  if (type === "VARCHAR" || type === "BLOB") return true;
  const element = elementTypeOf(type);
  if (element === null || /[[(]|^(BLOB|BIT|MAP|STRUCT|UNION|VARIANT|GEOMETRY)/.test(element.replace(/^DECIMAL.*/, "")))
    return false;
  return kind === "categories" || !/^(DATE|TIME|INTERVAL|UUID|BOOLEAN)/.test(element);
}

/** SQL type of the elements of a list or an array; null for what is none. */
function elementTypeOf(type: string): string | null {
  return /^(.*)\[\d*\]$/.exec(type)?.[1] ?? null;
}

/** SQL of a raw list: NULL where it is missing, as a list without ids is. */
export function rawListSql({ kind }: ListSpec, raw: string, type: string): string {
  if (kind === "vector") return raw;
  return elementTypeOf(type) === null ? `NULLIF(${raw}, '[]')` : `CASE WHEN len(${raw}) > 0 THEN ${raw} END`;
}

/** SQL of the text of a raw list that the rules are asked about. */
export function listTextSql(raw: string, type: string): string {
  return elementTypeOf(type) === null ? `${raw}::VARCHAR` : `to_json(${raw})::VARCHAR`;
}

/** The field that a list is read of. */
interface ListField {
  /** Its SQL type in this file. */
  readonly type: string;
  /** Whether it is read of JSON, where a text may stand for an object. */
  readonly isJson: boolean;
}

/** SQL of the value of a raw list in its staged type; NULL where it is missing or not spelt plainly. */
export function plainListSql(spec: ListSpec, raw: string, { type, isJson }: ListField): string {
  const element = elementTypeOf(type);
  return spec.kind === "vector"
    ? plainVectorSql(raw, element, spec.dim)
    : plainIdsSql(raw, element, { delimiter: spec.delimiter, isJson });
}

/** A decimal number of JSON. */
const NUMBER = "-?(0|[1-9]\\d*)(\\.\\d+)?([eE][-+]?\\d+)?";
/** A text of JSON without escapes, or a whole number. */
const PLAIN_ID = '("[^"\\\\\\x00-\\x1f]+"|0|-?[1-9]\\d{0,14})';

function plainVectorSql(raw: string, element: string | null, dim: number): string {
  const isPlain = element === null ? jsonListTest(raw, NUMBER) : "true";
  const doubles = element === null ? `TRY_CAST(${raw} AS DOUBLE[])` : `list_transform(${raw}, lambda x: x::DOUBLE)`;
  const finite = `len(list_filter(${doubles}, lambda x: abs(x) <= 3.4e38)) = ${dim}`;
  // To add zero makes minus zero plain: the two are one value.
  return `CASE WHEN ${isPlain} AND len(${doubles}) = ${dim} AND ${finite} THEN list_transform(${doubles}, lambda x: (x + 0)::FLOAT) END`;
}

const WHOLE_TYPE = /^U?(TINY|SMALL|BIG)?INT(EGER)?$/;

function plainIdsSql(
  raw: string,
  element: string | null,
  { delimiter, isJson }: { readonly delimiter: string; readonly isJson: boolean },
): string {
  if (element === null) {
    const listed = `json_transform(${raw}, '["VARCHAR"]')`;
    const split = `CASE WHEN NOT regexp_matches(${raw}, '^\\s*[\\[${isJson ? "{" : ""}]') THEN ${plainIds(`string_split(${raw}, ${literal(delimiter)})`)} END`;
    return `CASE WHEN ${jsonListTest(raw, PLAIN_ID)} THEN ${plainIds(listed)} ELSE ${split} END`;
  }
  if (element === "VARCHAR") return plainIds(raw);
  return WHOLE_TYPE.test(element) ? plainIds(`list_transform(${raw}, lambda x: x::VARCHAR)`) : "NULL::VARCHAR[]";
}

/** The ids where there are no more than there may be, and each is spelt as plainly as a single one. */
function plainIds(ids: string): string {
  const isPlain = "x <> '' AND strlen(x) <= 128 AND NOT prefix(x, chr(0)) AND NOT contains(x, '.') AND x <> '-0'";
  return `CASE WHEN len(${ids}) <= ${VALUE_LIMITS.ids} AND len(list_filter(${ids}, lambda x: ${isPlain})) = len(${ids}) THEN ${ids} END`;
}

function jsonListTest(raw: string, member: string): string {
  return `regexp_full_match(${raw}, ${literal(`\\[\\s*${member}(\\s*,\\s*${member})*\\s*\\]`)})`;
}

/** Table of the codes of each row's list, made by {@link codeLists}. */
export function listCodesTable(name: string): string {
  return identifier(`lists ${name}`);
}

/** Makes the table of a column's coded lists, in the order of the log; rows without ids are not in it. */
export async function codeLists(
  connection: DuckDBConnection,
  { name, value, codes }: { readonly name: string; readonly value: string; readonly codes: string },
): Promise<void> {
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE ${listCodesTable(name)} AS
     SELECT seq, list(code ORDER BY place) AS codes
     FROM (SELECT seq, unnest(${value}) AS id, generate_subscripts(${value}, 1) AS place FROM accepted)
     JOIN ${codes} USING (id) GROUP BY seq`,
  );
}

/** The lists of a chunk as the store's writer takes them. */
export function listColumn(chunk: DuckDBDataChunk, index: number, type: ColumnType): ListValues {
  const { vector, values } = listVector(chunk, index);
  const lengths = Uint16Array.from({ length: chunk.rowCount }, (_, row) => vector.getEntryLength(row));
  const codes = new (arrayType(type))(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const [row, length] of lengths.entries()) {
    const from = vector.getEntryOffset(row);
    codes.set(values.subarray(from, from + length), at);
    at += length;
  }
  return { lengths, codes };
}

/** The vectors of a chunk as the store's writer takes them: NaN where there is none. @shape → [rows · dim] */
export function vectorColumn(chunk: DuckDBDataChunk, index: number, dim: number): Float32Array {
  const { vector, values } = listVector(chunk, index);
  const all = new Float32Array(chunk.rowCount * dim).fill(Number.NaN);
  for (let row = 0; row < chunk.rowCount; row++) {
    const from = vector.getEntryOffset(row);
    all.set(values.subarray(from, from + vector.getEntryLength(row)), row * dim);
  }
  return all;
}

function listVector(chunk: DuckDBDataChunk, index: number) {
  const vector = chunk.getColumnVector(index);
  if (!(vector instanceof DuckDBListVector)) throw new Error(`column ${index} holds no lists`);
  return { vector, values: (vector.childVector as unknown as { readonly items: ColumnValues }).items };
}

/** The lists of texts of a chunk, empty where there is none. */
export function textLists(chunk: DuckDBDataChunk, index: number): readonly (readonly string[])[] {
  const values = chunk.getColumnValues(index) as readonly { readonly items: readonly unknown[] }[];
  return values.map(({ items }) => items.map(String));
}

/** The vectors of a chunk, each by itself, all NaN where there is none. */
export function vectorRows(chunk: DuckDBDataChunk, index: number, dim: number): readonly Float32Array[] {
  const all = vectorColumn(chunk, index, dim);
  return Array.from({ length: chunk.rowCount }, (_, row) => all.slice(row * dim, (row + 1) * dim));
}
