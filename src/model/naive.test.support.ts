/** Layers once more, in loops over plain float64 numbers: what their tests compare with. One example at a time. */

import type { LayerNorm, Linear, Mlp, MultiHeadAttention, RmsNorm } from "../nn/index.ts";
import { dot, naiveLinear, naiveSoftmax } from "../nn/testing.ts";
import { rowsOf } from "../ops/jagged/testing.ts";
import type { Tensor } from "../torch/index.ts";
import type { Gating } from "./interaction/gating.ts";
import type { LinearCompressionBlock, WukongLayer } from "./interaction/wukong.ts";
import { HstuAttention } from "./sequence/hstu.ts";
import type { PersonalizedFeedForward, SequenceBlock } from "./sequence/sequence-block.ts";

/** A vector. */
export type Row = readonly number[];
/** Tokens or events, one below the other. */
export type Rows = readonly Row[];

/** Rows of every example. @shape [B, n, D] */
export function examplesOf(x: Tensor): number[][][] {
  const [size = 0] = x.shape;
  return Array.from({ length: size }, (_, b) => rowsOf(x.select(0, b)));
}

/** The element, NaN where there is none: a comparison then fails. */
export const at = (row: Row | undefined, i: number): number => row?.[i] ?? Number.NaN;

/** `Σ_k rows_k`, element by element. */
export function plus(...rows: Rows): number[] {
  return (rows[0] ?? []).map((_, j) => rows.reduce((sum, row) => sum + at(row, j), 0));
}

/** `Σ_k weight_k row_k`; of `width` zeros where there are none. */
export function weighted(weights: Row, rows: Rows, width: number): number[] {
  return Array.from({ length: width }, (_, j) => rows.reduce((sum, row, k) => sum + at(weights, k) * at(row, j), 0));
}

/** The mean of rows. */
export const meanOf = (rows: Rows): number[] =>
  weighted(new Array<number>(rows.length).fill(1 / rows.length), rows, rows[0]?.length ?? 0);

/** `1 / (1 + e^−x)`. */
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
/** `x σ(x)`. */
export const silu = (x: number): number => x * sigmoid(x);

/** Linear layers with ReLU between them. */
export function naiveMlp(row: Row, { layers }: Mlp): number[] {
  return layers.reduce<number[]>((h, map, i) => naiveLinear(i === 0 ? h : h.map((v) => Math.max(0, v)), map), [...row]);
}

/** `γ (x − mean) / √(variance + ε) + β`. */
export function naiveNorm(x: Row, { scale, shift }: LayerNorm, eps = 1e-5): number[] {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
  const [factors, terms] = [scale.detach().toNumbers(), shift.detach().toNumbers()];
  return x.map((value, j) => ((value - mean) / Math.sqrt(variance + eps)) * at(factors, j) + at(terms, j));
}

/** `γ x / √(mean(x²) + 1e-5)`. */
export function naiveRms(x: Row, { scale }: RmsNorm): number[] {
  const factors = scale.detach().toNumbers();
  return x.map((value, j) => (value / Math.sqrt(dot(x, x) / x.length + 1e-5)) * at(factors, j));
}

/** `W X` along the tokens. */
export function naiveCompress(tokens: Rows, { map }: LinearCompressionBlock): number[][] {
  return rowsOf(map.weight).map((weights) => weighted(weights, tokens, tokens[0]?.length ?? 0));
}

/** `σ(MLP(x)) ⊙ x`, or `σ(x ⊙ MLP(x))`; without a gate x. */
export function naiveGate(x: Row, gating: Gating | null): number[] {
  if (gating === null) return [...x];
  const gate = naiveMlp(x, gating.gate);
  if (gating.kind === "squashed") return x.map((value, j) => sigmoid(value * at(gate, j)));
  return x.map((value, j) => value * sigmoid(at(gate, j)));
}

/** A row's columns of one head. */
export function headOf(row: Row, head: number, numHeads: number): number[] {
  const width = row.length / numHeads;
  return row.slice(head * width, (head + 1) * width);
}

/** What a query sees of some keys: `Σ_j softmax(q·k_j / √d) v_j`, head by head; zeros without keys. */
export function naiveSoftmaxAttention(
  query: Row,
  { keys, values, numHeads }: { readonly keys: Rows; readonly values: Rows; readonly numHeads: number },
): number[] {
  const width = query.length / numHeads;
  return Array.from({ length: numHeads }, (_, head) => {
    const q = headOf(query, head, numHeads);
    const scores = keys.map((key) => dot(q, headOf(key, head, numHeads)) / Math.sqrt(width));
    const headValues = values.map((value) => headOf(value, head, numHeads));
    return weighted(keys.length === 0 ? [] : naiveSoftmax(scores), headValues, width);
  }).flat();
}

/** Turns each pair of coordinates of a head by `position · 1000^(−2i/d)`. */
export function naiveRotate(head: Row, position: number): number[] {
  return head.flatMap((_, j) => {
    if (j % 2 === 1) return [];
    const angle = position * 1000 ** (-j / head.length);
    const [a, b] = [at(head, j), at(head, j + 1)];
    return [a * Math.cos(angle) - b * Math.sin(angle), a * Math.sin(angle) + b * Math.cos(angle)];
  });
}

/** Applies maps to rows. */
export const mapRows = (rows: Rows, map: Linear): number[][] => rows.map((row) => naiveLinear(row, map));

