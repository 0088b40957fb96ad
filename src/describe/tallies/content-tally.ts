import type { ColumnEntry } from "../../data/store/format.ts";
import type { ComponentScale, VectorValues } from "../profile.ts";
import { DistinctSketch } from "./distinct-sketch.ts";
import type { EventBlock } from "./event-blocks.ts";
import { type FieldTally, type LabelGroups, numberGroups, type TallyOptions, topOf } from "./field-tally.ts";
import { Hash } from "./hash.ts";
import { NumberTally } from "./number-tally.ts";
import { Slots } from "./slots.ts";

/** Vectors that are told apart by what they hold; later ones count as distinct, and no more. */
const MOST_VECTORS = 1 << 16;

/** Counts lists of ids: each id once per event, and how many there are. */
export class ListTally implements FieldTally {
  readonly #name: string;
  readonly #idOf: TallyOptions["idOf"];
  readonly #lengths: NumberTally;
  readonly #counts: Float64Array;
  /** Event in which each id was seen last, from 1. */
  readonly #seenIn: Float64Array;
  #events = 0;

  constructor({ entry: { name, cardinality }, numLabels, idOf }: TallyOptions) {
    this.#name = name;
    this.#idOf = idOf;
    this.#lengths = new NumberTally(numLabels);
    this.#counts = new Float64Array(cardinality);
    this.#seenIn = new Float64Array(cardinality);
  }

