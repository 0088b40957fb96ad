import { LapidaryError } from "../base/errors.ts";
import { mapValues } from "../base/map-values.ts";
import type { ProjectConfig } from "../config/project.ts";
import type { Split } from "../config/types.ts";
import { makeCounterIndexes } from "../data/counters/open-index.ts";
import { EventStore } from "../data/index.ts";
import { ProcessMesh } from "../distributed/index.ts";
import { evaluate, type ObjectiveEvaluation } from "../metrics/evaluation.ts";
import type { ScoredExamples } from "../metrics/scored-examples.ts";
import { type CurveRecord, readCurve } from "../report/jsonl.ts";
import { type Predictions, predict, writePredictions } from "../train/predict.ts";
import { type KnowledgeFor, type OpenedRun, openRun, passingExamplesOf } from "../train/run/open-run.ts";
import type { RunConfig } from "../train/run/run-config.ts";
import { RunFolder, type RunSummary } from "../train/run/run-folder.ts";
import { runPath } from "../train/run/run-path.ts";
import { negativesBase } from "../train/warnings.ts";
import { byDay, type DayEvaluation, type DayOfRow, daysSinceTraining } from "./by-day.ts";
import { type ComparedExamples, type ComparedObjective, compareExamples } from "./compare.ts";
import { labelledExamples } from "./labelled-examples.ts";
import { type MeasuredRun, type TransferEvaluation, transfersOf } from "./transfer-ratio.ts";

/** One run on one split. */
export interface RunEvaluation {
  readonly run: string;
  /** Of what is known, whether it is told how much of it the runs know. @default false */
  readonly isMeasure?: boolean;
  /** Null where no training made the scores, as of {@link config} and {@link predictions}. */
  readonly summary: RunSummary | null;
  /** All that decided its result. */
  readonly config: RunConfig | null;
  /** File of its scores, which the numbers come from. */
  readonly predictions: string | null;
  /** By name. */
  readonly objectives: Readonly<Record<string, ObjectiveEvaluation>>;
  /** Differences to the baseline by objective; null for the baseline itself and without one. */
  readonly differences: Readonly<Record<string, ComparedObjective>> | null;
  /** By objective and day since the end of training; empty where there is one day, or windows are not of time. */
  readonly byDay: Readonly<Record<string, readonly DayEvaluation[]>>;
}

/** Runs on the same examples of one split, as plain JSON. */
export interface Evaluation {
  readonly split: Split;
  /** The one surface whose examples are scored, because a run is for it; null for all. */
  readonly surface: string | null;
  /** Run that the others are compared with; null if there is only one. */
  readonly baseline: string | null;
  /** Name of each surface by its code. */
  readonly surfaces: Readonly<Record<number, string>>;
  /** What probabilities refer to where negatives were drawn; null where all labels are of the log. */
  readonly negatives: string | null;
  /** What intervals resample: users, or rows where each is a user of its own. */
  readonly resampled: "users" | "rows";
  readonly runs: readonly RunEvaluation[];
  /** What each transfer was worth, of the runs that have a vertical model alone and a teacher beside them. */
  readonly transfers: readonly TransferEvaluation[];
}

/** Scores that no run made, such as the true probabilities of a simulated world; each is shown as one more run. */
export interface KnownScores {
  /** Of the same examples, events of the store: the best that could be known first. */
  score(examples: Predictions, store: EventStore): Promise<readonly KnownRow[]>;
}

/** What is known by whom: the same examples with the known logits, of the objectives where they are known. */
export interface KnownRow {
  readonly name: string;
  /** Whether it is told how much of what it knows the runs know. */
  readonly isMeasure: boolean;
  readonly scores: Predictions;
}

