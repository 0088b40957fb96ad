import { dirname } from "node:path";
import { makeFolder } from "../config/durable-file.ts";
import type { ProcessMesh } from "../distributed/index.ts";
import type { Batch } from "../features/spec.ts";
import { type MetricRow, scoredExamples } from "../metrics/evaluation.ts";
import {
  addScoredBatch,
  objectiveColumn,
  type ScoredExamples,
  type ScoredExamplesState,
  scoredExamplesForm,
} from "../metrics/scored-examples.ts";
import type { Model } from "../model/index.ts";
import { fromArray, noGrad, Scope, type Tensor } from "../torch/index.ts";
import { readSafetensors, writeSafetensors } from "../torch/safetensors.ts";

/** Scored examples of each objective, by name. */
export type Predictions = Readonly<Record<string, ScoredExamples>>;

/** Scores all batches without gradient and gathers what metrics read of them, from all processes in rank order. */
export async function predict(
  model: Model,
  batches: AsyncIterable<Batch> | Iterable<Batch>,
  { objectives, mesh }: { readonly objectives: readonly string[]; readonly mesh: ProcessMesh },
): Promise<Predictions> {
  let states = objectives.map(() => scoredExamplesForm.empty());
  for await (const batch of batches) {
    const logits = scoreBatch(model, batch);
    states = states.map((state, index) =>
      addObjective(state, { batch, logits, index, numObjectives: objectives.length }),
    );
  }
  const merged = states.map((state) => scoredExamples(mergeProcesses(state, mesh)));
  return Object.fromEntries(objectives.map((name, t) => [name, merged[t]!]));
}

/** The batches with something added to each. */
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

/** Logits of a batch on the host. @shape → [B·T], row-major */
export function scoreBatch(model: Model, batch: Batch): Float32Array {
  using _scope = new Scope();
  return noGrad(() => model.logits(batch).to({ dtype: "float32", device: "cpu" }).contiguous())
    .float32()
    .slice();
}

interface ScoredObjective {
  readonly batch: Batch;
  readonly logits: Float32Array;
  readonly index: number;
  readonly numObjectives: number;
}

function addObjective(
  state: ScoredExamplesState,
  { batch, logits, index, numObjectives }: ScoredObjective,
): ScoredExamplesState {
  const column = (values: ArrayLike<number>): Float64Array => objectiveColumn(values, { index, numObjectives });
  return addScoredBatch(state, {
    rows: batch.rows,
    logits: column(logits),
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

/** Writes predictions as one tensor `objective/column` per objective and column. */
export function writePredictions(file: string, predictions: Predictions): void {
  using _scope = new Scope();
  const tensors: Record<string, Tensor> = {};
  for (const [objective, columns] of Object.entries(predictions)) {
    for (const [column, values] of Object.entries(columns)) {
      tensors[`${objective}/${column}`] = fromArray(values, [values.length]);
    }
  }
  makeFolder(dirname(file));
  writeSafetensors(file, tensors);
}

/** Reads what {@link writePredictions} wrote. @throws {LapidaryError} SAFETENSORS_INVALID */
export function readPredictions(file: string): Predictions {
  using _scope = new Scope();
  const found: Record<string, Record<string, Float64Array>> = {};
  for (const [name, tensor] of Object.entries(readSafetensors(file).tensors)) {
    const [objective = "", column = ""] = name.split("/");
    found[objective] = { ...found[objective], [column]: tensor.float64().slice() };
  }
  // The columns are those that were written.
  return found as unknown as Predictions;
}
