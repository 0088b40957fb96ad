import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { LapidaryError } from "../base/errors.ts";
import type { ModelConfig } from "../config/model/model.ts";
import type { ProjectConfig } from "../config/project.ts";
import type { Split } from "../config/types.ts";
import {
  admissionTimes,
  type BatchReader,
  type ChangingAttribute,
  changingAttributes,
  countExamples,
  countLabels,
  type EventStore,
  type EventWindow,
  type ExampleFilter,
  type LabelCounts,
  measureBucketScales,
  measureCounters,
  measureNumbers,
  measureOutcomes,
  measureVectors,
  type NegativesOptions,
  openReader,
  type ReaderOptions,
  type StoreVersion,
  windowOf,
} from "../data/index.ts";
import type { ProcessMesh } from "../distributed/index.ts";
import { deriveSpec, type LogFacts } from "../features/derive-spec.ts";
import { withObjectives } from "../features/objectives.ts";
import type { FeatureSpec } from "../features/spec.ts";
import { Vocabulary } from "../features/vocabulary.ts";
import { makeFolder, writeFileAtomic } from "../files/durable-file.ts";
import type { AmountSummary } from "../metrics/outcomes/label-summary.ts";
import type { FitWindows } from "./fit-windows.ts";
import { earlierCounters } from "./warm/earlier-counters.ts";
import type { EarlierInputs } from "./warm/earlier-inputs.ts";
import type { TableIds } from "./warnings.ts";

/** What of a project and of one of its models decides the model's inputs. */
export interface InputsConfig extends Pick<ProjectConfig, "split"> {
  /** Counters that the model reads. @default none */
  readonly counters?: ProjectConfig["counters"];
  /** @default none are drawn */
  readonly negatives?: ProjectConfig["negatives"];
  /** @default all examples of a window are scored */
  readonly evaluation?: ProjectConfig["evaluation"];
  readonly model: Pick<ModelConfig, "history" | "minCount" | "surface" | "objectives" | "training">;
}

/** What the inputs are fitted to beyond the configuration. */
export interface InputOptions {
  /** @default the whole training window */
  readonly windows?: FitWindows;
  /** Dimension of the teacher's embeddings of the user's past, as an input. @default 0, none */
  readonly pastEmbeddings?: number;
  /** Of the run that it goes on from. @default it begins anew */
  readonly earlier?: EarlierInputs;
}

/** Where in the training window to read, and which part of it. */
interface TrainingPlace extends Pick<ReaderOptions, "reuses"> {
  readonly epoch: number;
  /** Batches to skip. */
  readonly start: number;
  readonly mesh: Pick<ProcessMesh, "rank" | "size">;
}

interface Facts {
  readonly spec: FeatureSpec;
  readonly rates: readonly number[];
  /** Of labels that are amounts or counts, by objective. @default none are */
  readonly amounts?: Readonly<Record<string, AmountSummary>>;
  readonly numExamples: number;
  /** Objectives whose negatives are drawn. @default none */
  readonly drawn?: readonly string[];
}

/** What only the window can tell that the inputs are fitted to. */
interface FittedFacts extends Facts {
  readonly labels: Readonly<Record<string, LabelCounts>>;
  readonly tables: readonly TableIds[];
  readonly changing: readonly ChangingAttribute[];
}

const NO_LABELS: LabelCounts = { known: 0, positive: 0 };
/** What evaluation draws depends on nothing that two models may have set otherwise. */
const EVALUATION_SEED = 1;
/** What a run knows of its inputs, beside the vocabularies. */
export const FACTS = "facts.json";
const VOCABULARY = ".vocabulary";

/**
 * What a model reads of the event store, decided by the training window alone: the ids that have rows of their own, the
 * inputs, the rates of the labels.
 */
export class TrainingInputs {
  readonly spec: FeatureSpec;
  /** Share of labels above 0 among the known labels of each objective. */
  readonly rates: readonly number[];
  /** Of labels that are amounts or counts, by objective; null where none are. */
  readonly amounts: Readonly<Record<string, AmountSummary>> | null;
  /** Examples of the training window; negatives that are drawn beside them do not count. */
  readonly numExamples: number;
  /** Objectives whose negatives are drawn: those whose labels are all positive, if the project wants it. */
  readonly drawn: readonly string[];
  /** Labels where the rates are from, by objective; none where the inputs were loaded. */
  readonly labels: Readonly<Record<string, LabelCounts>>;
  /** Ids that the log has and that the model tells apart; none where the inputs were loaded. */
  readonly tables: readonly TableIds[];
  /** Attributes by which what was drawn could be told; none where nothing is drawn, or the inputs were loaded. */
  readonly changing: readonly ChangingAttribute[];
  /** Of the training examples: each id has its row from its admission on. By table. */
  readonly vocabularies: Readonly<Record<string, Vocabulary>>;
  /** Of all that the model scores: each id has its row if it was admitted in training. By table. */
  readonly learnedVocabularies: Readonly<Record<string, Vocabulary>>;
  readonly #config: InputsConfig;
  readonly #store: StoreVersion;
  /** Code of the one surface whose examples it reads; null for all. */
  readonly #surface: number | null;
  readonly #training: EventWindow;

