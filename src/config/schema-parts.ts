/** What the schema of the configuration is put together from. */
import Type, { type TSchema } from "typebox";
import { DURATION_PATTERN } from "../base/units.ts";
import { MODULE_PATTERN, type ModulePath } from "./module-path.ts";

/** What a name that a user chooses looks like, where it may become a name in a program. */
const NAME_PATTERN = "^[A-Za-z][A-Za-z0-9_]{0,63}$";

/** What a number may be. */
interface Range {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly multipleOf?: number;
}

/** What seeds may be: 32 bits. */
export const SEED: Range = { minimum: 0, maximum: 2 ** 32 - 1 };

/** A finite number. */
export const number = (description: string, range: Range = {}) => Type.Number({ description, ...range });

/** A whole number. */
export const integer = (description: string, range: Range = {}) => Type.Integer({ description, ...range });

/** A share of examples, kept by a hash of each: the same ones every time, those of a smaller share among them. */
export const sample = (description: string) => number(description, { exclusiveMinimum: 0, maximum: 1 });

/** True or false. */
export const flag = (description: string) => Type.Boolean({ description });

/** One of some words. */
export const choice = <const V extends readonly string[]>(values: V, description: string) =>
  Type.Enum([...values] as V[number][], { description });

/** Text that is not empty. */
export const text = (description: string) => Type.String({ description, minLength: 1 });

/** A list that is not empty and says nothing twice. */
export const listOf = <S extends TSchema>(item: S, description: string) =>
  Type.Array(item, { description, minItems: 1, uniqueItems: true });

/** An object of values by name. */
export function named<S extends TSchema>(
  value: S,
  options: { description: string; pattern?: string; minProperties?: number },
) {
  const { pattern = NAME_PATTERN, ...rest } = options;
  return Type.Record(Type.String({ pattern }), value, { ...rest, additionalProperties: false });
}

/** An object with these keys and no others. */
export function record<P extends Record<string, TSchema>>(properties: P, description: string) {
  return Type.Object(properties, { description, additionalProperties: false });
}

/** A module of the project's own. */
export const modulePath = (description: string) =>
  Type.Unsafe<ModulePath>(
    Type.String({ title: 'a module such as "./my-model.ts"', description, pattern: MODULE_PATTERN }),
  );

/** A length of time. */
export const duration = (description: string) =>
  Type.String({ title: 'a duration such as "7d", "1h", "90s" or "0s"', description, pattern: DURATION_PATTERN });
