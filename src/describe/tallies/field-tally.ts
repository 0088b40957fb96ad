import type { EventStore } from "../../data/index.ts";
import type { ColumnEntry } from "../../data/store/format.ts";
import type { Dictionary } from "../../features/dictionary.ts";
import { ORIGIN_CODES, ORIGINS } from "../../features/schema.ts";
import type { FieldProfile, TopValue } from "../profile.ts";
import type { EventBlock } from "./event-blocks.ts";
import { NumberTally } from "./number-tally.ts";
import { Slots } from "./slots.ts";

/** Labels are counted by value up to this many values of a category. */
const MOST_LABELLED = 1 << 16;
const NUM_TOP = 10;
/** Groups of numbers in which labels are counted, about. */
const NUM_GROUPS = 64;

/** Labels by group of values: what a field says of a label. */
export interface LabelGroups {
  readonly slots: Slots;
  readonly size: number;
  /** The values of a group, for people. */
  nameOf(group: number): string;
}

/** Counts the values of one field, of any kind. A new kind of values is an implementation and a row of the table of tallies. */
export interface FieldTally {
  /** Counts the values of a block. */
  count(block: EventBlock): void;
  /** What was counted. */
  profile(): Pick<FieldProfile, "missing" | "distinct" | "values">;
  /** Labels by the values, the missing one included; null if there are too many values. */
  groups(): LabelGroups | null;
}

/** What a tally is made for. */
export interface TallyOptions {
  readonly entry: ColumnEntry;
  readonly numLabels: number;
  /** Id of a code; null where only a hash was kept. */
  readonly idOf: (code: number) => string | null;
}

/** Text of each code of a column of ids; the dictionary is read at the first question. */
export function idsOf(store: EventStore, name: string): (code: number) => string | null {
  if (name === "origin") return (code) => ORIGINS.find((origin) => ORIGIN_CODES[origin] === code) ?? null;
  let dictionary: Dictionary | null | undefined;
  return (code) => {
    if (dictionary === undefined) dictionary = store.dictionary(name);
    return dictionary?.id(code) ?? null;
  };
}

/** The most frequent codes, from 1, with their shares of `events`, or of all that was counted. */
export function topOf(
  counts: ArrayLike<number>,
  idOf: (code: number) => string | null,
  events?: number,
): readonly TopValue[] {
  let total = 0;
  const best: { code: number; count: number }[] = [];
  for (let code = 1; code < counts.length; code++) {
    const count = counts[code]!;
    total += count;
    if (count === 0 || (best.length === NUM_TOP && count <= (best.at(-1)?.count ?? 0))) continue;
    best.push({ code, count });
    best.sort((a, b) => b.count - a.count);
    if (best.length > NUM_TOP) best.pop();
  }
  return best.map(({ code, count }) => ({ value: idOf(code), count, share: count / (events ?? total) }));
}

/** Counts by code: exact, as codes are dense. */
export class CodeTally implements FieldTally {
  readonly #name: string;
  readonly #kind: "category" | "flag";
  readonly #idOf: TallyOptions["idOf"];
  readonly #slots: Slots;
  readonly #isLabelled: boolean;

  constructor(kind: "category" | "flag", { entry: { name, cardinality }, numLabels, idOf }: TallyOptions) {
    this.#name = name;
    this.#kind = kind;
    this.#idOf = idOf;
    this.#isLabelled = cardinality <= MOST_LABELLED;
    this.#slots = new Slots(cardinality, this.#isLabelled ? numLabels : 0);
  }

  count({ columns, labels }: EventBlock): void {
    const values = columns[this.#name] ?? [];
    for (let i = 0; i < values.length; i++) this.#slots.count(values[i]!, labels, i);
  }

  profile() {
    const { events } = this.#slots;
    const total = events.reduce((a, b) => a + b, 0);
    const distinct = { count: events.subarray(1).reduce((a, b) => a + (b > 0 ? 1 : 0), 0), isExact: true };
    const top = topOf(events, this.#idOf);
    return { missing: events[0]! / Math.max(1, total), distinct, values: { kind: this.#kind, top } };
  }

  groups(): LabelGroups | null {
    if (!this.#isLabelled) return null;
    const nameOf = (code: number): string => (code === 0 ? "missing" : (this.#idOf(code) ?? `code ${code}`));
    return { slots: this.#slots, size: this.#slots.events.length, nameOf };
  }
}

/** Counts numbers. */
export class NumberFieldTally implements FieldTally {
  readonly #name: string;
  readonly #tally: NumberTally;

  constructor({ entry, numLabels }: TallyOptions) {
    this.#name = entry.name;
    this.#tally = new NumberTally(numLabels);
  }

  count({ columns, labels }: EventBlock): void {
    const values = columns[this.#name] ?? [];
    for (let i = 0; i < values.length; i++) this.#tally.count(values[i]!, labels, i);
  }

  profile() {
    const { presence, size, distinct, integers } = this.#tally;
    const missing = presence.events[0]! / Math.max(1, presence.events[0]! + size);
    return {
      missing,
      distinct,
      values: { kind: "number" as const, distribution: this.#tally.distribution(), integers },
    };
  }

  groups(): LabelGroups {
    return numberGroups(this.#tally);
  }
}

/** Labels by numbers: group 0 are the missing ones; the others hold neighbouring values, about as many events each. */
export function numberGroups(tally: NumberTally): LabelGroups {
  const { values, slots } = tally.ordered();
  const groups = new Slots(1, slots.numLabels);
  groups.add(0, tally.presence, 0);
  const names = ["missing"];
  const wanted = tally.size / NUM_GROUPS;
  let inGroup = Number.POSITIVE_INFINITY;
  let from = 0;
  for (let i = 0; i < values.length; i++) {
    // A value that would fill a group alone gets one of its own.
    if (inGroup >= wanted || slots.events[i]! >= wanted) {
      names.push("");
      inGroup = 0;
      from = values[i]!;
    }
    groups.add(names.length - 1, slots, i);
    inGroup += slots.events[i]!;
    names[names.length - 1] = rangeName(from, values[i]!);
  }
  return { slots: groups, size: names.length, nameOf: (group) => names[group] ?? "" };
}

/** Labels by the values of rows in memory: by number where there are numbers, NaN if missing; else by code, from 1. */
export function fieldGroups(
  numbers: Float64Array | null,
  codes: Uint32Array,
  labels: readonly Uint8Array[],
): LabelGroups {
  if (numbers === null) {
    const slots = new Slots(0, labels.length);
    for (let i = 0; i < codes.length; i++) slots.count(codes[i]!, labels, i);
    return { slots, size: slots.events.length, nameOf: String };
  }
  const tally = new NumberTally(labels.length);
  for (let i = 0; i < numbers.length; i++) tally.count(numbers[i]!, labels, i);
  return numberGroups(tally);
}

function rangeName(from: number, to: number): string {
  const text = (x: number): string => String(Number(x.toPrecision(4)));
  return from === to ? text(from) : `${text(from)} to ${text(to)}`;
}
