import { beforeAll, describe, expect, test } from "vitest";
import { random64, rowsOf } from "../ops/jagged/testing.ts";
import { fromArray, setThreads, type Tensor } from "../torch/index.ts";
import { toBeClose } from "../torch/testing.ts";
import { EmbeddingTable } from "./embedding-table.ts";
import { Linear } from "./linear.ts";
import { Mlp } from "./mlp.ts";
import { LayerNorm, RmsNorm } from "./norms.ts";
import { checkLayerGrads, dot, initial64, naiveLinear, perturb } from "./testing.ts";

const EPS = 1e-5;
const relu = (x: number[]): number[] => x.map((value) => Math.max(0, value));
const mean = (x: readonly number[]): number => x.reduce((sum, value) => sum + value, 0) / x.length;

/** A row alone gives what it gives in a batch, up to the order of additions in a matrix product. */
function expectRowsIndependent(apply: (x: Tensor) => Tensor, x: Tensor): void {
  const whole = apply(x);
  for (let i = 0; i < (x.shape[0] ?? 0); i++) toBeClose(apply(x.slice(0, i, i + 1)), whole.slice(0, i, i + 1));
}

beforeAll(() => setThreads(1));

describe("Linear", () => {
  const layer = perturb(Linear.init({ in: 3, out: 4 }, initial64()));
  const x = random64([5, 3]);

  test("is x Wᵀ + b", () => {
    toBeClose(
      layer.apply(x),
      rowsOf(x).flatMap((row) => naiveLinear(row, layer)),
    );
  });
  test("works over the last axis of any shape, and on no rows", () => {
    toBeClose(layer.apply(random64([2, 3, 3])).reshape([6, 4]), layer.apply(random64([2, 3, 3]).reshape([6, 3])));
    expect(layer.apply(random64([0, 3])).shape).toEqual([0, 4]);
  });
  test("without bias maps zero to zero", () => {
    const plain = Linear.init({ in: 3, out: 4, bias: false }, initial64());
    expect(plain.bias).toBeNull();
    expect(plain.apply(random64([1, 3]).mul(0)).toNumbers()).toEqual([0, 0, 0, 0]);
  });
  test("starts with unit variance out of unit variance, and bias zero", () => {
    const wide = Linear.init({ in: 400, out: 300 }, initial64());
    const bound = Math.sqrt(3 / 400);
    expect(wide.weight.abs().amax().item()).toBeLessThanOrEqual(bound);
    expect(wide.weight.abs().amax().item()).toBeGreaterThan(0.99 * bound);
    toBeClose(
      wide
        .apply(random64([100, 400], 3))
        .square()
        .mean(),
      [1],
      { rtol: 0.05 },
    );
    expect(wide.bias?.toNumbers().every((value) => value === 0)).toBe(true);
  });
  test("of no inputs gives its bias", () => {
    const none = perturb(Linear.init({ in: 0, out: 2 }, initial64()));
    toBeClose(none.apply(random64([3, 0])).select(0, 2), none.bias?.toNumbers() ?? []);
  });
  test("refuses another width", () => {
    expect(() => layer.apply(random64([5, 4]))).toThrow(expect.objectContaining({ code: "TORCH_OPERATOR" }));
  });
  test("gradients", () => checkLayerGrads(layer, (l, input) => l.apply(input as Tensor), { inputs: [x] }));
  test("rows are independent", () => expectRowsIndependent((rows) => layer.apply(rows), x));
});

describe("Mlp", () => {
  const mlp = perturb(Mlp.init({ in: 3, hidden: [5, 4], out: 2 }, initial64()));
  const x = random64([6, 3]);

  test("is linear maps with ReLU between, none after the last", () => {
    const [first, second, third] = mlp.layers as [Linear, Linear, Linear];
    const expected = rowsOf(x).flatMap((row) =>
      naiveLinear(relu(naiveLinear(relu(naiveLinear(row, first)), second)), third),
    );
    toBeClose(mlp.apply(x), expected);
    expect(Math.min(...expected)).toBeLessThan(0);
  });
  test("without hidden layers is one linear map", () => {
    const flat = Mlp.init({ in: 3, hidden: [], out: 2 }, initial64());
    expect(flat.layers).toHaveLength(1);
    toBeClose(flat.apply(x), flat.layers[0]?.apply(x) ?? x);
  });
  test("gradients", () => checkLayerGrads(mlp, (m, input) => m.apply(input as Tensor), { inputs: [x] }));
  test("rows are independent", () => expectRowsIndependent((rows) => mlp.apply(rows), x));
});

