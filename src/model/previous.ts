import type { Batch, FeatureSpec } from "../features/spec.ts";
import { CrossLayer, type Initializer, Linear, Mlp } from "../nn/index.ts";
import { cat, type Tensor } from "../torch/index.ts";
import { DinPooling } from "./din-pooling.ts";
import { Embeddings } from "./embeddings.ts";
import type { Representation, Teacher } from "./model.ts";
import type { Sizes } from "./sizes.ts";

/**
 * The previous generation of ranking models: DLRM's arrangement (tables, dense MLP, interaction, over MLP) with DCNv2 as
 * interaction and DIN's pooling of the history. `x_0 = [tokens ∥ candidate ∥ DIN(history)]`, cross layers and an MLP in
 * parallel, one linear map to the logits.
 *
 * @see arXiv 1906.00091, 2008.13535 §3.3 (parallel structure), 1706.06978
 */
export class PreviousGeneration implements Teacher {
  readonly embeddings: Embeddings;
  readonly pooling: DinPooling;
  readonly cross: readonly CrossLayer[];
  readonly deep: Mlp;
  readonly output: Linear;

  constructor(parts: {
    embeddings: Embeddings;
    pooling: DinPooling;
    cross: readonly CrossLayer[];
    deep: Mlp;
    output: Linear;
  }) {
    this.embeddings = parts.embeddings;
    this.pooling = parts.pooling;
    this.cross = parts.cross;
    this.deep = parts.deep;
    this.output = parts.output;
  }

  static init(spec: FeatureSpec, { dim, layers, hidden }: Sizes, initial: Initializer): PreviousGeneration {
    const width = (Embeddings.numTokens(spec) + 2) * dim;
    const deepWidth = 8 * dim;
    return new PreviousGeneration({
      embeddings: Embeddings.init(spec, dim, initial),
      pooling: DinPooling.init({ dim, hidden }, initial),
      cross: Array.from({ length: layers }, () => CrossLayer.init(width, initial)),
      deep: Mlp.init({ in: width, hidden: Array.from({ length: layers }, () => deepWidth), out: deepWidth }, initial),
      output: Linear.init({ in: width + deepWidth, out: spec.objectives.length }, initial),
    });
  }

  logits(batch: Batch): Tensor {
    return this.represent(batch).logits;
  }

  /** The embedding is the pooled history. */
  represent(batch: Batch): Representation {
    const { features, candidate, history } = this.embeddings.apply(batch);
    const embedding = this.pooling.apply(history, candidate);
    const x0 = cat([features.flatten(1), candidate, embedding], 1);
    const crossed = this.cross.reduce((x, layer) => layer.apply(x0, x), x0);
    return { logits: this.output.apply(cat([crossed, this.deep.apply(x0).relu()], 1)), embedding };
  }
}
