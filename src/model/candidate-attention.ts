import type { JaggedTensor } from "../jagged/index.ts";
import { attendTables, type Initializer, LayerNorm, Linear, type Lookup, NORM_EPS, RmsNorm } from "../nn/index.ts";
import { stack, type Tensor } from "../torch/index.ts";

/** κ of the first update: an event that is alike weighs e⁴ = 55 times one that is not. */
const SHARPNESS = 4;
/** Columns of a head's values: what a user did with an event is a handful of numbers. */
const VALUE_DIM = 4;

/** What candidates and events have in common: F attributes. */
export interface Compared {
  /** The candidates' embeddings. @shape F times [B, D] */
  readonly candidate: readonly Tensor[];
  /** Where those of the events are looked up. @shape F features [L] */
  readonly events: Lookup;
}

interface Parts {
  readonly sharpness: Tensor;
  readonly attributeNorm: RmsNorm;
  readonly eventNorm: LayerNorm;
  readonly importance: Linear;
  readonly value: Linear;
  readonly prior: Tensor;
  readonly priorValue: Tensor;
}

/**
 * Target-aware attention, attribute by attribute: how did the user take what had the candidate's topic, its author, its
 * format? With `ê` the normalized embedding of an attribute, so that equal ids are alike from the first update on, and
 * `x_l` the events' tokens, each attribute f has a head:
 *
 * `s_fl = κ_f ê_f(c)·ê_f(l) / D + (U LN(x_l))_f`, `y_f = Σ_l softmax(s_f)_l (V LN(x_l))_f`,
 *
 * where one learned row stands beside the events: what is believed before any of them was seen, outweighed by many that
 * are alike and not by few. One query per example, so that no candidate sees another. Its cost per event grows with F·D,
 * not with D².
 *
 * @see arXiv 1706.06978 (target attention), 2006.05639 §3.2 (search by attributes); engineering.fb.com, 5 Aug 2026
 */
export class CandidateAttention {
  /** κ ÷ {@link SHARPNESS}. @shape [F] */
  readonly sharpness: Tensor;
  readonly attributeNorm: RmsNorm;
  readonly eventNorm: LayerNorm;
  /** U ÷ {@link SHARPNESS}. */
  readonly importance: Linear;
  /** V. */
  readonly value: Linear;
  /** Scores of the row that stands beside the events, ÷ {@link SHARPNESS}. @shape [F] */
  readonly prior: Tensor;
  /** @shape [4 F] */
  readonly priorValue: Tensor;

  constructor(parts: Parts) {
    this.sharpness = parts.sharpness;
    this.attributeNorm = parts.attributeNorm;
    this.eventNorm = parts.eventNorm;
    this.importance = parts.importance;
    this.value = parts.value;
    this.prior = parts.prior;
    this.priorValue = parts.priorValue;
  }

  /** Columns of the result. @param attributes that candidate and events both have, F */
  static width(attributes: number): number {
    return attributes * VALUE_DIM;
  }

  /** @param attributes that candidate and events both have, F */
  static init({ dim, attributes }: { dim: number; attributes: number }, initial: Initializer): CandidateAttention {
    return new CandidateAttention({
      sharpness: initial.ones([attributes]),
      attributeNorm: RmsNorm.init(dim, initial),
      eventNorm: LayerNorm.init(dim, initial),
      importance: new Linear(initial.zeros([attributes, dim]), null),
      value: Linear.init({ in: dim, out: attributes * VALUE_DIM, bias: false }, initial),
      prior: initial.ones([attributes]),
      priorValue: initial.zeros([attributes * VALUE_DIM]),
    });
  }

  /** @shape history.values [L, D]; candidate F times [B, D]; events F features [L] → [B, 4 F] */
  apply(history: JaggedTensor, { candidate, events }: Compared): Tensor {
    const tokens = this.eventNorm.apply(history.values);
    return attendTables(events, {
      query: this.asked(stack(candidate, 1)),
      scores: this.importance.apply(tokens),
      values: this.value.apply(tokens),
      front: { score: this.prior, value: this.priorValue },
      offsets: history.offsets,
      scale: SHARPNESS,
      eps: NORM_EPS,
    });
  }

  /** `κ_f ê_f(c) ⊙ γ / D`, κ ÷ {@link SHARPNESS}; γ is the events' part of the norm's scale. @shape [B, F, D] → [B, F, D] */
  private asked(attributes: Tensor): Tensor {
    const [, , dim = 1] = attributes.shape;
    const { attributeNorm: norm, sharpness } = this;
    return norm.apply(attributes).mul(norm.scale.div(dim)).mul(sharpness.unsqueeze(1));
  }
}
