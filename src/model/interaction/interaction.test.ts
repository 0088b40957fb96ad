import { beforeAll, describe, expect, test } from "vitest";
import { LayerNorm, Linear, Mlp } from "../../nn/index.ts";
import { checkLayerGrads, dot, initial64, naiveLinear, perturb } from "../../nn/testing.ts";
import { random64, rowsOf } from "../../ops/jagged/testing.ts";
import { cat, fromArray, noGrad, setThreads, type Tensor, zeros } from "../../torch/index.ts";
import { toBeClose } from "../../torch/testing.ts";
import { Gating } from "./gating.ts";
import { FactorizationMachineBlock, LinearCompressionBlock, type WukongConfig, WukongLayer } from "./wukong.ts";

const CONFIG: WukongConfig = { dim: 4, tokensIn: 5, interacted: 2, compressed: 3, compressedDim: 3, hidden: [6] };
const SIZE = 3;
const x = random64([SIZE, CONFIG.tokensIn, CONFIG.dim]);

/** Tokens of every example as plain rows. @shape [B, n, D] */
function tokensOf(tokens: Tensor): number[][][] {
  const [size = 0] = tokens.shape;
  return Array.from({ length: size }, (_, b) => rowsOf(tokens.select(0, b)));
}

function identity(n: number): Tensor {
  return fromArray(
    Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)),
    [n, n],
  );
}

/** `(v − mean) / √(variance + 1e-5)`. */
function normalize(v: readonly number[]): number[] {
  const mean = v.reduce((sum, value) => sum + value, 0) / v.length;
  const variance = v.reduce((sum, value) => sum + (value - mean) ** 2, 0) / v.length;
  return v.map((value) => (value - mean) / Math.sqrt(variance + 1e-5));
}

/** A block that lays bare its products: Y is the identity, the last MLP too, so that it gives `LN(flatten(X Xᵀ))`. */
function plainProducts(n: number): FactorizationMachineBlock {
  const constant = new Linear(zeros([n * n, 2 * n], { dtype: "float64" }), identity(n).flatten());
  return new FactorizationMachineBlock({
    compress: LinearCompressionBlock.init(n, 2, initial64()),
    factor: new Mlp([constant]),
    norm: LayerNorm.init(n * n, initial64()),
    mix: new Mlp([new Linear(identity(n * n), null)]),
  });
}

beforeAll(() => setThreads(1));

describe("LinearCompressionBlock", () => {
  const block = LinearCompressionBlock.init(CONFIG.tokensIn, 2, initial64());

  test("is W X in a loop, for each example", () => {
    const weight = rowsOf(block.map.weight);
    const expected = tokensOf(x).flatMap((tokens) =>
      weight.flatMap((row) =>
        Array.from({ length: CONFIG.dim }, (_, d) =>
          dot(
            row,
            tokens.map((token) => token[d] ?? NaN),
          ),
        ),
      ),
    );
    expect(block.apply(x).shape).toEqual([SIZE, 2, CONFIG.dim]);
    toBeClose(block.apply(x), expected);
  });
  test("is linear: it keeps the order of interaction", () => {
    toBeClose(block.apply(x.mul(-3)), block.apply(x).mul(-3));
  });
  test("gradients", () => checkLayerGrads(block, (b, input) => b.apply(input as Tensor), { inputs: [x] }));
});

