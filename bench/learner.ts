import type { TrainingConfig } from "../src/config/types.ts";
import type { Batch } from "../src/features/spec.ts";
import type { Model } from "../src/model/index.ts";
import {
  type AdamWState,
  clipNorm,
  DenseParameters,
  initAdamW,
  initRowwiseAdagrad,
  multiObjectiveLoss,
  parametersOf,
  stepAdamW,
  stepRowwiseAdagrad,
  takeRowGradient,
} from "../src/nn/index.ts";
import { fromArray, Scope, type Tensor } from "../src/torch/index.ts";

/** A model with the state of its optimizers: the update of the trainer, for one process and without a schedule. */
export class Learner {
  readonly model: Model;
  readonly dense: DenseParameters;
  readonly tables: readonly { name: string; tensor: Tensor; moments: Tensor }[];
  #adamw: AdamWState;

  private constructor(model: Model) {
    this.model = model;
    const { dense, tables } = parametersOf(model);
    this.dense = DenseParameters.gather(dense);
    this.tables = tables.map((table) => ({ ...table, moments: initRowwiseAdagrad(table.tensor) }));
    this.#adamw = initAdamW(this.dense.values);
  }

  /** Optimizers in their initial state; the model's dense parameters move into one memory. */
  static of(model: Model): Learner {
    return new Learner(model);
  }

  /** The parameters by name, as the peer reads them. */
  tensors(): Record<string, Tensor> {
    return Object.fromEntries(
      [...this.dense.parts, ...this.tables].map(({ name, tensor }) => [`model.${name}`, tensor]),
    );
  }

  /** One update; returns the loss before it. @unit nats */
  update(
    batch: Batch,
    training: Pick<TrainingConfig, "clipNorm" | "learningRate" | "tableLearningRate" | "weightDecay">,
  ): number {
    using _scope = new Scope();
    const logits = this.model.logits(batch);
    const shape = logits.shape;
    const labels = fromArray(batch.labels, shape, { share: true });
    const mask = fromArray(batch.labelMask, shape, { share: true });
    const total = multiObjectiveLoss(logits, { labels, mask });
    this.dense.clearGradient();
    total.backward();
    const loss = total.item();
    clipNorm(this.dense.gradient, training.clipNorm);
    this.#adamw = stepAdamW(this.#adamw, this.dense, {
      learningRate: training.learningRate,
      weightDecay: training.weightDecay,
    });
    for (const { tensor: weight, moments } of this.tables) {
      stepRowwiseAdagrad({ weight, moments }, takeRowGradient(weight), training.tableLearningRate);
    }
    return loss;
  }
}