describe("LayerNorm", () => {
  const norm = perturb(LayerNorm.init(4, initial64()));
  const x = random64([5, 4]);
  const naive = (row: readonly number[]): number[] => {
    const [scale, shift] = [norm.scale.toNumbers(), norm.shift.toNumbers()];
    const centre = mean(row);
    const deviation = Math.sqrt(mean(row.map((value) => (value - centre) ** 2)) + EPS);
    return row.map((value, i) => ((scale[i] ?? 0) * (value - centre)) / deviation + (shift[i] ?? 0));
  };

  test("is the formula", () => toBeClose(norm.apply(x), rowsOf(x).flatMap(naive)));
  test("of a constant row is its shift, at any size", () => {
    for (const value of [0, 1, -89, 1e4]) {
      toBeClose(norm.apply(x.mul(0).add(value)).select(0, 0), norm.shift.toNumbers(), { rtol: 1e-9 });
    }
  });
  test("forgets the scale of large rows", () => {
    toBeClose(norm.apply(x.mul(1e8)), norm.apply(x.mul(1e4)), { rtol: 1e-6 });
  });
  test("gradients", () => checkLayerGrads(norm, (n, input) => n.apply(input as Tensor), { inputs: [x] }));
  test("rows are independent", () => expectRowsIndependent((rows) => norm.apply(rows), x));
});

describe("RmsNorm", () => {
  const norm = perturb(RmsNorm.init(4, initial64()));
  const x = random64([5, 4]);
  const naive = (row: readonly number[]): number[] => {
    const size = Math.sqrt(mean(row.map((value) => value ** 2)) + EPS);
    return row.map((value, i) => ((norm.scale.toNumbers()[i] ?? 0) * value) / size);
  };

  test("is the formula", () => toBeClose(norm.apply(x), rowsOf(x).flatMap(naive)));
  test("of zero is zero", () => expect(norm.apply(x.mul(0)).abs().amax().item()).toBe(0));
  test("gradients", () => checkLayerGrads(norm, (n, input) => n.apply(input as Tensor), { inputs: [x] }));
  test("rows are independent", () => expectRowsIndependent((rows) => norm.apply(rows), x));
});

describe("EmbeddingTable", () => {
  const table = EmbeddingTable.init({ rows: 6, dim: 3 }, initial64());
  const codes = fromArray(Int32Array.of(5, 0, 5, 2), [2, 2]);

  test("looks rows up", () => {
    const rows = rowsOf(table.weight);
    expect(table.lookup(codes).shape).toEqual([2, 2, 3]);
    toBeClose(
      table.lookup(codes),
      [5, 0, 5, 2].flatMap((code) => rows[code] ?? []),
      { rtol: 0, atol: 0 },
    );
    expect(table.lookup(fromArray(new Int32Array(0), [0])).shape).toEqual([0, 3]);
  });
  test("refuses codes outside", () => {
    for (const code of [-1, 6]) {
      expect(() => table.lookup(fromArray(Int32Array.of(code), [1]))).toThrow(
        expect.objectContaining({ code: "TORCH_OPERATOR" }),
      );
    }
  });
  test("starts with small values, whatever the width", () => {
    for (const dim of [4, 16, 64]) {
      const large = EmbeddingTable.init({ rows: 2000, dim }, initial64());
      const squares = rowsOf(large.weight).map((row) => dot(row, row) / dim);
      expect(Math.sqrt(mean(squares)) / 0.02).toBeCloseTo(1, 1);
    }
  });
  test("gradients, repeated codes add", () => checkLayerGrads(table, (t) => t.lookup(codes)));
});

describe("Initializer", () => {
  test("draws leaves of its place that need gradients, the same from the same seed", () => {
    const [a, b, c] = [initial64(7), initial64(7), initial64(8)];
    for (const draw of ["uniform", "normal"] as const) {
      const first = a[draw]([50], 2);
      expect(first.equal(b[draw]([50], 2))).toBe(true);
      expect(first.equal(c[draw]([50], 2))).toBe(false);
      expect([first.dtype, first.device, first.requiresGrad]).toEqual(["float64", "cpu", true]);
    }
    expect([a.zeros([2]).requiresGrad, a.ones([2]).requiresGrad]).toEqual([true, true]);
  });
  test("the normal has the asked standard deviation", () => {
    toBeClose(initial64().normal([20_000], 0.5).square().mean(), [0.25], { rtol: 0.03 });
  });
});
