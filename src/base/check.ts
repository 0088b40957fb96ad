import { inspect } from "node:util";
import { nearest } from "./nearest.ts";

/** One thing wrong with a value: where, what was expected and what was found. */
export interface Problem {
  readonly code: "CONFIG_INVALID" | "CONFIG_UNKNOWN_KEY";
  /** Dotted path from the root of the configuration; empty for the root. */
  readonly path: string;
  readonly expected: string;
  readonly got: string;
  readonly hint: string;
}

/** The part of JSON Schema that the configuration's schema is written in. */
export interface Schema {
  readonly type?: string;
  readonly title?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly minProperties?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly uniqueItems?: boolean;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly multipleOf?: number;
}

/** Keys that JavaScript objects have from birth: as names they would reach prototypes, so they are never accepted. */
export function isReservedKey(key: string): boolean {
  return key in Object.prototype || key === "prototype";
}

/** True for `{…}` literals and parsed files; false for arrays, dates, class instances. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A value in a few words, for error texts. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = inspect(value, {
    depth: 1,
    breakLength: Number.POSITIVE_INFINITY,
    maxStringLength: 60,
    maxArrayLength: 5,
    customInspect: false,
  });
  return text.length > 100 ? `${text.slice(0, 97)}...` : text;
}

/** A dotted path one key longer. */
export function join(path: string, key: string | number): string {
  return path === "" ? `${key}` : `${path}.${key}`;
}

/** All that is wrong with `value`, in the order of its keys; empty if it fits the schema. */
export function check(schema: Schema, value: unknown, path = ""): readonly Problem[] {
  if (schema.anyOf) return checkUnion(schema, schema.anyOf, { value, path });
  if (schema.type === "object") return checkObject(schema, value, path);
  if (schema.type === "array") return checkArray(schema, value, path);
  if (isAnything(schema)) return [];
  return fits(schema, value) ? [] : [mismatch(schema, value, path)];
}

/** A schema that says nothing of the value. */
function isAnything({ type, enum: values, ...rest }: Schema): boolean {
  return type === undefined && values === undefined && !("const" in rest);
}

function mismatch(schema: Schema, value: unknown, path: string): Problem {
  const hint = value === undefined ? "Add this key." : "Correct this value.";
  return { code: "CONFIG_INVALID", path, expected: expectation(schema), got: show(value), hint };
}

function fits(schema: Schema, value: unknown): boolean {
  if (schema.const !== undefined) return value === schema.const;
  if (schema.enum) return schema.enum.includes(value);
  if (typeof value === "string") return schema.type === "string" && fitsText(schema, value);
  if (typeof value === "number") return fitsNumber(schema, value);
  if (value === null) return schema.type === "null";
  return typeof value === "boolean" && schema.type === "boolean";
}

function fitsText(schema: Schema, value: string): boolean {
  if (value.length < (schema.minLength ?? 0)) return false;
  return schema.pattern === undefined || new RegExp(schema.pattern, "u").test(value);
}

function fitsNumber(schema: Schema, value: number): boolean {
  if (schema.type !== "number" && schema.type !== "integer") return false;
  if (!Number.isFinite(value) || (schema.type === "integer" && !Number.isSafeInteger(value))) return false;
  const { minimum = value, maximum = value, exclusiveMinimum = Number.NEGATIVE_INFINITY, multipleOf } = schema;
  if (multipleOf !== undefined && value % multipleOf !== 0) return false;
  return value >= minimum && value <= maximum && value > exclusiveMinimum;
}

/**
 * Where every branch for objects is of a `kind`, the one of the value's own kind speaks for the union; elsewhere the branch
 * of the value's own JavaScript type with the fewest problems.
 */
function checkUnion(
  schema: Schema,
  branches: readonly Schema[],
  at: { value: unknown; path: string },
): readonly Problem[] {
  const objects = branches.filter(({ type }) => type === "object");
  const kinds = objects.map((branch) => branch.properties?.["kind"]?.const);
  if (isPlainObject(at.value) && kinds.length > 0 && !kinds.includes(undefined)) {
    const schemaOfKind = objects[kinds.indexOf(at.value["kind"])];
    return schemaOfKind
      ? check(schemaOfKind, at.value, at.path)
      : [mismatch({ enum: kinds }, at.value["kind"], join(at.path, "kind"))];
  }
  const tries = branches.map((branch) => ({ branch, problems: check(branch, at.value, at.path) }));
  if (tries.some(({ problems }) => problems.length === 0)) return [];
  const inside = tries
    .filter(
      ({ branch }) =>
        (branch.type === "object" && isPlainObject(at.value)) || (branch.type === "array" && Array.isArray(at.value)),
    )
    .sort((a, b) => a.problems.length - b.problems.length)[0];
  return inside?.problems ?? [mismatch(schema, at.value, at.path)];
}

