import { DAY_MS } from "../base/units.ts";
import type { ProjectConfig } from "../config/project.ts";
import { countExamples, EventStore, timeSplitOf } from "../data/index.ts";
import type { ProcessMesh } from "../distributed/index.ts";
import { modelOf, type TrainingProgress } from "../train/index.ts";
import { type Generated, type GenerateOptions, generate, type ScoringPart } from "./generate.ts";
import { transfer } from "./transfer.ts";

/** How to generate knowledge of the training window itself. */
export interface SlicedOptions extends Omit<GenerateOptions, "parts" | "onProgress"> {
  /** Length of a slice. @default one day @unit ms */
  readonly sliceMs?: number;
  readonly mesh: ProcessMesh;
  /** Told of the training of each slice. @default nobody is told */
  readonly onTrain?: (run: string, progress: TrainingProgress) => void;
  /** Told of the examples scored so far. @default nobody is told */
  readonly onScore?: (examples: number) => void;
  /** @default nobody is told */
  readonly onNotice?: (text: string) => void;
}

/** How a sliced generation ended: published, or stopped in the training of a slice, to be continued. */
export type SlicedOutcome =
  | { readonly kind: "finished"; readonly generated: Generated }
  | { readonly kind: "stopped"; readonly run: string };

/**
 * Trains a teacher slice by slice in order of time, each going on from the one before, and lets each score the slice
 * after it, the last one all that follows: every example is scored by a teacher that has not learned from it. The runs
 * are `NAME@2022-04-12`, by their horizon; finished ones are not trained again. A teacher that has a teacher itself learns
 * from it: of each example it is told what a snapshot said that had not learned from it.
 *
 * @see arXiv 2502.17494 §3: predictions are logged before the teacher is trained on the example
 * @throws {LapidaryError} as `transfer` and {@link generate} do
 * @example
 * import { loadProject } from "lapidary";
 * import { ProcessMesh } from "lapidary/distributed";
 * import { generateSliced } from "lapidary/transfer";
 *
 * const options = { teacher: "foundation", mesh: ProcessMesh.single() };
 * const outcome = await generateSliced(await loadProject(), options);
 * if (outcome.kind === "finished") console.log(outcome.generated.snapshots.map(({ run }) => run));
 * // [ 'foundation@2025-03-03', 'foundation@2025-03-04' ]
 */
export async function generateSliced(project: ProjectConfig, options: SlicedOptions): Promise<SlicedOutcome> {
  const { teacher, mesh, signal, onTrain, onScore, onNotice } = options;
  const { trainUntilMs, testUntilMs } = timeSplitOf(project.split, "training slice by slice");
  const delayMs = longestDelay(project);
  const horizons = horizonsOf(project, teacher, { sliceMs: options.sliceMs ?? DAY_MS, delayMs, trainUntilMs });
  const runs = horizons.map((horizonMs) => `${teacher}@${nameOf(horizonMs)}`);
  const factsUntilMs = horizons[0] ?? trainUntilMs;
  for (const [i, run] of runs.entries()) {
    const slice = {
      // Each example is met once: in the slice at whose end all of its labels are known.
      fromMs: i === 0 ? Number.MIN_SAFE_INTEGER : horizons[i - 1]! - delayMs,
      toMs: horizons[i]! - delayMs,
      untilMs: horizons[i]!,
      after: runs[i - 1] ?? null,
      factsUntilMs,
    };
    const outcome = await transfer(project, {
      ...{ model: teacher, run, slice, mesh },
      ...(signal === undefined ? {} : { signal }),
      ...(onNotice === undefined ? {} : { onNotice }),
      onProgress: (progress) => onTrain?.(run, progress),
    });
    if (outcome.kind === "stopped" || signal?.aborted) return { kind: "stopped", run };
  }
  const parts = runs.map((run, i): ScoringPart => {
    return { run, fromMs: horizons[i]!, untilMs: horizons[i + 1] ?? testUntilMs };
  });
  const scoring = { teacher, parts, ...(signal === undefined ? {} : { signal }) };
  return {
    kind: "finished",
    generated: await generate(project, { ...scoring, onProgress: (examples) => onScore?.(examples) }),
  };
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
