/** One seed on its way to a target: learns from window after window, and scores each next one before it does. */
import { join } from "node:path";
import { mapValues } from "../../base/map-values.ts";
import type { ProjectConfig } from "../../config/project.ts";
import { EventStore } from "../../data/index.ts";
import type { ProcessMesh } from "../../distributed/index.ts";
import { scoreRun } from "../../evaluate/index.ts";
import { metricRow } from "../../metrics/evaluation.ts";
import { modelOf, openRun, type RunSummary, train } from "../../train/index.ts";
import type { SliceRun } from "../../train/slices.ts";
import { keepSeedRow, reachedAt, readSeedRow, type Target, type WindowScore } from "./seed-row.ts";

/** The windows of one seed. */
export interface Stream extends Target {
  readonly slices: readonly SliceRun[];
  /** End of the last window that is scored. @unit ms since 1970, UTC */
  readonly untilMs: number;
  /** That its row is kept in. */
  readonly file: string;
  readonly settings: string;
}

/** What a seed learns with. */
export interface StreamOptions {
  readonly project: ProjectConfig;
  readonly model: string;
  readonly mesh: ProcessMesh;
  readonly signal: AbortSignal;
  /** Told of the share of the windows that were learned from. */
  readonly onTrained: (share: number) => void;
}

/**
 * Learns and scores until the target is reached, or no window is left; windows of its row are not scored again, and runs
 * that are finished not trained. After each window its row is kept.
 */
export async function runStream(stream: Stream, options: StreamOptions): Promise<"finished" | "stopped"> {
  const { slices, file, settings } = stream;
  let row = readSeedRow(file, settings);
  for (const [i, { run, slice }] of slices.entries()) {
    // What is known to follow needs no run; where the way goes on, the run before it must be there.
    if (reachedAt(row.windows.slice(0, i), stream) >= 0 || row.windows.length === slices.length) break;
    const onProgress = ({ step, totalSteps }: { readonly step: number; readonly totalSteps: number }): void =>
      options.onTrained((i + (totalSteps === 0 ? 0 : step / totalSteps)) / slices.length);
    const { project, model, mesh, signal } = options;
    const outcome = await train(project, { model, run, slice, mesh, signal, onProgress, validates: false });
    if (outcome.kind === "stopped" || signal.aborted) return "stopped";
    if (i < row.windows.length) continue;
    const endMs = slices[i + 1]?.slice.untilMs ?? stream.untilMs;
    const scored = await scoreNext(project, { run, endMs });
    const work = workOf(outcome.summary, modelOf(project, model).training.globalBatchSize);
    row = { settings, windows: [...row.windows, { untilMs: slice.untilMs, ...work, ...scored }] };
    keepSeedRow(file, row);
  }
  return "finished";
}

type Scored = Pick<WindowScore, "evaluationSeconds" | "scored" | "byObjective">;

/** Scores from the end of a run's window to the end of the next. */
async function scoreNext(
  project: ProjectConfig,
  { run, endMs }: { readonly run: string; readonly endMs: number },
): Promise<Scored> {
  const began = performance.now();
  // What follows a slice is its test window: here, up to the end of the next one.
  const split = { ...project.split, testUntilMs: endMs } as ProjectConfig["split"];
  using store = EventStore.open(project.store);
  const predictions = await scoreRun(openRun({ ...project, split }, join(project.runs, run), { store }), {
    split: "test",
  });
  const byObjective = mapValues(predictions, (examples) => {
    const { normalizedEntropy, auc } = metricRow(examples);
    return { normalizedEntropy, auc };
  });
  return {
    evaluationSeconds: (performance.now() - began) / 1000,
    scored: Object.values(predictions)[0]?.rows.length ?? 0,
    byObjective,
  };
}

function workOf(summary: RunSummary, globalBatchSize: number): Omit<WindowScore, "untilMs" | keyof Scored> {
  const waiting = summary.utilization?.waitRatio ?? 0;
  return {
    examples: Math.floor(summary.examples / globalBatchSize) * globalBatchSize,
    trainSeconds: summary.trainSeconds / (1 - waiting),
    flopsPerExample: summary.trainingFlopsPerExample,
  };
}
