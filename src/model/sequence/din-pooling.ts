import { dropout, type Initializer, Linear, Mlp } from "../../nn/index.ts";
import { type JaggedTensor, softmaxSegments, sumSegments } from "../../ops/index.ts";
import { cat, type Tensor } from "../../torch/index.ts";

/**
 * DIN's pooling of the history by its relevance to the candidate:
 * `a_l = MLP([e_l ∥ c ∥ e_l − c ∥ e_l ⊙ c])`, `y = Σ_l softmax(a)_l e_l` over each history; zero for an empty one.
 *
 * @shape history.values [L, D], candidate [B, D] → [B, D]
 * @see arXiv 1706.06978 §4.3 (the softmax is the form that reczoo/FuxiCTR offers as `use_softmax`)
 */
export class DinPooling {
  readonly relevance: Mlp;

  constructor(relevance: Mlp) {
    this.relevance = relevance;
  }

  static init(config: { readonly dim: number; readonly hidden: readonly number[] }, initial: Initializer): DinPooling {
    const width = config.hidden.at(-1) ?? 4 * config.dim;
    const { layers } = Mlp.init({ in: 4 * config.dim, hidden: config.hidden, out: 1 }, initial);
    // Softmax is blind to what is added to all scores: a bias there would learn from rounding errors.
    const scores = layers.at(-1)?.weight ?? initial.zeros([1, width]);
    return new DinPooling(new Mlp([...layers.slice(0, -1), new Linear(scores, null)]));
  }

  apply(history: JaggedTensor, candidate: Tensor): Tensor {
    const events = history.values;
    const item = history.spread(candidate); // [L, D]
    const scores = this.relevance.apply(cat([events, item, events.sub(item), events.mul(item)], 1), history.bounds); // [L, 1]
    const attention = softmaxSegments(history.with(scores));
    return dropout(sumSegments(history.with(events.mul(attention.values))), "attention");
  }
}
