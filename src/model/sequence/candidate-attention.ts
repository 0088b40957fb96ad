import { dropout, type Initializer, Linear, NORM_EPS, RmsNorm } from "../../nn/index.ts";
import { attendTables, mapTables } from "../../ops/index.ts";
import { cat, stack, type Tensor } from "../../torch/index.ts";
import type { EventLookups } from "../inputs/embeddings.ts";

/** κ of the first update: an event that is alike weighs e⁴ = 55 times one that is not. */
const SHARPNESS = 4;
/** Columns of a head's values: what a user did with an event is a handful of numbers. */
const VALUE_DIM = 4;
/** Of a hundred events three come to something, so that means of what came of them are all but equal. */
const GAIN = 4;

/** Candidates and the events before them: F attributes that both have, and G that only events have. */
export interface CandidateAndEvents extends EventLookups {
  /** The candidates' embeddings. @shape F times [B, D] */
  readonly candidate: readonly Tensor[];
}

/** Sizes of a {@link CandidateAttention}. */
interface Width {
  readonly dim: number;
  /** Attributes that candidate and events both have, F. */
  readonly attributes: number;
  /** Attributes that only events have, G. */
  readonly eventOnly: number;
}

interface Parts {
  readonly sharpness: Tensor;
  readonly attributeNorm: RmsNorm;
  readonly importance: Linear;
  readonly value: Linear;
  readonly prior: Tensor;
  readonly priorValue: Tensor;
}

/**
 * Target-aware attention, attribute by attribute: how did the user take what had the candidate's topic, its author, its
 * format? With `ê` the normalized embedding of an attribute, so that equal ids are alike from the first update on, and
 * `t_l = [ê_1(l) ∥ … ∥ ê_G(l)]` of what only the event has (its outcomes, its age), each attribute f that both have is a
 * head:
 *
 * `s_fl = κ_f ê_f(c)·ê_f(l) / D + (U t_l)_f`, `y_f = 4 Σ_l softmax(s_f)_l (V t_l)_f`.
 *
 * Values of the events' tokens instead tell an outcome among twenty attributes, and are listened to late or never
 * (docs/decisions/0013). One learned row stands beside the events: what is believed before any of them was seen,
 * outweighed by many that are alike and not by few. One query per example, so that no candidate sees another. Its cost
 * per event is that of adding rows and of F·D products, whatever the width of the model's layers.
 *
 * @see arXiv 1706.06978 (target attention), 2006.05639 §3.2 (search by attributes); engineering.fb.com, 5 Aug 2026
 */
export class CandidateAttention {
  /** κ ÷ {@link SHARPNESS}. @shape [F] */
  readonly sharpness: Tensor;
  readonly attributeNorm: RmsNorm;
  /** U ÷ {@link SHARPNESS}. @shape [F, G D] */
  readonly importance: Linear;
  /** V: a head's numbers are F rows apart, as the kernel adds heads side by side. @shape [4 F, G D] */
  readonly value: Linear;
  /** Scores of the row that stands beside the events, ÷ {@link SHARPNESS}. @shape [F] */
  readonly prior: Tensor;
  /** @shape [4 F] */
  readonly priorValue: Tensor;

  constructor(parts: Parts) {
    this.sharpness = parts.sharpness;
    this.attributeNorm = parts.attributeNorm;
    this.importance = parts.importance;
    this.value = parts.value;
    this.prior = parts.prior;
    this.priorValue = parts.priorValue;
  }

  static init({ dim, attributes, eventOnly }: Width, initial: Initializer): CandidateAttention {
    return new CandidateAttention({
      sharpness: initial.ones([attributes]),
      attributeNorm: RmsNorm.init(dim, initial),
      importance: new Linear(initial.zeros([attributes, eventOnly * dim]), null),
      value: Linear.init({ in: eventOnly * dim, out: attributes * VALUE_DIM, bias: false }, initial),
      prior: initial.ones([attributes]),
      priorValue: initial.zeros([attributes * VALUE_DIM]),
    });
  }

  /** Columns of the result, 4 F. */
  get width(): number {
    return this.value.out;
  }

  /** @shape candidate F times [B, D]; events F and event-only G features [L] → [B, 4 F] */
  apply({ candidate, events, eventOnly, offsets }: CandidateAndEvents): Tensor {
    const weight = cat([this.value.weight, this.importance.weight], 0);
    const attended = attendTables(events, {
      query: this.queryOf(stack(candidate, 1)),
      valuesAndBias: mapTables(eventOnly, { weight, bias: null, eps: NORM_EPS }),
      prior: { score: this.prior, value: this.priorValue },
      offsets,
      scale: SHARPNESS,
      eps: NORM_EPS,
    });
    return dropout(attended.mul(GAIN), "attention");
  }

  /** `κ_f ê_f(c) ⊙ γ / D`, κ ÷ {@link SHARPNESS}; γ is the events' part of the norm's scale. @shape [B, F, D] → [B, F, D] */
  private queryOf(attributes: Tensor): Tensor {
    const [, , dim = 1] = attributes.shape;
    const { attributeNorm: norm, sharpness } = this;
    return norm.apply(attributes).mul(norm.scale.div(dim)).mul(sharpness.unsqueeze(1));
  }
}
