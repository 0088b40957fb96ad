import { LapidaryError } from "../base/errors.ts";
import type { TrainingConfig } from "../config/model/training.ts";
import { hashOf } from "../data/index.ts";
import type { ProcessMesh } from "../distributed/index.ts";
import type { Objective } from "../features/objectives.ts";
import type { Batch } from "../features/spec.ts";
import { type Model, toDevice } from "../model/index.ts";
import {
  type AdamWState,
  clipNorm,
  crossEntropiesOf,
  DenseParameters,
  type DropoutPass,
  initAdamW,
  meanOfKnown,
  multiObjectiveLoss,
  parametersOf,
  type Schedule,
  softLabels,
  stepAdamW,
  takeRowGradient,
  withDropout,
} from "../nn/index.ts";
import { initTablesAdagrad } from "../ops/index.ts";
import { fromArray, noGrad, Scope, scoped, type Tensor } from "../torch/index.ts";
import { stepTouchedRows, type TrainedTable } from "./learn/step-rows.ts";
import { shareUntrainedRows } from "./learn/untrained-rows.ts";
import { lossesWith, type OwnLosses } from "./own/own-losses.ts";
import { type ByPhase, PHASES } from "./utilization/utilization.ts";

/** What one update reports. */
export interface StepReport {
  /** Mean loss of the global batch before the update, added over objectives by their weights. @unit nats */
  readonly loss: number;
  /** Norm of the dense gradient before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** @unit s */
  readonly phases: ByPhase;
}

/** What a loss is taken over. */
export interface LossScope {
  /** The processes that hold the global batch. */
  readonly mesh: ProcessMesh;
  /** What a nat of each objective counts; null for 1 each. @shape [T] */
  readonly weights: readonly number[] | null;
  /** The objectives where some are amounts or counts; null where all are yes or no, and outputs logits. */
  readonly objectives: readonly Objective[] | null;
  /** Losses of the project's own; where there are some, `objectives` is not null. @default none */
  readonly own?: OwnLosses;
}

/** What of a {@link LossScope} is the same for all batches. */
export type LossOptions = Omit<LossScope, "mesh">;

const PLAIN: LossOptions = { weights: null, objectives: null };

/** The loss of this process's part of a global batch. @shape → scalar */
export type LossFunction = (batch: Batch, over: LossScope) => Tensor;

/** How a model learns, if not from its labels alone. */
export interface Supervision {
  readonly loss: LossFunction;
  /** What is trained beside the model, and only needed then: parameters are found by walking its fields. */
  readonly extra: object;
}

/** How a model learns from its labels alone: the loss of those that are known. */
export function labelSupervision(model: Model): Supervision {
  return { extra: {}, loss: (batch, over) => labelLoss(model.logits(batch), batch, over) };
}

/**
 * Loss of the known labels: each process divides by the labels known in all of them. Where negatives were drawn it is of
 * `z − log(q N)`, so that the logit `z` itself tells of candidates that are drawn alike.
 *
 * @shape outputs [B, W] → scalar
 * @see Bengio & Senécal 2008, "Adaptive importance sampling"; Yi et al. 2019, "Sampling-bias-corrected neural modeling"
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore } from "lapidary/data";
 * import { ProcessMesh } from "lapidary/distributed";
 * import { zeros } from "lapidary/torch";
 * import { labelLoss, loggedExamplesOf, openRun } from "lapidary/train";
 *
 * const project = await loadProject();
 * using store = EventStore.open(project.store);
 * const opened = openRun(project, "foundation", { store });
 * const over = { mesh: ProcessMesh.single(), weights: null, objectives: null };
 * for await (const batch of await loggedExamplesOf(opened, "test")) {
 *   const outputs = zeros([batch.size, 2]); // logit 0, which is 1/2, of both objectives: ln 2 each
 *   console.log(labelLoss(outputs, batch, over).item().toFixed(4)); // 1.3863
 *   break;
 * }
 */
export function labelLoss(outputs: Tensor, batch: Batch, over: LossScope): Tensor {
  const labels = labelsOf(batch, outputs, over);
  const { logitCorrections, labelMask: mask } = batch;
  if (logitCorrections === undefined) return maskedLoss(outputs, { labels, mask }, over);
  const corrections = outputColumns(logitCorrections, over.objectives);
  return maskedLoss(outputs.sub(toDevice(corrections, outputs.shape, outputs)), { labels, mask }, over);
}

/**
 * The labels of a batch, where the outputs are.
 *
 * @shape → [B, T]
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore } from "lapidary/data";
 * import { ProcessMesh } from "lapidary/distributed";
 * import { labelsOf, loggedExamplesOf, openRun } from "lapidary/train";
 *
 * const project = await loadProject();
 * using store = EventStore.open(project.store);
 * const opened = openRun(project, "foundation", { store });
 * const over = { mesh: ProcessMesh.single(), weights: null, objectives: null };
 * for await (const batch of await loggedExamplesOf(opened, "test")) {
 *   console.log(labelsOf(batch, opened.model.logits(batch), over).shape); // [ 36, 2 ]
 *   break;
 * }
 */
