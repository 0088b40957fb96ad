import { type Initializer, LayerNorm } from "../../nn/index.ts";
import type { JaggedTensor } from "../../ops/index.ts";
import type { Tensor } from "../../torch/index.ts";
import type { SequenceLayer } from "./sequence-block.ts";

/**
 * Blocks one after the other, of whose last row the state is read: `y = LN(block_l(… block_1(s)))_last`; zero for an
 * empty sequence. The norm is there because every block normalizes its inputs, not its outputs.
 *
 * @shape sequence.values [L, D] → [B, D]
 */
export class SequenceStack {
  readonly blocks: readonly SequenceLayer[];
  readonly norm: LayerNorm;

  constructor(blocks: readonly SequenceLayer[], norm: LayerNorm) {
    this.blocks = blocks;
    this.norm = norm;
  }

  static init(blocks: readonly SequenceLayer[], dim: number, initial: Initializer): SequenceStack {
    return new SequenceStack(blocks, LayerNorm.init(dim, initial));
  }

  apply(sequence: JaggedTensor): Tensor {
    const states = this.blocks.reduce((s, block) => block.apply(s, null), sequence);
    return states.with(this.norm.apply(states.values)).newest(1).flatten(1);
  }
}
