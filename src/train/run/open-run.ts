import { LapidaryError } from "../../base/errors.ts";
import type { ProjectConfig } from "../../config/project.ts";
import type { Split, SplitConfig } from "../../config/types.ts";
import type { BatchReader, EventStore } from "../../data/index.ts";
import { ProcessMesh } from "../../distributed/index.ts";
import type { Batch } from "../../features/spec.ts";
import type { Model } from "../../model/index.ts";
import { TrainingInputs } from "../inputs.ts";
import { loadOwnModel } from "../own/own-code.ts";
import { mapBatches } from "../predict.ts";
import { type AttachKnowledge, initModel } from "../trainer.ts";
import type { RunConfig } from "./run-config.ts";
import { RunFolder, type RunSummary } from "./run-folder.ts";
import { runPath } from "./run-path.ts";

/** A finished run, its model, and what it reads. */
export interface OpenedRun {
  readonly folder: RunFolder;
  readonly summary: RunSummary;
  readonly config: RunConfig;
  readonly model: Model;
  readonly inputs: TrainingInputs;
  /** The events that it was trained on. */
  readonly store: EventStore;
  /** The one surface whose examples {@link examplesOf} reads; null for all. */
  readonly surface: string | null;
}

/** What a model that reads its teacher's embeddings is given. */
export type KnowledgeFor = (config: RunConfig) => AttachKnowledge;

/** What of a run to open. */
export interface OpenRunOptions {
  /** The project's event store; whoever opened it closes it. */
  readonly store: EventStore;
  /** Reads the examples of one surface only. @default those that the model is for */
  readonly surface?: string | null;
}

/**
 * Opens a finished run with the model of its best epoch.
 *
 * @param run a name below the project's runs, or a path
 * @throws {LapidaryError} RUN_UNFINISHED, RUN_CHANGED if the events or the module of its model are no longer those
 *   it was trained with, MODULE_*, CHECKPOINT_*
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore } from "lapidary/data";
 * import { openRun } from "lapidary/train";
 *
 * const project = await loadProject();
 * using store = EventStore.open(project.store);
 * const { config, inputs, summary } = openRun(project, "foundation", { store });
 * console.log(config.model.kind, inputs.spec.objectives, summary.steps); // foundation [ 'click', 'conversion' ] 36
 */
export function openRun(project: ProjectConfig, run: string, { store, surface }: OpenRunOptions): OpenedRun {
  const { folder, summary } = RunFolder.finished(runPath(project, run));
  const { config } = folder;
  checkEvents(store, folder, config.events);
  const module = loadOwnModel(project, config.model);
  checkModules(folder, config.modules ?? {}, module.modules);
  const read = surface ?? config.model.surface;
  // The test window decides nothing of a run: it is the project's, as it is now; and so is what is scored of a window.
  const split = withTestWindow(config.split, project.split);
  const { evaluation } = project;
  const of = { split, negatives: config.negatives ?? null, evaluation, model: { ...config.model, surface: read } };
  const inputs = TrainingInputs.load(folder.inputs, store, of);
  const { model } = initModel({ config: config.model, inputs, mesh: ProcessMesh.single(), folder, own: module });
  folder.checkpoints.loadBest(model);
  return { folder, summary, config, model, inputs, store, surface: read };
}

/**
 * The examples of a split, as the run's model reads them, in order of time, with the negatives that are drawn beside them.
 *
 * @throws {LapidaryError} TRAIN_WINDOW if there is none
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore } from "lapidary/data";
 * import { examplesOf, openRun } from "lapidary/train";
 *
 * const project = await loadProject();
 * using store = EventStore.open(project.store);
 * const opened = openRun(project, "foundation", { store });
 * let examples = 0;
 * for await (const batch of await examplesOf(opened, "test")) examples += batch.size;
 * console.log(examples); // 143
 */
export async function examplesOf(
  opened: OpenedRun,
  split: Split,
  enrichFor?: KnowledgeFor,
): Promise<AsyncIterable<Batch>> {
  const enrich = enrichmentOf(opened, enrichFor);
  return someOf(split, await opened.inputs.evaluationBatches(split, ProcessMesh.single()), enrich);
}

