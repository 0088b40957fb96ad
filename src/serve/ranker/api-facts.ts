import type { BundleManifest } from "../../bundle/index.ts";
import { type FactKinds, factKinds } from "../../features/coding.ts";
import type { EventRules } from "../../features/events/event-facts.ts";
import type { EventSchema } from "../../features/schema.ts";

/** By what reported events are read; the models of one server share it, as they share its online store. */
export interface EventFacts {
  /** Of the facts of an event. */
  readonly eventKinds: FactKinds;
  /** Of the outcomes with times of their own: the time after which they are known of every event. @unit ms */
  readonly windows: ReadonlyMap<string, number>;
  /** To which events are held. */
  readonly rules: EventRules;
}

/** What a request may speak of. */
export interface ApiFacts extends EventFacts {
  readonly objectives: readonly string[];
  /** The one surface that the model is for; null for all. */
  readonly surface: string | null;
  /** Of the facts of a ranking. */
  readonly rankKinds: FactKinds;
}

/** {@link EventFacts} of a model. */
export function eventFacts({ schema, events: rules }: Pick<BundleManifest, "schema" | "events">): EventFacts {
  const timed = schema.outcomes.filter(({ knownColumn }) => knownColumn !== undefined);
  const windows = new Map(timed.map(({ name, delayMs }) => [name, delayMs]));
  return { eventKinds: factKinds(schema), windows, rules };
}

/** {@link ApiFacts} of a model. */
export function apiFacts(manifest: Pick<BundleManifest, "schema" | "spec" | "model" | "events">): ApiFacts {
  const { spec, model, schema } = manifest;
  return {
    ...eventFacts(manifest),
    objectives: spec.objectives,
    surface: model.surface,
    rankKinds: rankKinds(schema),
  };
}

/** Kinds of the facts that a ranking may speak of: what happened to an item is not known while it is ranked. */
function rankKinds(schema: EventSchema): FactKinds {
  const outcomes = new Set(["action", ...schema.outcomes.map(({ name }) => name)]);
  return new Map([...factKinds(schema)].filter(([name]) => !outcomes.has(name)));
}