  private constructor(
    facts: FittedFacts & Pick<TrainingInputs, "vocabularies">,
    { store, config, training }: { store: EventStore; config: InputsConfig; training?: EventWindow },
  ) {
    this.spec = facts.spec;
    this.rates = facts.rates;
    this.amounts = facts.amounts ?? null;
    this.numExamples = facts.numExamples;
    this.drawn = facts.drawn ?? [];
    this.labels = facts.labels;
    this.tables = facts.tables;
    this.changing = facts.changing;
    this.vocabularies = facts.vocabularies;
    const all = windowOf(config.split, "train");
    const learned = Object.entries(facts.vocabularies).map(([table, vocabulary]) => [
      table,
      vocabulary.learnedUntil(all.untilMs),
    ]);
    this.learnedVocabularies = Object.fromEntries(learned);
    this.#config = config;
    this.#store = store.version;
    this.#surface = surfaceCode(store, config.model.surface);
    this.#training = training ?? all;
  }

  /** Reads the training window once. @throws {LapidaryError} TRAIN_WINDOW if it has less than one batch */
  static fit(store: EventStore, config: InputsConfig, options: InputOptions = {}): TrainingInputs {
    const { model, negatives = null, split } = config;
    const all = windowOf(split, "train");
    const { windows = { examples: all, facts: all, vocabulary: all }, pastEmbeddings: dim = 0, earlier } = options;
    const pastEmbeddings = dim === 0 ? {} : { pastEmbeddings: dim };
    const { examples: training, facts: window } = windows;
    const only = learnedExamples(model, surfaceCode(store, model.surface));
    const numExamples = countExamples(store, training, only);
    if (numExamples < model.training.globalBatchSize) throw tooFew(numExamples, model.training.globalBatchSize);
    const admission = { window: windows.vocabulary, minCount: model.minCount };
    const admitted = Object.entries(admissionTimes(store, admission));
    const vocabularies = Object.fromEntries(
      admitted.map(([table, times]) => [table, new Vocabulary(withEarlier(times, earlier?.codes[table]))]),
    );
    const configs = config.counters ?? {};
    const scales = earlier === undefined ? measuredScales(store, window, configs) : scalesOf(earlier.spec, configs);
    const sizes = store.cardinalities();
    const whole = deriveSpec(store.manifest.schema, { cardinalities: sizes, vocabularies, ...scales });
    const spec = { ...withObjectives(whole, model.objectives ?? whole.objectives), ...pastEmbeddings };
    const counts = countLabels(store, { window, only, horizonMs: window.untilMs });
    const logged = spec.objectives.map((name) => [name, counts[name] ?? NO_LABELS] as const);
    const drawn = negatives === null ? [] : logged.filter(([, label]) => isOnlyPositive(label)).map(([name]) => name);
    const labels = Object.fromEntries(
      logged.map(([name, label]) => [name, drawn.includes(name) ? withDrawn(label, negatives) : label]),
    );
    const rates = spec.objectives.map((name) => rateOf(labels[name]));
    const tables = Object.entries(vocabularies).map(([table, { cardinality }]) => {
      return { table, ids: (sizes[table] ?? 1) - 1, admitted: cardinality - 1 };
    });
    const changing = drawn.length === 0 ? [] : changingAttributes(store);
    const facts = { spec, rates, ...amountsOf(labels), numExamples, drawn, labels, tables, changing, vocabularies };
    return new TrainingInputs(facts, { store, config, training });
  }

  /** Reads what {@link save} wrote. @throws {LapidaryError} FILE_CORRUPT */
  static load(folder: string, store: EventStore, config: InputsConfig): TrainingInputs {
    const facts = readFacts(folder);
    const vocabularies = readVocabularies(folder);
    return new TrainingInputs({ ...facts, labels: {}, tables: [], changing: [], vocabularies }, { store, config });
  }

