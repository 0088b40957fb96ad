import { contentOf, vectorWidth } from "../../features/content.ts";
import type { ContentColumns, FeatureSpec, VectorFeature } from "../../features/spec.ts";
import { dropout, type Initializer, Linear, NORM_EPS, RmsNorm } from "../../nn/index.ts";
import { attend, JaggedTensor, type Lookup, mapTables, uniformJagged } from "../../ops/index.ts";
import { cat, fromArray, full, type Tensor, zeros } from "../../torch/index.ts";
import { toDevice } from "../inputs/content-maps.ts";
import { Embeddings } from "../inputs/embeddings.ts";
import { orderedOutcomes } from "../inputs/outcome-values.ts";

/** κ of the first update, by head: from events of the same kind to those of the very same subject. */
const SHARPNESS = [4, 10, 25];
/** Columns of the values: what a user did with an event is a handful of numbers. */
const VALUE_DIM = 8;
/** A vector's likeness is read in no more dimensions than this. */
const MAX_WIDTH = 32;
/** Of a hundred events three come to something, so that means of what came of them are all but equal. */
const GAIN = 4;

/** Candidates' vectors, and the events before them. */
export interface ContentAndEvents {
  readonly candidate: ContentColumns | undefined;
  readonly events: ContentColumns | undefined;
  /** What only events have. @shape G features [L] */
  readonly eventOnly: Lookup;
  /** What came of the events, as `outcomeValues` says it. @shape [L, K] */
  readonly outcomes: Tensor;
  /** @shape [B+1], from 0 to L */
  readonly bounds: Int32Array;
}

/** Sizes of a {@link VectorAttention}. */
interface Sizes {
  readonly feature: VectorFeature;
  /** Columns of what only events have, G D. */
  readonly eventOnlyWidth: number;
  /** Columns of what came of the events, K. */
  readonly outcomes: number;
}

interface Parts {
  readonly feature: VectorFeature;
  readonly map: Linear;
  readonly norm: RmsNorm;
  readonly sharpness: Tensor;
  readonly importance: Linear;
  readonly value: Linear;
  readonly prior: Tensor;
  readonly priorValue: Tensor;
}

/**
 * Target-aware attention by a vector: how did the user take what looked like the candidate? With `k = n(W x)` of the
 * candidate's and each event's vector, n the norm by the root of the mean square, `t_l` of what only the event has, as in
 * the attention by ids, and `o_l` of what came of it as plain numbers, heads that differ in sharpness alone look at the same
 * events:
 *
 * `s_hl = κ_h (k(c)·k(l) / D + U t_l)`, `y_h = 4 Σ_l softmax(s_h)_l [V t_l ∥ o_l]`,
 *
 * one learned row beside the events. V learns what an outcome is worth when its table's rows have grown; o says it from the
 * first update on. W begins with orthogonal rows, so that what is alike is alike from the first update on;
 * what it learns is which directions matter. A blunt head reads a kind of content, a sharp one the very subject.
 *
 * @see arXiv 1706.06978 (target attention), 2302.02352 §4 (search and attention with the same likeness)
 */
export class VectorAttention {
  readonly feature: VectorFeature;
  /** W. @shape [D, dim + 1] */
  readonly map: Linear;
  readonly norm: RmsNorm;
  /** κ ÷ {@link SHARPNESS}. @shape [H] */
  readonly sharpness: Tensor;
  /** U. @shape [1, G D] */
  readonly importance: Linear;
  /** V. @shape [8, G D] */
  readonly value: Linear;
  /** Score of the row that stands beside the events, ÷ κ. @shape [1] */
  readonly prior: Tensor;
  /** @shape [8 + K] */
  readonly priorValue: Tensor;

  constructor(parts: Parts) {
    this.feature = parts.feature;
    this.map = parts.map;
    this.norm = parts.norm;
    this.sharpness = parts.sharpness;
    this.importance = parts.importance;
    this.value = parts.value;
    this.prior = parts.prior;
    this.priorValue = parts.priorValue;
  }

