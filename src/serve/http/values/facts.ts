/** Facts of events and candidates: how they are read, described, and shown by example. */
import { isPlainObject } from "../../../base/check.ts";
import { VALUE_LIMITS } from "../../../config/events/value-kinds.ts";
import type { FactKind, FactKinds } from "../../../features/coding.ts";
import { readFact } from "../../../features/events/event-facts.ts";
import type { RawFact, RawFacts } from "../../../features/events/raw-event.ts";
import { isRefused, Refused } from "../../../features/events/refusal.ts";
import { ORIGINS, type ValueKind } from "../../../features/schema.ts";
import { refused, wrong } from "./problems.ts";
import type { JsonSchema } from "./shapes.ts";

/**
 * The facts of an object. `others` are the keys that are none, and that the caller reads.
 *
 * @throws {LapidaryError} SERVE_REQUEST, EVENT_*
 */
export function factsAt(
  value: unknown,
  where: string,
  { kinds, others = [] }: { readonly kinds: FactKinds; readonly others?: readonly string[] },
): RawFacts {
  if (!isPlainObject(value)) throw refused(where, new Refused("EVENT_OBJECT", "an object"), value);
  const facts: Record<string, RawFact> = {};
  // One pass without a list or a text per key: a ranking has thousands of facts.
  for (const name of Object.keys(value)) {
    if (others.includes(name)) continue;
    const kind = kinds.get(name);
    if (kind === undefined) throw wrong(where, `no keys but ${[...others, ...kinds.keys()].join(", ")}`, name);
    const fact = readFact(value[name], name, kind);
    if (isRefused(fact)) throw refused(`${where}.${name}`, fact, value[name]);
    if (fact !== null) facts[name] = fact;
  }
  return facts;
}

/** The schema of a fact of each kind, but of a vector, which has its own: leaving one out does not compile. */
const FACT_SCHEMAS: Readonly<Record<Exclude<ValueKind, "vector">, JsonSchema>> = {
  category: { type: ["string", "number", "boolean", "null"] },
  number: { type: ["number", "string", "null"], description: "A decimal number that a float32 holds." },
  value: {
    type: ["number", "string", "null"],
    minimum: 0,
    description: "An amount: a decimal number that is not negative.",
  },
  count: { type: ["number", "string", "null"], minimum: 0, description: "A whole number that is not negative." },
  flag: { type: ["boolean", "number", "string", "null"], description: "true, false, 0 or 1." },
  categories: {
    type: ["array", "string", "null"],
    items: { type: ["string", "number", "boolean"] },
    maxItems: VALUE_LIMITS.ids,
    description: "Ids, or one text as the log spells them.",
  },
};

/** What {@link factsAt} takes, by name. */
export function factProperties(kinds: FactKinds): Record<string, JsonSchema> {
  const schemaOf = ({ kind, dim }: FactKind): JsonSchema =>
    kind === "vector"
      ? {
          type: ["array", "string", "null"],
          items: { type: ["number", "string"] },
          minItems: dim,
          maxItems: dim,
          description: "Numbers that float32 holds, or one text as the log spells them.",
        }
      : FACT_SCHEMAS[kind];
  const origin = { enum: [...ORIGINS, "", null], description: "Missing if it is empty." };
  return Object.fromEntries([...kinds].map(([name, kind]) => [name, name === "origin" ? origin : schemaOf(kind)]));
}

/** An example of each kind: leaving one out does not compile. */
const EXAMPLES: Readonly<Record<ValueKind, (name: string, seed: number, dim: number) => unknown>> = {
  category: (name, seed) => `${name}${seed}`,
  number: (_, seed) => seed / 2,
  value: (_, seed) => seed / 2,
  count: (_, seed) => seed,
  flag: (_, seed) => seed % 2 === 1,
  vector: (_, seed, dim) => Array.from({ length: dim }, (_, i) => (i % 2 === 0 ? seed / 2 : -seed / 4)),
  categories: (name, seed) => Array.from({ length: seed }, (_, i) => `${name}${i + 1}`),
};

/** Facts that {@link factsAt} takes; another `seed`, other values. */
export function exampleFacts(kinds: FactKinds, seed: number): Record<string, unknown> {
  const value = (name: string, { kind, dim = 0 }: FactKind): unknown => EXAMPLES[kind](name, seed, dim);
  return Object.fromEntries(
    [...kinds].map(([name, kind]) => [name, name === "origin" ? ORIGINS[0] : value(name, kind)]),
  );
}
