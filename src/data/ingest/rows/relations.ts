import type { EventsConfig } from "../../../config/types.ts";
import { duckPath } from "../files/index.ts";
import { fieldOf, type IngestPlan } from "../plan.ts";
import { textOptionsOf } from "../sources/text-options.ts";
import { identifier, literal } from "../sql.ts";

/** How SQL reads rows. */
export interface Relation {
  /** SQL of a relation with one row for each record of the files, in their order. */
  readonly from: string;
  /** SQL of a row's sequence number. */
  readonly seq: string;
  /** The raw value of a field. */
  readonly field: (name: string) => RawField;
}

/** One field of a relation: SQL of its value, NULL where it is missing, and the SQL type of that. */
export interface RawField {
  readonly sql: string;
  readonly type: string;
}

/** Field that no file of the scan has. */
export const ABSENT: RawField = { sql: "NULL::VARCHAR", type: "VARCHAR" };

/** Files of text that one scan reads: all have the same fields and the same form. */
export interface TextScan {
  /** The framed files. */
  readonly paths: readonly string[];
  /** Names of the fields; null for JSONL. */
  readonly fields: readonly string[] | null;
  readonly constants: Constants;
  readonly skipLines: number;
  /** SQL that a field's text goes through. */
  readonly unescape: (sql: string) => string;
  /** Sequence number of the first record. */
  readonly firstSeq: number;
}

/** Longest line that the engine reads; framing lets no longer one through. @unit bytes */
const MAX_LINE_BYTES = 2 ** 25 + 2;

/** Rows of CSV and TSV. */
export function textRelation(scan: TextScan, config: EventsConfig): Relation {
  const names = scan.fields ?? [];
  const { delimiter } = textOptionsOf(config);
  const nulls = ["", ...config.text.nulls];
  // By position, because names may hold anything and may repeat.
  const columns = names.map((_, i) => `'f${i}': 'VARCHAR'`).join(", ");
  const form = `auto_detect = false, header = false, skip = ${scan.skipLines}, delim = ${literal(delimiter)}, quote = '', escape = '', new_line = '\\n', compression = 'none', nullstr = [${nulls.map(literal).join(", ")}]`;
  // Buffers of a line, or the engine takes 16 times as much: more than a scoring may have.
  const from = `read_csv([${pathsSql(scan)}], columns = {${columns}}, ${form}, max_line_size = ${MAX_LINE_BYTES}, buffer_size = ${MAX_LINE_BYTES}, hive_partitioning = false)`;
  return {
    from,
    seq: `row_number() OVER () + ${scan.firstSeq - 1}`,
    field: (name) => {
      const at = names.indexOf(name);
      if (at >= 0) return { sql: scan.unescape(`f${at}`), type: "VARCHAR" };
      return scan.constants.has(name) ? { sql: constantSql(scan.constants, name), type: "VARCHAR" } : ABSENT;
    },
  };
}

/** Rows of JSONL. A line that is no object has no field. */
export function jsonRelation(scan: TextScan, plan: IngestPlan): Relation {
  const paths = plan.all.flatMap((column) => fieldOf(column) ?? []).map((name) => jsonPaths(name));
  const columns = new Map<string, string>();
  for (const [whole, nested] of paths) {
    columns.set(whole, "VARCHAR");
    if (nested !== null && columns.get(nested.top) === undefined) columns.set(nested.top, "JSON");
  }
  const types = [...columns].map(([name, type]) => `${literal(name)}: ${literal(type)}`).join(", ");
  const from = `read_json([${pathsSql(scan)}], columns = {${types}}, format = 'newline_delimited', records = 'true', ignore_errors = true, maximum_object_size = ${MAX_LINE_BYTES}, hive_partitioning = false)`;
  return {
    from,
    seq: `row_number() OVER () + ${scan.firstSeq - 1}`,
    field: (name) => {
      const [whole, nested] = jsonPaths(name);
      // What is no field of the rows is one of their file.
      if (!columns.has(whole)) return { sql: constantSql(scan.constants, name), type: "VARCHAR" };
      const column = identifier(whole);
      const inside = nested === null ? [] : [`json_extract_string(${identifier(nested.top)}, ${literal(nested.path)})`];
      const constant = scan.constants.has(name) ? [constantSql(scan.constants, name)] : [];
      return { sql: `NULLIF(coalesce(${[column, ...inside, ...constant].join(", ")}), '')`, type: "VARCHAR" };
    },
  };
}

