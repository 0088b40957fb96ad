import { contentOf } from "../../features/content.ts";
import type { Batch, FeatureSpec } from "../../features/spec.ts";
import { dropout, type Initializer, type Linear, Mlp } from "../../nn/index.ts";
import { stack, type Tensor } from "../../torch/index.ts";
import { contentFields, initVectorMaps, toDevice, type VectorMaps } from "./content-maps.ts";
import { columnsOf, embedColumns, type Tables } from "./embed-columns.ts";
import { type Embedded, Embeddings, initTables } from "./embeddings.ts";
import { initPast, pastToken } from "./past.ts";

/**
 * Embedding layer without histories: one token per contextual and candidate feature, `e_f = table_f[code_f]`, one per list
 * and vector, one from an MLP of the dense inputs, and one of the past embeddings where the spec has them.
 *
 * @shape → features [B, n, D], numbers [B, N]
 * @see arXiv 2403.02545 §3.2
 */
export class FeatureTokens {
  readonly tables: Tables;
  readonly numbers: Mlp;
  readonly vectors: VectorMaps;
  /** Null without past embeddings. */
  readonly past: Linear | null;
  readonly spec: FeatureSpec;

  constructor(spec: FeatureSpec, parts: { tables: Tables; numbers: Mlp; vectors: VectorMaps; past: Linear | null }) {
    this.spec = spec;
    this.tables = parts.tables;
    this.numbers = parts.numbers;
    this.vectors = parts.vectors;
    this.past = parts.past;
  }

  static init(spec: FeatureSpec, dim: number, initial: Initializer): FeatureTokens {
    return new FeatureTokens(spec, {
      tables: initTables([...spec.contextual, ...spec.candidate, ...contentOf(spec).lists], dim, initial),
      numbers: Mlp.init({ in: spec.numbers.length, hidden: [2 * dim], out: dim }, initial),
      vectors: initVectorMaps(spec, dim, initial),
      past: initPast(spec, dim, initial),
    });
  }

  /** Number of tokens, n: as many as {@link Embeddings} makes of the features. */
  get count(): number {
    return Embeddings.numTokens(this.spec);
  }

  apply(batch: Batch): Pick<Embedded, "features" | "numbers"> {
    const { spec, tables } = this;
    const columns = [...columnsOf(spec.contextual, batch.contextual), ...columnsOf(spec.candidate, batch.candidate)];
    const like = this.numbers.layers[0]?.weight as Tensor;
    const numbers = toDevice(batch.numbers, [batch.size, spec.numbers.length], like);
    const tokens = [...embedColumns(tables, columns), ...contentFields(this, batch.content)];
    const all = stack([...tokens, this.numbers.apply(numbers), ...pastToken(this.past, batch)], 1);
    return { features: dropout(all, "embedding"), numbers };
  }
}
