import type { Bin, Distribution } from "../profile.ts";
import { DistinctSketch } from "./distinct-sketch.ts";
import { Slots } from "./slots.ts";

/** Distinct values that are kept as they are; beyond, values within 1% of each other share a slot. */
const MOST_EXACT = 4096;
const LOG_STEP = Math.log(1.01);
const NUM_BINS = 32;
/** Share of the values that a histogram shows. */
const SHOWN = 0.995;
/** Quantiles of a {@link Distribution}. */
const QUANTILES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99] as const;

/** Steps of {@link LOG_STEP} on each side of 1 that a float has. */
const MOST_STEPS = 75_000;

/** Code of the step that a number falls on once values are not kept as they are: 0 of zero, below 0 of negative ones. */
function stepOf(x: number): number {
  if (x === 0) return 0;
  const step = Math.round(Math.log(Math.abs(x)) / LOG_STEP) + MOST_STEPS;
  return x > 0 ? step : -step;
}

/** The number on a step: within 1% of all that fall on it. */
function valueOfStep(code: number): number {
  return code === 0 ? 0 : Math.sign(code) * Math.exp((Math.abs(code) - MOST_STEPS) * LOG_STEP);
}

const NO_LABELS: readonly Uint8Array[] = [];

/** Counts of numbers, exact up to {@link MOST_EXACT} distinct ones, in bounded memory beyond. NaN is a missing value. */
export class NumberTally {
  readonly #numLabels: number;
  /** Slot of each value, or of each step once there is a sketch. */
  #slotOf = new Map<number, number>();
  /** Slots of small whole numbers, from 1, for they are most of what is counted; 0 where there is none yet. */
  readonly #small = new Uint16Array(MOST_EXACT);
  #slots: Slots;
  #sketch: DistinctSketch | null = null;
  /** Events without a value, in slot 0, and with one, in slot 1. */
  readonly presence: Slots;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #sum = 0;
  #integers = 0;

  constructor(numLabels: number) {
    this.#numLabels = numLabels;
    this.#slots = new Slots(0, numLabels);
    this.presence = new Slots(2, numLabels);
  }

  /** Counts a number. */
  count(x: number, labels: readonly Uint8Array[] = NO_LABELS, row = 0): void {
    this.presence.count(Number.isNaN(x) ? 0 : 1, labels, row);
    if (Number.isNaN(x)) return;
    if (x < this.#min) this.#min = x;
    if (x > this.#max) this.#max = x;
    this.#sum += x;
    if (Number.isInteger(x)) this.#integers++;
    this.#sketch?.add(x);
    this.#slots.count(this.#slot(this.#sketch === null ? x : stepOf(x)), labels, row);
    if (this.#sketch === null && this.#slotOf.size > MOST_EXACT) this.#coarsen();
  }

  /** Number of values. */
  get size(): number {
    return this.presence.events[1] ?? 0;
  }

  /** Share of the values that are whole numbers. */
  get integers(): number {
    return this.size === 0 ? 0 : this.#integers / this.size;
  }

  /** Number of distinct values. */
  get distinct(): { readonly count: number; readonly isExact: boolean } {
    if (this.#sketch === null) return { count: this.#slotOf.size, isExact: true };
    return { count: Math.min(this.size, this.#sketch.estimate()), isExact: false };
  }

  /** Slots in the order of their values, and the value of each. */
  ordered(): { readonly values: Float64Array; readonly slots: Slots } {
    const toValue = this.#sketch === null ? (key: number): number => key : valueOfStep;
    const entries = Array.from(this.#slotOf, ([key, slot]): [number, number] => [toValue(key), slot]);
    entries.sort(([a], [b]) => a - b);
    const slots = new Slots(entries.length, this.#numLabels);
    for (const [i, [, slot]] of entries.entries()) slots.add(i, this.#slots, slot);
    return { values: Float64Array.from(entries, ([value]) => value), slots };
  }

  /** How the values are spread; null if there are none. */
  distribution(): Distribution | null {
    if (this.size === 0) return null;
    const { values, slots } = this.ordered();
    const ends = { min: this.#min, max: this.#max };
    const at = (quantile: number): number => clamp(quantileOf(values, slots.events, quantile), ends);
    const upper = at(SHOWN);
    const scale = this.#min > 0 && upper / this.#min > 100 ? "log" : "linear";
    return {
      count: this.size,
      ...ends,
      mean: this.#sum / this.size,
      quantiles: QUANTILES.map((quantile) => ({ quantile, value: at(quantile) })),
      scale,
      bins: binsOf(values, slots.events, { min: this.#min, max: upper, scale }),
    };
  }

  #slot(key: number): number {
    const isSmall = key >= 0 && key < MOST_EXACT && Number.isInteger(key);
    if (isSmall && this.#small[key] !== 0) return this.#small[key]! - 1;
    const known = this.#slotOf.get(key);
    if (known !== undefined) return known;
    const slot = this.#slotOf.size;
    this.#slotOf.set(key, slot);
    if (isSmall) this.#small[key] = slot + 1;
    return slot;
  }

  #coarsen(): void {
    const exact = this.#slotOf;
    const slots = this.#slots;
    this.#sketch = new DistinctSketch();
    this.#slotOf = new Map();
    this.#small.fill(0);
    this.#slots = new Slots(0, this.#numLabels);
    for (const [value, slot] of exact) {
      this.#sketch.add(value);
      this.#slots.add(this.#slot(stepOf(value)), slots, slot);
    }
  }
}

function clamp(value: number, { min, max }: { readonly min: number; readonly max: number }): number {
  return Math.min(max, Math.max(min, value));
}

/** The least value that at least this share of the events does not exceed. */
function quantileOf(values: Float64Array, counts: Float64Array, quantile: number): number {
  const total = counts.reduce((a, b) => a + b, 0);
  let below = 0;
  for (let i = 0; i < values.length; i++) {
    below += counts[i]!;
    if (below >= quantile * total) return values[i]!;
  }
  return values.at(-1) ?? Number.NaN;
}

interface BinOptions {
  readonly min: number;
  readonly max: number;
  readonly scale: "linear" | "log";
}

function binsOf(values: Float64Array, counts: Float64Array, { min, max, scale }: BinOptions): readonly Bin[] {
  const position = scale === "log" ? Math.log : (x: number): number => x;
  const value = scale === "log" ? Math.exp : (x: number): number => x;
  const [low, high] = [position(min), position(max)];
  if (!(high > low)) return [{ from: min, to: max, count: counts.reduce((a, b) => a + b, 0) }];
  // Bars of whole numbers hold equally many of them: else fuller and emptier ones would take turns.
  const isWhole = scale === "linear" && values.every(Number.isInteger);
  const width = isWhole ? Math.ceil((high - low + 1) / NUM_BINS) : (high - low) / NUM_BINS;
  const numBins = isWhole ? Math.ceil((high - low + 1) / width) : NUM_BINS;
  const bins = new Float64Array(numBins);
  for (let i = 0; i < values.length; i++) {
    if (values[i]! > max) continue;
    const bin = Math.floor((position(values[i]!) - low) / width);
    bins[Math.min(numBins - 1, Math.max(0, bin))]! += counts[i]!;
  }
  return Array.from(bins, (count, i) => ({ from: value(low + i * width), to: value(low + (i + 1) * width), count }));
}
