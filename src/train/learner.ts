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
  initRowwiseAdagrad,
  multiObjectiveLoss,
  type NamedTensor,
  parametersOf,
  type Schedule,
  stepAdamW,
  stepRowwiseAdagrad,
  takeRowGradient,
} from "../nn/index.ts";
import { fromArray, noGrad, Scope, type Tensor } from "../torch/index.ts";

/** A table and what its optimizer remembers. */
interface TrainedTable extends NamedTensor {
  /** @shape [V] */
  readonly moments: Tensor;
}

/** What one update reports. */
export interface StepReport {
  /** Mean log loss of the global batch before the update, added over objectives. @unit nats */
  readonly loss: number;
  /** Norm of the dense gradient before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
}

/** A model with the state of its optimizers: all that changes while it learns. */
export class Learner {
  readonly model: Model;
  readonly dense: DenseParameters;
  readonly tables: readonly TrainedTable[];
  #adamw: AdamWState;

  private constructor(model: Model, parts: { dense: DenseParameters; tables: TrainedTable[]; adamw: AdamWState }) {
    this.model = model;
    this.dense = parts.dense;
    this.tables = parts.tables;
    this.#adamw = parts.adamw;
  }

  /** Optimizers in their initial state; the model's dense parameters move into one memory. */
  static of(model: Model): Learner {
    const { dense, tables } = parametersOf(model);
    const gathered = DenseParameters.gather(dense);
    return new Learner(model, {
      dense: gathered,
      tables: tables.map((table) => ({ ...table, moments: initRowwiseAdagrad(table.tensor) })),
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
      ...this.dense.parts.map(({ name, tensor }) => [`model.${name}`, tensor] as const),
      ...this.tables.map(({ name, tensor }) => [`model.${name}`, tensor] as const),
      ["optimizer.first", this.#adamw.first] as const,
      ["optimizer.second", this.#adamw.second] as const,
      ...this.tables.map(({ name, moments }) => [`optimizer.${name}.moments`, moments] as const),
    ];
    return Object.fromEntries(named);
  }

  /** Puts back what {@link tensors} gave. @throws {LapidaryError} CHECKPOINT_MISMATCH if it is of another model */
  restore(
    saved: ReadonlyMap<string, Tensor>,
    { step, where }: { readonly step: number; readonly where: string },
  ): void {
    const mine = new Map(Object.entries(this.tensors()));
    const describe = (name: string, tensor: Tensor | undefined): string =>
      tensor === undefined ? `no ${name}` : `${name} of ${tensor.dtype} [${tensor.shape.join(", ")}]`;
    for (const name of new Set([...mine.keys(), ...saved.keys()])) {
      const [expected, got] = [describe(name, mine.get(name)), describe(name, saved.get(name))];
      if (expected !== got) throw mismatch(where, expected, got);
    }
    noGrad(() => {
      for (const [name, tensor] of saved) mine.get(name)?.copy_(tensor);
    });
    this.#adamw = { ...this.#adamw, step };
  }

  /**
   * One update on this process's part of a global batch: forward, backward, gradients averaged over the mesh, clipped,
   * AdamW on the dense parameters and row-wise Adagrad on the touched rows.
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
    for (const { tensor: weight, moments } of this.tables) {
      const rows = mesh.gatherRows(takeRowGradient(weight));
      stepRowwiseAdagrad({ weight, moments }, rows, training.tableLearningRate * factor);
    }
    return { loss, gradientNorm, learningRate };
  }

  /**
   * This process's part of the gradients of the global loss, and that loss: each process divides by the labels known
   * in all of them.
   */
  gradients(batch: Batch, mesh: ProcessMesh): number {
    const logits = this.model.logits(batch);
    const shape = logits.shape;
    const labels = toDevice(batch.labels, shape, logits);
    const mask = toDevice(batch.labelMask, shape, logits);
    const known = mesh.sumState(countKnown(batch));
    const total = multiObjectiveLoss(logits, {
      labels,
      mask,
      known: fromArray(known, [known.length]).to({ dtype: logits.dtype, device: logits.device }),
    });
    this.dense.clearGradient();
    if (total.requiresGrad) total.mul(mesh.size).backward();
    return mesh.sumState(Float64Array.of(total.item()))[0] ?? Number.NaN;
  }
}

function mismatch(where: string, expected: string, got: string): LapidaryError {
  const hint = "Restore the checkpoint with the configuration that lies in its run folder.";
  return new LapidaryError({ code: "CHECKPOINT_MISMATCH", where, expected, got, hint });
}

/** Number of known labels of each objective. @shape → [T] */
function countKnown({ labelMask, size }: Batch): Float64Array {
  const objectives = size === 0 ? 0 : labelMask.length / size;
  const known = new Float64Array(objectives);
  for (let i = 0; i < labelMask.length; i++) known[i % objectives] = (known[i % objectives] ?? 0) + (labelMask[i] ?? 0);
  return known;
}
