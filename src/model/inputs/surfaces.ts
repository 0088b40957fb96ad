/** Parts that every surface has of its own: each example goes through those of its surface. */
import type { Batch, FeatureSpec } from "../../features/spec.ts";
import { type Initializer, inGroups, LayerNorm, Mlp } from "../../nn/index.ts";
import { cat, fromArray, noGrad, type Tensor } from "../../torch/index.ts";

/** A layer that computes every example by itself. @shape x [B, …] → [B, …] */
export interface RowLayer {
  apply(x: Tensor): Tensor;
}

/** Number of surface codes, 0 included; 1 where there is only one surface to be told apart from nothing. */
export function numSurfacesOf(spec: FeatureSpec): number {
  const cardinality = spec.contextual.find(({ name }) => name === "surface")?.cardinality ?? 0;
  return cardinality > 2 ? cardinality : 1;
}

/** The examples of a batch put in the order of their surfaces. */
export class SurfaceRoute {
  /** Examples of each surface code. */
  readonly counts: Int32Array;
  readonly #order: Int32Array;

  private constructor(counts: Int32Array, order: Int32Array) {
    this.counts = counts;
    this.#order = order;
  }

  /** The route of a batch over codes [0, numSurfaces), all examples in one if that is 1; a stable order, O(B). */
  static of(batch: Pick<Batch, "contextual" | "size">, numSurfaces: number): SurfaceRoute {
    const surfaces = numSurfaces > 1 ? batch.contextual["surface"] : undefined;
    const codes = surfaces ?? new Int32Array(batch.size);
    const counts = new Int32Array(numSurfaces);
    for (const code of codes) counts[code]!++;
    const next = new Int32Array(numSurfaces);
    for (let s = 1; s < numSurfaces; s++) next[s] = next[s - 1]! + counts[s - 1]!;
    const order = new Int32Array(batch.size);
    for (const [b, code] of codes.entries()) order[next[code]!++] = b;
    return new SurfaceRoute(counts, order);
  }

  /** Each surface's examples through what is made for it. @shape x [B, …] → [B, …] */
  each(x: Tensor, make: (rows: Tensor, surface: number) => Tensor): Tensor {
    const rows = this.split(x);
    const all = inGroups(this.#examples(), (s) => (this.counts[s] === 0 ? null : make(rows[s] as Tensor, s)));
    const parts = all.filter((part) => part !== null);
    // Of no examples, any surface gives the shape.
    return parts.length === 0 ? make(x, 0) : this.join(parts);
  }

  /** Places of each surface's examples in the batch. */
  #examples(): readonly Int32Array[] {
    let start = 0;
    return Array.from(this.counts, (count) => {
      start += count;
      return this.#order.subarray(start - count, start);
    });
  }

  /** Rows by surface. @shape x [B, …] → one [B_s, …] per surface */
  split(x: Tensor): readonly Tensor[] {
    const sorted = x.indexSelect(0, this.#index(this.#order, x));
    let start = 0;
    return Array.from(this.counts, (count) => {
      start += count;
      return sorted.slice(0, start - count, start);
    });
  }

  /** The inverse of {@link split}. @shape one [B_s, …] per surface that has examples → [B, …] */
  join(parts: readonly Tensor[]): Tensor {
    const places = new Int32Array(this.#order.length);
    for (const [at, b] of this.#order.entries()) places[b] = at;
    const sorted = cat([...parts], 0);
    return sorted.indexSelect(0, this.#index(places, sorted));
  }

  #index(places: Int32Array, like: Tensor): Tensor {
    return fromArray(places, [places.length]).to({ dtype: "int64", device: like.device });
  }
}

/**
 * One copy of a layer per surface: `y_b = layer_{surface(b)}(x_b)`, weights untied where surfaces conflict.
 *
 * @shape as the layer's
 * @see arXiv 2512.09200 (Lattice: untied feed-forward per domain)
 */
export class PerSurface<L extends RowLayer> {
  readonly copies: readonly L[];

  constructor(copies: readonly L[]) {
    this.copies = copies;
  }

  static init<L extends RowLayer>(numSurfaces: number, one: () => L): PerSurface<L> {
    return new PerSurface(Array.from({ length: numSurfaces }, one));
  }

  apply(x: Tensor, route: SurfaceRoute): Tensor {
    return route.each(x, (rows, surface) => this.copies[surface]?.apply(rows) ?? rows);
  }
}

/** Weights near zero, so that a correction begins as none and a surface without examples stays uncorrected. */
export function nearZero(mlp: Mlp): Mlp {
  const last = mlp.layers.at(-1);
  if (last !== undefined) noGrad(() => last.weight.mul_(NEAR_ZERO));
  return mlp;
}

const NEAR_ZERO = 0.01;

/** `x + MLP(LN(x))` over the last axis, its norm its own. @shape x [B, n, D] → [B, n, D] */
export class FeedForward implements RowLayer {
  readonly norm: LayerNorm;
  readonly mlp: Mlp;

  constructor(norm: LayerNorm, mlp: Mlp) {
    this.norm = norm;
    this.mlp = mlp;
  }

  static init(dim: number, initial: Initializer): FeedForward {
    const mlp = Mlp.init({ in: dim, hidden: [2 * dim], out: dim }, initial);
    return new FeedForward(LayerNorm.init(dim, initial), nearZero(mlp));
  }

  apply(x: Tensor): Tensor {
    return x.add(this.mlp.apply(this.norm.apply(x)));
  }
}

/**
 * Domain gate of the features: `X' = 2 σ(MLP([e_surface ∥ mean(X)])) ⊙ X`: which coordinates of each embedding count
 * on this surface; 2 so that a gate of zeros passes all.
 *
 * @shape x [B, n, D], surface [B, D] → [B, n, D]
 * @see arXiv 2302.01115 §3.2 (EPNet); there the input is the concatenation of all embeddings, without gradient
 */
export class SurfaceGate {
  readonly gate: Mlp;

  constructor(gate: Mlp) {
    this.gate = gate;
  }

  static init(dim: number, initial: Initializer): SurfaceGate {
    return new SurfaceGate(Mlp.init({ in: 2 * dim, hidden: [dim], out: dim }, initial));
  }

  apply(x: Tensor, surface: Tensor): Tensor {
    const gate = this.gate.apply(cat([surface, x.mean([1])], 1)); // [B, D]
    return x.mul(gate.sigmoid().mul(2).unsqueeze(1));
  }
}
