/** What a user writes of the log of events. */
import Type from "typebox";
import { INSTANT_PATTERN } from "../../base/instant.ts";
import { MAX_TIME_MS } from "../../base/units.ts";
import { defaultsOf, withDefault } from "../defaults.ts";
import { choice, named, record, text } from "../schema-parts.ts";
import { ENCODINGS } from "../types.ts";
import { ATTRIBUTE_SCHEMA } from "./attribute-schema.ts";
import { idsKey, PARTITIONS, rowsFrom, timeField } from "./log-schema.ts";
import { OUTCOME_SCHEMA } from "./outcome-schema.ts";

/** A time of the calendar. */
export const instant = (description: string) =>
  Type.Union(
    [Type.String({ pattern: INSTANT_PATTERN }), Type.Integer({ minimum: -MAX_TIME_MS, maximum: MAX_TIME_MS })],
    { title: 'a date such as "2022-04-18" or "2022-04-18T06:00:00Z" (UTC), or milliseconds since 1970', description },
  );

const source = (description: string) =>
  Type.Union(
    [
      text("Field of the log."),
      record({ from: text("Field of the log.") }, "Read from a field."),
      record({ value: text("The constant.") }, "The same for the whole log."),
    ],
    { title: "the name of a field, or { value: … } for one constant", description },
  );

const originValues = (value: string) =>
  Type.Optional(
    Type.Array(Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
      description: `Values of the field that mean ${value}. Default: all that the other list does not name.`,
      minItems: 1,
    }),
  );

const origin = Type.Union(
  [
    text("Field of the log, with the values `ad` and `organic`."),
    record(
      { from: text("Field of the log."), ad: originValues("ad"), organic: originValues("organic") },
      "Read from a field.",
    ),
    record({ value: choice(["ad", "organic"], "The constant.") }, "The same for the whole log."),
  ],
  {
    title: "the name of a field, { from, ad: […] }, or { value }",
    description: "Whether the item was paid for: `ad` or `organic`. Default: all organic.",
  },
);

/** One character of ASCII. */
const character = (description: string) =>
  Type.String({ description, pattern: "^[\\x00-\\x09\\x0B\\x0C\\x0E-\\x7F]$" });

/** The schema of `events`. */
export const EVENTS_SCHEMA = record(
  {
    from: rowsFrom("Files of the log, relative to this configuration, or a query."),
    format: Type.Optional(
      choice(["parquet", "csv", "tsv", "jsonl"], "Format of the files; by default from their names."),
    ),
    partitions: PARTITIONS,
    delimiter: Type.Optional(character("What separates the fields of CSV and TSV.")),
    quote: Type.Optional(
      Type.Union([character("What may enclose a field, doubled inside of it."), Type.Null()], {
        title: "one character, or null for none",
        description:
          'What may enclose a field of CSV and TSV, doubled inside of it; null: none. Default: " for CSV, null for TSV.',
      }),
    ),
    escape: Type.Optional(
      character("What makes the next character data, the backslash of MySQL and Hive for example. Default: none."),
    ),
    encoding: withDefault(choice(ENCODINGS, "Encoding of CSV, TSV and JSONL."), "utf-8"),
    nulls: withDefault(
      Type.Array(Type.String(), {
        description: "Texts of CSV and TSV that stand for a missing value, besides the empty one.",
      }),
      // MySQL's, Hive's, ClickHouse's, and PostgreSQL's in its text format.
      ["\\N"],
    ),
    decimal: withDefault(choice([".", ","], "What stands before the decimals of numbers in CSV and TSV."), "."),
    id: Type.Optional(text("Field of a unique event id; rows with an id already read are dropped and counted.")),
    user: Type.Optional(text("Field of the user's id. Without it every row is a user of its own: no histories.")),
    item: source("The item that was shown: its id. A plain table may have none: then a constant."),
    time: Type.Optional(
      timeField(
        "When the event happened, in milliseconds since 1970 if no unit is given. Without it all rows share one time: no histories.",
      ),
    ),
    action: source("What happened: an impression, a purchase…"),
    surface: source("Where it happened: feed, stories…"),
    origin: Type.Optional(origin),
    earliest: withDefault(instant("Earlier events are rejected."), "2000-01-01"),
    latest: withDefault(instant("Events at or after it are rejected."), "2100-01-01"),
    itemIds: idsKey("How the ids of the items become table rows."),
    attributes: Type.Optional(named(ATTRIBUTE_SCHEMA, { description: "Facts known when the item is shown." })),
    outcomes: Type.Optional(
      named(OUTCOME_SCHEMA, {
        description: "Facts known later: read of past events, never an input of their own event.",
      }),
    ),
  },
  "How the log's fields map to events.",
);

/** What is taken for a log that does not say it. */
export const EVENTS_DEFAULTS = defaultsOf(EVENTS_SCHEMA);
