import type { Initializer } from "../../nn/index.ts";
import type { JaggedTensor } from "../../ops/index.ts";
import type { Tensor } from "../../torch/index.ts";
import { FeedForward } from "../inputs/surfaces.ts";
import { SequenceBlock, type SequenceLayer } from "../sequence/sequence-block.ts";
import { SequenceStack } from "../sequence/sequence-stack.ts";
import type { Sizes } from "../sizes.ts";
import type { HistoryEncoder } from "./baseline-model.ts";

/**
 * Block of SASRec: `s' = s + MHA(LN(s))` over the row itself and the earlier ones, `s'' = s' + MLP(LN(s'))`.
 *
 * @shape sequence.values [L, D] → values [L, D]
 * @see arXiv 1808.09781 §3.2
 */
export class SasrecBlock implements SequenceLayer {
  readonly attention: SequenceBlock;
  readonly feedForward: FeedForward;

  constructor(attention: SequenceBlock, feedForward: FeedForward) {
    this.attention = attention;
    this.feedForward = feedForward;
  }

  static init({ dim, numHeads }: Pick<Sizes, "dim" | "numHeads">, initial: Initializer): SasrecBlock {
    const config = { dim, numHeads, attention: "causal", personalized: false } as const;
    return new SasrecBlock(SequenceBlock.init(config, initial), FeedForward.init(dim, initial));
  }

  apply(sequence: JaggedTensor): JaggedTensor {
    const attended = this.attention.apply(sequence, null);
    return attended.with(this.feedForward.apply(attended.values));
  }
}

/**
 * SASRec's encoder: the state after the newest event, which knows nothing of the candidate. What differs from the paper,
 * which predicts the next item by its product with the state: state, candidate and features go into an MLP that predicts
 * the objectives; an event is an item with what came of it; rotary positions; a hidden layer of 2D; no dropout.
 *
 * @shape history.values [L, D] → [B, D]; zero for an empty history
 * @see arXiv 1808.09781
 */
export class SasrecEncoder implements HistoryEncoder {
  readonly stack: SequenceStack;

  constructor(stack: SequenceStack) {
    this.stack = stack;
  }

  static init(sizes: Pick<Sizes, "dim" | "layers" | "numHeads">, initial: Initializer): SasrecEncoder {
    const blocks = Array.from({ length: sizes.layers }, () => SasrecBlock.init(sizes, initial));
    return new SasrecEncoder(SequenceStack.init(blocks, sizes.dim, initial));
  }

  apply(history: JaggedTensor): Tensor {
    return this.stack.apply(history);
  }
}
