import { evenly, type JaggedTensor } from "../jagged/index.ts";
import { attend, type Initializer, LayerNorm, Linear, RmsNorm } from "../nn/index.ts";
import { cat, ones, type Tensor, zeros } from "../torch/index.ts";
import type { Compared } from "./embeddings.ts";

/** κ of the first update: an event that is alike weighs e⁴ = 55 times one that is not. */
const SHARPNESS = 4;
/** Columns of a head's values: what a user did with an event is a handful of numbers. */
const VALUE_DIM = 4;

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
 * @shape candidate [B, F, D]; history.values [L, D] → [B, 4 F]
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

  apply(history: JaggedTensor, compared: Compared): Tensor {
    const [size = 0, attributes = 0, dim = 0] = compared.candidate.shape;
    const { values: keys } = compared.events;
    const tokens = this.eventNorm.apply(history.values);
    const inputs = {
      query: evenly(this.asked(compared.candidate), size, 1),
      key: this.beside(history.with(this.keys(keys.reshape([history.rows, attributes, dim]), tokens))),
      value: this.values(history.with(tokens)),
    };
    return attend(inputs, { scale: SHARPNESS }).values.flatten(1);
  }

  /** `[κ_f ê_f(c) / D ∥ 1]`, κ ÷ {@link SHARPNESS}. @shape [B, F, D] → [B, F, D + 1] */
  private asked(attributes: Tensor): Tensor {
    const [size = 0, count = 0, dim = 0] = attributes.shape;
    const alike = this.attributeNorm
      .apply(attributes)
      .mul(this.sharpness.unsqueeze(1))
      .mul(1 / dim);
    return cat([alike, ones([size, count, 1], { dtype: alike.dtype, device: alike.device })], 2);
  }

  /** `[ê_f(l) ∥ (U LN(x_l))_f]`. @shape attributes [L, F, D], tokens [L, D] → [L, F, D + 1] */
  private keys(attributes: Tensor, tokens: Tensor): Tensor {
    return cat([this.attributeNorm.apply(attributes), this.importance.apply(tokens).unsqueeze(2)], 2);
  }

  /** The learned row before the keys of each segment: like nothing, and as likely as its scores say. */
  private beside(keys: JaggedTensor): JaggedTensor {
    const [, count = 0, width = 0] = keys.values.shape;
    const alike = zeros([count, width - 1], { dtype: this.prior.dtype, device: this.prior.device });
    return keys.prepend(cat([alike, this.prior.unsqueeze(1)], 1).expand([keys.size, 1, count, width]));
  }

  /** @shape values [L, D] → [L + B, F, 4] */
  private values(tokens: JaggedTensor): Tensor {
    const [width = 0] = this.priorValue.shape;
    const own = tokens.with(this.value.apply(tokens.values));
    const all = own.prepend(this.priorValue.expand([tokens.size, 1, width]));
    return all.values.reshape([all.rows, width / VALUE_DIM, VALUE_DIM]);
  }
}