function checkArray(schema: Schema, value: unknown, path: string): readonly Problem[] {
  if (!Array.isArray(value) || value.length < (schema.minItems ?? 0)) return [mismatch(schema, value, path)];
  const { items } = schema;
  const problems = items ? Array.from(value).flatMap((item, i) => check(items, item, join(path, i))) : [];
  return problems.length === 0 && schema.uniqueItems ? repeats(value, path) : problems;
}

/** The items that stood in the list before. Lists of single items are all texts, numbers or flags. */
function repeats(list: readonly unknown[], path: string): readonly Problem[] {
  return list.flatMap((item, i) => {
    const first = list.indexOf(item);
    const expected = `another item than that of ${join(path, first)}`;
    return first === i
      ? []
      : [{ code: "CONFIG_INVALID", path: join(path, i), expected, got: show(item), hint: "Remove it." }];
  });
}

function checkObject(schema: Schema, value: unknown, path: string): readonly Problem[] {
  if (!isPlainObject(value)) return [mismatch(schema, value, path)];
  const problems: Problem[] = [];
  for (const key of Object.keys(value)) {
    const member = memberSchema(schema, key);
    if (member === null) problems.push(unknownKey(schema, key, path));
    // A key written as undefined is a key not written.
    else if (value[key] !== undefined) problems.push(...check(member, value[key], join(path, key)));
  }
  for (const key of schema.required ?? []) {
    const member = schema.properties?.[key];
    if (member && (!Object.hasOwn(value, key) || value[key] === undefined))
      problems.push(mismatch(member, undefined, join(path, key)));
  }
  if (Object.keys(value).length < (schema.minProperties ?? 0)) problems.push(mismatch(schema, value, path));
  return problems;
}

function memberSchema(schema: Schema, key: string): Schema | null {
  if (isReservedKey(key)) return null;
  if (schema.properties && Object.hasOwn(schema.properties, key)) return schema.properties[key] ?? null;
  for (const [pattern, member] of Object.entries(schema.patternProperties ?? {})) {
    if (new RegExp(pattern, "u").test(key)) return member;
  }
  return null;
}

function unknownKey(schema: Schema, key: string, path: string): Problem {
  const known = Object.keys(schema.properties ?? {});
  const guess = nearest(key, known);
  const pattern = Object.keys(schema.patternProperties ?? {})[0];
  return {
    code: "CONFIG_UNKNOWN_KEY",
    path: join(path, key),
    expected: pattern === undefined ? `one of the keys ${known.join(", ")}` : `a name like ${pattern}`,
    got: show(key),
    hint: guess === null ? "Remove or rename this key." : `Did you mean ${show(guess)}?`,
  };
}

/** What a schema accepts, in words. */
function expectation(schema: Schema): string {
  if (schema.title !== undefined) return schema.title;
  if (schema.const !== undefined) return show(schema.const);
  if (schema.enum) return `one of ${schema.enum.map(show).join(", ")}`;
  return ofType(schema);
}

function ofType(schema: Schema): string {
  switch (schema.type) {
    case "integer":
      return `an integer${range(schema)}`;
    case "number":
      return `a finite number${range(schema)}`;
    case "boolean":
      return "true or false";
    case "null":
      return "null";
    case "array":
      return schema.minItems ? "a list that is not empty" : "a list";
    case "object":
      return schema.minProperties ? "an object with at least one key" : "an object";
    default:
      return schema.minLength ? "text that is not empty" : "text";
  }
}

function range({ minimum, maximum, exclusiveMinimum, multipleOf }: Schema): string {
  const lower = minimum === undefined ? null : `at least ${minimum}`;
  const above = exclusiveMinimum === undefined ? null : `above ${exclusiveMinimum}`;
  const upper = maximum === undefined ? null : `at most ${maximum}`;
  const step = multipleOf === undefined ? null : `a multiple of ${multipleOf}`;
  const parts = [lower, above, upper, step].filter((part) => part !== null);
  return parts.length === 0 ? "" : ` ${parts.join(" and ")}`;
}
