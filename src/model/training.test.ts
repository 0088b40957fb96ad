import { beforeAll, describe, expect, test } from "vitest";
import type { Batch } from "../features/spec.ts";
import {
  type AdamWState,
  DenseParameters,
  initAdamW,
  multiObjectiveLoss,
  parametersOf,
  stepAdamW,
  takeRowGradient,
} from "../nn/index.ts";
import { type AdagradTables, initTablesAdagrad, stepTablesAdagrad } from "../ops/index.ts";
import { fromArray, Scope, setThreads, type Tensor } from "../torch/index.ts";
import { expectNoLeaks } from "../torch/testing.ts";
import type { Model } from "./model.ts";
import { TINY_SPEC, tinyBatch, tinyModel } from "./testing.ts";

const LEARNED = ["logistic", "previous", "foundation", "vertical"] as const;
const LENGTHS = Array.from({ length: 48 }, (_, b) => (b * 5) % 7);

/** A batch whose clicks are those on items of an even code, and whose purchases are those at surface 1. */
function learnableBatch(): Batch {
  const batch = tinyBatch(LENGTHS);
  const item = batch.candidate["item"] ?? new Int32Array();
  const surface = batch.contextual["surface"] ?? new Int32Array();
  const labels = LENGTHS.flatMap((_, b) => [1 - ((item[b] ?? 0) % 2), surface[b] === 1 ? 1 : 0]);
  return { ...batch, labels: Float32Array.from(labels) };
}

/** The smallest trainer: AdamW on the dense parameters, row-wise Adagrad on the tables. */
class Steps {
  readonly model: Model;
  readonly dense: DenseParameters;
  readonly tables: readonly Tensor[];
  readonly moments: AdagradTables;
  state: AdamWState;

  constructor(model: Model) {
    const { dense, tables } = parametersOf(model);
    this.model = model;
    this.dense = DenseParameters.gather(dense);
    this.state = initAdamW(this.dense.values);
    this.tables = tables.map(({ tensor }) => tensor);
    this.moments = initTablesAdagrad(this.tables);
  }

  /** One step; the loss before it. */
  step(batch: Batch): number {
    using _ = new Scope();
    const shape = [batch.size, TINY_SPEC.objectives.length];
    const labels = fromArray(batch.labels, shape).to({ dtype: "float64" });
    const mask = fromArray(batch.labelMask, shape).to({ dtype: "float64" });
    const loss = multiObjectiveLoss(this.model.logits(batch), { labels, mask });
    this.dense.clearGradient();
    loss.backward();
    this.state = stepAdamW(this.state, this.dense, { learningRate: 0.01, weightDecay: 0.01 });
    const rows = this.tables.map(takeRowGradient);
    const features = rows.map(({ indices }, table) => ({ table, codes: indices }));
    const gradients = rows.map(({ values }) => values);
    const at = { lookup: { tables: this.tables, features }, gradients };
    stepTablesAdagrad(at, this.moments, { learningRate: 0.1 });
    return loss.item();
  }
}

beforeAll(() => setThreads(1));

describe.each(LEARNED)("%s", (kind) => {
  test("ten steps reduce the loss of what can be learned", () => {
    const steps = new Steps(tinyModel(kind));
    const batch = learnableBatch();
    const losses = Array.from({ length: 11 }, () => steps.step(batch));
    expect(losses.at(-1)).toBeLessThan(0.8 * (losses[0] ?? 0));
  });

  test("two equal trainings are equal bit for bit", () => {
    const batch = learnableBatch();
    const train = (): number[] => {
      const steps = new Steps(tinyModel(kind, { seed: 3 }));
      return Array.from({ length: 5 }, () => steps.step(batch));
    };
    expect(train()).toEqual(train());
  });

  test("200 steps leave no tensor behind", () => {
    const steps = new Steps(tinyModel(kind));
    const batches = [tinyBatch([2, 0, 5]), tinyBatch([0, 0]), tinyBatch([1])];
    for (const batch of batches) steps.step(batch);
    expectNoLeaks(() => {
      for (let i = 0; i < 200; i++) expect(steps.step(batches[i % 3] as Batch)).toBeLessThan(10);
    });
  });
});