  static init({ feature, eventOnlyWidth, outcomes }: Sizes, initial: Initializer): VectorAttention {
    const inputs = vectorWidth(feature);
    const width = Math.min(MAX_WIDTH, feature.dim);
    return new VectorAttention({
      feature,
      map: new Linear(initial.orthogonal([width, inputs]), null),
      norm: RmsNorm.init(width, initial),
      sharpness: initial.ones([SHARPNESS.length]),
      importance: new Linear(initial.zeros([1, eventOnlyWidth]), null),
      value: Linear.init({ in: eventOnlyWidth, out: VALUE_DIM, bias: false }, initial),
      prior: initial.ones([1]),
      priorValue: initial.zeros([VALUE_DIM + outcomes]),
    });
  }

  /** Of every vector of a spec, in their order; none where nothing came of events. */
  static ofSpec(spec: FeatureSpec, dim: number, initial: Initializer): readonly VectorAttention[] {
    const eventOnlyWidth = Embeddings.numEventOnly(spec) * dim;
    const vectors = eventOnlyWidth === 0 ? [] : contentOf(spec).vectors;
    const outcomes = orderedOutcomes(spec).length;
    return vectors.map((feature) => VectorAttention.init({ feature, eventOnlyWidth, outcomes }, initial));
  }

  /** Columns of the result. */
  get width(): number {
    return SHARPNESS.length * (this.priorValue.shape[0] ?? 0);
  }

  /** @shape → [B, H (8 + K)] */
  apply({ candidate, events, eventOnly, outcomes, bounds }: ContentAndEvents): Tensor {
    const size = bounds.length - 1;
    const heads = SHARPNESS.length;
    const weight = cat([this.importance.weight, this.value.weight], 0);
    const told = mapTables(eventOnly, { weight, bias: null, eps: NORM_EPS });
    // One more coordinate of the keys is what is added to their scores; the row beside the events has nothing else.
    const key = cat([this.keysOf(events), told.slice(1, 0, 1)], 1);
    const { device, dtype } = key;
    const beside = cat([zeros([this.map.out], { device, dtype }), this.prior], 0);
    const query = this.queriesOf(candidate).flatten(0, 1);
    const column = (rows: Tensor): Tensor => rows.unsqueeze(1);
    const seen = attend(
      {
        query: uniformJagged(column(query), size, heads),
        key: before(column(key), bounds, beside),
        value: before(column(cat([told.slice(1, 1), outcomes], 1)), bounds, this.priorValue).values,
      },
      { scale: 1 },
    );
    return dropout(seen.values.reshape([size, this.width]).mul(GAIN), "attention");
  }

  /** `k`. @shape → [rows, D] */
  private keysOf(content: ContentColumns | undefined): Tensor {
    const { name } = this.feature;
    const vectors = content?.vectors[name];
    if (vectors === undefined) throw new Error(`the batch has no feature ${name}`);
    const width = vectorWidth(this.feature);
    return this.norm.apply(this.map.apply(toDevice(vectors, [vectors.length / width, width], this.map.weight)));
  }

  /** `κ_h / D · [k(c) ∥ D]`. @shape → [B, H, D + 1] */
  private queriesOf(candidate: ContentColumns | undefined): Tensor {
    const keys = this.keysOf(candidate);
    const [rows = 0, width = 1] = keys.shape;
    const { device, dtype } = keys;
    const first = fromArray(Float32Array.from(SHARPNESS), [SHARPNESS.length]).to({ device, dtype });
    const rate = this.sharpness.mul(first.div(width)).unsqueeze(1);
    return cat([keys, full([rows, 1], width, { device, dtype })], 1)
      .unsqueeze(1)
      .mul(rate);
  }
}

/** The rows of all examples with one before each. @shape rows [L, 1, W], row [W] → [L + B, 1, W] */
function before(rows: Tensor, bounds: Int32Array, row: Tensor): JaggedTensor {
  const size = bounds.length - 1;
  return JaggedTensor.of(rows, bounds).prepend(row.reshape([1, 1, 1, -1]).expand([size, 1, 1, row.shape[0] ?? 0]));
}