export function labelsOf({ labels }: Batch, outputs: Tensor, over: LossScope): Tensor {
  return toDevice(labels, tasksOf(outputs, over), outputs);
}

/** @shape outputs [B, W] → [B, T] */
function tasksOf({ shape: [size = 0, width = 0] }: Tensor, { objectives }: LossScope): readonly [number, number] {
  return [size, objectives === null ? width : objectives.length];
}

/**
 * Loss of labels where the mask is 1, over the global batch, each objective by its weight.
 *
 * @shape outputs [B, W], labels, mask [B, T] → scalar
 * @example
 * import { ProcessMesh } from "lapidary/distributed";
 * import { tensor } from "lapidary/torch";
 * import { maskedLoss } from "lapidary/train";
 *
 * const over = { mesh: ProcessMesh.single(), weights: null, objectives: null };
 * const told = { labels: tensor([1, 0], [2, 1]), mask: Float32Array.of(1, 0) }; // the second label is not known
 * console.log(maskedLoss(tensor([0, 5], [2, 1]), told, over).item().toFixed(4)); // 0.6931
 */
export function maskedLoss(
  outputs: Tensor,
  { labels, mask }: { readonly labels: Tensor; readonly mask: Float32Array },
  over: LossScope,
): Tensor {
  const known = knownOf(mask, outputs, over);
  const { objectives, own = {} } = over;
  if (objectives === null) return multiObjectiveLoss(outputs, { labels, ...known });
  return meanOfKnown(lossesWith(own, objectives, { outputs, labels }), known);
}

/**
 * Cross entropy with what a teacher says, as {@link maskedLoss}.
 *
 * @shape outputs, teacher [B, W], mask [B, T] → scalar
 * @example
 * import { ProcessMesh } from "lapidary/distributed";
 * import { tensor } from "lapidary/torch";
 * import { distillationLoss } from "lapidary/train";
 *
 * const over = { mesh: ProcessMesh.single(), weights: null, objectives: null };
 * const told = { teacher: tensor([0, 0], [2, 1]), mask: Float32Array.of(1, 1) }; // the teacher says 1/2 of both
 * console.log(distillationLoss(tensor([0, 0], [2, 1]), told, over).item().toFixed(4)); // 0.6931
 */
export function distillationLoss(
  outputs: Tensor,
  {
    teacher,
    mask,
    labelScale = 1,
  }: { readonly teacher: Tensor; readonly mask: Float32Array; readonly labelScale?: number },
  over: LossScope,
): Tensor {
  const { objectives } = over;
  if (objectives === null) return maskedLoss(outputs, { labels: softLabels(teacher, labelScale), mask }, over);
  return meanOfKnown(crossEntropiesOf(objectives, outputs, { teacher, labelScale }), knownOf(mask, outputs, over));
}

/** What of a batch is known over all processes, and what it counts. */
function knownOf(mask: Float32Array, outputs: Tensor, over: LossScope) {
  const { mesh, weights } = over;
  const shape = tasksOf(outputs, over);
  const byObjective = (values: Float64Array): Tensor =>
    fromArray(values, [values.length]).to({ dtype: outputs.dtype, device: outputs.device });
  return {
    mask: toDevice(mask, shape, outputs),
    known: byObjective(mesh.sumState(countKnown(mask, shape[1]))),
    ...(weights === null ? {} : { weights: byObjective(Float64Array.from(weights)) }),
  };
}

/** Values of each objective in the first column of its outputs, and zeros. @shape values [B, T] → [B, W] */
function outputColumns(values: Float32Array, objectives: LossScope["objectives"]): Float32Array {
  if (objectives === null) return values;
  const width = objectives.at(-1)?.to ?? 0;
  const columns = new Float32Array((values.length / objectives.length) * width);
  for (const [i, value] of values.entries()) {
    const objective = objectives[i % objectives.length]!;
    columns[Math.floor(i / objectives.length) * width + objective.from] = value;
  }
  return columns;
}

/** A model with the state of its optimizers: all that changes while it learns. */
export class Learner {
  readonly model: Model;
  readonly dense: DenseParameters;
  readonly tables: readonly TrainedTable[];
  readonly #loss: LossFunction;
  readonly #options: LossOptions;
  #adamw: AdamWState;

  private constructor(
    model: Model,
    parts: {
      options: LossOptions;
      loss: LossFunction;
      dense: DenseParameters;
      tables: TrainedTable[];
      adamw: AdamWState;
    },
  ) {
    this.model = model;
    this.#loss = parts.loss;
    this.#options = parts.options;
    this.dense = parts.dense;
    this.tables = parts.tables;
    this.#adamw = parts.adamw;
  }

