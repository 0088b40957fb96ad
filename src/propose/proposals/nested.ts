import type { DuckDBConnection } from "@duckdb/node-api";
import { identifier, queryRows } from "../../data/ingest/sql.ts";
import type { SampledField } from "../sampled-field.ts";

/** Objects that may lie inside of each other. */
const MOST_DEPTH = 4;
/** Keys of the objects of one field, beyond which they are values rather than names. */
const MOST_KEYS = 50;

/** A field, and the names that lead to it: its own, or of the objects around it. */
export interface FieldPlace {
  /** The names with points between them, as a configuration has them. */
  readonly name: string;
  readonly type: string;
  readonly path: readonly string[];
}

/** The fields of a relation, those inside of objects in the place of these. */
export async function fieldsIn(connection: DuckDBConnection, from: string): Promise<readonly FieldPlace[]> {
  const described = await queryRows(connection, `DESCRIBE SELECT * ${from}`);
  const fields: FieldPlace[] = [];
  const names = new Set(described.map(([name]) => String(name)));
  const open = described.map(
    ([name, type]): FieldPlace => ({ name: String(name), type: String(type), path: [String(name)] }),
  );
  for (let field = open.shift(); field !== undefined; field = open.shift()) {
    const { name, type, path } = field;
    if (!type.startsWith("STRUCT(") || type.endsWith("]") || path.length > MOST_DEPTH) {
      // A field whose own name has points wins over one inside of others.
      if (path.length === 1 || !names.has(name)) fields.push(field);
      continue;
    }
    const inside = await queryRows(connection, `DESCRIBE SELECT unnest(${path.map(identifier).join(".")}) ${from}`);
    open.unshift(
      ...inside.map(([segment, kind]) => {
        return { name: `${name}.${String(segment)}`, type: String(kind), path: [...path, String(segment)] };
      }),
    );
  }
  return fields;
}

/** The fields of records of JSON, those inside of objects in the place of these, and how these are found. */
export function jsonFields(lines: readonly string[]): {
  readonly fields: SampledField[];
  readonly paths: ReadonlyMap<string, readonly string[]>;
} {
  const rows = lines.flatMap((line) => {
    const row: unknown = JSON.parse(line);
    return isObject(row) ? [row] : [];
  });
  const keys = new Map<string, Set<string>>();
  for (const row of rows) collectKeys(row, [], keys);
  const paths = new Map<string, readonly string[]>();
  const flat = rows.map((row) => {
    const values = new Map<string, unknown>();
    flatten(row, { prefix: [], values, paths, keys });
    return values;
  });
  const names = [...new Set(flat.flatMap((row) => [...row.keys()]))];
  const fields = names.map((name): SampledField => {
    const values = flat.map((row) => row.get(name) ?? null);
    const isNested = values.some((value) => typeof value === "object" && value !== null);
    const texts = values.map((value) => {
      return value === null ? null : typeof value === "object" ? JSON.stringify(value) : String(value);
    });
    return { name, type: isNested ? "JSON" : "VARCHAR", values: texts };
  });
  return { fields, paths };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type Keys = Map<string, Set<string>>;

/** The keys of all objects of each field, by its path. */
function collectKeys(object: Readonly<Record<string, unknown>>, prefix: readonly string[], keys: Keys): void {
  const keysHere = keys.get(prefix.join("\n")) ?? new Set();
  keys.set(prefix.join("\n"), keysHere);
  for (const [key, value] of Object.entries(object)) {
    keysHere.add(key);
    if (isObject(value) && prefix.length < MOST_DEPTH) collectKeys(value, [...prefix, key], keys);
  }
}

interface Flattened {
  readonly prefix: readonly string[];
  readonly values: Map<string, unknown>;
  readonly paths: Map<string, readonly string[]>;
  readonly keys: Keys;
}

function flatten(object: Readonly<Record<string, unknown>>, { prefix, values, paths, keys }: Flattened): void {
  const top = keys.get("");
  for (const [key, value] of Object.entries(object)) {
    const path = [...prefix, key];
    const name = path.join(".");
    const isRecord =
      isObject(value) && path.length <= MOST_DEPTH && (keys.get(path.join("\n"))?.size ?? 0) <= MOST_KEYS;
    if (isRecord) flatten(value, { prefix: path, values, paths, keys });
    // A field whose own name has points wins over one inside of others.
    else if (prefix.length === 0 || !top?.has(name)) {
      values.set(name, value);
      if (prefix.length > 0) paths.set(name, path);
    }
  }
}
