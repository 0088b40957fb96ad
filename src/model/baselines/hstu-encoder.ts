import type { Initializer } from "../../nn/index.ts";
import type { JaggedTensor } from "../../ops/index.ts";
import type { Tensor } from "../../torch/index.ts";
import { SequenceBlock } from "../sequence/sequence-block.ts";
import { SequenceStack } from "../sequence/sequence-stack.ts";
import type { Sizes } from "../sizes.ts";
import type { HistoryEncoder } from "./baseline-model.ts";

/** What decides an {@link HstuEncoder}'s parameters. */
export interface HstuEncoderConfig {
  readonly sizes: Pick<Sizes, "dim" | "layers" | "numHeads">;
  /** Contextual features, C. */
  readonly numContextual: number;
  /** Most events of a history. */
  readonly history: number;
}

/**
 * HSTU as a ranking model: blocks `s' = s + HSTU(LN(s))` over `[context ∥ history ∥ candidate]`, the context being the
 * tokens of the contextual features; the candidate's state is read. It sees the whole history in every layer, and no event
 * sees it: with the states of the history kept, another candidate costs one row. What differs from the paper: an event
 * and what came of it are one row, as in its authors' later code, and the features that are no events reach the task heads
 * beside the state.
 *
 * @shape history.values [L, D], candidate [B, D], features [B, n, D], the first C contextual → [B, D]
 * @see arXiv 2402.17152 §2.2 (target-aware ranking), §3.2; meta-recsys/generative-recommenders
 */
export class HstuEncoder implements HistoryEncoder {
  readonly stack: SequenceStack;
  readonly numContextual: number;

  constructor(stack: SequenceStack, numContextual: number) {
    this.stack = stack;
    this.numContextual = numContextual;
  }

  static init({ sizes, numContextual, history }: HstuEncoderConfig, initial: Initializer): HstuEncoder {
    const { dim, layers, numHeads } = sizes;
    const maxLength = numContextual + history + 1;
    const config = { dim, numHeads, attention: "hstu", personalized: false, maxLength } as const;
    const blocks = Array.from({ length: layers }, () => SequenceBlock.init(config, initial));
    return new HstuEncoder(SequenceStack.init(blocks, dim, initial), numContextual);
  }

  apply(history: JaggedTensor, candidate: Tensor, features: Tensor): Tensor {
    const context = features.slice(1, 0, this.numContextual);
    return this.stack.apply(history.prepend(context).append(candidate.unsqueeze(1)));
  }
}
