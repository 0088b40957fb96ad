import { isAbsolute, join, sep } from "node:path";
import { LapidaryError } from "../config/errors.ts";
import type { ProjectConfig } from "../config/types.ts";
import { EventStore } from "../data/index.ts";
import { ProcessMesh } from "../distributed/index.ts";
import { evaluate, type ObjectiveEvaluation } from "../metrics/evaluation.ts";
import { type PairedComparison, pairedBootstrap } from "../metrics/paired-bootstrap.ts";
import { alignExamples } from "../metrics/scored-examples.ts";
import type { Model } from "../model/index.ts";
import { type CurveRecord, readCurve } from "../report/jsonl.ts";
import { type Split, TrainingInputs } from "./inputs.ts";
import { mapBatches, type Predictions, predict, writePredictions } from "./predict.ts";
import { type RunConfig, RunFolder, type RunSummary } from "./run-folder.ts";
import { type Enrich, initModel } from "./trainer.ts";
import { type TransferEvaluation, transfersOf } from "./transfer-ratio.ts";

/** One run on one split. */
export interface RunEvaluation {
  readonly run: string;
  readonly summary: RunSummary;
  /** By name. */
  readonly objectives: Readonly<Record<string, ObjectiveEvaluation>>;
  /** Differences to the baseline by objective; null for the baseline itself and without one. */
  readonly differences: Readonly<Record<string, PairedComparison>> | null;
}

/** Runs on the same examples of one split, as plain JSON. */
export interface Evaluation {
  readonly split: Split;
  /** Run that the others are compared with; null if there is only one. */
  readonly baseline: string | null;
  /** Name of each surface by its code. */
  readonly surfaces: Readonly<Record<number, string>>;
  readonly runs: readonly RunEvaluation[];
  /** What each transfer was worth, of the runs that have a vertical model alone and a teacher beside them. */
  readonly transfers: readonly TransferEvaluation[];
}

/** What to evaluate. */
export interface EvaluateOptions {
  /** Names below the project's runs, or paths. */
  readonly runs: readonly string[];
  readonly split: Split;
  /** One of the runs. @default the first one, if there are several */
  readonly baseline?: string;
  /** Called before each run is scored. */
  readonly onRun?: (run: string) => void;
  /** What a model that reads its teacher's embeddings is given. @default none can be scored */
  readonly enrichFor?: (config: RunConfig) => Enrich;
}

/**
 * Scores the examples of a split with finished runs, and compares them pairwise with a baseline. Writes each run's
 * predictions into its folder.
 *
 * @throws {LapidaryError} RUN_UNFINISHED, RUN_CHANGED if the events are no longer those it was trained on, TRAIN_WINDOW
 */
export async function evaluateRuns(project: ProjectConfig, options: EvaluateOptions): Promise<Evaluation> {
  const { runs, split, baseline = runs.length > 1 ? runs[0] : undefined } = options;
  const scored: { run: string; config: RunConfig; summary: RunSummary; predictions: Predictions }[] = [];
  for (const run of runs) {
    options.onRun?.(run);
    const { folder, summary } = RunFolder.finished(runPath(project, run));
    scored.push({ run, config: folder.config, summary, predictions: await scoreRun(project, folder, options) });
  }
  const reference = scored.find(({ run }) => run === baseline)?.predictions ?? null;
  const measured = scored.map(({ run, config, predictions }) => {
    const objectives = mapValues(predictions, evaluate);
    const normalizedEntropy = mapValues(objectives, ({ overall }) => overall.normalizedEntropy);
    return { run, config, objectives, normalizedEntropy };
  });
  return {
    split,
    baseline: baseline ?? null,
    surfaces: surfaceNames(project.store),
    transfers: transfersOf(measured),
    runs: scored.map(({ run, summary, predictions }, index) => ({
      run,
      summary,
      objectives: measured[index]?.objectives ?? {},
      differences: reference === null || run === baseline ? null : compare(reference, predictions),
    })),
  };
}

/** The training curves of a run, from its start to its end. */
export function trainingCurve(project: ProjectConfig, run: string): readonly CurveRecord[] {
  return readCurve(RunFolder.finished(runPath(project, run)).folder.curve);
}

/** Folder of a run: a name lies below the project's runs, anything with a separator is a path. */
function runPath(project: ProjectConfig, run: string): string {
  return isAbsolute(run) || run.includes(sep) ? run : join(project.runs, run);
}

async function scoreRun(
  project: ProjectConfig,
  folder: RunFolder,
  { split, enrichFor }: EvaluateOptions,
): Promise<Predictions> {
  const mesh = ProcessMesh.single();
  const { model, inputs } = openRun(project, folder);
  const { objectives, pastEmbeddings = 0 } = inputs.spec;
  const enrich = pastEmbeddings === 0 ? undefined : enrichFor?.(folder.config);
  if (pastEmbeddings > 0 && enrich === undefined) throw unread(folder);
  const batches = await inputs.evaluationBatches(split, mesh);
  if (batches.numExamples === 0) throw noExamples(split);
  const given = mapBatches(batches, (batch) => enrich?.(batch, objectives) ?? batch);
  const predictions = await predict(model, given, { objectives, mesh });
  writePredictions(folder.predictions(split), predictions);
  return predictions;
}

/** The model of a finished run, and what it reads. @throws {LapidaryError} RUN_CHANGED, CHECKPOINT_* */
export function openRun(
  project: ProjectConfig,
  folder: RunFolder,
): { readonly model: Model; readonly inputs: TrainingInputs } {
  const { model: config, split, events } = folder.config;
  checkEvents(project.store, folder, events);
  const inputs = TrainingInputs.load(folder.inputs, { store: project.store, split }, config);
  const { model } = initModel({ config, inputs, mesh: ProcessMesh.single() });
  folder.checkpoints.loadBest(model);
  return { model, inputs };
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

function compare(baseline: Predictions, candidate: Predictions): Readonly<Record<string, PairedComparison>> {
  const shared = Object.fromEntries(Object.entries(baseline).filter(([objective]) => objective in candidate));
  return mapValues(shared, (own, objective) => {
    const other = alignExamples(own, candidate[objective]!);
    return pairedBootstrap({ labels: own.labels, users: own.users, baseline: own.logits, candidate: other.logits });
  });
}

function surfaceNames(store: string): Readonly<Record<number, string>> {
  const opened = EventStore.open(store);
  const names = opened.dictionary("surface");
  const codes = Array.from({ length: opened.entry("surface").cardinality - 1 }, (_, i) => i + 1);
  opened.close();
  return Object.fromEntries(codes.map((code) => [code, names?.id(code) ?? String(code)]));
}

function checkEvents(store: string, folder: RunFolder, expected: string): void {
  const opened = EventStore.open(store);
  const got = opened.fingerprint;
  opened.close();
  if (got === expected) return;
  throw new LapidaryError({
    code: "RUN_CHANGED",
    where: folder.path,
    expected: `the events that it was trained on (${expected.slice(0, 12)})`,
    got: `others (${got.slice(0, 12)})`,
    hint: "Ids may have other codes now: train it again on these events, or ingest the earlier ones.",
  });
}

function noExamples(split: Split): LapidaryError {
  return new LapidaryError({
    code: "TRAIN_WINDOW",
    where: `${split} window`,
    expected: "at least one example",
    got: "none",
    hint: "Correct `split` in the configuration; `lapidary ingest` prints the times of the events.",
  });
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, f: (value: A, key: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value, key)]));
}
