import { arange, stack, type Tensor } from "../../torch/index.ts";

/** Longest wavelength of the rotations, in positions; histories are short beside text, hence not 10,000. */
export const ROTARY_BASE = 1000;

/**
 * Rotary positions: turns each pair of coordinates `(2i, 2i+1)` of the row at position p by `p · base^(−2i/d)`, so that
 * a product of two rows depends on their distance.
 *
 * @shape x [..., N, d] with d even, positions [..., N] → [..., N, d]
 * @see arXiv 2104.09864 §3.2
 */
export function rotate(x: Tensor, positions: Tensor, base = ROTARY_BASE): Tensor {
  const d = x.shape.at(-1) ?? 0;
  const place = { dtype: x.dtype, device: x.device } as const;
  const frequencies = arange(0, d, 2, place)
    .mul(-Math.log(base) / d)
    .exp(); // [d/2]
  const angles = positions.unsqueeze(-1).mul(frequencies); // [..., N, d/2]
  const pairs = x.reshape([...x.shape.slice(0, -1), d / 2, 2]);
  const [a, b] = [pairs.select(-1, 0), pairs.select(-1, 1)];
  const [cos, sin] = [angles.cos(), angles.sin()];
  return stack([a.mul(cos).sub(b.mul(sin)), a.mul(sin).add(b.mul(cos))], -1).flatten(-2);
}
