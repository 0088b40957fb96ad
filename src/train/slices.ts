/** A training in order of time, slice by slice: each goes on from the one before. */
import { DAY_MS } from "../base/units.ts";
import type { ProjectConfig } from "../config/project.ts";
import { countExamples, EventStore, timeSplitOf } from "../data/index.ts";
import type { TrainingSlice } from "./run/run-config.ts";
import { modelOf } from "./trainer.ts";

/** One slice, and the run that is trained on it. */
export interface SliceRun {
  /** `NAME@2022-04-12`, by its horizon. */
  readonly run: string;
  readonly slice: TrainingSlice;
}

/** Which slices a training window is cut into. */
export interface SlicesOptions {
  /** Name in the configuration of the model that learns. */
  readonly model: string;
  /** What the runs' names begin with. */
  readonly name: string;
  /** @unit ms */
  readonly sliceMs: number;
}

/**
 * The slices of the training window, in order of time. Each example is met once, in the slice at whose end all of its labels
 * are known; a slice has at least one batch of examples, and the last one ends with the window.
 */
export function slicesOf(project: ProjectConfig, { model, name, sliceMs }: SlicesOptions): readonly SliceRun[] {
  const { trainUntilMs } = timeSplitOf(project.split, "training slice by slice");
  const delayMs = longestDelay(project);
  const horizons = horizonsOf(project, model, { sliceMs, delayMs, trainUntilMs });
  const runs = horizons.map((horizonMs) => `${name}@${nameOf(horizonMs)}`);
  const factsUntilMs = horizons[0] ?? trainUntilMs;
  return runs.map((run, i) => {
    const fromMs = i === 0 ? Number.MIN_SAFE_INTEGER : horizons[i - 1]! - delayMs;
    const [toMs, untilMs] = [horizons[i]! - delayMs, horizons[i]!];
    return { run, slice: { fromMs, toMs, untilMs, after: runs[i - 1] ?? null, factsUntilMs } };
  });
}

/** Ends of the slices, the last one that of the training window; a slice has at least one batch of examples. */
function horizonsOf(
  project: ProjectConfig,
  teacher: string,
  { sliceMs, delayMs, trainUntilMs }: Readonly<Record<"sliceMs" | "delayMs" | "trainUntilMs", number>>,
): readonly number[] {
  const { globalBatchSize, sample } = modelOf(project, teacher).training;
  const only = { surface: null, origin: null, sample };
  const store = EventStore.open(project.store);
  try {
    const { earliestMs } = store.manifest.time;
    const horizons: number[] = [];
    let fromMs = Number.MIN_SAFE_INTEGER;
    for (let at = (Math.floor(earliestMs / sliceMs) + 1) * sliceMs; at < trainUntilMs; at += sliceMs) {
      if (countExamples(store, { fromMs, untilMs: at - delayMs }, only) < globalBatchSize) continue;
      horizons.push(at);
      fromMs = at - delayMs;
    }
    // The last one takes what is left; too little of it goes to the slice before.
    if (
      horizons.length > 0 &&
      countExamples(store, { fromMs, untilMs: trainUntilMs - delayMs }, only) < globalBatchSize
    )
      horizons.pop();
    return [...horizons, trainUntilMs];
  } finally {
    store.close();
  }
}

/** Time after which all labels of an example are known. @unit ms */
function longestDelay({ events }: ProjectConfig): number {
  const objectives = Object.values(events.outcomes).filter(({ objective }) => objective);
  return Math.max(0, ...objectives.map(({ delayMs }) => delayMs));
}

/** The day, or day and time, of a horizon. */
function nameOf(ms: number): string {
  const text = new Date(ms).toISOString();
  return ms % DAY_MS === 0 ? text.slice(0, 10) : text.slice(0, 19).replaceAll(":", "-");
}
