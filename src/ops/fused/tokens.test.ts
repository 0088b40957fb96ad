/** Maps and products of each example's tokens, against loops. */
import { beforeAll, describe, expect, it } from "vitest";
import { grad, setThreads, type Tensor, zeros } from "../../torch/index.ts";
import { checkGrads, toBeClose } from "../../torch/testing.ts";
import { random64 } from "../jagged/testing.ts";
import { tokenMap, tokenProducts } from "./generated.ts";

/** Every step of a kernel's columns and rows: whole vectors, halves, quarters and what is left over, blocks of 6, 2 and 1. */
const WIDTHS = [1, 3, 8, 16, 23, 47];
const COUNTS = [1, 2, 7, 16];
const SHAPES = WIDTHS.flatMap((dim) => COUNTS.map((tokens) => ({ dim, tokens })));
const EPS32 = 2 ** -24;

type Matrix = readonly (readonly number[])[];

function numbersOf(x: Tensor): number[] {
  return x.to({ dtype: "float64" }).toNumbers();
}

function matrices(x: Tensor): Matrix[] {
  const [size = 0, rows = 0, columns = 0] = x.shape;
  const all = numbersOf(x);
  return Array.from({ length: size }, (_, b) =>
    Array.from({ length: rows }, (_, i) => all.slice((b * rows + i) * columns, (b * rows + i + 1) * columns)),
  );
}

function product(a: Matrix, b: Matrix): number[][] {
  return a.map((row) => (b[0] ?? []).map((_, j) => row.reduce((sum, x, k) => sum + x * (b[k]?.[j] ?? Number.NaN), 0)));
}

function turned(a: Matrix): number[][] {
  return (a[0] ?? []).map((_, j) => a.map((row) => row[j] ?? Number.NaN));
}

const sizes = (a: Matrix): number[][] => a.map((row) => row.map(Math.abs));

/** Σ of `inner` products of float32, each rounded and added: within (inner + 1) ε of the sum of their sizes, to first order. */
function expectWithin(actual: Tensor, expected: readonly number[], bounds: readonly number[]): void {
  const values = numbersOf(actual);
  expect(values).toHaveLength(expected.length);
  for (const [i, value] of values.entries()) {
    expect(Math.abs(value - (expected[i] ?? Number.NaN))).toBeLessThanOrEqual(bounds[i] ?? 0);
  }
}

beforeAll(() => setThreads(2));

describe("token_map", () => {
  it.each(SHAPES)("is W X of each example, $tokens tokens of $dim numbers", ({ dim, tokens }) => {
    const [x, weight] = [random64([3, tokens, dim]), random64([tokens + 4, tokens], 2)];
    const [map = []] = matrices(weight.unsqueeze(0));
    const expected = matrices(x).flatMap((one) => product(map, one).flat());
    toBeClose(tokenMap(x, weight), expected);
    const single = [x, weight].map((tensor) => tensor.to({ dtype: "float32" })) as [Tensor, Tensor];
    // Beside the products the factors have been rounded, once each.
    const bounds = matrices(x).flatMap((one) => product(sizes(map), sizes(one)).flat());
    expectWithin(
      tokenMap(...single),
      expected,
      bounds.map((bound) => 1.01 * (tokens + 3) * EPS32 * bound),
    );
  });

  it("has the gradients of differences, of what is out of order too", () => {
    for (const { dim, tokens } of SHAPES.filter(({ dim }) => dim < 20)) {
      checkGrads(tokenMap, [random64([3, tokens, dim]), random64([2, tokens], 2)]);
    }
    const x = random64([5, 4, 3]).transpose(1, 2);
    checkGrads((a, w) => tokenMap(a, w.t()), [x, random64([3, 2], 2)]);
  });

  it("adds the weight's gradient in the same order for any number of threads", () => {
    const inputs = [random64([300, 9, 16]), random64([9, 9], 2)].map((tensor) => tensor.to({ dtype: "float32" }));
    for (const tensor of inputs) tensor.requiresGrad = true;
    const run = (): readonly (Tensor | null)[] => {
      const y = tokenMap(...(inputs as [Tensor, Tensor]));
      return [y, ...grad([y.square().sum()], inputs)];
    };
    const together = run();
    setThreads(1);
    const alone = run();
    setThreads(2);
    for (const [i, tensor] of alone.entries()) expect(tensor?.equal(together[i] as Tensor)).toBe(true);
  });
});