/** What to evaluate. */
export interface EvaluateOptions {
  /** Names below the project's runs, or paths. None: what is known alone, of all examples. */
  readonly runs: readonly string[];
  readonly split: Split;
  /** One of the runs. @default the first one, if there are several */
  readonly baseline?: string;
  /** Called before each run is scored. */
  readonly onRun?: (run: string) => void;
  /** Called before a counter that nothing is counted of yet is: of ten million events it takes two seconds. */
  readonly onCounting?: (counter: string) => void;
  /** Called before the intervals of the differences on each objective are made; may wait, or throw to end it. */
  readonly onObjective?: (objective: string) => Promise<void> | void;
  /** What a model that reads its teacher's embeddings is given. @default none can be scored */
  readonly enrichFor?: KnowledgeFor;
  /** @default none */
  readonly known?: KnownScores;
  /** Ends it between two counters that are counted, with its reason. @default nothing does */
  readonly signal?: AbortSignal;
  /** Told why the predictions of a run could not be written into its folder. @default that is thrown */
  readonly onUnwritten?: (error: Error) => void;
}

/**
 * Scores the examples of a split with finished runs, and compares them pairwise with a baseline: if one of the runs is
 * for one surface, the examples of that surface. Writes each run's predictions into its folder.
 *
 * @throws {LapidaryError} RUN_SURFACES, RUN_UNFINISHED, RUN_CHANGED if the events are no longer those it was trained on, TRAIN_WINDOW
 */
export async function evaluateRuns(project: ProjectConfig, options: EvaluateOptions): Promise<Evaluation> {
  const { runs, split, baseline = runs.length > 1 ? runs[0] : undefined, known } = options;
  const { onCounting = () => {}, onObjective = () => {} } = options;
  const surface = surfaceOf(project, runs);
  using store = EventStore.open(project.store);
  const trained: (Scored & { readonly config: RunConfig })[] = [];
  const bases = new Set<string>();
  for (const run of runs) {
    options.onRun?.(run);
    const opened = openRun(project, run, { store, surface });
    const { config, summary, inputs } = opened;
    if (config.negatives !== undefined && inputs.drawn.length > 0)
      bases.add(negativesBase(inputs.drawn, config.negatives));
    await makeCounterIndexes(store, inputs.spec.counters ?? [], { onIndex: onCounting, signal: options.signal });
    const scores = await scoreRun(opened, options);
    trained.push({ run, config, summary, predictions: predictionsFile(opened, split), scores });
  }
  const reference = trained.find(({ run }) => run === baseline)?.scores ?? null;
  const examples = trained.length > 0 ? examplesOfAll(trained) : labelledExamples(project, store, split);
  const scored: readonly Scored[] = [...trained, ...(await scoreKnown(known, examples, store))];
  const dayOf = daysSinceTraining(project, store);
  const against = reference === null ? [] : scored.filter(({ run }) => run !== baseline);
  const comparisons = await compareAll(reference ?? {}, against, { dayOf, onObjective });
  const evaluations = scored.map(({ scores, ...run }) => {
    const compared = comparisons.get(run.run) ?? null;
    const daysOf = (examples: ScoredExamples, objective: string) =>
      byDay(examples, dayOf, compared?.[objective]?.byDay);
    return {
      ...run,
      objectives: mapValues(scores, evaluate),
      differences: compared === null ? null : mapValues(compared, (of) => of.compared),
      byDay: mapValues(scores, daysOf),
    };
  });
  return {
    split,
    surface,
    baseline: baseline ?? null,
    surfaces: surfaceNames(store),
    negatives: bases.size === 0 ? null : [...bases].join("; "),
    resampled: project.events.user === null ? "rows" : "users",
    transfers: transfersOf(trained.map(({ run, config }, i) => measured(run, config, evaluations[i]?.objectives))),
    runs: evaluations,
  };
}

/** One row of an evaluation before it is measured. */
interface Scored extends Pick<RunEvaluation, "run" | "isMeasure" | "summary" | "config" | "predictions"> {
  readonly scores: Predictions;
}

/** Of each objective, the examples of the first run that predicts it. */
function examplesOfAll(runs: readonly Scored[]): Predictions {
  return Object.fromEntries(runs.flatMap(({ scores }) => Object.entries(scores)).reverse());
}

