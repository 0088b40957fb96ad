/**
 * How far the first step of row-wise Adagrad in float32 may be from the exact one, derived and not measured.
 *
 * Of one row of D numbers, with n ids, let g_j = Σ_i s_i x_ij exactly, S_j = Σ_i |s_i x_ij|, r = ‖g‖ / √D, u = 2⁻²⁴ and
 * γ_k = k u / (1 − k u), which bounds the relative error of k roundings (Higham, Accuracy and Stability, lemma 3.1).
 *
 * 1. The sum. A term is rounded when its weight is divided by the bag's length, when it is multiplied, and in at most
 *    n − 1 additions, so the computed ĝ has |ĝ_j − g_j| ≤ e_j = γ_{n+1} S_j, however the terms cancel.
 * 2. The quotient. q(g)_j = g_j / (r + ε), and |q_j| ≤ √D since |g_j| ≤ ‖g‖ = √D r. With |r̂ − r| ≤ ‖e‖ / √D,
 *    |q(ĝ)_j − q(g)_j| ≤ |ĝ_j − g_j| / (r + ε) + |q(ĝ)_j| |r̂ − r| / (r + ε) ≤ (e_j + ‖e‖) / (r + ε).
 *    Where terms cancel, r is small beside S and this is large, as it must be: the step is the gradient divided by its own
 *    size, so that nothing is left to tell which way it goes. It is never more than 2 √D.
 * 3. Its arithmetic. The mean of squares is rounded in a square, ⌈D / 16⌉ + 4 additions and a division, of which the root
 *    halves the error; then the step and its product with ĝ_j: less than γ_{⌈D / 16⌉ + 8} of what is at most √D.
 * 4. The row. w_j − η q_j is rounded once more, to u times its size.
 *
 * So a kernel that adds in float32 is as exact as its inputs let it be: e_j is n roundings of S_j, and the terms, which are
 * float32 themselves, bring one each.
 */
import { fromArray, type Tensor } from "../../torch/index.ts";
import type { FeatureIds, Lookup } from "./tables.ts";

const EPSILON = 1e-8;
const UNIT = 2 ** -24;
const gamma = (roundings: number): number => (roundings * UNIT) / (1 - roundings * UNIT);

/** What the ids of one row add up to, and the sizes of what is added. */
interface RowSums {
  count: number;
  readonly sums: Float64Array;
  readonly sizes: Float64Array;
}

/** Bounds for every element of every table; 0 for rows without ids. @shape [V, D] per table */
export function firstStepBounds(lookup: Lookup, gradients: readonly Tensor[], learningRate: number): Tensor[] {
  return lookup.tables.map((table, t) => {
    const [rows = 0, dim = 0] = table.shape;
    const bounds = new Float64Array(rows * dim);
    const values = table.toNumbers();
    for (const [row, sums] of sumsOfRows(lookup, gradients, t)) {
      for (const [j, bound] of stepBounds(sums, learningRate).entries()) {
        const size = Math.abs(values[row * dim + j] ?? 0) + learningRate * Math.sqrt(dim);
        bounds[row * dim + j] = bound + gamma(2) * size;
      }
    }
    return fromArray(bounds, [rows, dim]);
  });
}

function stepBounds({ count, sums, sizes }: RowSums, learningRate: number): Float64Array {
  const root = Math.sqrt(sums.length);
  const errors = sizes.map((size) => gamma(count + 1) * size);
  const divisor = Math.hypot(...sums) / root + EPSILON;
  const arithmetic = gamma(Math.ceil(sums.length / 16) + 8) * root;
  const all = Math.hypot(...errors);
  return errors.map((error) => learningRate * (Math.min(2 * root, (error + all) / divisor) + arithmetic));
}

function sumsOfRows(lookup: Lookup, gradients: readonly Tensor[], t: number): Map<number, RowSums> {
  const rows = new Map<number, RowSums>();
  for (const [f, feature] of lookup.features.entries()) {
    if (feature.table !== t) continue;
    const [, dim = 0] = gradients[f]?.shape ?? [];
    const terms = gradients[f]?.toNumbers() ?? [];
    for (const { code, bag, scale } of idsOf(feature, lookup.mean ?? false)) {
      const row = rows.get(code) ?? { count: 0, sums: new Float64Array(dim), sizes: new Float64Array(dim) };
      rows.set(code, row);
      row.count += 1;
      for (let j = 0; j < dim; j++) {
        const term = scale * (terms[bag * dim + j] ?? 0);
        row.sums[j] = (row.sums[j] ?? 0) + term;
        row.sizes[j] = (row.sizes[j] ?? 0) + Math.abs(term);
      }
    }
  }
  return rows;
}

function idsOf({ codes, offsets, weights }: FeatureIds, mean: boolean): { code: number; bag: number; scale: number }[] {
  const [ids, scales] = [codes.toNumbers(), weights?.toNumbers()];
  const bounds = offsets?.toNumbers() ?? Array.from({ length: ids.length + 1 }, (_, i) => i);
  return Array.from(bounds.slice(1), (end, bag) => {
    const begin = bounds[bag] ?? 0;
    const own = Array.from(ids.slice(begin, end), (code, i) => ({ code, scale: scales?.[begin + i] ?? 1 }));
    return own.map(({ code, scale }) => ({ code, bag, scale: mean ? scale / (end - begin) : scale }));
  }).flat();
}

/** Distance of neighbouring numbers of a format at a size, from its bits of fraction and its least exponent. */
function spacing(size: number, fraction: number, least: number): number {
  return 2 ** (Math.max(least, Math.floor(Math.log2(size))) - fraction);
}

/** What rounding to a format adds for a number of at most `size`, in a row whose numbers are within `range`. */
const ROUNDING: Readonly<Record<string, (size: number, range: number) => number>> = {
  float32: () => 0,
  bfloat16: (size) => spacing(size, 7, -126),
  float16: (size) => spacing(size, 10, -14),
  // A step of (max − min) / 255, and the arithmetic of codes in float32.
  uint8: (size, range) => 1.001 * (range / 255) + gamma(4) * (size + range),
};

/** The bounds and what stochastic rounding adds, which takes either neighbour; rows without ids stay as they are. */
export function roundedBounds(exact: Tensor, bounds: Tensor, format: string): Float64Array {
  const [values, limits] = [exact.toNumbers(), bounds.toNumbers()];
  const span = (all: Tensor): Tensor => all.amax([1]).sub(all.amin([1]));
  const [rows = 0, dim = 1] = exact.shape;
  const ranges =
    rows * dim === 0
      ? []
      : span(exact)
          .add(bounds.amax([1]).mul(2))
          .toNumbers();
  return Float64Array.from(limits, (bound, at) => {
    const [size, range] = [Math.abs(values[at] ?? 0) + bound, ranges[Math.floor(at / dim)] ?? 0];
    return bound === 0 ? 0 : bound + (ROUNDING[format]?.(size, range) ?? 0);
  });
}
