/** A bundle whose scores a test can compute itself. */
import { type UserRows, writeBundle } from "../bundle/index.ts";
import { deriveSpec } from "../features/derive-spec.ts";
import { Dictionary } from "../features/dictionary.ts";
import type { EventRules } from "../features/events/event-facts.ts";
import type { EventSchema } from "../features/schema.ts";
import { tinyGraph } from "./onnx.test.support.ts";

/** Items that the model knows. */
export const ITEMS = ["a", "b", "c", "d"] as const;

const SCHEMA: EventSchema = {
  attributes: [
    { name: "brand", kind: "category" },
    { name: "price", kind: "number" },
    { name: "fresh", kind: "flag" },
  ],
  outcomes: [
    { name: "click", kind: "flag", delayMs: 0, objective: true },
    { name: "buy", kind: "flag", delayMs: 1000, objective: true },
  ],
};

/** Of the tiny model's events. */
export const TINY_RULES: EventRules = { earliestMs: 0, latestMs: 4e12, timeUnit: "iso", constants: {} };

/** How a tiny model differs from the usual one. */
export interface TinyOptions {
  /** @default "tiny" */
  readonly name?: string;
  /** Is added to the logits of `click`. */
  readonly shift?: number;
  readonly userRows?: UserRows;
  readonly rules?: EventRules;
  /** Further outcomes of its events, which it does not read. */
  readonly outcomes?: EventSchema["outcomes"];
}

/** An amount and a count, for {@link TinyOptions.outcomes}. */
export const AMOUNT_OUTCOMES: EventSchema["outcomes"] = [
  { name: "spend", kind: "value", delayMs: 0, objective: false },
  { name: "views", kind: "count", delayMs: 0, objective: false },
];

/** Publishes a model with the objectives `click` and `buy`. */
export function writeTinyBundle(
  dir: string,
  { name = "tiny", shift = 0, userRows = "candidate", rules = TINY_RULES, outcomes = [] }: TinyOptions = {},
): void {
  const ids = { user: ["u"], item: ITEMS, action: ["view"], surface: ["feed"], origin: ["organic", "ad"] };
  const cardinalities = Object.fromEntries(Object.entries(ids).map(([key, list]) => [key, list.length + 1]));
  const spec = deriveSpec(SCHEMA, { cardinalities: { ...cardinalities, brand: 8 } });
  const files = Object.entries(ids).map(([key, list]) => [`${key}.dictionary`, Dictionary.of(list).encode()] as const);
  const numItems = ITEMS.length + 1;
  const items = Float32Array.from({ length: numItems * 2 }, (_, i) => (i % 2 === 0 ? i / 4 + shift : -i / 4));
  const past = Float32Array.from({ length: numItems * 2 }, (_, i) => (i % 2 === 0 ? i / 16 : 0));
  const graph = tinyGraph({ items, past, numItems, numTasks: 2, numNumbers: spec.numbers.length, userRows });
  const dictionaries = Object.fromEntries(Object.keys(ids).map((key) => [key, `${key}.dictionary`]));
  writeBundle(dir, {
    facts: {
      model: { name, kind: "vertical", surface: null },
      spec,
      schema: { ...SCHEMA, outcomes: [...SCHEMA.outcomes, ...outcomes] },
      events: rules,
      history: 3,
      graph: { file: "model.onnx", opset: 17, userRows },
      vocabularies: {},
      dictionaries: { ...dictionaries, brand: { buckets: 7 } },
      calibration: [
        { scale: 1, shift: 0 },
        { scale: 1, shift: 0 },
      ],
      lineage: { run: "none" },
      metrics: {},
    },
    files: { "model.onnx": graph, ...Object.fromEntries(files) },
  });
}
