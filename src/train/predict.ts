import { dirname } from "node:path";
import type { ProcessMesh } from "../distributed/index.ts";
import { type Objective, type ObjectiveSpec, objectivesOf } from "../features/objectives.ts";
import type { Batch } from "../features/spec.ts";
import { makeFolder } from "../files/durable-file.ts";
import { type MetricRow, scoredExamples } from "../metrics/evaluation.ts";
import { scoresOf } from "../metrics/outcomes/index.ts";
import {
  addScoredBatch,
  objectiveColumn,
  type ScoredExamples,
  type ScoredExamplesState,
  scoredExamplesForm,
} from "../metrics/scored-examples.ts";
import type { Model } from "../model/index.ts";
import { readSafetensors, writeSafetensors } from "../torch/files/safetensors.ts";
import { fromArray, noGrad, Scope, type Tensor } from "../torch/index.ts";

/** Scored examples of each objective, by name. */
export type Predictions = Readonly<Record<string, ScoredExamples>>;

/**
 * Scores all batches without gradient and gathers what metrics read of them, from all processes in rank order.
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore } from "lapidary/data";
 * import { ProcessMesh } from "lapidary/distributed";
 * import { examplesOf, openRun, predict } from "lapidary/train";
 *
 * const project = await loadProject();
 * using store = EventStore.open(project.store);
 * const opened = openRun(project, "foundation", { store });
 * const batches = await examplesOf(opened, "test");
 * const scored = await predict(opened.model, batches, { spec: opened.inputs.spec, mesh: ProcessMesh.single() });
 * console.log(Object.keys(scored), scored["click"]?.logits.length); // [ 'click', 'conversion' ] 143
 */
export async function predict(
  model: Model,
  batches: AsyncIterable<Batch> | Iterable<Batch>,
  { spec, mesh }: { readonly spec: ObjectiveSpec; readonly mesh: ProcessMesh },
): Promise<Predictions> {
  const objectives = objectivesOf(spec);
  let states = objectives.map(() => scoredExamplesForm.empty());
  for await (const batch of batches) {
    const outputs = scoreBatch(model, batch);
    states = states.map((state, index) =>
      addObjective(state, { batch, outputs, index, objective: objectives[index]!, objectives }),
    );
  }
  return Object.fromEntries(
    objectives.map(({ name, kind }, t) => {
      const merged = mergeProcesses(states[t]!, mesh);
      return [name, scoredExamples(merged, kind === "binary" ? undefined : kind)];
    }),
  );
}

/**
 * The batches with something added to each.
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore } from "lapidary/data";
 * import { loggedExamplesOf, mapBatches, openRun } from "lapidary/train";
 *
 * const project = await loadProject();
 * using store = EventStore.open(project.store);
 * const opened = openRun(project, "foundation", { store });
 * const batches = await loggedExamplesOf(opened, "test");
 * const unlabelled = mapBatches(batches, (batch) => ({ ...batch, labelMask: batch.labelMask.map(() => 0) }));
 * let known = 0;
 * for await (const { labelMask } of unlabelled) known += labelMask.reduce((sum, flag) => sum + flag, 0);
 * console.log(known); // 0
 */
export async function* mapBatches(batches: AsyncIterable<Batch>, add: (batch: Batch) => Batch): AsyncGenerator<Batch> {
  for await (const batch of batches) yield add(batch);
}

/** Normalized entropy averaged over the objectives where it is defined; null where it is in none. */
export function meanNormalizedEntropy(rows: Readonly<Record<string, MetricRow>>): number | null {
  const values = Object.values(rows)
    .map(({ normalizedEntropy }) => normalizedEntropy)
    .filter((value) => value !== null);
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Outputs of a batch on the host: logits, of yes/no objectives.
 *
 * @shape → [B·W], row-major
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore } from "lapidary/data";
 * import { loggedExamplesOf, openRun, scoreBatch } from "lapidary/train";
 *
 * const project = await loadProject();
 * using store = EventStore.open(project.store);
 * const opened = openRun(project, "foundation", { store });
 * for await (const batch of await loggedExamplesOf(opened, "test")) {
 *   const logits = scoreBatch(opened.model, batch); // of two objectives
 *   console.log(batch.size, logits.length); // 36 72
 *   break;
 * }
 */
export function scoreBatch(model: Model, batch: Batch): Float32Array {
  using _scope = new Scope();
  return noGrad(() => model.logits(batch).to({ dtype: "float32", device: "cpu" }).contiguous())
    .float32()
    .slice();
}

interface ScoredObjective {
  readonly batch: Batch;
  readonly outputs: Float32Array;
  readonly index: number;
  readonly objective: Objective;
  readonly objectives: readonly Objective[];
}

function addObjective(
  state: ScoredExamplesState,
  { batch, outputs, index, objective, objectives }: ScoredObjective,
): ScoredExamplesState {
  const column = (values: ArrayLike<number>): Float64Array =>
    objectiveColumn(values, { index, numObjectives: objectives.length });
  const { kind } = objective;
  return addScoredBatch(state, {
    rows: batch.rows,
    ...(kind === "binary" ? {} : { kind }),
    logits: scoresOf(outputs, objective, { width: objectives.at(-1)?.to ?? 0 }),
    labels: column(batch.labels),
    mask: column(batch.labelMask),
    users: batch.groups.users,
    surfaces: batch.groups.surfaces,
    historyLengths: batch.groups.pastEvents,
  });
}

function mergeProcesses(state: ScoredExamplesState, mesh: ProcessMesh): ScoredExamplesState {
  if (mesh.size === 1) return state;
  const parts = mesh.gatherState(scoredExamplesForm.toArray(state)).map(scoredExamplesForm.fromArray);
  return parts.reduce(scoredExamplesForm.merge, scoredExamplesForm.empty());
}

/** Writes predictions as one tensor `objective/column` per objective and column, and the kinds that are not yes/no. */
export function writePredictions(file: string, predictions: Predictions): void {
  using _scope = new Scope();
  const tensors: Record<string, Tensor> = {};
  const kinds: Record<string, string> = {};
  for (const [objective, { kind, ...columns }] of Object.entries(predictions)) {
    if (kind !== undefined) kinds[objective] = kind;
    for (const [column, values] of Object.entries(columns)) {
      tensors[`${objective}/${column}`] = fromArray(values, [values.length]);
    }
  }
  makeFolder(dirname(file));
  writeSafetensors(file, tensors, kinds);
}

/**
 * Reads what {@link writePredictions} wrote.
 *
 * @throws {LapidaryError} SAFETENSORS_INVALID
 * @example
 * import { loadProject } from "lapidary";
 * import { RunFolder, readPredictions, runPath } from "lapidary/train";
 *
 * // What `lapidary evaluate foundation --split test` has left.
 * const { folder } = RunFolder.finished(runPath(await loadProject(), "foundation"));
 * const { click } = readPredictions(folder.predictions("test"));
 * console.log(click?.logits.length, click?.labels.length); // 143 143
 */
export function readPredictions(file: string): Predictions {
  using _scope = new Scope();
  const found: Record<string, Record<string, Float64Array | string>> = {};
  const { tensors, metadata: kinds } = readSafetensors(file);
  for (const [name, tensor] of Object.entries(tensors)) {
    const [objective = "", column = ""] = name.split("/");
    found[objective] = { ...found[objective], [column]: tensor.float64().slice() };
  }
  for (const [objective, kind] of Object.entries(kinds)) found[objective] = { ...found[objective], kind };
  // The columns are those that were written.
  return found as unknown as Predictions;
}
