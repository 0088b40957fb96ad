import { evenly, type JaggedTensor } from "../jagged/index.ts";
import { attend, type Initializer, Linear } from "../nn/index.ts";
import type { Tensor } from "../torch/index.ts";

/**
 * Target-aware attention: the candidate looks at its own example's history, `y = W_o concat_h softmax(q_h k_hᵀ / √d_h) v_h`
 * with `q` of the candidate and `k`, `v` of the events. Zero for an empty history. One query per example, so that no
 * candidate sees another.
 *
 * @shape candidate [B, D]; history.values [L, D] → [B, D]
 * @see arXiv 1706.06978 (target attention), engineering.fb.com, 5 Aug 2026
 */
export class CandidateAttention {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly output: Linear;
  readonly numHeads: number;

  constructor(maps: { query: Linear; key: Linear; value: Linear; output: Linear }, numHeads: number) {
    this.query = maps.query;
    this.key = maps.key;
    this.value = maps.value;
    this.output = maps.output;
    this.numHeads = numHeads;
  }

  static init({ dim, numHeads }: { dim: number; numHeads: number }, initial: Initializer): CandidateAttention {
    const map = (): Linear => Linear.init({ in: dim, out: dim, bias: false }, initial);
    return new CandidateAttention({ query: map(), key: map(), value: map(), output: map() }, numHeads);
  }

  apply(candidate: Tensor, history: JaggedTensor): Tensor {
    const [size = 0, dim = 0] = candidate.shape;
    const heads = (rows: Tensor): Tensor => rows.reshape([-1, this.numHeads, dim / this.numHeads]);
    const inputs = {
      query: evenly(heads(this.query.apply(candidate)), size, 1),
      key: history.with(heads(this.key.apply(history.values))),
      value: heads(this.value.apply(history.values)),
    };
    return this.output.apply(attend(inputs).values.reshape([size, dim]));
  }
}