async function scoreKnown(
  known: KnownScores | undefined,
  examples: Predictions,
  store: EventStore,
): Promise<readonly Scored[]> {
  const rows = (await known?.score(examples, store)) ?? [];
  return rows.map(({ name, isMeasure, scores }) => {
    return { run: name, isMeasure, summary: null, config: null, predictions: null, scores };
  });
}

/** Every run against the baseline, by run and by objective that both have. */
async function compareAll(
  baseline: Predictions,
  runs: readonly Scored[],
  { dayOf, onObjective }: { readonly dayOf: DayOfRow | null } & Required<Pick<EvaluateOptions, "onObjective">>,
): Promise<ReadonlyMap<string, Readonly<Record<string, ComparedExamples>>>> {
  const rows = runs.map(({ run, scores }) => ({ run, scores, found: {} as Record<string, ComparedExamples> }));
  for (const [objective, examples] of Object.entries(baseline)) {
    const sharing = rows.filter(({ scores }) => objective in scores);
    if (sharing.length === 0) continue;
    await onObjective(objective);
    const compared = compareExamples(
      examples,
      sharing.map(({ scores }) => scores[objective]!),
      dayOf,
    );
    for (const [i, { found }] of sharing.entries()) found[objective] = compared[i]!;
  }
  return new Map(rows.map(({ run, found }) => [run, found]));
}

function measured(run: string, config: RunConfig, objectives: RunEvaluation["objectives"] = {}): MeasuredRun {
  return { run, config, normalizedEntropy: mapValues(objectives, ({ overall }) => overall.normalizedEntropy) };
}

/** The training curves of a run, from its start to its end. */
export function trainingCurve(project: ProjectConfig, run: string): readonly CurveRecord[] {
  return readCurve(RunFolder.finished(runPath(project, run)).folder.curve);
}

/** Scores the examples of a split with an opened run, and writes its predictions into its folder. */
export async function scoreRun(
  opened: OpenedRun,
  { split, enrichFor, onUnwritten }: Pick<EvaluateOptions, "split" | "enrichFor" | "onUnwritten">,
): Promise<Predictions> {
  const predictions = await predict(opened.model, await passingExamplesOf(opened, split, enrichFor), {
    spec: opened.inputs.spec,
    mesh: ProcessMesh.single(),
  });
  try {
    writePredictions(predictionsFile(opened, split), predictions);
  } catch (error) {
    if (onUnwritten === undefined || !(error instanceof Error)) throw error;
    onUnwritten(error);
  }
  return predictions;
}

/** Where the scores of a split are written: by themselves if they are of one surface only. */
function predictionsFile({ folder, config, surface }: OpenedRun, split: Split): string {
  const part = surface === config.model.surface ? split : `${split}-${encodeURIComponent(surface ?? "")}`;
  return folder.predictions(part);
}

/** The surface that runs are for; null if all are for all. @throws {LapidaryError} RUN_SURFACES */
function surfaceOf(project: ProjectConfig, runs: readonly string[]): string | null {
  const surfaces = runs.flatMap((run) => RunFolder.finished(runPath(project, run)).folder.config.model.surface ?? []);
  const [first = null, ...others] = new Set(surfaces);
  if (others.length === 0) return first;
  throw new LapidaryError({
    code: "RUN_SURFACES",
    where: runs.join(", "),
    expected: "runs of one surface, and runs of all",
    got: [first, ...others].join(", "),
    hint: "Evaluate the runs of each surface by themselves.",
  });
}

/** Name of each surface of an event store by its code. */
export function surfaceNames(store: EventStore): Readonly<Record<number, string>> {
  const names = store.dictionary("surface");
  const codes = Array.from({ length: store.entry("surface").cardinality - 1 }, (_, i) => i + 1);
  return Object.fromEntries(codes.map((code) => [code, names?.id(code) ?? String(code)]));
}
