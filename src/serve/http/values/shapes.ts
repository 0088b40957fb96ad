/** Objects and lists of a request, and how they are described. */
import Type, { type Static, type TObject, type TProperties, type TSchema } from "typebox";
import { check, isPlainObject, isReservedKey } from "../../../base/check.ts";
import { LapidaryError } from "../../../base/errors.ts";
import { wrong } from "./problems.ts";

/** JSON Schema, draft 2020-12; TypeBox's say of which type their values are, too. */
export type JsonSchema = object;

/** A parsed object, whose members were not looked at. */
export type Json = Readonly<Record<string, unknown>>;

/** Any object. @throws {LapidaryError} SERVE_REQUEST */
export function anyObjectAt(value: unknown, where: string): Json {
  if (!isPlainObject(value)) throw wrong(where, "an object", value);
  return value;
}

/** An object with no other keys than these. @throws {LapidaryError} SERVE_REQUEST */
export function objectAt(value: unknown, where: string, keys: readonly string[]): Json {
  const object = anyObjectAt(value, where);
  const unknown = Object.keys(object).find((key) => isReservedKey(key) || !keys.includes(key));
  if (unknown !== undefined) throw wrong(where, `no keys but ${keys.join(", ")}`, unknown);
  return object;
}

/** A list of 1 to `limit` entries. @throws {LapidaryError} SERVE_REQUEST, SERVE_LIMIT */
export function listAt(value: unknown, where: string, limit: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw wrong(where, "a list that is not empty", value);
  if (value.length > limit) throw wrong(where, `at most ${limit} entries`, value.length, "SERVE_LIMIT");
  return value;
}

/** A body that its schema says all of, but of members that the schema does not name. @throws {LapidaryError} SERVE_REQUEST */
export function checkedBody<S extends TSchema>(schema: S, body: unknown): Static<S> {
  const problem = check(schema, body).find(({ code }) => code === "CONFIG_INVALID");
  if (problem === undefined) return body as Static<S>;
  const { path, expected, got } = problem;
  const hint = "Correct the request.";
  throw new LapidaryError({ code: "SERVE_REQUEST", where: path || "body", expected, got, hint });
}

/** Schema of an object with these properties and no others. */
export function objectSchema(
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[],
): JsonSchema {
  return { type: "object", properties, required, additionalProperties: false };
}

/** Schema of an object that has all of these properties and no others. */
export function strictObjectSchema(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return objectSchema(properties, Object.keys(properties));
}

/** The same for properties that are known at compile time, whose type follows; {@link Type.Optional} ones may be left out. */
export function strictObject<P extends TProperties>(properties: P): TObject<P> {
  return Type.Object(properties, { additionalProperties: false });
}

/** Text. */
export const TEXT = Type.String();
/** A whole number that is not negative. */
export const COUNT = Type.Integer({ minimum: 0 });
/** True or false. */
export const FLAG = Type.Boolean();
