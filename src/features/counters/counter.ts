import type { Counts } from "./tile-counts.ts";

/** What is counted. */
export interface CounterDefinition {
  readonly name: string;
  /** The outcome. */
  readonly of: string;
  /** Facts that the events and a candidate have in common: `user`, `item`, `surface`, `origin`, attributes. */
  readonly by: readonly string[];
  /** Length of a tile. @unit ms */
  readonly everyMs: number;
}

/** A counter that a model reads. */
export interface CounterFeature extends CounterDefinition {
  readonly prior: CounterPrior;
}

/** What is believed of a key of which little is known: that it is like all others. */
export interface CounterPrior {
  /** Mean outcome of the events of the training window, above 0. */
  readonly rate: number;
  /** How many events of that mean are added to those that were counted. */
  readonly strength: number;
}

/** What of a counter is one dense input. */
export interface CounterInput {
  /** Name of the counter. */
  readonly name: string;
  /** How far back it counts; null for all before. @unit ms */
  readonly lengthMs: number | null;
  readonly reads: CounterReading;
}

/** `shown`: how much is known. `rate`: what came of it. */
export const COUNTER_READINGS = ["shown", "rate"] as const;
/** One of {@link COUNTER_READINGS}. */
export type CounterReading = (typeof COUNTER_READINGS)[number];

/** Name of a dense input: no attribute has one with @. */
export function counterInputName(counter: string, window: string, reads: CounterReading): string {
  return `@counter.${counter}.${window}.${reads}`;
}

/**
 * The prior of a counter whose outcome had this sum in the training window, over so many events. Half an outcome and one
 * event more keep the rate above 0. Its strength is what it takes to see one outcome, and at least one event: of a rare
 * outcome, few events without it say little.
 */
export function counterPrior({ shown, sum }: Counts): CounterPrior {
  const rate = (sum + 0.5) / (shown + 1);
  return { rate, strength: 1 / Math.min(1, rate) };
}

/** `shown`: `ln(1 + shown)`. `rate`: `ln((sum + a·p) / (shown + a))`, of the prior's rate p and strength a. */
export function counterValue({ shown, sum }: Counts, reads: CounterReading, { rate, strength }: CounterPrior): number {
  return reads === "shown" ? Math.log1p(shown) : Math.log((sum + strength * rate) / (shown + strength));
}
