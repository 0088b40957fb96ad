import type { ModelConfig } from "../config/model/model.ts";

/** The sizes of a foundation model or of the previous generation, all derived from one dial. */
export interface Sizes {
  /** Embedding dimension D. */
  readonly dim: number;
  readonly layers: number;
  readonly numHeads: number;
  /** Widths of the hidden layers of every MLP. */
  readonly hidden: readonly number[];
  /** Tokens made by each factorization-machine block, and by each linear compression block. */
  readonly tokens: number;
  /** Columns of the compressed factor Y of the optimized factorization machine. */
  readonly compressedDim: number;
}

/**
 * Width and depth grow together, as the scaling studies of Wukong (arXiv 2403.02545 §4.5: layers first, then tokens,
 * k and MLP) and of LLaTTE (arXiv 2601.20083: width before depth) found best.
 */
const DIAL: Readonly<Record<ModelConfig["size"], { dim: number; layers: number; tokens: number }>> = {
  tiny: { dim: 8, layers: 1, tokens: 4 },
  small: { dim: 16, layers: 2, tokens: 8 },
  medium: { dim: 32, layers: 3, tokens: 16 },
  large: { dim: 64, layers: 4, tokens: 32 },
  xlarge: { dim: 128, layers: 5, tokens: 64 },
};

/** Columns of an attention head, where the width is a multiple of it. */
const HEAD_DIM = 16;

/** Derives every size that the configuration leaves open. */
export function sizesOf(config: Pick<ModelConfig, "size" | "dim" | "layers">): Sizes {
  const dial = DIAL[config.size];
  const dim = config.dim ?? dial.dim;
  return {
    dim,
    layers: config.layers ?? dial.layers,
    numHeads: dim % HEAD_DIM === 0 ? dim / HEAD_DIM : 1,
    hidden: [4 * dim],
    tokens: dial.tokens,
    compressedDim: dial.tokens,
  };
}
