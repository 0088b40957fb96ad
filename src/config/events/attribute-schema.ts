import Type from "typebox";
import { withDefault } from "../defaults.ts";
import { flag, integer, record, text } from "../schema-parts.ts";
import { idsKey } from "./log-schema.ts";
import { GIVEN_KINDS, LIST_DELIMITER, VALUE_LIMITS } from "./value-kinds.ts";

const kindOf = <K extends string>(kind: K) => Type.Literal(kind, { description: "What the field holds." });

const attributeFrom = Type.Optional(text("Field of the log; the attribute's own name if absent."));
const attributeHistory = withDefault(
  flag(
    "Whether past events are read with it. False for what is the same in all events of a user, such as a country: their " +
      "histories need not say it again, and are read faster.",
  ),
  true,
);
const attributeIds = idsKey("How the ids of a category become table rows.");

/** One attribute: its kind, or what its kind has to say. */
export const ATTRIBUTE_SCHEMA = Type.Union(
  [
    Type.Enum([...GIVEN_KINDS, "categories"], { description: "Kind of the field of the same name." }),
    record(
      { kind: kindOf("category"), from: attributeFrom, ids: attributeIds, history: attributeHistory },
      "An id or a word.",
    ),
    record({ kind: kindOf("number"), from: attributeFrom, history: attributeHistory }, "A float."),
    record({ kind: kindOf("flag"), from: attributeFrom, history: attributeHistory }, "0 or 1."),
    record(
      {
        kind: kindOf("vector"),
        from: attributeFrom,
        dim: integer("Number of components.", { minimum: 1, maximum: VALUE_LIMITS.dim }),
      },
      "Numbers of a fixed dimension, such as the embedding of a text or an image.",
    ),
    record(
      {
        kind: kindOf("categories"),
        from: attributeFrom,
        ids: attributeIds,
        delimiter: withDefault(text("Between the ids of a list that is one text and no JSON."), LIST_DELIMITER),
      },
      "Ids in any number, such as tags.",
    ),
  ],
  {
    title: "a kind (category, number, flag, categories), { from, kind }, or { from, kind: vector, dim }",
    description: "One fact known when the item is shown.",
  },
);
