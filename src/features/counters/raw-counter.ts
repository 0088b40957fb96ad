/** Counters of events as they are reported, before their ids become codes: what serving counts, and of which key. */
import { sha256 } from "../../files/digest.ts";
import { columnKinds } from "../coding.ts";
import { hashId } from "../events/hash-id.ts";
import type { RawEvent, RawFact } from "../events/raw-event.ts";
import type { EventSchema, ValueKind } from "../schema.ts";
import { flagCode } from "../transform.ts";
import type { CounterDefinition } from "./counter.ts";
import { countedAmount, tileOf } from "./tiles.ts";

/** A counter, with all that decides what of an event it counts: two that agree in it are one. */
export interface RawCounter extends Pick<CounterDefinition, "of" | "everyMs"> {
  readonly kind: ValueKind;
  /** Time from an event until its outcome is known. @unit ms */
  readonly delayMs: number;
  /** Fact that says it of each event; null if all wait for `delayMs`. */
  readonly known: string | null;
  readonly by: readonly KeyPart[];
}

/** One of the facts that events and a candidate have in common. */
interface KeyPart {
  readonly name: string;
  readonly kind: ValueKind;
  /** Of ids that are hashed: those of one bucket are counted together. */
  readonly buckets: number | null;
}

/** What an event adds to a counter. */
export interface Counted {
  /** {@link keyOf} the event. */
  readonly key: string;
  readonly tile: number;
  readonly amount: number;
}

/** Finds a fact by its name. */
export type FactOf = (name: string) => RawFact | undefined;

/** The counters of a model, as events and requests tell them. Columns without buckets have a dictionary. */
export function rawCounters(
  counters: readonly CounterDefinition[],
  schema: EventSchema,
  bucketsOf: (column: string) => number | null,
): readonly RawCounter[] {
  const kinds = columnKinds(schema);
  return counters.map(({ of, by, everyMs }) => {
    const { delayMs = 0, knownColumn: known = null } = schema.outcomes.find(({ name }) => name === of) ?? {};
    const parts = by.map((name) => ({ name, kind: kinds.get(name) ?? "category", buckets: bucketsOf(name) }));
    return { of, kind: kinds.get(of) ?? "flag", delayMs, known, by: parts, everyMs };
  });
}

/** Tells counters apart. */
export function counterId({ of, kind, delayMs, known, by, everyMs }: RawCounter): string {
  return sha256(JSON.stringify([of, kind, delayMs, known, by.map((part) => [part.name, part.buckets]), everyMs]));
}

/** What has one key; null if a part of it is missing. `user` is any text that stands for the user, null for nobody. */
export function keyOf({ by }: RawCounter, user: string | null, factOf: FactOf): string | null {
  const parts = by.map((part) => (part.name === "user" ? user : partOf(part, factOf(part.name))));
  return parts.includes(null) ? null : JSON.stringify(parts);
}

function partOf({ kind, buckets }: KeyPart, fact: RawFact | undefined): string | null {
  if (kind === "flag") {
    const code = flagCode(Number(fact ?? Number.NaN));
    return code === 0 ? null : `${code}`;
  }
  if (fact === undefined || fact === "") return null;
  return buckets === null ? String(fact) : `${hashId(String(fact), buckets)}`;
}

/** What an event adds to a counter; null if it lacks its outcome, or a part of its key. */
export function countedOf(
  counter: RawCounter,
  user: string,
  { timeMs, facts }: Pick<RawEvent, "timeMs" | "facts">,
): Counted | null {
  const { of, kind, known, delayMs, everyMs } = counter;
  const outcome = Number(facts[of] ?? Number.NaN);
  const amount = kind === "flag" ? flagCode(outcome) - 1 : Math.fround(outcome);
  const key = Number.isNaN(outcome) ? null : keyOf(counter, user, (name) => facts[name]);
  if (key === null) return null;
  const afterMs = known === null ? delayMs : Number(facts[known] ?? delayMs);
  return { key, tile: tileOf(timeMs + afterMs, everyMs), amount: countedAmount(amount) };
}
