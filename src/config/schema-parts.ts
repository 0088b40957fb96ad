/** What the schema of the configuration is put together from. */
import Type, { type TSchema } from "typebox";

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
