import { LapidaryError } from "../config/errors.ts";
import type { TrainingConfig } from "../config/types.ts";
import type { ProcessMesh } from "../distributed/index.ts";
import type { Batch } from "../features/spec.ts";
import { type Model, toDevice } from "../model/index.ts";
import {
  type AdamWState,
  clipNorm,
  DenseParameters,
  initAdamW,
  initTablesAdagrad,
  multiObjectiveLoss,
  type NamedTable,
  parametersOf,
  type RowGradient,
  rowWidth,
  type Schedule,
  stepAdamW,
  stepTablesAdagrad,
  type TablesAdagradOptions,
  takeRowGradient,
} from "../nn/index.ts";
import { fromArray, noGrad, Scope, scoped, type Tensor } from "../torch/index.ts";

/** A table and what its optimizer remembers. */
interface TrainedTable extends NamedTable {
  /** @shape [V] */
  readonly moments: Tensor;
}

/** What one update reports. */
export interface StepReport {
  /** Mean log loss of the global batch before the update, added over objectives by their weights. @unit nats */
  readonly loss: number;
  /** Norm of the dense gradient before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
}

/** What a loss is taken over. */
export interface LossScope {
  /** The processes that hold the global batch. */
  readonly mesh: ProcessMesh;
  /** What a nat of each objective counts; null for 1 each. @shape [T] */
  readonly weights: readonly number[] | null;
}

/** The loss of this process's part of a global batch. @shape → scalar */
export type LossFunction = (batch: Batch, over: LossScope) => Tensor;

/** How a model learns, if not from its labels alone. */
export interface Lesson {
  readonly loss: LossFunction;
  /** What is trained beside the model, and only needed then: parameters are found by walking its fields. */
  readonly extra: object;
}

/** How a model learns from its labels alone: the log loss of those that are known. */
export function labelLesson(model: Model): Lesson {
  return { extra: {}, loss: (batch, over) => labelLoss(model.logits(batch), batch, over) };
}

/**
 * Log loss of the known labels: each process divides by the labels known in all of them. Where negatives were drawn it is
 * of `z − log(q N)`, so that `z` itself tells of candidates that are drawn alike.
 *
 * @shape logits [B, T] → scalar
 * @see Bengio & Senécal 2008, "Adaptive importance sampling"; Yi et al. 2019, "Sampling-bias-corrected neural modeling"
 */
export function labelLoss(logits: Tensor, batch: Batch, over: LossScope): Tensor {
  const labels = toDevice(batch.labels, logits.shape, logits);
  const { logitCorrections, labelMask: mask } = batch;
  if (logitCorrections === undefined) return maskedLoss(logits, { labels, mask }, over);
  return maskedLoss(logits.sub(toDevice(logitCorrections, logits.shape, logits)), { labels, mask }, over);
}

/** Log loss where the mask is 1, over the global batch, each objective by its weight. @shape logits, labels, mask [B, T] → scalar */
export function maskedLoss(
  logits: Tensor,
  { labels, mask }: { readonly labels: Tensor; readonly mask: Float32Array },
  { mesh, weights }: LossScope,
): Tensor {
  const [, objectives = 0] = logits.shape;
  const byObjective = (values: Float64Array): Tensor =>
    fromArray(values, [values.length]).to({ dtype: logits.dtype, device: logits.device });
  return multiObjectiveLoss(logits, {
    labels,
    mask: toDevice(mask, logits.shape, logits),
    known: byObjective(mesh.sumState(countKnown(mask, objectives))),
    ...(weights === null ? {} : { weights: byObjective(Float64Array.from(weights)) }),
  });
}

/** A model with the state of its optimizers: all that changes while it learns. */
export class Learner {
  readonly model: Model;
  readonly dense: DenseParameters;
  readonly tables: readonly TrainedTable[];
  readonly #loss: LossFunction;
  readonly #weights: LossScope["weights"];
  #adamw: AdamWState;

  private constructor(
    model: Model,
    parts: Pick<LossScope, "weights"> & {
      loss: LossFunction;
      dense: DenseParameters;
      tables: TrainedTable[];
      adamw: AdamWState;
    },
  ) {
    this.model = model;
    this.#loss = parts.loss;
    this.#weights = parts.weights;
    this.dense = parts.dense;
    this.tables = parts.tables;
    this.#adamw = parts.adamw;
  }

  /** Optimizers in their initial state; the model's dense parameters move into one memory. */
  static of(model: Model, { loss, extra }: Lesson = labelLesson(model), weights: LossScope["weights"] = null): Learner {
    const { dense, tables } = parametersOf({ model, ...extra });
    const gathered = DenseParameters.gather(dense);
    const { moments } = initTablesAdagrad(tables.map(({ tensor }) => tensor));
    return new Learner(model, {
      ...{ loss, weights },
      dense: gathered,
      tables: tables.map((table, t) => ({ ...table, moments: moments[t] as Tensor })),
      adamw: initAdamW(gathered.values),
    });
  }

  /** Updates made. */
  get step(): number {
    return this.#adamw.step;
  }

