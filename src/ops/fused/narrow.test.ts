import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { countMemory, fromArray, grad, ones, Scope, setThreads, type Tensor } from "../../torch/index.ts";
import { toBeClose } from "../../torch/testing.ts";
import { random64 } from "../jagged/testing.ts";
import type { Activation } from "./activation.ts";
import { biasActivation, dense, float8Decode, float8Encode, gated, norm, residualNorm } from "./generated.ts";

const INF = Number.POSITIVE_INFINITY;
const LARGEST = 448;
const BLOCK = 128;

/** The number of a code, from the definition of E4M3: sign, 4 bits of exponent with bias 7, 3 of mantissa. */
function numberOf(code: number): number {
  const [sign, exponent, mantissa] = [code & 0x80 ? -1 : 1, (code >> 3) & 15, code & 7];
  if (exponent === 15 && mantissa === 7) return Number.NaN;
  return sign * (exponent === 0 ? mantissa * 2 ** -9 : (1 + mantissa / 8) * 2 ** (exponent - 7));
}

/** Codes of numbers at scale 1: each block is given the largest number of the format first. */
function codesOf(numbers: readonly number[]): number[] {
  using _ = new Scope();
  const codes: number[] = [];
  for (let start = 0; start < numbers.length; start += BLOCK - 1) {
    const block = [LARGEST, ...numbers.slice(start, start + BLOCK - 1)];
    const [actual, scales] = float8Encode(fromArray(Float32Array.from(block), [block.length]));
    expect(scales.toNumbers()).toEqual([1]);
    codes.push(...actual.toNumbers().slice(1));
  }
  return codes;
}

/** The float32 after a number, or before it. */
function neighbour(x: number, step: 1 | -1): number {
  const floats = Float32Array.of(x);
  const bits = new Uint32Array(floats.buffer);
  bits[0] = (bits[0] ?? 0) + step;
  return floats[0] ?? Number.NaN;
}

const single = (shape: readonly number[], seed = 1): Tensor => random64(shape, seed).to({ dtype: "float32" });

function leaf(x: Tensor): Tensor {
  const copy = x.detach().clone();
  copy.requiresGrad = true;
  return copy;
}

/** ‖a − b‖ / ‖b‖ */
function relativeError(a: Tensor, b: Tensor): number {
  const [left, right] = [a.to({ dtype: "float64" }), b.to({ dtype: "float64" })];
  return left.sub(right).square().sum().item() ** 0.5 / right.square().sum().item() ** 0.5;
}

beforeAll(() => setThreads(2));

describe("float8", () => {
  const all = Array.from({ length: 256 }, (_, code) => code);

  test.each(["float32", "float64"] as const)("decodes each of the 256 codes exactly, to %s", (dtype) => {
    using _ = new Scope();
    const decoded = float8Decode(fromArray(Uint8Array.from(all), [256]), ones([2]), [256], dtype);
    toBeClose(decoded, all.map(numberOf), { rtol: 0, atol: 0 });
    expect(Object.is(decoded.toNumbers()[0x80], -0)).toBe(true);
  });

  test("encodes each number of the format as its own code", () => {
    const finite = all.filter((code) => !Number.isNaN(numberOf(code)));
    expect(codesOf(finite.map(numberOf))).toEqual(finite);
  });

  test("rounds to the nearest, halfway to the even code, between all neighbours and on both sides of zero", () => {
    for (let code = 0; code < 0x7e; code++) {
      const [low, high] = [numberOf(code), numberOf(code + 1)];
      const middle = (low + high) / 2;
      const even = code % 2 === 0 ? code : code + 1;
      const inside = Array.from({ length: 50 }, (_, i) => low + ((high - low) * (i + 0.3)) / 50).map(Math.fround);
      const below = [low, neighbour(low, 1), ...inside.filter((x) => x < middle), neighbour(middle, -1)];
      const above = [neighbour(middle, 1), ...inside.filter((x) => x > middle), neighbour(high, -1), high];
      const numbers = [...below, middle, ...above];
      const expected = [...below.map(() => code), even, ...above.map(() => code + 1)];
      expect(codesOf(numbers), `${low} to ${high}`).toEqual(expected);
      expect(codesOf(numbers.map((x) => -x))).toEqual(expected.map((c) => c | 0x80));
    }
  });

  test("keeps infinities and NaN in their own place, as NaN", () => {
    using _ = new Scope();
    const x = fromArray(Float32Array.of(1, INF, -INF, Number.NaN, -2), [5]);
    const [codes, scales] = float8Encode(x);
    toBeClose(float8Decode(codes, scales, [5], "float32"), [1, Number.NaN, Number.NaN, Number.NaN, -2], { rtol: 1e-6 });
  });

  test.each([0, 1, 127, 128, 129, 1000])("brings %d numbers back within a sixteenth, at any scale", (count) => {
    for (const scale of [1e-30, 1, 1e30]) {
      using _ = new Scope();
      const x = single([count]).mul(scale);
      const [codes, scales] = float8Encode(x);
      expect([codes.shape, scales.shape]).toEqual([[count], [Math.ceil(count / BLOCK)]]);
      toBeClose(float8Decode(codes, scales, [count], "float32"), x, { rtol: 1 / 16, atol: scale * 2e-5 });
    }
  });

  test("of zeros and of the smallest numbers is finite", () => {
    using _ = new Scope();
    const x = fromArray(Float32Array.of(0, -0, 1e-45, 1e-38), [4]);
    const [codes, scales] = float8Encode(x);
    expect(float8Decode(codes, scales, [4], "float32").abs().amax().item()).toBeLessThan(1e-36);
    expect(scales.isfinite().all().item()).toBe(1);
  });

  test("refuses codes of another shape", () => {
    const codes = fromArray(new Uint8Array(4), [4]);
    expect(() => float8Decode(codes, ones([1]), [5], "float32")).toThrow(/codes must be uint8 \[5\]/);
    expect(() => float8Decode(codes, ones([2]), [4], "float32")).toThrow(/scales must be float32 \[1\]/);
  });
});

