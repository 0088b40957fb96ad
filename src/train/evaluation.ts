import type { ProjectConfig } from "../config/types.ts";
import { EventStore } from "../data/index.ts";
import { ProcessMesh } from "../distributed/index.ts";
import { evaluate, type ObjectiveEvaluation } from "../metrics/evaluation.ts";
import { type PairedComparison, pairedBootstrap } from "../metrics/paired-bootstrap.ts";
import { alignExamples } from "../metrics/scored-examples.ts";
import { type CurveRecord, readCurve } from "../report/jsonl.ts";
import type { Split } from "./inputs.ts";
import { type EnrichFor, examplesOf, type OpenedRun, openRun, runPath } from "./open-run.ts";
import { type Predictions, predict, writePredictions } from "./predict.ts";
import { type RunConfig, RunFolder, type RunSummary } from "./run-folder.ts";
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
  readonly enrichFor?: EnrichFor;
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
    const opened = openRun(project, run);
    const { config, summary } = opened;
    scored.push({ run, config, summary, predictions: await scoreRun(opened, options) });
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

async function scoreRun(
  opened: OpenedRun,
  { split, enrichFor }: Pick<EvaluateOptions, "split" | "enrichFor">,
): Promise<Predictions> {
  const { folder, model, inputs } = opened;
  const { objectives } = inputs.spec;
  const predictions = await predict(model, await examplesOf(opened, split, enrichFor), {
    objectives,
    mesh: ProcessMesh.single(),
  });
  writePredictions(folder.predictions(split), predictions);
  return predictions;
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

function mapValues<A, B>(record: Readonly<Record<string, A>>, f: (value: A, key: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value, key)]));
}
