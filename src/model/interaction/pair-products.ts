import { fromArray, type Tensor } from "../../torch/index.ts";

/** Number of pairs of n tokens. */
export function numPairs(tokens: number): number {
  return (tokens * (tokens - 1)) / 2;
}

/**
 * The product of every pair of tokens, `p_ij = x_i · x_j` for i < j, in the order of i and then j: what each two features
 * say together has an input of its own, whatever else is said beside it.
 *
 * @shape x [B, n, D] → [B, n (n − 1) / 2]
 * @see arXiv 1906.00091 §2.1.3 (DLRM's interaction)
 */
export function pairProducts(x: Tensor): Tensor {
  const [, tokens = 0] = x.shape;
  const positions = new BigInt64Array(numPairs(tokens));
  let next = 0;
  for (let i = 0; i < tokens; i++) {
    for (let j = i + 1; j < tokens; j++) positions[next++] = BigInt(i * tokens + j);
  }
  const above = fromArray(positions, [positions.length]).to({ device: x.device });
  return x.matmul(x.transpose(1, 2)).flatten(1).indexSelect(1, above);
}
