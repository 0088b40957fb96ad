import { DAY_MS } from "../base/units.ts";
import type { ProjectConfig } from "../config/project.ts";
import { timeSplitOf } from "../data/index.ts";
import type { ProcessMesh } from "../distributed/index.ts";
import type { TrainingProgress } from "../train/index.ts";
import { slicesOf } from "../train/slices.ts";
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
  const { testUntilMs } = timeSplitOf(project.split, "training slice by slice");
  const slices = slicesOf(project, { model: teacher, name: teacher, sliceMs: options.sliceMs ?? DAY_MS });
  for (const { run, slice } of slices) {
    const outcome = await transfer(project, {
      ...{ model: teacher, run, slice, mesh },
      ...(signal === undefined ? {} : { signal }),
      ...(onNotice === undefined ? {} : { onNotice }),
      onProgress: (progress) => onTrain?.(run, progress),
    });
    if (outcome.kind === "stopped" || signal?.aborted) return { kind: "stopped", run };
  }
  const parts = slices.map(({ run, slice }, i): ScoringPart => {
    return { run, fromMs: slice.untilMs, untilMs: slices[i + 1]?.slice.untilMs ?? testUntilMs };
  });
  const scoring = { teacher, parts, ...(signal === undefined ? {} : { signal }) };
  return {
    kind: "finished",
    generated: await generate(project, { ...scoring, onProgress: (examples) => onScore?.(examples) }),
  };
}
