import { outputWidth } from "../../features/objectives.ts";
import type { Batch, FeatureSpec } from "../../features/spec.ts";
import { type Initializer, Mlp } from "../../nn/index.ts";
import { cat, type Tensor } from "../../torch/index.ts";
import { biasesOf } from "../heads/task-heads.ts";
import { FeatureTokens } from "../inputs/feature-tokens.ts";
import { WukongLayer } from "../interaction/wukong.ts";
import type { Student } from "../model.ts";
import type { Sizes } from "../sizes.ts";

/**
 * Wukong as published, which reads no histories: `X_{l+1} = WukongLayer(X_l)` over the features' tokens,
 * `z = MLP([flatten(X_L) ∥ numbers])`: the head reads the dense inputs beside what the layers made of their token.
 *
 * @see arXiv 2403.02545 §3
 */
export class WukongModel implements Student {
  readonly tokens: FeatureTokens;
  readonly layers: readonly WukongLayer[];
  readonly head: Mlp;

  constructor(parts: { tokens: FeatureTokens; layers: readonly WukongLayer[]; head: Mlp }) {
    this.tokens = parts.tokens;
    this.layers = parts.layers;
    this.head = parts.head;
  }

  static init(spec: FeatureSpec, sizes: Sizes, initial: Initializer): WukongModel {
    const { dim, layers, tokens, compressedDim, hidden } = sizes;
    const embedded = FeatureTokens.init(spec, dim, initial);
    const stack: WukongLayer[] = [];
    let tokensIn = embedded.count;
    for (let l = 0; l < layers; l++) {
      const layer = { dim, tokensIn, interacted: tokens, compressed: tokens, compressedDim, hidden };
      stack.push(WukongLayer.init(layer, initial));
      tokensIn = stack[l]?.tokens ?? 0;
    }
    const head = Mlp.init({ in: tokensIn * dim + spec.numbers.length, hidden, out: outputWidth(spec) }, initial);
    return new WukongModel({ tokens: embedded, layers: stack, head });
  }

  logits(batch: Batch): Tensor {
    return this.outputs(this.backbone(batch));
  }

  backbone(batch: Batch): Tensor {
    const { features, numbers } = this.tokens.apply(batch);
    return cat([this.layers.reduce((x, layer) => layer.apply(x), features).flatten(1), numbers], 1);
  }

  outputs(backbone: Tensor): Tensor {
    return this.head.apply(backbone);
  }

  outputBiases(): readonly Tensor[] {
    return biasesOf([this.head.layers.at(-1)]);
  }
}