  /** Writes the inputs, so that a trained model can be read without the window it was trained on. */
  save(folder: string): void {
    const { spec, rates, numExamples } = this;
    const amounts = this.amounts === null ? {} : { amounts: this.amounts };
    const drawn = this.drawn.length === 0 ? {} : { drawn: this.drawn };
    makeFolder(folder);
    for (const [table, vocabulary] of Object.entries(this.vocabularies)) {
      writeFileAtomic(join(folder, `${table}${VOCABULARY}`), vocabulary.encode());
    }
    writeFileAtomic(
      join(folder, FACTS),
      `${JSON.stringify({ spec, rates, ...amounts, numExamples, ...drawn }, null, 2)}\n`,
    );
  }

  /** This process's parts of the training batches of one epoch, shuffled; labels as known at the end of the window. */
  trainingBatches({ epoch, start, mesh, reuses }: TrainingPlace): Promise<BatchReader> {
    const { seed, order } = this.#config.model.training;
    const shuffle = { seed: order === "time" ? null : seed, byDay: order === "days" };
    const only = learnedExamples(this.#config.model, this.#surface);
    const { vocabularies } = this;
    const negatives = this.#negatives({ seed });
    const place = { epoch, start, ...(reuses === undefined ? {} : { reuses }) };
    return this.#open("train", mesh, { ...shuffle, ...negatives, ...place, only, vocabularies, dropLast: true });
  }

  /**
   * This process's parts of all batches of a window, in order of time; labels as known at the end of the log. Negatives
   * are drawn uniformly, the same for every model.
   */
  evaluationBatches(
    split: Split,
    mesh: TrainingPlace["mesh"],
    options: Pick<ReaderOptions, "reuses"> = {},
  ): Promise<BatchReader> {
    const negatives = this.#negatives({ seed: EVALUATION_SEED, from: "uniform", windowMs: null });
    return this.#open(split, mesh, { ...this.#scored, ...negatives, ...options });
  }

  /** This process's parts of the batches of what a window holds, in order of time: without negatives that are drawn. */
  loggedBatches(split: Split, mesh: TrainingPlace["mesh"]): Promise<BatchReader> {
    return this.#open(split, mesh, this.#scored);
  }

  /** This process's parts of the batches of any window, in order of time, without labels that were not yet known then. */
  batchesOf(window: EventWindow, mesh: TrainingPlace["mesh"]): Promise<BatchReader> {
    return this.#read(window, mesh, { seed: null });
  }

  /** The project's way of drawing negatives, with changes; none where all objectives have their own. */
  #negatives(changes: { readonly seed: number } & Partial<NegativesOptions>): Pick<ReaderOptions, "negatives"> {
    const { negatives = null } = this.#config;
    const objectives = this.drawn;
    return negatives === null || objectives.length === 0 ? {} : { negatives: { ...negatives, objectives, ...changes } };
  }