describe("token_products", () => {
  it.each(SHAPES)("is X (Xᵀ Y) of each example, $tokens tokens of $dim numbers", ({ dim, tokens }) => {
    for (const columns of [1, 5, 8, 16]) {
      const [x, y] = [random64([3, tokens, dim]), random64([3, tokens, columns], 2)];
      const factors = matrices(y);
      const expected = matrices(x).flatMap((one, b) => product(one, product(turned(one), factors[b] ?? [])).flat());
      toBeClose(tokenProducts(x, y), expected);
      const bounds = matrices(x).flatMap((one, b) =>
        product(sizes(one), product(sizes(turned(one)), sizes(factors[b] ?? []))).flat(),
      );
      const single = [x, y].map((tensor) => tensor.to({ dtype: "float32" })) as [Tensor, Tensor];
      const roundings = 1.01 * (tokens + dim + 5) * EPS32;
      expectWithin(
        tokenProducts(...single),
        expected,
        bounds.map((bound) => roundings * bound),
      );
    }
  });

  it("has the gradients of differences, of what is out of order too", () => {
    for (const { dim, tokens } of SHAPES.filter(({ dim }) => dim < 20)) {
      checkGrads(tokenProducts, [random64([2, tokens, dim]), random64([2, tokens, 3], 2)]);
    }
    checkGrads((a, b) => tokenProducts(a.transpose(1, 2), b), [random64([2, 3, 4]), random64([2, 4, 2], 2)]);
  });

  it("has the same bits for any number of threads", () => {
    const inputs = [random64([900, 8, 16]), random64([900, 8, 8], 2)].map((tensor) => tensor.to({ dtype: "float32" }));
    for (const tensor of inputs) tensor.requiresGrad = true;
    const run = (): readonly (Tensor | null)[] => {
      const y = tokenProducts(...(inputs as [Tensor, Tensor]));
      return [y, ...grad([y.square().sum()], inputs)];
    };
    const together = run();
    setThreads(1);
    const alone = run();
    setThreads(2);
    for (const [i, tensor] of alone.entries()) expect(tensor?.equal(together[i] as Tensor)).toBe(true);
  });
});

describe("tokens", () => {
  it("may be none, of no examples, and NaN stays in its example", () => {
    expect(tokenMap(zeros([0, 3, 4]), zeros([2, 3])).shape).toEqual([0, 2, 4]);
    expect(tokenMap(zeros([2, 0, 4]), zeros([2, 0])).toNumbers()).toEqual(new Array(16).fill(0));
    expect(tokenProducts(zeros([2, 3, 0]), zeros([2, 3, 2])).toNumbers()).toEqual(new Array(12).fill(0));
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1e4, -89]) {
      const spoiled = random64([2, 3, 4]).mul(0).add(1);
      spoiled.select(0, 0).mul_(value);
      const [first = [], second = []] = matrices(tokenProducts(spoiled, zeros([2, 3, 1], { dtype: "float64" }).add(1)));
      expect(first.flat()).toEqual([12, 12, 12].map((count) => count * value * value));
      expect(second.flat()).toEqual([12, 12, 12]);
    }
  });

  it("of another shape are refused; 16-bit ones take the plain composition", () => {
    const [x, bad] = [random64([2, 3, 4]), expect.objectContaining({ code: "TORCH_OPERATOR" })];
    expect(() => tokenMap(x, random64([2, 4]))).toThrow(bad);
    expect(() => tokenMap(x.flatten(1), random64([2, 12]))).toThrow(bad);
    expect(() => tokenMap(x, zeros([2, 3]))).toThrow(bad);
    expect(() => tokenProducts(x, random64([2, 4, 3]))).toThrow(bad);
    expect(() => tokenProducts(x, random64([1, 3, 3]))).toThrow(bad);
    const [half, weight] = [x.to({ dtype: "bfloat16" }), random64([2, 3]).to({ dtype: "bfloat16" })];
    toBeClose(tokenMap(half, weight), weight.matmul(half));
    toBeClose(tokenProducts(half, half), half.matmul(half.transpose(1, 2).matmul(half)));
  });
});