describe("activations kept as float8", () => {
  const [rows, width] = [256, 192];
  const cases: readonly { name: string; apply: (float8: boolean, ...inputs: Tensor[]) => Tensor; count: number }[] = [
    ...(["layer", "rms"] as const).map((kind) => ({
      name: `norm ${kind}`,
      apply: (f: boolean, ...[x, , scale]: Tensor[]) => norm(x as Tensor, scale as Tensor, null, kind, 1e-5, f),
      count: 3,
    })),
    {
      name: "residual_norm",
      apply: (f, ...[x, z, scale]) =>
        residualNorm(x as Tensor, z as Tensor, scale as Tensor, null, "layer", 1e-5, f)[0],
      count: 3,
    },
    ...(["sigmoid", "silu"] as const).map((activation) => ({
      name: `gated ${activation}`,
      apply: (f: boolean, ...[x, z]: Tensor[]) => gated(z as Tensor, x as Tensor, activation, f),
      count: 2,
    })),
    ...(["relu", "gelu", "silu"] as const).map((activation) => ({
      name: `bias_activation ${activation}`,
      apply: (f: boolean, ...[x, , bias]: Tensor[]) => biasActivation(x as Tensor, bias as Tensor, activation, f),
      count: 3,
    })),
    ...(["none", "relu", "gelu", "silu"] as const).map((activation) => ({
      name: `dense ${activation}`,
      apply: (f: boolean, ...[x, , bias, weight]: Tensor[]) =>
        dense(x as Tensor, weight as Tensor, bias as Tensor, activation, false, f),
      count: 4,
    })),
  ];
  const shapes = [[rows, width], [rows, width], [width], [width, width]];

  test.each(cases)("$name: the same result, gradients within 4 %, a third of the memory", ({ apply, count }) => {
    using _ = new Scope();
    const inputs = shapes.slice(0, count).map((shape, i) => leaf(single(shape, i + 1)));
    const cotangent = single([rows, width], 9);
    const actual = [false, true].map((float8) => {
      const y = apply(float8, ...inputs);
      return { y, gradients: grad([y], inputs, { gradients: [cotangent] }) };
    });
    expect(actual[1]?.y.equal(actual[0]?.y as Tensor)).toBe(true);
    for (const [i, g] of (actual[0]?.gradients ?? []).entries()) {
      if (g !== null) expect(relativeError(actual[1]?.gradients[i] as Tensor, g)).toBeLessThan(0.04);
    }
  });

  test("take a quarter and a little of their size, and relu a bit each", () => {
    const bytes = (float8: boolean): number => {
      const { marks } = countMemory((mark) => {
        using scope = new Scope();
        const weight = leaf(single([width, width], 2));
        let h = leaf(single([rows, width]));
        mark();
        {
          using _inner = new Scope();
          for (let i = 0; i < 8; i++) h = dense(h, weight, null, "relu", false, float8);
          scope.keep(h);
        }
        mark();
      });
      return (marks[1] ?? 0) - (marks[0] ?? 0);
    };
    expect(bytes(true) / bytes(false)).toBeLessThan(0.45);
    expect(bytes(false)).toBeGreaterThanOrEqual(8 * 4 * rows * width);
  });
});

