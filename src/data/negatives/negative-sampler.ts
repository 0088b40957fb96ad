import type { NegativesConfig } from "../../config/types.ts";
import type { Batch } from "../../features/spec.ts";
import { hashOf, mix } from "../examples/mix.ts";
import { isLabelKnown } from "../histories/point-in-time.ts";
import type { EventStore } from "../store/event-store.ts";
import { CANDIDATE_SOURCES, type CandidateSource, type Positive } from "./candidate-pools.ts";
import { ItemTimeline } from "./item-timeline.ts";

/** Which negatives a reader draws: plain data, the same in every thread. */
export interface NegativesOptions extends NegativesConfig {
  /** With the epoch, the row and the place of a candidate it decides each draw: no process or batch before does. */
  readonly seed: number;
  /** Objectives that have no negatives of their own. */
  readonly objectives: readonly string[];
}

/** An item that was drawn beside a positive example: its context, and what the item was when it was last seen. */
export interface Candidate {
  /** Position of the positive in the batch. */
  readonly at: number;
  /** Row of the newest event of the item before the positive: where its attributes are read. */
  readonly shown: number;
  /** What it is called in place of a row: below −1, and the same wherever it is drawn. */
  readonly id: number;
}

/** Draws the candidates of the positives among some examples. */
export interface BatchSampler {
  /** The candidates beside one of them; none if it is not positive, or nothing had been seen. */
  candidatesOf(row: number, at: number): readonly Candidate[];
  /** `log (q N)` of an item beside the example of a row. */
  logRatio(item: number, row: number): number;
}

/** Candidates are counted from here down: −1 is an example of no row. */
const FIRST_ID = -2;

/**
 * Draws the negatives of a log that holds positives only. A candidate has the context and the history of its positive;
 * label 0; and the item's attributes as of the item's newest event strictly before it. It is never of the positive's own
 * item, and stands in no history, count or dictionary.
 */
export class NegativeSampler {
  readonly #store: EventStore;
  readonly #options: NegativesOptions;
  readonly #timeline: ItemTimeline;
  readonly #horizonMs: number;
  readonly #key: number;
  readonly #sourceOf: (positives: readonly Positive[]) => CandidateSource;

  /**
   * @param of the pass: each has draws of its own; labels that become known after the horizon are not positive
   * @param examples rows of all examples of the pass
   */
  constructor(
    store: EventStore,
    options: NegativesOptions,
    of: { readonly epoch: number; readonly horizonMs: number; readonly examples: () => Iterable<number> },
  ) {
    this.#store = store;
    this.#options = options;
    this.#timeline = new ItemTimeline(store);
    this.#horizonMs = of.horizonMs;
    this.#key = mix(mix(options.seed >>> 0) ^ (of.epoch + 1));
    const positives = (): Float64Array => this.#countPositives(of.examples());
    this.#sourceOf = CANDIDATE_SOURCES[options.from](this.#timeline, { windowMs: options.windowMs, positives });
  }

  /** The sampler of one batch over all processes. */
  forBatch(rows: Float64Array): BatchSampler {
    const isPositive = this.#positiveTest();
    const positives = new Map<number, Positive>();
    for (const row of rows) if (isPositive(row)) positives.set(row, this.#positiveOf(row));
    const source = this.#sourceOf([...positives.values()]);
    return {
      logRatio: (item, row) => source.logRatio(item, this.#store.timeOf(row)),
      candidatesOf: (row, at) => {
        const positive = positives.get(row);
        return positive === undefined ? [] : this.#draw(source, positive, { row, at });
      },
    };
  }

  #draw(source: CandidateSource, positive: Positive, { row, at }: { row: number; at: number }): readonly Candidate[] {
    const { perPositive } = this.#options;
    const { size, itemAt } = source.poolOf(positive);
    if (size === 0) return [];
    const until = this.#timeline.eventsBefore(positive.timeMs);
    return Array.from({ length: perPositive }, (_, k): Candidate => {
      const item = itemAt(Math.floor(this.#share(row, k) * size));
      return { at, shown: this.#timeline.lastRowOf(item, until), id: FIRST_ID - row * perPositive - k };
    });
  }

  /** A share in [0, 1) of 53 bits, by the row and the place of a candidate. */
  #share(row: number, k: number): number {
    const hash = hashOf(row, this.#key);
    const [high, low] = [hashOf(2 * k, hash), hashOf(2 * k + 1, hash)];
    return (high * 2 ** 21 + (low >>> 11)) / 2 ** 53;
  }

  #countPositives(rows: Iterable<number>): Float64Array {
    const isPositive = this.#positiveTest();
    const item = this.#store.column("item");
    const counts = new Float64Array(this.#store.entry("item").cardinality);
    for (const row of rows) if (isPositive(row)) counts[item.at(row)]!++;
    return counts;
  }

  #positiveOf(row: number): Positive {
    return { item: this.#store.column("item").at(row), timeMs: this.#store.timeOf(row) };
  }

  /** Whether the example of a row is a known positive of an objective that has no negatives of its own. */
  #positiveTest(): (row: number) => boolean {
    const store = this.#store;
    const items = store.column("item");
    const labels = this.#options.objectives.map((name) => {
      const field = store.manifest.schema.outcomes.find((outcome) => outcome.name === name) ?? { delayMs: 0 };
      return { column: store.column(name), field };
    });
    return (row) =>
      items.at(row) !== 0 &&
      labels.some(({ column, field }) => {
        return column.at(row) === POSITIVE_CODE && isLabelKnown(store.timeOf(row), field, this.#horizonMs);
      });
  }
}

/** Code of a flag that is 1; 0 is missing, 1 is 0. */
const POSITIVE_CODE = 2;

/** What becomes of the labels of a batch of examples and the candidates beside them. */
export interface Labelling {
  readonly numExamples: number;
  readonly candidates: readonly Candidate[];
  /** `log (q N)` of each row of the batch. @shape [B] */
  readonly logRatios: Float32Array;
  /** Whether each objective has no negatives of its own. @shape [T] */
  readonly isDrawn: readonly boolean[];
}

/**
 * The batch with the labels of its candidates: 0 where the example that they stand beside is known to be 1, unknown
 * elsewhere. An example beside which nothing could be drawn is none of those objectives: a positive always comes with its
 * negatives.
 *
 * @shape labels, labelMask, logitCorrections [B, T]
 */
export function withNegatives(batch: Batch, { numExamples, candidates, logRatios, isDrawn }: Labelling): Batch {
  const labelMask = Float32Array.from(batch.labelMask);
  const logitCorrections = new Float32Array(labelMask.length);
  const width = isDrawn.length;
  const answered = new Set(candidates.map(({ at }) => at));
  const tasks = [...isDrawn.keys()].filter((task) => isDrawn[task]);
  for (const task of tasks) {
    const isOne = (at: number): boolean =>
      batch.labelMask[at * width + task] === 1 && batch.labels[at * width + task] === 1;
    for (let at = 0; at < numExamples; at++) if (isOne(at) && !answered.has(at)) labelMask[at * width + task] = 0;
    for (const [i, { at }] of candidates.entries()) labelMask[(numExamples + i) * width + task] = isOne(at) ? 1 : 0;
    for (const [b, logRatio] of logRatios.entries()) logitCorrections[b * width + task] = logRatio;
  }
  return { ...batch, labelMask, logitCorrections };
}