  /** Everything that a checkpoint must hold, by name: parameters, then optimizer state. */
  tensors(): Record<string, Tensor> {
    const named = [
      ...this.dense.parts.map(({ name, tensor }) => [name, tensor] as const),
      ...this.tables.map(({ name, tensor }) => [name, tensor] as const),
      ["optimizer.first", this.#adamw.first] as const,
      ["optimizer.second", this.#adamw.second] as const,
      ...this.tables.map(
        ({ name, moments }) => [`optimizer.${name.replace(/^model\./, "")}.moments`, moments] as const,
      ),
    ];
    return Object.fromEntries(named);
  }

  /** Puts back what {@link tensors} gave. @throws {LapidaryError} CHECKPOINT_MISMATCH if it is of another model */
  restore(
    saved: ReadonlyMap<string, Tensor>,
    { step, where }: { readonly step: number; readonly where: string },
  ): void {
    copyTensors(saved, new Map(Object.entries(this.tensors())), where);
    this.#adamw = { ...this.#adamw, step };
  }

  /**
   * One update on this process's part of a global batch: forward, backward, gradients averaged over the mesh, clipped,
   * AdamW on the dense parameters and row-wise Adagrad on the touched rows. Narrow rows are rounded by noise of seed,
   * step, table and place alone: what it does next depends on nothing but tensors and step, and is the same everywhere.
   */
  update(batch: Batch, training: TrainingConfig, context: { mesh: ProcessMesh; schedule: Schedule }): StepReport {
    using _scope = new Scope();
    const { mesh, schedule } = context;
    const factor = schedule(this.step);
    const loss = this.gradients(batch, mesh);
    mesh.averageGradients([this.dense.gradient]);
    const gradientNorm = clipNorm(this.dense.gradient, training.clipNorm);
    const learningRate = training.learningRate * factor;
    this.#adamw = stepAdamW(this.#adamw, this.dense, { learningRate, weightDecay: training.weightDecay });
    const rows = this.tables.map(({ leaf }) => mesh.gatherRows(takeRowGradient(leaf)));
    const options = { learningRate: training.tableLearningRate * factor, seed: training.seed, step: this.step };
    stepTouchedRows(this.tables, rows, options);
    return { loss, gradientNorm, learningRate };
  }

  /** This process's part of the gradients of the global loss, and that loss. */
  gradients(batch: Batch, mesh: ProcessMesh): number {
    // What backward needs of its way there, autograd keeps.
    const total = scoped(() => this.#loss(batch, { mesh, weights: this.#weights }));
    this.dense.clearGradient();
    if (total.requiresGrad) total.mul(mesh.size).backward();
    return mesh.sumState(Float64Array.of(total.item()))[0] ?? Number.NaN;
  }
}

/** Row-wise Adagrad on the touched rows of all tables: one call for all of one width. */
function stepTouchedRows(
  tables: readonly TrainedTable[],
  rows: readonly RowGradient[],
  options: TablesAdagradOptions,
): void {
  const widths = new Set(tables.map(({ tensor }) => rowWidth(tensor)));
  for (const width of widths) {
    const chosen = tables.flatMap((table, t) => (rowWidth(table.tensor) === width ? [{ ...table, ...rows[t] }] : []));
    const features = chosen.map(({ indices }, table) => ({ table, codes: indices as Tensor }));
    const lookup = { tables: chosen.map(({ tensor }) => tensor), features };
    const moments = chosen.map((table) => table.moments);
    stepTablesAdagrad({ lookup, gradients: chosen.map(({ values }) => values as Tensor) }, { moments }, options);
  }
}

/** Copies tensors to those of the same names. @throws {LapidaryError} CHECKPOINT_MISMATCH unless they are of the same kind */
export function copyTensors(
  saved: ReadonlyMap<string, Tensor>,
  mine: ReadonlyMap<string, Tensor>,
  where: string,
): void {
  const describe = (name: string, tensor: Tensor | undefined): string =>
    tensor === undefined ? `no ${name}` : `${name} of ${tensor.dtype} [${tensor.shape.join(", ")}]`;
  for (const name of new Set([...mine.keys(), ...saved.keys()])) {
    const [expected, got] = [describe(name, mine.get(name)), describe(name, saved.get(name))];
    if (expected !== got) throw mismatch(where, expected, got);
  }
  noGrad(() => {
    for (const [name, tensor] of saved) mine.get(name)?.copy_(tensor);
  });
}

function mismatch(where: string, expected: string, got: string): LapidaryError {
  const hint = "Restore the checkpoint with the configuration that lies in its run folder.";
  return new LapidaryError({ code: "CHECKPOINT_MISMATCH", where, expected, got, hint });
}

/** Number of ones of each objective's mask. @shape mask [B, T] → [T] */
function countKnown(mask: Float32Array, objectives: number): Float64Array {
  const known = new Float64Array(objectives);
  for (let i = 0; i < mask.length; i++) known[i % objectives] = (known[i % objectives] ?? 0) + (mask[i] ?? 0);
  return known;
}
