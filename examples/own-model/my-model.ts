import type { Representation, Student, Teacher } from "lapidary/model";
import { type Batch, Embeddings, type FeatureSpec, type OwnModelConfig, outputWidth } from "lapidary/model";
import { type Initializer, Linear, Mlp } from "lapidary/nn";
import { meanSegments } from "lapidary/ops";
import { cat, type Tensor } from "lapidary/torch";

/** The mean of the history beside the features, `z = W MLP([features ∥ mean_l e_l])`. Its parameters are its fields. */
class MeanHistory implements Student, Teacher {
  readonly embeddings: Embeddings;
  readonly deep: Mlp;
  readonly output: Linear;

  constructor(spec: FeatureSpec, { sizes, options }: OwnModelConfig, initial: Initializer) {
    const width = Number(options["width"] ?? 32);
    const tokens = Embeddings.numTokens(spec) + 1;
    this.embeddings = Embeddings.init(spec, sizes.dim, initial);
    this.deep = Mlp.init({ in: tokens * sizes.dim, hidden: [width], out: width }, initial);
    this.output = Linear.init({ in: width, out: outputWidth(spec) }, initial);
  }

  /** All that a model must have. @shape → [B, W] */
  logits(batch: Batch): Tensor {
    return this.outputs(this.backbone(batch));
  }

  /** With `backbone` and `outputs` it can be taught. @shape → [B, H] */
  backbone(batch: Batch): Tensor {
    const { features } = this.embeddings.apply(batch);
    return this.deep.apply(cat([features.flatten(1), this.history(batch)], 1)).relu();
  }

  outputs(backbone: Tensor): Tensor {
    return this.output.apply(backbone);
  }

  /** With it, other models can learn from this one. */
  represent(batch: Batch): Representation {
    return { logits: this.logits(batch), embedding: this.history(batch) };
  }

  /** With it, training starts where the base rate ends. */
  outputBiases(): readonly Tensor[] {
    return this.output.bias === null ? [] : [this.output.bias];
  }

  private history(batch: Batch): Tensor {
    return meanSegments(this.embeddings.events(batch.history));
  }
}

/** `models: { mine: { kind: "./my-model.ts", options: { width: 64 } } }` */
export function init(spec: FeatureSpec, config: OwnModelConfig, initial: Initializer): MeanHistory {
  return new MeanHistory(spec, config, initial);
}
