import type { Batch, FeatureSpec } from "../features/spec.ts";
import { type Initializer, Linear } from "../nn/index.ts";
import type { Tensor } from "../torch/index.ts";
import { columnsOf, embedColumns, type Tables } from "./embed-columns.ts";
import { initTables, toDevice } from "./embeddings.ts";
import type { Model } from "./model.ts";

/** Logistic regression over the contextual, candidate and dense inputs: `z_t = Σ_f w_{f, code_f, t} + w·numbers + b_t`. */
export class Logistic implements Model {
  readonly tables: Tables;
  readonly numbers: Linear;
  readonly spec: FeatureSpec;

  constructor(spec: FeatureSpec, parts: { tables: Tables; numbers: Linear }) {
    this.spec = spec;
    this.tables = parts.tables;
    this.numbers = parts.numbers;
  }

  static init(spec: FeatureSpec, initial: Initializer): Logistic {
    const tables = initTables([...spec.contextual, ...spec.candidate], spec.objectives.length, initial);
    for (const { weight } of Object.values(tables)) weight.detach().zero_();
    return new Logistic(spec, {
      tables,
      numbers: Linear.init({ in: spec.numbers.length, out: spec.objectives.length }, initial),
    });
  }

  logits(batch: Batch): Tensor {
    const { spec, tables } = this;
    const numbers = toDevice(batch.numbers, [batch.size, spec.numbers.length], this.numbers.weight);
    const columns = [...columnsOf(spec.contextual, batch.contextual), ...columnsOf(spec.candidate, batch.candidate)];
    const terms = embedColumns(tables, columns);
    return terms.reduce((sum, term) => sum.add(term), this.numbers.apply(numbers));
  }
}