  /** Optimizers in their initial state; the model's dense parameters move into one memory. */
  static of(
    model: Model,
    { loss, extra }: Supervision = labelSupervision(model),
    options: LossOptions = PLAIN,
  ): Learner {
    const { dense, tables } = parametersOf({ model, ...extra });
    const gathered = DenseParameters.gather(dense);
    const { moments } = initTablesAdagrad(tables.map(({ tensor }) => tensor));
    return new Learner(model, {
      ...{ loss, options },
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
  restore(saved: ReadonlyMap<string, Tensor>, { step, ...place }: CheckpointPlace & { readonly step: number }): void {
    copyTensors(saved, new Map(Object.entries(this.tensors())), place);
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
    const ends = [performance.now()];
    const total = withDropout(dropoutOf(training, batch, this.step), () => this.#forward(batch, mesh));
    ends.push(performance.now());
    const loss = this.#backward(total, mesh);
    ends.push(performance.now());
    mesh.averageGradients([this.dense.gradient]);
    const gradientNorm = clipNorm(this.dense.gradient, training.clipNorm);
    const learningRate = training.learningRate * factor;
    this.#adamw = stepAdamW(this.#adamw, this.dense, { learningRate, weightDecay: training.weightDecay });
    ends.push(performance.now());
    const rows = this.tables.map(({ leaf }) => mesh.gatherRows(takeRowGradient(leaf)));
    const { seed, tableLearningRate, tableL2: l2 } = training;
    stepTouchedRows(this.tables, rows, { learningRate: tableLearningRate * factor, l2, seed, step: this.step });
    ends.push(performance.now());
    return { loss, gradientNorm, learningRate, phases: phasesOf(ends) };
  }

  /** Rows that no update has reached say what row 0 says: {@link shareUntrainedRows}. */
  shareUntrainedRows(): void {
    shareUntrainedRows(this.tables);
  }

  /** This process's part of the gradients of the global loss, and that loss. */
  gradients(batch: Batch, mesh: ProcessMesh): number {
    return this.#backward(this.#forward(batch, mesh), mesh);
  }

  /** What backward needs of its way there, autograd keeps. */
  #forward(batch: Batch, mesh: ProcessMesh): Tensor {
    return scoped(() => this.#loss(batch, { mesh, ...this.#options }));
  }

  #backward(total: Tensor, mesh: ProcessMesh): number {
    this.dense.clearGradient();
    if (total.requiresGrad) total.mul(mesh.size).backward();
    return mesh.sumState(Float64Array.of(total.item()))[0] ?? Number.NaN;
  }
}

/** Durations between moments in milliseconds, phase by phase. @unit s */
function phasesOf(ends: readonly number[]): ByPhase {
  const durations = PHASES.map((phase, p) => [phase, ((ends[p + 1] ?? 0) - (ends[p] ?? 0)) / 1000] as const);
  return Object.fromEntries(durations) as unknown as ByPhase;
}

/** What is dropped in an update: other activations in each step, the same ones whichever process has the example. */
function dropoutOf(training: TrainingConfig, { rows }: Batch, step: number): DropoutPass {
  const { embeddingDropout: embedding, mlpDropout: mlp, attentionDropout: attention, seed } = training;
  const examples = Uint32Array.from(rows, (row) => hashOf(row));
  return { rates: { embedding, mlp, attention }, seed: hashOf(step, seed), examples };
}

const OTHER_MODEL = "Restore the checkpoint with the configuration that lies in its run folder.";

/** What an error says of a checkpoint that is of another model. */
interface CheckpointPlace {
  readonly where: string;
  /** @default to restore it with its own configuration */
  readonly hint?: string;
}

/** Copies tensors to those of the same names. @throws {LapidaryError} CHECKPOINT_MISMATCH unless they are of the same kind */
export function copyTensors(
  saved: ReadonlyMap<string, Tensor>,
  mine: ReadonlyMap<string, Tensor>,
  place: CheckpointPlace,
): void {
  const describe = (name: string, tensor: Tensor | undefined): string =>
    tensor === undefined ? `no ${name}` : `${name} of ${tensor.dtype} [${tensor.shape.join(", ")}]`;
  for (const name of new Set([...mine.keys(), ...saved.keys()])) {
    const [expected, got] = [describe(name, mine.get(name)), describe(name, saved.get(name))];
    if (expected !== got) throw mismatch(place, expected, got);
  }
  noGrad(() => {
    for (const [name, tensor] of saved) mine.get(name)?.copy_(tensor);
  });
}

function mismatch({ where, hint = OTHER_MODEL }: CheckpointPlace, expected: string, got: string): LapidaryError {
  return new LapidaryError({ code: "CHECKPOINT_MISMATCH", where, expected, got, hint });
}

/** Number of ones of each objective's mask. @shape mask [B, T] → [T] */
function countKnown(mask: Float32Array, objectives: number): Float64Array {
  const known = new Float64Array(objectives);
  for (let i = 0; i < mask.length; i++) known[i % objectives] = (known[i % objectives] ?? 0) + (mask[i] ?? 0);
  return known;
}
