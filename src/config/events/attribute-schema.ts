import Type from "typebox";
import { EVENTS_DEFAULTS } from "../defaults.ts";
import { field, ids, record } from "../schema-parts.ts";
import { GIVEN_KINDS, VALUE_LIMITS } from "./value-kinds.ts";

const kindOf = <K extends string>(kind: K) => Type.Literal(kind, { description: "What the field holds." });

const attributeFrom = Type.Optional(field("Field of the log; the attribute's own name if absent."));
const attributeIds = Type.Optional(ids("How the ids of a category become table rows."));

/** One attribute: its kind, or what its kind has to say. */
export const ATTRIBUTE_SCHEMA = Type.Union(
  [
    Type.Enum([...GIVEN_KINDS, "categories"], { description: "Kind of the field of the same name." }),
    record({ kind: kindOf("category"), from: attributeFrom, ids: attributeIds }, "An id or a word."),
    record({ kind: kindOf("number"), from: attributeFrom }, "A float."),
    record({ kind: kindOf("flag"), from: attributeFrom }, "0 or 1."),
    record(
      {
        kind: kindOf("vector"),
        from: attributeFrom,
        dim: Type.Integer({ description: "Number of components.", minimum: 1, maximum: VALUE_LIMITS.dim }),
      },
      "Numbers of a fixed dimension, such as the embedding of a text or an image.",
    ),
    record(
      {
        kind: kindOf("categories"),
        from: attributeFrom,
        ids: attributeIds,
        delimiter: Type.Optional(
          field(`Between the ids of a list that is one text and no JSON. Default: ${EVENTS_DEFAULTS.listDelimiter}`),
        ),
      },
      "Ids in any number, such as tags.",
    ),
  ],
  {
    title: "a kind (category, number, flag, categories), { from, kind }, or { from, kind: vector, dim }",
    description: "One fact known when the item is shown.",
  },
);