/**
 * As {@link examplesOf}, without negatives that are drawn: what the log holds.
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore } from "lapidary/data";
 * import { loggedExamplesOf, openRun } from "lapidary/train";
 *
 * const project = await loadProject();
 * using store = EventStore.open(project.store);
 * const opened = openRun(project, "foundation", { store });
 * let examples = 0;
 * for await (const batch of await loggedExamplesOf(opened, "validation")) examples += batch.size;
 * console.log(examples); // 126
 */
export async function loggedExamplesOf(
  opened: OpenedRun,
  split: Split,
  enrichFor?: KnowledgeFor,
): Promise<AsyncIterable<Batch>> {
  const enrich = enrichmentOf(opened, enrichFor);
  return someOf(split, await opened.inputs.loggedBatches(split, ProcessMesh.single()), enrich);
}

/** As {@link examplesOf}, for a loop that keeps nothing of a batch: the memory of its large columns is used again. */
export async function passingExamplesOf(
  opened: OpenedRun,
  split: Split,
  enrichFor?: KnowledgeFor,
): Promise<AsyncIterable<Batch>> {
  const enrich = enrichmentOf(opened, enrichFor);
  const batches = await opened.inputs.evaluationBatches(split, ProcessMesh.single(), { reuses: true });
  return someOf(split, batches, enrich);
}

function someOf(split: Split, batches: BatchReader, enrich: (batch: Batch) => Batch): AsyncIterable<Batch> {
  if (batches.numExamples === 0) throw noExamples(split);
  return mapBatches(batches, enrich);
}

/**
 * What adds to a batch the teacher's embeddings that the run's model reads; batches stay as they are if it reads none.
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore } from "lapidary/data";
 * import { enrichmentOf, loggedExamplesOf, openRun } from "lapidary/train";
 * import { knowledgeFor } from "lapidary/transfer";
 *
 * const project = await loadProject();
 * using store = EventStore.open(project.store);
 * const opened = openRun(project, "vertical-distill", { store });
 * const enrich = enrichmentOf(opened, knowledgeFor(project)); // a batch stays as it is: this model reads no embeddings
 * for await (const batch of await loggedExamplesOf(opened, "test")) {
 *   console.log(enrich(batch) === batch); // true
 *   break;
 * }
 */
export function enrichmentOf({ folder, config, inputs }: OpenedRun, enrichFor?: KnowledgeFor): (batch: Batch) => Batch {
  const { pastEmbeddings = 0 } = inputs.spec;
  if (pastEmbeddings === 0) return (batch) => batch;
  if (enrichFor === undefined) throw unread(folder);
  const enrich = enrichFor(config);
  return (batch) => enrich(batch, inputs.spec);
}

function checkEvents({ fingerprint: got }: EventStore, folder: RunFolder, expected: string): void {
  if (got === expected) return;
  throw new LapidaryError({
    code: "RUN_CHANGED",
    where: folder.path,
    expected: `the events that it was trained on (${expected.slice(0, 12)})`,
    got: `others (${got.slice(0, 12)})`,
    hint: "Ids may have other codes now: train it again on these events, or ingest the earlier ones.",
  });
}

function checkModules(
  folder: RunFolder,
  was: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): void {
  for (const [path, got] of Object.entries(now)) {
    const expected = was[path] ?? "none";
    if (got === expected) continue;
    throw new LapidaryError({
      code: "RUN_CHANGED",
      where: folder.path,
      expected: `${path} as it was trained with (${expected.slice(0, 12)})`,
      got: `another content (${got.slice(0, 12)})`,
      hint: "Undo the change of the module or of what it imports, or train it again with --fresh.",
    });
  }
}

function unread(folder: RunFolder): LapidaryError {
  return new LapidaryError({
    code: "INTERNAL",
    where: folder.path,
    expected: "a reader of its teacher's embeddings",
    got: "none",
    hint: "Evaluate it with `lapidary evaluate`.",
  });
}

function noExamples(split: Split): LapidaryError {
  return new LapidaryError({
    code: "TRAIN_WINDOW",
    where: `${split} window`,
    expected: "at least one example",
    got: "none",
    hint: "Correct `split` in the configuration; `lapidary describe` prints the times of the events.",
  });
}

/** The split of a run, with the test window that the project has now. */
function withTestWindow(split: SplitConfig, now: SplitConfig): SplitConfig {
  return split.kind === "time" && now.kind === "time" ? { ...split, testUntilMs: now.testUntilMs } : split;
}