  count({ size, labels, lists }: EventBlock): void {
    const { bounds = [0], codes = [] } = lists[this.#name] ?? {};
    const first = bounds[0] ?? 0;
    for (let i = 0; i < size; i++) {
      this.#events++;
      const [from, to] = [bounds[i]! - first, bounds[i + 1]! - first];
      this.#lengths.count(to === from ? Number.NaN : to - from, labels, i);
      for (let at = from; at < to; at++) this.#countId(codes[at]!);
    }
  }

  #countId(code: number): void {
    if (this.#seenIn[code] === this.#events) return;
    this.#seenIn[code] = this.#events;
    this.#counts[code]!++;
  }

  profile() {
    const { size } = this.#lengths;
    const top = topOf(this.#counts, this.#idOf, size);
    const distinct = this.#counts.subarray(1).reduce((sum, n) => sum + (n > 0 ? 1 : 0), 0);
    return {
      missing: 1 - size / Math.max(1, this.#events),
      distinct: { count: distinct, isExact: true },
      values: { kind: "categories" as const, lengths: this.#lengths.distribution(), top },
    };
  }

  /** By length: lists overlap, so that ids are no groups. */
  groups(): LabelGroups {
    return numberGroups(this.#lengths);
  }
}

/** Counts vectors: their norms, the spread of each component, and which are equal. */
export class VectorTally implements FieldTally {
  readonly #name: string;
  readonly #components: Components;
  readonly #copies = new VectorCopies();
  readonly #norms = new NumberTally(0);
  readonly #presence: Slots;

  constructor({ entry, numLabels }: TallyOptions) {
    this.#name = entry.name;
    this.#components = new Components(dimOf(entry));
    this.#presence = new Slots(2, numLabels);
  }

  count({ size, labels, columns, vectors }: EventBlock): void {
    const values = vectors[this.#name] ?? new Float32Array(0);
    const items = columns["item"] ?? [];
    const { dim } = this.#components;
    for (let i = 0; i < size; i++) {
      const vector = values.subarray(i * dim, (i + 1) * dim);
      const isMissing = Number.isNaN(vector[0]!);
      this.#presence.count(isMissing ? 0 : 1, labels, i);
      if (isMissing) continue;
      this.#norms.count(this.#components.count(vector));
      this.#copies.count(vector, items[i] ?? 0);
    }
  }

  profile() {
    const { size } = this.#norms;
    const { distinct, ...copies } = this.#copies.profile(size);
    const norms = this.#norms.distribution();
    const values: VectorValues = { kind: "vector", norms, ...this.#components.profile(), ...copies };
    return { missing: this.#presence.events[0]! / Math.max(1, this.#presence.events[0]! + size), distinct, values };
  }

  groups(): LabelGroups {
    return { slots: this.#presence, size: 2, nameOf: (group) => (group === 0 ? "missing" : "any vector") };
  }
}

function dimOf({ dim = 1 }: ColumnEntry): number {
  return dim;
}

/** How the components of vectors are spread. */
class Components {
  readonly dim: number;
  readonly #min: Float64Array;
  readonly #max: Float64Array;
  readonly #squares: Float64Array;
  #vectors = 0;

  constructor(dim: number) {
    this.dim = dim;
    this.#min = new Float64Array(dim).fill(Number.POSITIVE_INFINITY);
    this.#max = new Float64Array(dim).fill(Number.NEGATIVE_INFINITY);
    this.#squares = new Float64Array(dim);
  }

  /** Counts a vector; its Euclidean norm. */
  count(vector: Float32Array): number {
    this.#vectors++;
    let squares = 0;
    for (let c = 0; c < vector.length; c++) {
      const x = vector[c]!;
      if (x < this.#min[c]!) this.#min[c] = x;
      if (x > this.#max[c]!) this.#max[c] = x;
      this.#squares[c]! += x * x;
      squares += x * x;
    }
    return Math.sqrt(squares);
  }

  profile(): Pick<VectorValues, "dim" | "constant" | "largest"> {
    if (this.#vectors === 0) return { dim: this.dim, constant: [], largest: null };
    const constant = Array.from(this.#min.keys()).filter((c) => this.#min[c] === this.#max[c]);
    return { dim: this.dim, constant, largest: this.#largest() };
  }

  #largest(): ComponentScale {
    const scales = Array.from(this.#squares, (sum, component) => {
      return { component, scale: Math.sqrt(sum / this.#vectors) };
    }).sort((a, b) => a.scale - b.scale);
    const { component = 0, scale = 0 } = scales.at(-1) ?? {};
    // Of an even number the lower one: of two components one is the median of the other.
    return { component, scale, median: scales[Math.floor((scales.length - 1) / 2)]?.scale ?? 0 };
  }
}

/** One vector, as far as it is told from others. */
interface Seen {
  count: number;
  readonly item: number;
  /** Whether several items have it. */
  isShared: boolean;
}

/** Finds equal vectors by hashes of 53 bits. */
class VectorCopies {
  readonly #seen = new Map<number, Seen>();
  readonly #sketch = new DistinctSketch();
  #isFull = false;
  #zeros = 0;

  count(vector: Float32Array, item: number): void {
    const hash = hashOf(vector);
    if (vector.every((x) => x === 0)) this.#zeros++;
    this.#sketch.add(hash);
    const previous = this.#seen.get(hash);
    if (previous !== undefined) {
      previous.count++;
      previous.isShared ||= previous.item !== item;
    } else if (this.#seen.size < MOST_VECTORS) this.#seen.set(hash, { count: 1, item, isShared: false });
    else this.#isFull = true;
  }

  profile(size: number) {
    const all = [...this.#seen.values()];
    const shared = all.filter(({ isShared }) => isShared).map(({ count }) => count);
    const share = (count: number): number => count / Math.max(1, size);
    return {
      distinct: this.#isFull
        ? { count: Math.min(size, this.#sketch.estimate()), isExact: false }
        : { count: all.length, isExact: true },
      zeros: share(this.#zeros),
      shared: share(shared.reduce((sum, count) => sum + count, 0)),
      mostShared: share(shared.reduce((most, count) => Math.max(most, count), 0)),
    };
  }
}

function hashOf(vector: Float32Array): number {
  const hash = new Hash();
  for (let c = 0; c < vector.length; c++) hash.add(vector[c]!);
  return hash.value;
}
