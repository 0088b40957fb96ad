import { type Initializer, LayerNorm, Linear, Mlp } from "../../nn/index.ts";
import { tokenMap, tokenProducts } from "../../ops/fused/generated.ts";
import { cat, scoped, type Tensor } from "../../torch/index.ts";

/** Sizes of a Wukong layer. */
export interface WukongConfig {
  readonly dim: number;
  /** Tokens that come in, n. */
  readonly tokensIn: number;
  /** Tokens made by the factorization-machine block, n_F. */
  readonly interacted: number;
  /** Tokens made by the linear compression block, n_L. */
  readonly compressed: number;
  /** Columns of the factor Y, k. */
  readonly compressedDim: number;
  /** Hidden layers of the factor's MLP, and at least of the products'. */
  readonly hidden: readonly number[];
}

/** Fewest tokens that the factor Y is made from. */
const FACTOR_TOKENS = 2;

/** Mixes tokens: `Y = W X` along the token axis. @shape x [B, n, D] → [B, m, D] */
export class LinearCompressionBlock {
  readonly map: Linear;

  constructor(map: Linear) {
    this.map = map;
  }

  static init(tokensIn: number, tokensOut: number, initial: Initializer): LinearCompressionBlock {
    return new LinearCompressionBlock(Linear.init({ in: tokensIn, out: tokensOut, bias: false }, initial));
  }

  /** Tokens that it makes. */
  get tokens(): number {
    return this.map.out;
  }

  apply(x: Tensor): Tensor {
    const { half, float8 } = this.map.precision;
    if (half || float8) return this.map.apply(x.transpose(1, 2)).transpose(1, 2);
    return tokenMap(x, this.map.weight);
  }
}

/**
 * Factorization-machine block with attentive compressed projection: all pairwise products of tokens, compressed to k
 * columns by a factor that depends on the input, then an MLP over the flattened result:
 * `Y = reshape_{n×k}(MLP(compress(X)))`, `FMB(X) = reshape_{n_F×D}(MLP(LN(flatten(X (Xᵀ Y)))))`.
 *
 * @shape x [B, n, D] → [B, n_F, D]
 * @see arXiv 2403.02545 §3.4–3.5
 */
export class FactorizationMachineBlock {
  readonly compress: LinearCompressionBlock;
  readonly factor: Mlp;
  readonly norm: LayerNorm;
  readonly mix: Mlp;

  constructor(parts: { compress: LinearCompressionBlock; factor: Mlp; norm: LayerNorm; mix: Mlp }) {
    this.compress = parts.compress;
    this.factor = parts.factor;
    this.norm = parts.norm;
    this.mix = parts.mix;
  }

  /**
   * The MLP over the products is as wide as what it makes: what the tokens say of each other passes no bottleneck. The
   * factor's own tokens grow with those that are made.
   */
  static init(config: WukongConfig, initial: Initializer): FactorizationMachineBlock {
    const { dim, tokensIn, interacted, compressedDim, hidden } = config;
    const products = tokensIn * compressedDim;
    const out = interacted * dim;
    const factorTokens = Math.max(FACTOR_TOKENS, Math.ceil(interacted / 4));
    return new FactorizationMachineBlock({
      compress: LinearCompressionBlock.init(tokensIn, factorTokens, initial),
      factor: Mlp.init({ in: factorTokens * dim, hidden, out: products }, initial),
      norm: LayerNorm.init(products, initial),
      mix: Mlp.init({ in: products, hidden: hidden.map((width) => Math.max(width, out)), out }, initial),
    });
  }

  apply(x: Tensor): Tensor {
    return scoped(() => this.interactions(x));
  }

  private interactions(x: Tensor): Tensor {
    const [size = 0, tokensIn = 0, dim = 0] = x.shape;
    const factor = this.factor.apply(this.compress.apply(x).flatten(1)); // [B, n·k]
    const columns = (factor.shape[1] ?? 0) / tokensIn;
    const products = tokenProducts(x, factor.reshape([size, tokensIn, columns])).flatten(1);
    const mixed = this.mix.apply(this.norm.apply(products)); // [B, n_F·D]
    return mixed.reshape([size, (mixed.shape[1] ?? 0) / dim, dim]);
  }
}

/**
 * Wukong layer: `X' = LN([FMB(X) ∥ LCB(X)] + residual(X))`, the residual a linear compression where the number of
 * tokens changes. Layer i sees interactions up to order 2^i.
 *
 * @shape x [B, n, D] → [B, n_F + n_L, D]
 * @see arXiv 2403.02545 §3.3
 */
export class WukongLayer {
  readonly interact: FactorizationMachineBlock;
  readonly compress: LinearCompressionBlock;
  readonly residual: LinearCompressionBlock | null;
  readonly norm: LayerNorm;

  constructor(parts: {
    interact: FactorizationMachineBlock;
    compress: LinearCompressionBlock;
    residual: LinearCompressionBlock | null;
    norm: LayerNorm;
  }) {
    this.interact = parts.interact;
    this.compress = parts.compress;
    this.residual = parts.residual;
    this.norm = parts.norm;
  }

  static init(config: WukongConfig, initial: Initializer): WukongLayer {
    const { dim, tokensIn, interacted, compressed } = config;
    const tokensOut = interacted + compressed;
    return new WukongLayer({
      interact: FactorizationMachineBlock.init(config, initial),
      compress: LinearCompressionBlock.init(tokensIn, compressed, initial),
      residual: tokensIn === tokensOut ? null : LinearCompressionBlock.init(tokensIn, tokensOut, initial),
      norm: LayerNorm.init(dim, initial),
    });
  }

  /** Tokens that it makes, n_F + n_L; without a residual map as many as come in. */
  get tokens(): number {
    return this.residual?.tokens ?? this.compress.map.in;
  }

  apply(x: Tensor): Tensor {
    return scoped(() => {
      const blocks = cat([this.interact.apply(x), this.compress.apply(x)], 1);
      return this.norm.applySum(blocks, this.residual === null ? x : this.residual.apply(x))[0];
    });
  }
}
