import { availableParallelism } from "node:os";
import { join } from "node:path";
import { LapidaryError } from "../config/errors.ts";
import { nearest } from "../config/nearest.ts";
import type { ModelConfig, ProjectConfig } from "../config/types.ts";
import { EventStore } from "../data/index.ts";
import type { ProcessMesh } from "../distributed/index.ts";
import { buildModel } from "../model/index.ts";
import { Initializer } from "../nn/index.ts";
import { RandomGenerator, setThreads } from "../torch/index.ts";
import { TrainingInputs } from "./inputs.ts";
import { Learner } from "./learner.ts";
import type { TrainingProgress } from "./progress.ts";
import { RunFolder, type RunSummary } from "./run-folder.ts";
import { Session } from "./session.ts";

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
  /** Ends training after the update under way, with a checkpoint. @default never */
  readonly signal?: AbortSignal;
}

/** One training job: what a {@link Session} works on. */
export interface TrainingJob {
  readonly name: string;
  readonly config: ModelConfig;
  readonly inputs: TrainingInputs;
  readonly folder: RunFolder;
  readonly mesh: ProcessMesh;
  readonly onProgress: (progress: TrainingProgress) => void;
  readonly onNotice: (text: string) => void;
  readonly signal: AbortSignal;
}

/** How training ended: finished, or stopped with a checkpoint to go on from. */
export type TrainingOutcome =
  | { readonly kind: "finished"; readonly summary: RunSummary }
  | { readonly kind: "stopped"; readonly step: number };

/**
 * Trains a model of the project, or continues an interrupted run exactly where its last checkpoint stands. A run that
 * is finished is left as it is.
 *
 * @throws {LapidaryError} MODEL_UNKNOWN, STORE_*, TRAIN_*, RUN_CHANGED, COLLECTIVE_FAILED
 */
export async function train(project: ProjectConfig, options: TrainOptions): Promise<TrainingOutcome> {
  const { model: name, mesh, onProgress = () => {}, onNotice = () => {} } = options;
  const config = modelOf(project, name);
  const folder = beginRun(project, config, options);
  if (folder.summary !== null) return { kind: "finished", summary: folder.summary };
  const inputs = TrainingInputs.fit(project, config);
  if (mesh.rank === 0) inputs.save(folder.inputs);
  const signal = options.signal ?? new AbortController().signal;
  const job: TrainingJob = { name, config, inputs, folder, mesh, onProgress, onNotice, signal };
  const session = new Session(job, initLearner({ config, inputs, mesh }));
  try {
    return await session.run();
  } finally {
    session.close();
  }
}

/** A fresh model with its optimizers; equal seeds give equal bits in every process. */
export function initLearner({ config, inputs, mesh }: Pick<TrainingJob, "config" | "inputs" | "mesh">): Learner {
  setThreads(config.training.threads || Math.max(1, Math.floor(availableParallelism() / mesh.localSize)));
  const initial = new Initializer(RandomGenerator.seeded(config.training.seed));
  return Learner.of(buildModel(config, { spec: inputs.spec, rates: inputs.rates, initial }));
}

/** The configuration of a model. @throws {LapidaryError} MODEL_UNKNOWN */
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

/** The first process begins the run; the others follow once it has. */
function beginRun(project: ProjectConfig, model: ModelConfig, options: TrainOptions): RunFolder {
  const { model: name, run = name, fresh = false, mesh } = options;
  const path = join(project.runs, run);
  const store = EventStore.open(project.store);
  const config = { name, model, split: project.split, events: store.fingerprint };
  store.close();
  if (mesh.rank === 0) RunFolder.begin(path, { config, fresh });
  mesh.barrier();
  return RunFolder.at(path);
}