describe("FactorizationMachineBlock", () => {
  const block = perturb(FactorizationMachineBlock.init(CONFIG, initial64()));

  test("with Y the identity is the plain factorization machine, all products X Xᵀ", () => {
    const square = random64([SIZE, 4, 4]);
    const expected = tokensOf(square).flatMap((tokens) =>
      normalize(tokens.flatMap((a) => tokens.map((b) => dot(a, b)))),
    );
    toBeClose(plainProducts(4).apply(square), expected, { rtol: 1e-10, atol: 1e-10 });
  });

  test("those products do not depend on the order of tokens, nor on a rotation of the space", () => {
    const square = random64([SIZE, 4, 4]);
    const sorted = (tokens: Tensor): number[] =>
      rowsOf(plainProducts(4).apply(tokens).flatten(1)).flatMap((row) => row.toSorted((a, b) => a - b));
    const order = fromArray(Int32Array.of(2, 0, 3, 1), [4]);
    toBeClose(fromArray(Float64Array.from(sorted(square.indexSelect(1, order))), [48]), sorted(square), {
      atol: 1e-10,
    });
    const [c, s] = [Math.cos(1), Math.sin(1)];
    const turn = fromArray(Float64Array.of(c, -s, 0, 0, s, c, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1), [4, 4]);
    toBeClose(plainProducts(4).apply(square.matmul(turn)), plainProducts(4).apply(square), {
      rtol: 1e-10,
      atol: 1e-10,
    });
  });

  test("is the formula in loops: attentive Y, X (Xᵀ Y), LN, MLP", () => {
    const mlp = (row: readonly number[], { layers }: Mlp): number[] =>
      layers.reduce<number[]>(
        (h, layer, i) => naiveLinear(i === 0 ? h : h.map((v) => Math.max(0, v)), layer),
        [...row],
      );
    const compressed = tokensOf(block.compress.apply(x));
    const expected = tokensOf(x).flatMap((tokens, b) => {
      const y = mlp(compressed[b]?.flat() ?? [], block.factor);
      const k = CONFIG.compressedDim;
      const products = tokens.flatMap((row) =>
        Array.from({ length: k }, (_, j) =>
          dot(
            tokens.map((other) => dot(row, other)),
            tokens.map((_, i) => y[i * k + j] ?? NaN),
          ),
        ),
      );
      const [scale, shift] = [block.norm.scale.toNumbers(), block.norm.shift.toNumbers()];
      const normed = normalize(products).map((value, i) => value * (scale[i] ?? NaN) + (shift[i] ?? NaN));
      return mlp(normed, block.mix);
    });
    toBeClose(block.apply(x), expected, { rtol: 1e-9, atol: 1e-9 });
  });

  test("gradients", () => checkLayerGrads(block, (b, input) => b.apply(input as Tensor), { inputs: [x] }));

  test("stays finite at ±1e4 and on zeros", () => {
    for (const scale of [0, 1e4]) expect(block.apply(x.mul(scale)).isfinite().all().item()).toBe(1);
  });
});

describe("WukongLayer", () => {
  test("is LN([FMB ∥ LCB] + residual), compressed where the number of tokens changes", () => {
    const same: WukongConfig = { ...CONFIG, interacted: 2, compressed: 3 };
    const fewer: WukongConfig = { ...CONFIG, interacted: 1, compressed: 2 };
    for (const config of [same, fewer]) {
      const layer = perturb(WukongLayer.init(config, initial64()));
      const tokensOut = config.interacted + config.compressed;
      expect(layer.residual === null).toBe(tokensOut === config.tokensIn);
      const residual = layer.residual === null ? x : layer.residual.apply(x);
      const sum = cat([layer.interact.apply(x), layer.compress.apply(x)], 1).add(residual);
      expect(layer.apply(x).shape).toEqual([SIZE, tokensOut, CONFIG.dim]);
      toBeClose(layer.apply(x), layer.norm.apply(sum));
      checkLayerGrads(layer, (l, input) => l.apply(input as Tensor), { inputs: [x] });
    }
  });

  test("an example alone gives what it gives in a batch", () => {
    const layer = WukongLayer.init(CONFIG, initial64());
    const alone = layer.apply(x.slice(0, 1, 2));
    toBeClose(alone, layer.apply(x).slice(0, 1, 2), { rtol: 1e-10, atol: 1e-10 });
  });
});

describe("Gating", () => {
  const gating = perturb(Gating.init(CONFIG.dim, initial64()));

  test("is σ(MLP(x)) ⊙ x", () => {
    const gates = gating.gate.apply(x).toNumbers();
    const inputs = x.toNumbers();
    toBeClose(
      gating.apply(x),
      inputs.map((value, i) => value / (1 + Math.exp(-(gates[i] ?? NaN)))),
    );
  });
  test("of zero is zero; open it passes everything, closed nothing", () => {
    expect(gating.apply(x.mul(0)).abs().amax().item()).toBe(0);
    const bias = perturb(Gating.init(CONFIG.dim, initial64()));
    const last = bias.gate.layers.at(-1)?.bias as Tensor;
    noGrad(() => last.fill_(1e4));
    toBeClose(bias.apply(x), x);
    noGrad(() => last.fill_(-1e4));
    expect(bias.apply(x).abs().amax().item()).toBe(0);
  });
  test("gradients", () => checkLayerGrads(gating, (g, input) => g.apply(input as Tensor), { inputs: [x] }));
});
