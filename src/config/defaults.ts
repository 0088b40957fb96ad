/** What holds unless the configuration says otherwise. */
import type { TrainingConfig, TransferConfig } from "./types.ts";

/** How a model is fitted unless the configuration says otherwise. */
export const TRAINING_DEFAULTS: TrainingConfig = Object.freeze({
  seed: 1,
  epochs: 1,
  globalBatchSize: 512,
  learningRate: 1e-3,
  tableLearningRate: 0.05,
  weightDecay: 0,
  warmupRatio: 0.1,
  decayRatio: 0,
  clipNorm: 1,
  checkpointEverySteps: 200,
  threads: 0,
  order: "shuffled",
  examples: "all",
  objectiveWeights: {},
  precision: "float32",
  activations: "float32",
  fullPrecision: ["heads", "output"],
});

/**
 * How a model learns from its teacher unless the configuration says otherwise. ExFM's usage example has α = 5,
 * β = 20, w = 10, for clicks so rare that all predictions lie near 0; at ordinary rates they drown the labels, so all
 * are 1 until a search on the validation window says otherwise.
 *
 * @see arXiv 2502.17494 §4.1
 */
export const TRANSFER_DEFAULTS: TransferConfig = Object.freeze({
  technique: "none",
  labelScale: 1,
  gradientScale: 1,
  lossWeight: 1,
});

/** Dials of a model unless the configuration says otherwise. */
export const MODEL_DEFAULTS = Object.freeze({
  size: "small",
  history: 128,
  tableRows: "float32",
  tableStorage: "memory",
  minCount: 2,
} as const);

/** What is taken for a log that does not say it. */
export const EVENTS_DEFAULTS = Object.freeze({
  timeUnit: "ms",
  earliest: "2000-01-01",
  latest: "2100-01-01",
  delay: "0s",
  encoding: "utf-8",
  decimal: ".",
  // MySQL's, Hive's, ClickHouse's, and PostgreSQL's in its text format.
  nulls: ["\\N"],
  listDelimiter: "|",
} as const);

/** What an objective is unless the configuration says otherwise. */
export const OBJECTIVE_DEFAULTS = Object.freeze({ kind: "binary" } as const);

/** How negatives are drawn unless the configuration says otherwise. */
export const NEGATIVES_DEFAULTS = Object.freeze({ perPositive: 4, from: "popular" } as const);

/** Seed of a random split that does not say it. */
export const SPLIT_SEED = 1;

/** Where what the commands make lies, relative to the configuration file. */
export const PATH_DEFAULTS = Object.freeze({
  store: ".lapidary/store",
  runs: "runs",
  knowledge: ".lapidary/knowledge",
  bundles: "bundles",
  online: "online",
} as const);
