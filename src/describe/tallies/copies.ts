import { isNumeric } from "../../config/events/value-kinds.ts";
import type { EventStore } from "../../data/index.ts";
import type { EventBlock } from "./event-blocks.ts";
import { idsOf } from "./field-tally.ts";

/** How nearly an attribute repeats an outcome. */
export interface Copy {
  readonly attribute: string;
  readonly outcome: string;
  /** Events that have both. */
  readonly events: number;
  /** Of numbers their correlation, of categories the share of equal ids; from 0 to 1. */
  readonly likeness: number;
}

/** Compares attributes with outcomes of the same kind, amounts and counts being numbers, row by row. Flags are labels: `LabelGroups` compare them. */
export class CopyTally {
  readonly #pairs: readonly Pair[];

  constructor(store: EventStore) {
    const { attributes, outcomes } = store.manifest.schema;
    this.#pairs = attributes.flatMap((attribute) =>
      outcomes.flatMap((outcome): Pair[] => {
        const names = { attribute: attribute.name, outcome: outcome.name };
        if (attribute.kind === "number" && isNumeric(outcome.kind)) return [new NumberPair(names)];
        if (attribute.kind !== outcome.kind) return [];
        return attribute.kind === "category" ? [new CategoryPair(names, store)] : [];
      }),
    );
  }

  /** Compares the rows of a block. */
  count({ columns }: EventBlock): void {
    for (const pair of this.#pairs) pair.count(columns[pair.attribute] ?? [], columns[pair.outcome] ?? []);
  }

  /** The pairs that were compared. */
  copies(): readonly Copy[] {
    return this.#pairs.map((pair) => pair.copy());
  }
}

interface Names {
  readonly attribute: string;
  readonly outcome: string;
}

interface Pair extends Names {
  count(attribute: ArrayLike<number>, outcome: ArrayLike<number>): void;
  copy(): Copy;
}

/** Correlation of two columns, so that seconds and milliseconds of one thing are alike. */
class NumberPair implements Pair {
  readonly attribute: string;
  readonly outcome: string;
  #events = 0;
  #meanX = 0;
  #meanY = 0;
  #xx = 0;
  #yy = 0;
  #xy = 0;

  constructor({ attribute, outcome }: Names) {
    this.attribute = attribute;
    this.outcome = outcome;
  }

  count(attribute: ArrayLike<number>, outcome: ArrayLike<number>): void {
    for (let i = 0; i < attribute.length; i++) {
      const x = attribute[i]!;
      const y = outcome[i]!;
      if (Number.isNaN(x) || Number.isNaN(y)) continue;
      // Welford's updates: sums of squares of large numbers would cancel.
      const dx = x - this.#meanX;
      this.#meanX += dx / ++this.#events;
      const dy = y - this.#meanY;
      this.#meanY += dy / this.#events;
      this.#xx += dx * (x - this.#meanX);
      this.#yy += dy * (y - this.#meanY);
      this.#xy += dx * (y - this.#meanY);
    }
  }

  copy(): Copy {
    const { attribute, outcome } = this;
    const spread = Math.sqrt(this.#xx * this.#yy);
    return { attribute, outcome, events: this.#events, likeness: spread > 0 ? Math.abs(this.#xy) / spread : 0 };
  }
}

/** Share of rows with the same id in both columns, whose codes are of two dictionaries. */
class CategoryPair implements Pair {
  readonly attribute: string;
  readonly outcome: string;
  readonly #outcomeOf: (code: number) => number;
  #events = 0;
  #equal = 0;

  constructor({ attribute, outcome }: Names, store: EventStore) {
    this.attribute = attribute;
    this.outcome = outcome;
    const idOf = idsOf(store, attribute);
    const dictionary = store.dictionary(outcome);
    const cardinality = store.entry(attribute).cardinality;
    const codes = new Int32Array(cardinality).fill(-1);
    this.#outcomeOf = (code) => {
      if (codes[code] === -1) codes[code] = dictionary?.code(idOf(code)) ?? 0;
      return codes[code]!;
    };
  }

  count(attribute: ArrayLike<number>, outcome: ArrayLike<number>): void {
    for (let i = 0; i < attribute.length; i++) {
      if (attribute[i] === 0 || outcome[i] === 0) continue;
      this.#events++;
      if (this.#outcomeOf(attribute[i]!) === outcome[i]) this.#equal++;
    }
  }

  copy(): Copy {
    const { attribute, outcome } = this;
    return { attribute, outcome, events: this.#events, likeness: this.#equal / Math.max(1, this.#events) };
  }
}