/** A field's own name, and if it has points where it may lie inside of another field. */
function jsonPaths(name: string): readonly [whole: string, nested: { top: string; path: string } | null] {
  const [top = name, ...rest] = name.split(".");
  if (rest.length === 0) return [name, null];
  return [name, { top, path: `$${rest.map((part) => `."${part.replaceAll('"', '\\"')}"`).join("")}` }];
}

function pathsSql({ paths }: TextScan): string {
  return paths.map(duckPath).join(", ");
}

/** SQL of which keys the records of JSONL have: the `path` of its file and a list of `keys`, NULL of what is no object. */
export function jsonKeysSql(scan: TextScan): string {
  return `(SELECT row_number() OVER () + ${scan.firstSeq - 1} AS seq, filename AS path, CASE WHEN left(ltrim(json), 1) = '{' THEN json_keys(json) END AS keys
    FROM read_ndjson_objects([${pathsSql(scan)}], filename = true, ignore_errors = true, maximum_object_size = ${MAX_LINE_BYTES}, hive_partitioning = false))`;
}

/** Files of Parquet that one scan reads: all have the same fields. */
export interface ParquetScan {
  /** SQL literals of the files. */
  readonly paths: readonly string[];
  /** SQL type by field name; the planned fields inside of others by their dotted names. */
  readonly types: ReadonlyMap<string, string>;
  /** Of those, the fields inside of others. */
  readonly nested: ReadonlySet<string>;
  /** Of each file. */
  readonly constants: readonly Constants[];
  /** Sequence number of the first row of each file. */
  readonly firstSeqs: readonly number[];
}

/** Rows of Parquet. */
export function parquetRelation({ paths, types, nested, constants, firstSeqs }: ParquetScan): Relation {
  const perFile = (values: readonly string[]) =>
    paths.length === 1 ? (values[0] ?? "NULL") : `[${values.join(", ")}][source.file_index::BIGINT + 1]`;
  return {
    from: `read_parquet([${paths.join(", ")}], hive_partitioning = false) AS source`,
    seq: `${perFile(firstSeqs.map(String))} + ${hidesPlace(types) ? "row_number() OVER () - 1" : "source.file_row_number"}`,
    field: (name) => {
      const type = types.get(name);
      if (type !== undefined)
        return typedField(nested.has(name) ? nestedSql(name) : `source.${identifier(name)}`, type);
      if (constants.every((each) => !each.has(name))) return ABSENT;
      return { sql: perFile(constants.map((each) => `${constantSql(each, name)}::VARCHAR`)), type: "VARCHAR" };
    },
  };
}

/** Values of the fields that a file's folders hold. */
export type Constants = ReadonlyMap<string, string | null>;

function constantSql(constants: Constants, name: string): string {
  const value = constants.get(name) ?? null;
  return value === null ? "NULL" : literal(value);
}

/** SQL of a field inside of others, as `item.brand.id`. */
export function nestedSql(name: string): string {
  return `source.${name.split(".").map(identifier).join(".")}`;
}

/** Names that the engine gives to a row's place: a field of such a name hides it. */
const PLACE_FIELDS = ["file_row_number", "file_index"];

/** Whether a file has to be scanned alone. */
export function hidesPlace(fields: ReadonlyMap<string, string>): boolean {
  return [...fields.keys()].some((name) => PLACE_FIELDS.includes(name.toLowerCase()));
}

function typedField(sql: string, type: string): RawField {
  if (type === "VARCHAR") return { sql: `NULLIF(${sql}, '')`, type };
  // Text of writers that say nothing of its encoding. What is no UTF-8 is told from what is missing by its mark.
  if (type === "BLOB") {
    const text = `CASE WHEN ${sql} IS NOT NULL THEN coalesce(TRY(decode(${sql})), ${NOT_TEXT_SQL}) END`;
    return { sql: `NULLIF(${text}, '')`, type: "VARCHAR" };
  }
  return { sql, type };
}

/** Text in the place of bytes that are no UTF-8. A NUL cannot stand in a literal. */
export const NOT_TEXT = "\u0000bytes";
const NOT_TEXT_SQL = "chr(0) || 'bytes'";
