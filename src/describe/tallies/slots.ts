/** Events and known labels by slot: a slot is a value, a bucket of numbers, a day, a surface. */
export class Slots {
  readonly numLabels: number;
  events: Float64Array;
  /** @shape [slots, labels] */
  known: Float64Array;
  /** @shape [slots, labels] */
  positive: Float64Array;

  constructor(numSlots: number, numLabels: number) {
    this.numLabels = numLabels;
    this.events = new Float64Array(numSlots);
    this.known = new Float64Array(numSlots * numLabels);
    this.positive = new Float64Array(numSlots * numLabels);
  }

  /** Counts one event. Slots that do not exist yet begin with 0. */
  count(slot: number, labels: readonly Uint8Array[], row: number): void {
    if (slot >= this.events.length) this.#grow(slot + 1);
    this.events[slot]!++;
    const at = slot * this.numLabels;
    for (let t = 0; t < this.numLabels; t++) {
      const code = labels[t]![row]!;
      if (code === 0) continue;
      this.known[at + t]!++;
      this.positive[at + t]! += code - 1;
    }
  }

  /** Adds a slot of another one. */
  add(slot: number, from: Slots, other: number): void {
    if (slot >= this.events.length) this.#grow(slot + 1);
    this.events[slot]! += from.events[other]!;
    for (let t = 0; t < this.numLabels; t++) {
      this.known[slot * this.numLabels + t]! += from.known[other * this.numLabels + t]!;
      this.positive[slot * this.numLabels + t]! += from.positive[other * this.numLabels + t]!;
    }
  }

  /** Labels of a slot. */
  rate(slot: number, label: number): { readonly known: number; readonly positive: number } {
    const at = slot * this.numLabels + label;
    return { known: this.known[at] ?? 0, positive: this.positive[at] ?? 0 };
  }

  #grow(numSlots: number): void {
    const size = Math.max(numSlots, 2 * this.events.length, 16);
    this.events = grown(this.events, size);
    this.known = grown(this.known, size * this.numLabels);
    this.positive = grown(this.positive, size * this.numLabels);
  }
}

function grown(values: Float64Array, size: number): Float64Array {
  const larger = new Float64Array(size);
  larger.set(values);
  return larger;
}
