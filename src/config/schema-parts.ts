/** What the schema of the configuration is put together from. */
import Type, { type TSchema } from "typebox";
import { DURATION_PATTERN } from "../base/units.ts";
import { MODULE_PATTERN, type ModulePath } from "./module-path.ts";
import { TIME_UNITS } from "./types.ts";

const NAME_PATTERN = "^[A-Za-z][A-Za-z0-9_]{0,63}$";

/** Text that is not empty. */
export const field = (description: string) => Type.String({ description, minLength: 1 });

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

/** How ids become table rows. */
export const ids = (description: string) =>
  Type.Union(
    [
      Type.Literal("dictionary"),
      record(
        { hash: Type.Integer({ description: "Number of shared rows.", minimum: 1, maximum: 2 ** 30 }) },
        "Rows shared by hashing.",
      ),
    ],
    { title: '"dictionary" or { hash: number of rows }', description, default: "dictionary" },
  );

/** A module of the project's own. */
export const modulePath = (description: string) =>
  Type.Unsafe<ModulePath>(
    Type.String({ title: 'a module such as "./my-model.ts"', description, pattern: MODULE_PATTERN }),
  );

/** A length of time. */
export const duration = (description: string) =>
  Type.String({ title: 'a duration such as "7d", "1h", "90s" or "0s"', description, pattern: DURATION_PATTERN });

/** Files of a log, or a query whose rows are one. */
export const rowsFrom = (description: string) =>
  Type.Union(
    [
      field("A file or a glob."),
      Type.Array(field("A file or a glob."), { description: "Files or globs.", minItems: 1 }),
      record(
        { sql: field("A query of DuckDB; paths in it are relative to this configuration.") },
        "The rows of a query: joins, filters, expressions.",
      ),
    ],
    { title: "a file or glob, a list of them, or { sql }", description },
  );

/** Fields that are told by folders. */
export const partitions = () =>
  Type.Optional(
    Type.Array(field("A name, as dt of a folder dt=2025-03-03."), {
      description: "Fields that the names of folders hold. A file's own field of the name wins.",
      uniqueItems: true,
    }),
  );

/** A field of times, with its unit or without. */
export const timeField = (description: string) =>
  Type.Union(
    [
      field("Field of the time."),
      record(
        {
          from: field("Field of the time."),
          unit: Type.Enum([...TIME_UNITS], { description: "Unit since 1970 UTC, or ISO 8601 text." }),
        },
        "A field and its unit.",
      ),
    ],
    { title: "the name of a field, or { from, unit }", description },
  );
