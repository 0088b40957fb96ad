/** What the parts of the schema that name files and fields of logs share. */
import Type from "typebox";
import { withDefault } from "../defaults.ts";
import { choice, duration, integer, record, text } from "../schema-parts.ts";
import { TIME_UNITS } from "../types.ts";

/** How ids become table rows. */
export const idsKey = (description: string) =>
  withDefault(
    Type.Union(
      [
        Type.Literal("dictionary"),
        record(
          { hash: integer("Number of shared rows.", { minimum: 1, maximum: 2 ** 30 }) },
          "Rows shared by hashing.",
        ),
      ],
      { title: '"dictionary" or { hash: number of rows }', description },
    ),
    "dictionary",
  );

/** Files of a log, or a query whose rows are one. */
export const rowsFrom = (description: string) =>
  Type.Union(
    [
      text("A file or a glob."),
      Type.Array(text("A file or a glob."), { description: "Files or globs.", minItems: 1 }),
      record(
        { sql: text("A query of DuckDB; paths in it are relative to this configuration.") },
        "The rows of a query: joins, filters, expressions.",
      ),
    ],
    { title: "a file or glob, a list of them, or { sql }", description },
  );

/** Fields that are told by folders. */
export const PARTITIONS = withDefault(
  Type.Array(text("A name, as dt of a folder dt=2025-03-03."), {
    description: "Fields that the names of folders hold. A file's own field of the name wins.",
    uniqueItems: true,
  }),
  [],
);

/** A field of times, with its unit or without. */
export const timeField = (description: string) =>
  Type.Union(
    [
      text("Field of the time."),
      record(
        { from: text("Field of the time."), unit: choice(TIME_UNITS, "Unit since 1970 UTC, or ISO 8601 text.") },
        "A field and its unit.",
      ),
    ],
    { title: "the name of a field, or { from, unit }", description },
  );

/** Time until an outcome is known. */
export const DELAY = withDefault(duration("Time from the event until this is known."), "0s");
