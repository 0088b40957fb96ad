import { contentOf } from "../../features/content.ts";
import { outputWidth } from "../../features/objectives.ts";
import type { Batch, FeatureSpec } from "../../features/spec.ts";
import { type Initializer, Linear } from "../../nn/index.ts";
import type { Tensor } from "../../torch/index.ts";
import { biasesOf } from "../heads/task-heads.ts";
import { contentFields, initVectorMaps, toDevice, type VectorMaps } from "../inputs/content-maps.ts";
import { columnsOf, embedColumns, type Tables } from "../inputs/embed-columns.ts";
import { initTables } from "../inputs/embeddings.ts";
import type { Model } from "../model.ts";

/**
 * Logistic regression over the contextual, candidate and dense inputs, generalized linear where an objective is no class:
 * `z_t = Σ_f w_{f, code_f, t} + Σ_lists mean_i w_{id_i, t} + Σ_vectors w·x + w·numbers + b_t`.
 */
export class Logistic implements Model {
  readonly tables: Tables;
  readonly numbers: Linear;
  readonly vectors: VectorMaps;
  readonly spec: FeatureSpec;

  constructor(spec: FeatureSpec, parts: { tables: Tables; numbers: Linear; vectors: VectorMaps }) {
    this.spec = spec;
    this.vectors = parts.vectors;
    this.tables = parts.tables;
    this.numbers = parts.numbers;
  }

  static init(spec: FeatureSpec, initial: Initializer): Logistic {
    const width = outputWidth(spec);
    const tables = initTables([...spec.contextual, ...spec.candidate, ...contentOf(spec).lists], width, initial);
    for (const { weight } of Object.values(tables)) weight.detach().zero_();
    return new Logistic(spec, {
      tables,
      numbers: Linear.init({ in: spec.numbers.length, out: width }, initial),
      vectors: initVectorMaps(spec, width, initial),
    });
  }

  logits(batch: Batch): Tensor {
    const { spec, tables } = this;
    const numbers = toDevice(batch.numbers, [batch.size, spec.numbers.length], this.numbers.weight);
    const columns = [...columnsOf(spec.contextual, batch.contextual), ...columnsOf(spec.candidate, batch.candidate)];
    const terms = [...embedColumns(tables, columns), ...contentFields(this, batch.content)];
    return terms.reduce((sum, term) => sum.add(term), this.numbers.apply(numbers));
  }

  outputBiases(): readonly Tensor[] {
    return biasesOf([this.numbers]);
  }
}
