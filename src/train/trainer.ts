import { availableParallelism } from "node:os";
import { join } from "node:path";
import { LapidaryError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import type { ModelConfig } from "../config/model/model.ts";
import type { TeachingConfig } from "../config/model/transfer.ts";
import type { ProjectConfig } from "../config/project.ts";
import { makeCounterIndexes } from "../data/counters/open-index.ts";
import { EventStore } from "../data/index.ts";
import type { ProcessMesh } from "../distributed/index.ts";
import { type ObjectiveSpec, objectivesOf } from "../features/objectives.ts";
import type { OutcomeField } from "../features/schema.ts";
import type { Batch, FeatureSpec } from "../features/spec.ts";
import { buildModel, type Model, type ModelInputs } from "../model/index.ts";
import { Initializer } from "../nn/index.ts";
import { RandomGenerator, setThreads } from "../torch/index.ts";
import { fitWindowsOf, splitOf } from "./fit-windows.ts";
import { TrainingInputs } from "./inputs.ts";
import type { TrainingJob, TrainingOutcome } from "./job.ts";
import { Learner, type LossOptions, labelSupervision, type Supervision } from "./learner.ts";
import { loadOwnCode, lossesOfModel, type OwnCode } from "./own/own-code.ts";
import { tryLosses } from "./own/own-losses.ts";
import { inPrecision } from "./precision.ts";
import type { TrainingProgress } from "./progress.ts";
import { checkBegunInputs } from "./run/begun-inputs.ts";
import type { RunConfig, TrainingSlice } from "./run/run-config.ts";
import { RunFolder } from "./run/run-folder.ts";
import { originOf } from "./run/run-origin.ts";
import { runPath } from "./run/run-path.ts";
import { Session } from "./session.ts";
import { EarlierRun } from "./warm/earlier-run.ts";
import { keepLateLabels } from "./warm/late-labels.ts";
import { saveRowIds } from "./warm/row-ids.ts";
import { idWarnings, negativesWarnings, oneClassWarnings, type TrainingWarning } from "./warnings.ts";
import { attributionWindows, keepOneWindow } from "./windows.ts";

/** How to train a model of a project. */
export interface TrainOptions {
  /** Name of the model in the configuration. */
  readonly model: string;
  /** Name of the run's folder. @default the model's name */
  readonly run?: string;
  /** Move an earlier run of this name aside and start over. @default false */
  readonly fresh?: boolean;
  readonly mesh: ProcessMesh;
  /** @default nobody is told */
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Told of what the user should know and nothing depends on, such as a damaged checkpoint. @default nobody is told */
  readonly onNotice?: (text: string) => void;
  /** Trains on one slice of the training window only. @default the whole of it */
  readonly slice?: TrainingSlice;
  /** Goes on from an earlier run, by name or path, with the days since its end. Not with a slice or a share. @default it begins anew */
  readonly from?: string;
  /** Trains on the newest share of the training window only, in (0, 1]. @default 1, the whole of it */
  readonly share?: number;
  /** Compares the epochs on the validation window and keeps the best one; else the last. @default true */
  readonly validates?: boolean;
  /** How it learns from a teacher. @default from labels alone, whatever teacher the configuration names */
  readonly distillation?: Distillation;
  /** Ends training after the update under way, with a checkpoint. @default never */
  readonly signal?: AbortSignal;
}

/** How a model learns from a teacher beside its labels. */
export interface Distillation {
  /** The teacher, and how the model learns from it. */
  readonly teaching: TeachingConfig;
  /** What it learns with: a run that was begun with another one is not continued. */
  readonly id: string;
  /** Dimension of the embeddings of the user's past that the model reads; 0 for none. */
  readonly pastEmbeddings: number;
  /** Adds the teacher's knowledge to batches. */
  readonly attach: AttachKnowledge;
  /** How the model learns; the heads that it needs for that are drawn from `inputs`. */
  supervise(model: Model, inputs: ModelInputs): Supervision;
}

/** Adds to a batch of a model with these objectives what a teacher said of its examples. */
export type AttachKnowledge = (batch: Batch, spec: ObjectiveSpec) => Batch;
/** What of a job decides its model, and where that is kept while it works. */
type ModelJob = Pick<TrainingJob, "config" | "inputs" | "mesh" | "folder"> & { readonly own?: Partial<OwnCode> };

/**
 * Trains a model of the project, or continues an interrupted run exactly where its last checkpoint stands. A run that
 * is finished is left as it is.
 *
 * @throws {LapidaryError} MODEL_UNKNOWN, STORE_*, TRAIN_*, RUN_BUSY, RUN_CHANGED, COLLECTIVE_FAILED
 * @example
 * import { loadProject } from "lapidary";
 * import { ProcessMesh } from "lapidary/distributed";
 * import { train } from "lapidary/train";
 *
 * const project = await loadProject({ set: ["training.epochs=1"] });
 * const outcome = await train(project, { model: "foundation", run: "one-epoch", mesh: ProcessMesh.single() });
 * if (outcome.kind === "finished") console.log(outcome.summary.steps, outcome.summary.examples); // 12 443
 */
export async function train(project: ProjectConfig, options: TrainOptions): Promise<TrainingOutcome> {
  const { model: name, mesh, onProgress = () => {}, onNotice = () => {}, distillation } = options;
  const config = modelOf(project, name);
  using store = EventStore.open(project.store);
  using folder = beginRun(project, store, options);
  if (folder.summary !== null) return { kind: "finished", summary: folder.summary };
  const earlier = options.from === undefined ? null : EarlierRun.open(project, options.from);
  const known = earlier?.inputs(store) ?? null;
  const windows = earlier?.windows(project) ?? fitWindowsOf(project, store, options);
  const counters = await countedFor(project, store, options);
  const inputs = TrainingInputs.fit(
    store,
    {
      split: splitOf(project, options.slice),
      negatives: project.negatives,
      counters,
      evaluation: project.evaluation,
      model: config,
    },
    {
      windows,
      pastEmbeddings: distillation?.pastEmbeddings ?? 0,
      ...(known === null ? {} : { earlier: known }),
    },
  );
  checkBegunInputs(folder, inputs.spec);
  if (mesh.rank === 0) saveRowIds(store, inputs.vocabularies, folder.inputs);
  // What fitting has read would lie in memory as long as the model learns.
  store.close();
  const warnings = warningsOf(project, { config, inputs }, options);
  for (const { text } of warnings) onNotice(text);
  if (mesh.rank === 0) inputs.save(folder.inputs);
  const signal = options.signal ?? new AbortController().signal;
  const { objectives } = inputs.spec;
  const enrich = (batch: Batch): Batch => distillation?.attach(batch, inputs.spec) ?? batch;
  const attribution = attributionWindows(project.events.outcomes, objectives);
  const learned = earlier?.learned(project, objectives);
  const prepare = (batch: Batch): Batch => {
    const whole = keepOneWindow(enrich(batch), objectives.length, attribution);
    return learned === undefined ? whole : keepLateLabels(whole, learned);
  };
  const session = new Session(
    {
      ...{ name, config, inputs, warnings, folder, mesh, onProgress, onNotice, signal, enrich, prepare },
      validates: options.validates ?? true,
      goOn:
        earlier !== null && known !== null
          ? (learner) => earlier.restore(learner, known, inputs.vocabularies)
          : goOnFromSlice(project, options, inputs.spec),
    },
    initLearner({ config, inputs, mesh, folder, own: loadOwnCode(project, config) }, distillation),
  );
  try {
    return await session.run();
  } finally {
    session.close();
  }
}

/** What the slice before has learned; null for the first one. */
function goOnFromSlice(project: ProjectConfig, { slice }: TrainOptions, spec: FeatureSpec): TrainingJob["goOn"] {
  const after = slice?.after ?? null;
  if (after === null) return null;
  const { folder } = RunFolder.finished(join(project.runs, after));
  checkBegunInputs(folder, spec);
  return (learner) => folder.checkpoints.restoreBest(learner).step;
}

/** A fresh model with its optimizers; equal seeds give equal bits in every process. */
export function initLearner(job: ModelJob, distillation?: Distillation): Learner {
  const { model, from } = initModel(job);
  // The same parameters computed in another way; what is validated and exported computes in float32.
  const learning = inPrecision(model, job.config.training);
  const supervision = distillation?.supervise(learning, from) ?? labelSupervision(learning);
  return Learner.of(model, supervision, { weights: weightsOf(job), ...lossesFor(job) });
}

/** Without amounts, counts and losses of the project's own all outputs are logits, which one operator learns from. */
function lossesFor({ inputs: { spec }, own }: ModelJob): Pick<LossOptions, "objectives" | "own"> {
  const losses = own?.losses ?? {};
  const hasOwn = Object.keys(losses).length > 0;
  if (spec.objectiveKinds === undefined && !hasOwn) return { objectives: null };
  const objectives = objectivesOf(spec);
  tryLosses(losses, objectives);
  return { objectives, own: losses };
}

/** The weight of each objective; null if none is weighed. */
function weightsOf({ config, inputs }: Pick<ModelJob, "config" | "inputs">): readonly number[] | null {
  const { objectiveWeights } = config.training;
  const weights = inputs.spec.objectives.map((objective) => objectiveWeights[objective] ?? 1);
  return weights.every((weight) => weight === 1) ? null : weights;
}

/** A fresh model, and what it was made from. */
export function initModel({ config, inputs, mesh, folder, own }: ModelJob): {
  readonly model: Model;
  readonly from: ModelInputs;
} {
  setThreads(config.training.threads || Math.max(1, Math.floor(availableParallelism() / mesh.localSize)));
  const { tableRows: rows, tableStorage, training } = config;
  const tableFolder = tableStorage === "file" ? folder.path : null;
  const initial = new Initializer(RandomGenerator.seeded(training.seed), { rows, tableFolder });
  const { spec, rates, amounts } = inputs;
  const module = own?.model ?? null;
  const from = {
    ...{ spec, rates, initial },
    ...(amounts === null ? {} : { amounts }),
    ...(module === null ? {} : { own: module }),
  };
  return { model: buildModel(config, from), from };
}

/**
 * What is to be said of the inputs before anything is learned from them.
 *
 * @throws {LapidaryError} TRAIN_LABELS, TRAIN_ONE_CLASS, TRAIN_IDS
 */
function warningsOf(
  { events, negatives }: ProjectConfig,
  { config, inputs }: Pick<ModelJob, "config" | "inputs">,
  { model: where, slice, share = 1, from }: TrainOptions,
): readonly TrainingWarning[] {
  const labels = Object.entries(inputs.labels);
  const unknown = labels.filter(([, { known }]) => known === 0).map(([objective]) => objective);
  // Later slices of the same training may know them, or earlier ones have.
  const isPart = slice !== undefined || from !== undefined;
  if (unknown.length > 0 && !isPart) throw unlabelled(where, unknown);
  const unlabelledHere = unknown.map((objective): TrainingWarning => {
    return { code: "LABELS_UNKNOWN", text: `no label of ${objective} is known in these days` };
  });
  const withFields = labels.map(([objective, counts]) => {
    return { objective, from: events.outcomes[objective]?.from ?? objective, ...counts };
  });
  const isWhole = !isPart && share === 1;
  const ids = config.kind === "baseRate" ? [] : idWarnings(inputs.tables, { where, minCount: config.minCount });
  const drawn = negatives === null ? [] : negativesWarnings(inputs, negatives);
  return [...unlabelledHere, ...oneClassWarnings(withFields, { where, isWhole }), ...drawn, ...ids];
}

/** A model that never sees a label of an objective would answer one half for everyone. */
function unlabelled(model: string, objectives: readonly string[]): LapidaryError {
  return new LapidaryError({
    code: "TRAIN_LABELS",
    where: model,
    expected: "a known label of every objective in the training window",
    got: `none of ${objectives.join(", ")}`,
    hint: "Train on more days than its delay, or name the other objectives under `objectives` of the model.",
  });
}

/**
 * The configuration of a model.
 *
 * @throws {LapidaryError} MODEL_UNKNOWN
 * @example
 * import { loadProject } from "lapidary";
 * import { modelOf } from "lapidary/train";
 *
 * const { kind, history } = modelOf(await loadProject(), "foundation");
 * console.log(kind, history); // foundation 8
 */
export function modelOf(project: ProjectConfig, name: string): ModelConfig {
  const config = Object.hasOwn(project.models, name) ? project.models[name] : undefined;
  if (config !== undefined) return config;
  const names = Object.keys(project.models);
  const near = nearest(name, names);
  throw new LapidaryError({
    code: "MODEL_UNKNOWN",
    where: "models",
    expected: `one of ${names.join(", ")}`,
    got: name,
    hint: near === null ? "Correct the name, or add the model to the configuration." : `Did you mean ${near}?`,
  });
}

/**
 * All that would decide the result of a training on what the project's store holds.
 *
 * @throws {LapidaryError} MODEL_UNKNOWN, STORE_COLUMN if the store was ingested with other kinds of outcomes
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore } from "lapidary/data";
 * import { runConfigOf } from "lapidary/train";
 *
 * const project = await loadProject();
 * using store = EventStore.open(project.store);
 * const { name, model, share } = runConfigOf(project, store, { model: "foundation", share: 0.5 });
 * console.log(name, model.kind, share); // foundation foundation 0.5
 */
export function runConfigOf(
  project: ProjectConfig,
  store: EventStore,
  options: Pick<TrainOptions, "model" | "slice" | "share" | "distillation" | "from">,
): RunConfig {
  const { model: name, slice, share = 1, distillation, from } = options;
  const model = modelOf(project, name);
  const { modules } = loadOwnCode(project, model);
  const losses = lossesOfModel(project, model);
  const counters = countersOf(project, name);
  checkKinds(project, store.manifest.schema.outcomes);
  return {
    ...{
      name,
      model: { ...model, ...distillation?.teaching },
      split: splitOf(project, slice),
      events: store.fingerprint,
    },
    ...(project.negatives === null ? {} : { negatives: project.negatives }),
    ...(Object.keys(counters).length === 0 ? {} : { counters }),
    ...(project.evaluation.sample === 1 ? {} : { evaluation: project.evaluation }),
    ...(slice === undefined ? {} : { slice }),
    ...(from === undefined ? {} : { from: EarlierRun.open(project, from).start }),
    ...(share === 1 ? {} : { share }),
    ...(Object.keys(losses).length === 0 ? {} : { losses }),
    ...(Object.keys(modules).length === 0 ? {} : { modules }),
    ...(distillation === undefined ? {} : { knowledge: distillation.id }),
  };
}

/** The counters that a model reads, each counted once for the events of a store. */
async function countedFor(
  project: ProjectConfig,
  store: EventStore,
  { model, onNotice = () => {}, signal }: TrainOptions,
): Promise<ProjectConfig["counters"]> {
  const counters = countersOf(project, model);
  const onIndex = (name: string): void => onNotice(`counting ${name}, once for these events`);
  const definitions = Object.entries(counters).map(([name, { of, by, everyMs }]) => ({ name, of, by, everyMs }));
  await makeCounterIndexes(store, definitions, { onIndex, signal });
  return counters;
}

/** The counters that a model reads. */
function countersOf(project: ProjectConfig, name: string): ProjectConfig["counters"] {
  const { counters: names } = modelOf(project, name);
  const read = Object.entries(project.counters).filter(([counter]) => names === null || names.includes(counter));
  return Object.fromEntries(read);
}

/** A model learns what the store holds: of another kind than the configuration says it would be another model in silence. */
function checkKinds({ store, events }: ProjectConfig, outcomes: readonly OutcomeField[]): void {
  for (const { name, kind } of outcomes) {
    const expected = events.outcomes[name]?.kind ?? kind;
    if (kind === expected) continue;
    const hint = "The configuration has changed since: run `lapidary ingest`.";
    throw new LapidaryError({
      code: "STORE_COLUMN",
      where: `${store}, ${name}`,
      expected: `a ${expected}`,
      got: `a ${kind}`,
      hint,
    });
  }
}

/** Begun anew, a run would move aside what it is to go on from. */
function fromItself(run: string): LapidaryError {
  return new LapidaryError({
    code: "TRAIN_FROM",
    where: run,
    expected: "an earlier run",
    got: "the run itself",
    hint: "Give the new run a name of its own with --run NAME.",
  });
}

/** The first process begins the run; the others follow once it has. */
function beginRun(project: ProjectConfig, store: EventStore, options: TrainOptions): RunFolder {
  const { model: name, run = name, fresh = false, mesh } = options;
  const path = join(project.runs, run);
  if (options.from !== undefined && runPath(project, options.from) === path) throw fromItself(run);
  const config = runConfigOf(project, store, options);
  const folder =
    mesh.rank === 0 ? RunFolder.begin(path, { config, fresh, origin: () => originOf(project) }) : RunFolder.at(path);
  mesh.barrier();
  return folder;
}
