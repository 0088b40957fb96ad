/**
 * What a user writes: the one schema from which come the checks, the types of `defineProject`, the defaults, and
 * `lapidary.schema.json`. `resolve.ts` turns it into the resolved form, whose types derive from it where the two agree.
 */
import Type, { type Static } from "typebox";
import { COUNTER_SCHEMA } from "./counters/counters-schema.ts";
import { withDefault } from "./defaults.ts";
import { EVALUATION_SCHEMA } from "./evaluation.ts";
import { EVENTS_SCHEMA } from "./events/events-schema.ts";
import { NEGATIVES_SCHEMA } from "./events/negatives-schema.ts";
import { OBJECTIVE_SCHEMA } from "./events/outcome-schema.ts";
import { SPLIT_SCHEMA } from "./events/split-schema.ts";
import { MODEL_SCHEMA } from "./model/model.ts";
import { TRAINING_SCHEMA } from "./model/training.ts";
import { named, record, text } from "./schema-parts.ts";
import { STUDY_SCHEMA } from "./study/study-schema.ts";
import { WORLD_SCHEMA } from "./world/world.ts";

const MODEL_NAME_PATTERN = "^[A-Za-z][A-Za-z0-9_-]{0,63}$";

/** Where what the commands make lies, relative to the configuration file. */
export const FOLDERS_SCHEMA = record(
  {
    store: withDefault(text("Folder of the event store."), ".lapidary/store"),
    runs: withDefault(text("Folder of the runs."), "runs"),
    knowledge: withDefault(text("Folder of what teachers said of the examples."), ".lapidary/knowledge"),
    bundles: withDefault(text("Folder of the exported models."), "bundles"),
  },
  "Folders.",
);

/** The schema of the configuration file. */
export const CONFIG_SCHEMA = Type.Object(
  {
    $schema: Type.Optional(Type.String({ description: "Address of this schema, for editors." })),
    about: Type.Optional(text("What a reader of the results must know of the data; reports show it.")),
    ...FOLDERS_SCHEMA.properties,
    events: EVENTS_SCHEMA,
    objectives: named(OBJECTIVE_SCHEMA, { description: "What models predict.", minProperties: 1 }),
    split: SPLIT_SCHEMA,
    negatives: Type.Optional(NEGATIVES_SCHEMA),
    counters: Type.Optional(named(COUNTER_SCHEMA, { description: "Counts of the past that models read, by name." })),
    training: Type.Optional(TRAINING_SCHEMA),
    evaluation: Type.Optional(EVALUATION_SCHEMA),
    models: named(MODEL_SCHEMA, { description: "The models by name.", pattern: MODEL_NAME_PATTERN, minProperties: 1 }),
    world: Type.Optional(WORLD_SCHEMA),
    studies: Type.Optional(named(STUDY_SCHEMA, { description: "Studies of `lapidary scale`." })),
  },
  { title: "Lapidary project", description: "One file describes the whole project.", additionalProperties: false },
);

/** What a user writes in `lapidary.config.*`. */
export type UserConfig = Static<typeof CONFIG_SCHEMA>;

/** The text of `lapidary.schema.json`: JSON Schema 2020-12, for completion and checks in editors. */
export function schemaText(): string {
  return `${JSON.stringify({ $schema: "https://json-schema.org/draft/2020-12/schema", ...CONFIG_SCHEMA }, null, 2)}\n`;
}