describe("half products", () => {
  const [rows, inner, outer] = [65, 96, 40];
  const rounded = (x: Tensor): Tensor => x.to({ dtype: "bfloat16" }).to({ dtype: "float64" });

  test.each(["none", "relu", "gelu", "silu"] as const)(
    "with %s are those of the rounded inputs, within bfloat16's rounding",
    (act) => {
      using _ = new Scope();
      const [x, weight, bias] = [
        leaf(single([rows, inner])),
        leaf(single([outer, inner], 2)),
        leaf(single([outer], 3)),
      ];
      const cotangent = single([rows, outer], 4);
      const y = dense(x, weight, bias, act, true);
      expect(y.dtype).toBe("float32");
      const inputs = [leaf(rounded(x)), leaf(rounded(weight)), leaf(bias.to({ dtype: "float64" }))];
      const wanted = dense(inputs[0] as Tensor, inputs[1] as Tensor, inputs[2] as Tensor, act);
      const close = (a: Tensor, b: Tensor): void =>
        toBeClose(a.to({ dtype: "float64" }), b, { rtol: 2 ** -6, atol: 2 ** -8 * b.abs().amax().item() });
      close(y, wanted);
      const actual = grad([y], [x, weight, bias], { gradients: [cotangent] }) as Tensor[];
      const expected = grad([wanted], inputs, { gradients: [cotangent.to({ dtype: "float64" })] }) as Tensor[];
      for (const [i, g] of actual.entries()) {
        expect(g.dtype).toBe("float32");
        // Relu's zero may lie on the other side after rounding, for few of the elements.
        expect(relativeError(g, expected[i] as Tensor)).toBeLessThan(0.02);
      }
    },
  );

  test("add in float32, whatever the sizes: only the factors are rounded", () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(63, 64, 65, 130, 257, 512));
    fc.assert(
      fc.property(fc.tuple(size, size, size), fc.integer({ min: 1, max: 1000 }), ([n, from, to], seed) => {
        using _ = new Scope();
        const [x, weight, bias] = [
          leaf(single([n, from], seed)),
          leaf(single([to, from], seed + 1)),
          leaf(single([to], seed + 2)),
        ];
        const cotangent = single([n, to], seed + 3);
        const exact = [leaf(rounded(x)), leaf(rounded(weight)), leaf(bias.to({ dtype: "float64" }))];
        const wanted = dense(exact[0] as Tensor, exact[1] as Tensor, exact[2] as Tensor, "none");
        const close = (a: Tensor | null, b: Tensor | null): void =>
          toBeClose((a as Tensor).to({ dtype: "float64" }), b as Tensor, {
            rtol: 1e-4,
            atol: 2e-5 * Math.sqrt(from + n + to),
          });
        const actual = [1, 2].map((count) => {
          setThreads(count);
          const y = dense(x, weight, bias, "none", true);
          return [y, ...grad([y], [x, weight, bias], { gradients: [cotangent] })];
        });
        const gradients = grad([wanted], exact, { gradients: [rounded(cotangent)] });
        close(actual[0]?.[0] ?? null, wanted);
        for (const i of [0, 1]) close(actual[0]?.[i + 1] ?? null, gradients[i] ?? null);
        for (const [i, tensor] of (actual[0] ?? []).entries()) {
          expect(tensor?.equal(actual[1]?.[i] as Tensor)).toBe(true);
        }
      }),
      {
        numRuns: 150,
        examples: [
          [[257, 512, 130], 1],
          [[512, 64, 64], 2],
          [[1, 2, 2], 3],
          [[65, 7, 64], 4],
        ],
      },
    );
  });

  test("read a weight and an input that lie otherwise in memory as what they are", () => {
    using _ = new Scope();
    const [x, weight] = [single([inner, rows]).transpose(0, 1), single([inner, outer], 2).transpose(0, 1)];
    const lying = [x, weight].map((tensor) => leaf(tensor.contiguous()));
    const inputs = [leaf(x), leaf(weight)];
    const results = [inputs, lying].map(([a, w]) => {
      const y = dense(a as Tensor, w as Tensor, null, "none", true);
      return [y, ...grad([y.square().sum()], [a as Tensor, w as Tensor])];
    });
    for (const [i, actual] of (results[0] ?? []).entries()) {
      expect((actual as Tensor).equal(results[1]?.[i] as Tensor)).toBe(true);
    }
  });

  test("leave the weight as it is, and float64 exact", () => {
    using _ = new Scope();
    const [x, weight] = [random64([5, 7]), random64([3, 7], 2)];
    expect(dense(x, weight, null, "none", true).equal(dense(x, weight, null, "none"))).toBe(true);
  });

  test.each<[number, number, number]>([
    [0, 3, 2],
    [1, 1, 1],
    [3, 17, 257],
    [2, 0, 3],
  ])("work on %d rows of %d to %d", (n, from, to) => {
    using _ = new Scope();
    const [x, weight] = [leaf(single([n, from])), leaf(single([to, from], 2))];
    for (const float8 of [false, true]) {
      const y = dense(x, weight, null, "silu" satisfies Activation, true, float8);
      expect(y.shape).toEqual([n, to]);
      const [dx, dw] = grad([y.sum()], [x, weight]);
      expect([dx?.shape, dw?.shape]).toEqual([x.shape, weight.shape]);
    }
  });

  test("keep NaN and infinities in their own row", () => {
    using _ = new Scope();
    const x = single([4, 16]);
    const dirty = x.clone();
    for (const [row, value] of [INF, -INF, Number.NaN].entries()) dirty.select(0, row).slice(0, 5, 6).fill_(value);
    const weight = single([8, 16], 2);
    const last = (input: Tensor): Tensor => dense(input, weight, null, "silu", true).slice(0, 3);
    expect(last(dirty).equal(last(x))).toBe(true);
    expect(dense(dirty, weight, null, "none", true).isfinite().all().item()).toBe(0);
  });
});
