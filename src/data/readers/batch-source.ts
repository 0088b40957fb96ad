import { LapidaryError } from "../../base/errors.ts";
import type { Batch, FeatureSpec } from "../../features/spec.ts";
import { chosenExamples, dayOrder, type ExampleFilter, shuffledOrder, timeOrder } from "../examples/examples.ts";
import type { EventWindow } from "../examples/split.ts";
import { type ExampleOrder, WindowRows } from "../examples/window-rows.ts";
import { GatheredHistories } from "../histories/gathered-histories.ts";
import { NegativeSampler, type NegativesOptions, withNegatives } from "../negatives/negative-sampler.ts";
import { EventStore, type StoreVersion } from "../store/event-store.ts";
import type { AdmissionTimes } from "../store/store-coding.ts";
import { balancedPart, costsOf } from "./balance.ts";
import { BatchBuilder } from "./batch-builder.ts";
import type { Shard } from "./shard.ts";

/** Which batches to read: plain data, the same in every thread. */
export interface BatchSourceOptions {
  /** Folder of the store, or one version of it. */
  readonly store: string | StoreVersion;
  /** Examples are the events of this window; their histories reach back to the beginning. */
  readonly window: EventWindow;
  /** Those of them that are read. */
  readonly only: ExampleFilter;
  readonly spec: FeatureSpec;
  /** Newest past events per example. */
  readonly historyLength: number;
  /** Examples per batch over all processes. */
  readonly globalBatchSize: number;
  /** Seed of the shuffle; null reads in order of time. */
  readonly seed: number | null;
  /** Whether a shuffle keeps to the days, one after the other. */
  readonly byDay: boolean;
  /** Pass over the window: each has a shuffle of its own. */
  readonly epoch: number;
  readonly shard: Shard;
  /** Moment after which each code has a row of its own, by table. */
  readonly admittedMs: AdmissionTimes;
  /** Labels that become known after this are masked. @unit ms since 1970, UTC */
  readonly horizonMs: number;
  /** Leave out a last batch that is not full: every step of a training has the same size. */
  readonly dropLast: boolean;
  /** Negatives that are drawn beside the positives; they do not count as examples. @default none */
  readonly negatives?: NegativesOptions;
}

/**
 * The batches of a window by position. Batch `g` holds the examples `[gG, gG + G)` of one global order, dealt to the
 * ranks so that their histories are as long: W processes read together what one process reads alone, and a reader
 * resumes anywhere without replaying.
 */
export class BatchSource {
  readonly numExamples: number;
  readonly numBatches: number;
  readonly #options: BatchSourceOptions;
  readonly #store: EventStore;
  readonly #order: ExampleOrder;
  readonly #builder: BatchBuilder;
  readonly #sampler: NegativeSampler | null;

  /** @throws {LapidaryError} READER_OPTION, STORE_* */
  constructor(options: BatchSourceOptions) {
    checkOptions(options);
    this.#options = options;
    this.#store = EventStore.open(options.store);
    this.#builder = new BatchBuilder(this.#store, options, GatheredHistories);
    const { globalBatchSize, dropLast } = options;
    this.#order = orderOf(this.#store, options);
    this.#sampler = samplerOf(this.#store, this.#order, options);
    this.numExamples = this.#order.size;
    const batches = this.numExamples / globalBatchSize;
    this.numBatches = dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  /** This process's part of the batch at `position`, from 0. */
  read(position: number): Batch {
    const { globalBatchSize, historyLength, shard } = this.#options;
    const first = position * globalBatchSize;
    const size = Math.min(globalBatchSize, this.numExamples - first);
    const rows = Float64Array.from({ length: size }, (_, i) => this.#order.rowAt(first + i));
    if (shard.worldSize === 1) return this.#build(rows, rows);
    const part = balancedPart(costsOf(this.#store, rows, historyLength), shard);
    return this.#build(
      rows,
      Float64Array.from(part, (i) => rows[i]!),
    );
  }

  /** The batch of some of the rows of a global batch. */
  #build(global: Float64Array, rows: Float64Array): Batch {
    const { negatives, spec } = this.#options;
    if (this.#sampler === null || negatives === undefined) return this.#builder.build(rows);
    const sampler = this.#sampler.forBatch(global);
    const candidates = Array.from(rows, (row, at) => sampler.candidatesOf(row, at)).flat();
    const contexts = [...rows, ...candidates.map(({ at }) => rows[at]!)];
    const items = this.#store.column("item");
    const shown = [...rows, ...candidates.map((candidate) => candidate.shown)];
    return withNegatives(this.#builder.buildBeside(rows, candidates), {
      candidates,
      numExamples: rows.length,
      logRatios: Float32Array.from(contexts, (context, b) => sampler.logRatio(items.at(shown[b]!), context)),
      isDrawn: spec.objectives.map((name) => negatives.objectives.includes(name)),
    });
  }

  close(): void {
    this.#store.close();
  }
}

function orderOf(store: EventStore, { window, only, seed, byDay, epoch }: BatchSourceOptions): ExampleOrder {
  const rows = new WindowRows(store, window);
  if (seed !== null && byDay) return chosenExamples(store, dayOrder(store, rows, { seed, epoch }), only);
  if (seed === null) return chosenExamples(store, timeOrder(store, rows), only);
  return shuffledOrder(chosenExamples(store, rows, only), { seed, epoch });
}

function samplerOf(store: EventStore, order: ExampleOrder, options: BatchSourceOptions): NegativeSampler | null {
  const { negatives, epoch, horizonMs } = options;
  if (negatives === undefined) return null;
  const examples = () => Float64Array.from({ length: order.size }, (_, position) => order.rowAt(position));
  return new NegativeSampler(store, negatives, { epoch, horizonMs, examples });
}

function checkOptions({ globalBatchSize, historyLength, shard }: BatchSourceOptions): void {
  const { rank, worldSize } = shard;
  const isCount = (n: number) => Number.isSafeInteger(n) && n >= 1;
  if (!isCount(globalBatchSize)) throw badOption("globalBatchSize", "an integer ≥ 1", globalBatchSize);
  if (!isCount(worldSize)) throw badOption("shard.worldSize", "an integer ≥ 1", worldSize);
  if (globalBatchSize % worldSize !== 0)
    throw badOption("globalBatchSize", `a multiple of the ${worldSize} processes`, globalBatchSize);
  if (!Number.isInteger(rank) || rank < 0 || rank >= worldSize)
    throw badOption("shard.rank", `an integer in [0, ${worldSize})`, rank);
  if (!Number.isSafeInteger(historyLength) || historyLength < 0)
    throw badOption("historyLength", "an integer ≥ 0", historyLength);
}

function badOption(name: string, expected: string, got: number): LapidaryError {
  return new LapidaryError({
    code: "READER_OPTION",
    where: name,
    expected,
    got: String(got),
    hint: "Correct this option.",
  });
}
