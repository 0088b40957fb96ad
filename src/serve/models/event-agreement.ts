import type { EventFacts } from "../ranker/api-facts.ts";

/** What two models say of events, and do not say alike. */
export interface EventDifference {
  /** Such as `the fact brand`. */
  readonly what: string;
  readonly own: string;
  readonly other: string;
}

/** The first difference between what two models take for an event; null if they take the same. */
export function eventDifference(own: EventFacts, other: EventFacts): EventDifference | null {
  const [a, b] = [statementsOf(own), statementsOf(other)];
  for (const what of new Set([...a.keys(), ...b.keys()])) {
    const [said = "nothing", otherwise = "nothing"] = [a.get(what), b.get(what)];
    if (said !== otherwise) return { what, own: said, other: otherwise };
  }
  return null;
}

/** All that {@link EventFacts} say, one statement each. */
function statementsOf({ eventKinds, windows, rules }: EventFacts): ReadonlyMap<string, string> {
  const { earliestMs, latestMs, timeUnit, constants } = rules;
  return new Map([
    ...[...eventKinds].map(([name, { kind, ...more }]) => [`the fact ${name}`, withMore(kind, more)] as const),
    ...[...windows].map(([name, ms]) => [`the window of ${name}`, `${ms} ms`] as const),
    ...Object.entries(constants).map(([name, value]) => [`the constant ${name}`, value] as const),
    ["the earliest time", new Date(earliestMs).toISOString()],
    ["the latest time", new Date(latestMs).toISOString()],
    ["the unit of times as text", timeUnit],
  ]);
}

/** A kind with what else is said of it: `vector {"dim":8}`. */
function withMore(kind: string, more: object): string {
  return Object.keys(more).length === 0 ? kind : `${kind} ${JSON.stringify(more)}`;
}