  #open(
    split: Split,
    mesh: TrainingPlace["mesh"],
    options: Pick<ReaderOptions, "seed"> & Partial<ReaderOptions>,
  ): Promise<BatchReader> {
    const window = windowOf(this.#config.split, split);
    const horizon = { horizonMs: window.untilMs, ...options };
    return this.#read(split === "train" ? this.#training : window, mesh, horizon);
  }

  #read(
    window: EventWindow,
    mesh: TrainingPlace["mesh"],
    options: Pick<ReaderOptions, "seed"> & Partial<ReaderOptions>,
  ): Promise<BatchReader> {
    return openReader({
      store: this.#store,
      window,
      only: { surface: this.#surface, origin: null },
      spec: this.spec,
      historyLength: this.#config.model.history,
      globalBatchSize: this.#config.model.training.globalBatchSize,
      horizonMs: window.untilMs,
      vocabularies: this.learnedVocabularies,
      shard: { rank: mesh.rank, worldSize: mesh.size },
      ...options,
    });
  }

  /** What of a window is scored, in order of time; labels as known at the end of the log. */
  get #scored() {
    const sample = this.#config.evaluation?.sample ?? 1;
    return { seed: null, horizonMs: Number.MAX_SAFE_INTEGER, only: { surface: this.#surface, origin: null, sample } };
  }
}

/** Facts of the inputs that a run has saved. */
export function readFacts(folder: string): Facts {
  return JSON.parse(readFileSync(join(folder, FACTS), "utf8")) as Facts;
}

/** The vocabularies that a run has saved, by table. @throws {LapidaryError} FILE_CORRUPT */
export function readVocabularies(folder: string): Readonly<Record<string, Vocabulary>> {
  const files = readdirSync(folder).filter((file) => file.endsWith(VOCABULARY));
  const read = (file: string): Vocabulary => Vocabulary.decode(new Uint8Array(readFileSync(join(folder, file))));
  return Object.fromEntries(files.map((file) => [basename(file, VOCABULARY), read(file)]));
}

/** Codes that an earlier run has a row of keep it, at all times. @shape times [codes] */
function withEarlier(times: Float64Array, codes: Int32Array | undefined): Float64Array {
  for (const code of codes ?? []) if (code > 0) times[code] = Number.NEGATIVE_INFINITY;
  return times;
}

/** What inputs are scaled with, counters included. */
type Scales = Pick<LogFacts, "moments" | "scales" | "bucketScales" | "outcomeMoments" | "counters">;

type CounterConfigs = NonNullable<InputsConfig["counters"]>;

function measuredScales(store: EventStore, window: EventWindow, counters: CounterConfigs): Scales {
  const bucketScales = measureBucketScales(store, window);
  return {
    moments: measureNumbers(store, window),
    scales: measureVectors(store, window),
    bucketScales,
    outcomeMoments: measureOutcomes(store, window, bucketScales),
    ...(Object.keys(counters).length === 0 ? {} : { counters: measureCounters(store, window, counters) }),
  };
}

/** What inputs were scaled with before. @throws {LapidaryError} TRAIN_FROM if other counters are asked for */
function scalesOf(spec: FeatureSpec, configs: CounterConfigs): Scales {
  const moments = Object.fromEntries(spec.numbers.map(({ name, mean, deviation }) => [name, { mean, deviation }]));
  const scales = Object.fromEntries((spec.content?.vectors ?? []).map(({ name, scale }) => [name, scale]));
  const bucketScales = Object.fromEntries(
    [...spec.candidate, ...spec.history].map(({ name, scale = 1 }) => [name, scale]),
  );
  const known = spec.history.flatMap(({ name, moments }) => (moments === undefined ? [] : [[name, moments] as const]));
  const outcomeMoments = Object.fromEntries(known);
  const counters = earlierCounters(spec, configs);
  return { moments, scales, bucketScales, outcomeMoments, ...(counters === undefined ? {} : { counters }) };
}

/** The examples of a surface that a model learns from. */
function learnedExamples({ training }: Pick<ModelConfig, "training">, surface: number | null): ExampleFilter {
  const { examples, sample } = training;
  return { surface, origin: examples === "all" ? null : examples, sample };
}

/** Code of a surface by its id; null for all. @throws {LapidaryError} TRAIN_SURFACE */
function surfaceCode(store: EventStore, surface: string | null): number | null {
  if (surface === null) return null;
  const dictionary = store.dictionary("surface");
  const code = dictionary?.code(surface) ?? 0;
  if (code > 0) return code;
  const ids = Array.from({ length: (dictionary?.cardinality ?? 1) - 1 }, (_, i) => dictionary?.id(i + 1));
  throw new LapidaryError({
    code: "TRAIN_SURFACE",
    where: "surface",
    expected: `one of ${ids.join(", ")}`,
    got: surface,
    hint: "Correct `surface` of the model; `events.surface` says which field of the log it is.",
  });
}

/** A log of amounts tells what is 0, if it tells anything: nothing stands for an event that it does not hold. */
function isOnlyPositive({ known, positive, amounts }: LabelCounts): boolean {
  return known > 0 && positive === known && amounts === undefined;
}

function amountsOf(labels: Readonly<Record<string, LabelCounts>>): Pick<Facts, "amounts"> {
  const found = Object.entries(labels).flatMap(([name, { amounts }]) => {
    return amounts === undefined ? [] : [[name, { mean: amounts.mean, logDeviation: amounts.logDeviation }] as const];
  });
  return found.length === 0 ? {} : { amounts: Object.fromEntries(found) };
}

/** The labels with those of the negatives that are drawn beside each. */
function withDrawn({ known, positive }: LabelCounts, negatives: ProjectConfig["negatives"]): LabelCounts {
  return { known: known + positive * (negatives?.perPositive ?? 0), positive };
}

/** One half where no label is known: neither answer is better. */
function rateOf(counts: { readonly known: number; readonly positive: number } | undefined): number {
  return counts === undefined || counts.known === 0 ? 0.5 : counts.positive / counts.known;
}

function tooFew(numExamples: number, globalBatchSize: number): LapidaryError {
  return new LapidaryError({
    code: "TRAIN_WINDOW",
    where: "training window",
    expected: `at least one batch of ${globalBatchSize} examples`,
    got: `${numExamples}`,
    hint: "Give the training window more events in `split`, or lower training.globalBatchSize.",
  });
}