/** Wukong's layer of one example: products with an attentive factor, MLP, compression, residual, norm. */
export function naiveWukong(tokens: Rows, { interact, compress, residual, norm }: WukongLayer): number[][] {
  const dim = tokens[0]?.length ?? 0;
  const y = naiveMlp(naiveCompress(tokens, interact.compress).flat(), interact.factor); // n·k
  const columns = y.length / tokens.length;
  const products = tokens.flatMap((token) =>
    Array.from({ length: columns }, (_, j) =>
      tokens.reduce((sum, other, i) => sum + dot(token, other) * at(y, i * columns + j), 0),
    ),
  );
  const mixed = naiveMlp(naiveNorm(products, interact.norm), interact.mix);
  const actual = Array.from({ length: mixed.length / dim }, (_, i) => mixed.slice(i * dim, (i + 1) * dim));
  const kept = residual === null ? tokens : naiveCompress(tokens, residual);
  return [...actual, ...naiveCompress(tokens, compress)].map((row, i) => naiveNorm(plus(row, kept[i] ?? []), norm));
}

/** Whether a row of a segment sees another. */
export type Sees = (row: number, key: number) => boolean;

/** Attention of a segment to itself with rotary positions, head by head, with the norm of queries and keys if there is one. */
export function naiveSelfAttention(rows: Rows, layer: MultiHeadAttention, sees: Sees = () => true): number[][] {
  const { numHeads, norm } = layer;
  const turned = (map: Linear, scale: RmsNorm | undefined): number[][][] =>
    rows.map((row, position) =>
      Array.from({ length: numHeads }, (_, head) => {
        const part = headOf(naiveLinear(row, map), head, numHeads);
        return naiveRotate(scale === undefined ? part : naiveRms(part, scale), position);
      }),
    );
  const [queries, keys] = [turned(layer.query, norm?.query), turned(layer.key, norm?.key)];
  const values = mapRows(rows, layer.value);
  return rows.map((_, i) => {
    const visible = rows.flatMap((_, j) => (sees(i, j) ? [j] : []));
    const mixed = Array.from({ length: numHeads }, (_, head) => {
      const query = queries[i]?.[head] ?? [];
      const scores = visible.map((j) => dot(query, keys[j]?.[head] ?? []) / Math.sqrt(query.length));
      const visibleValues = visible.map((j) => headOf(values[j] ?? [], head, numHeads));
      return weighted(naiveSoftmax(scores), visibleValues, query.length);
    });
    return naiveLinear(mixed.flat(), layer.output);
  });
}

/**
 * HSTU's attention of a segment: SiLU of the scores with their biases, over `maxLength`, then norm and gate. CLS rows
 * see all rows, those behind each other.
 */
export function naiveHstu(rows: Rows, layer: HstuAttention): number[][] {
  const { numHeads, maxLength, clsTokens } = layer;
  const dim = rows[0]?.length ?? 0;
  const parts = rows.map((row) => naiveLinear(row, layer.inputs).map(silu)); // [U ∥ V ∥ Q ∥ K]
  const part = (row: number, which: number, head: number): number[] =>
    headOf((parts[row] ?? []).slice(which * dim, (which + 1) * dim), head, numHeads);
  const bias = rowsOf(layer.positionBias);
  const reach = ((bias[0]?.length ?? 1) - 1) / 2;
  return rows.map((_, i) => {
    const mixed = Array.from({ length: numHeads }, (_, head) => {
      const keys = rows.flatMap((_, j) => (i < clsTokens || (j >= clsTokens && j <= i) ? [j] : []));
      const weights = keys.map((j) => {
        const score = dot(part(i, 2, head), part(j, 3, head)) / Math.sqrt(dim / numHeads);
        return silu(score + at(bias[head], Math.max(-reach, Math.min(i - j, reach)) + reach)) / maxLength;
      });
      return weighted(
        weights,
        keys.map((j) => part(j, 1, head)),
        dim / numHeads,
      );
    });
    const gates = (parts[i] ?? []).slice(0, dim);
    const gated = naiveNorm(mixed.flat(), layer.norm).map((value, j) => value * at(gates, j));
    return naiveLinear(gated, layer.output);
  });
}

/** `act(q kᵀ / √d) v` of an event and its example's summary, head by head, SiLU as act. */
export function naivePersonalized(row: Row, summary: Rows, layer: PersonalizedFeedForward): number[] {
  const { norm, numHeads } = layer;
  const [queries, keys] = [naiveLinear(row, layer.query), mapRows(summary, layer.key)];
  const values = mapRows(summary, layer.value);
  return Array.from({ length: numHeads }, (_, head) => {
    const [raw, rawKeys] = [headOf(queries, head, numHeads), keys.map((key) => headOf(key, head, numHeads))];
    const query = norm === null ? raw : naiveRms(raw, norm.query);
    const weights = rawKeys.map((key) =>
      silu(dot(query, norm === null ? key : naiveRms(key, norm.key)) / Math.sqrt(query.length)),
    );
    return weighted(
      weights,
      values.map((value) => headOf(value, head, numHeads)),
      query.length,
    );
  }).flat();
}

/** A sequence block of one segment: two residual steps, each normalized before. */
export function naiveSequenceBlock(
  rows: Rows,
  block: SequenceBlock,
  { summary, sees }: { readonly summary: Rows | null; readonly sees?: Sees | undefined },
): number[][] {
  const { feedForward, feedForwardNorm, attention, attentionNorm } = block;
  const middle = rows.map((row) => {
    if (feedForward === null || feedForwardNorm === null || summary === null) return [...row];
    return plus(row, naivePersonalized(naiveNorm(row, feedForwardNorm), summary, feedForward));
  });
  const normed = middle.map((row) => naiveNorm(row, attentionNorm));
  const mixed =
    attention instanceof HstuAttention ? naiveHstu(normed, attention) : naiveSelfAttention(normed, attention, sees);
  return middle.map((row, i) => plus(row, mixed[i] ?? []));
}
