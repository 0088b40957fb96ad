import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { random64 } from "../jagged/testing.ts";
import { fromArray, Scope, setThreads, type Tensor } from "../torch/index.ts";
import { expectNoLeaks, toBeClose } from "../torch/testing.ts";
import { clipNorm, initAdamW, initRowwiseAdagrad, stepAdamW, stepRowwiseAdagrad } from "./optimizers.ts";

const column = (...numbers: number[]): Tensor => fromArray(Float64Array.from(numbers), [numbers.length]);
const copy = (x: Tensor): number[] => x.clone().toNumbers();

beforeAll(() => setThreads(1));

describe("AdamW", () => {
  test("makes the ten steps of the algorithm", () => {
    const [rate, beta1, beta2, eps, decay] = [0.05, 0.8, 0.95, 1e-6, 0.1];
    const start = copy(random64([4], 9));
    const values = column(...start);
    let state = initAdamW(values);
    let [w, m, v] = [start, [0, 0, 0, 0], [0, 0, 0, 0]];
    for (let t = 1; t <= 10; t++) {
      const g = copy(random64([4], 100 + t));
      m = m.map((old, i) => beta1 * old + (1 - beta1) * (g[i] ?? NaN));
      v = v.map((old, i) => beta2 * old + (1 - beta2) * (g[i] ?? NaN) ** 2);
      w = w.map((old, i) => {
        const mHat = (m[i] ?? NaN) / (1 - beta1 ** t);
        const vHat = (v[i] ?? NaN) / (1 - beta2 ** t);
        return old - rate * (mHat / (Math.sqrt(vHat) + eps) + decay * old);
      });
      const options = { learningRate: rate, beta1, beta2, eps, weightDecay: decay };
      state = stepAdamW(state, { values, gradient: column(...g) }, options);
      expect(state.step).toBe(t);
      toBeClose(values, w);
      toBeClose(state.first, m);
      toBeClose(state.second, v);
    }
  });

  test("the first step is the learning rate in the direction of the sign, at any scale of the gradient", () => {
    const gradient = column(1e-3, -5, 1e4, -1e150);
    const values = column(0, 0, 0, 0);
    stepAdamW(initAdamW(values), { values, gradient }, { learningRate: 0.1 });
    toBeClose(values, [-0.1, 0.1, -0.1, 0.1], { rtol: 1e-4 });
  });

  test("a gradient of zero moves nothing but the decay", () => {
    const values = column(1, -2);
    stepAdamW(initAdamW(values), { values, gradient: column(0, 0) }, { learningRate: 0.1 });
    expect(values.toNumbers()).toEqual([1, -2]);
    stepAdamW(initAdamW(values), { values, gradient: column(0, 0) }, { learningRate: 0.1, weightDecay: 0.5 });
    toBeClose(values, [0.95, -1.9]);
  });

  test("a learning rate of zero moves no parameter, but the moments", () => {
    const values = column(1, -2);
    const state = stepAdamW(initAdamW(values), { values, gradient: column(3, 4) }, { learningRate: 0, weightDecay: 1 });
    expect(values.toNumbers()).toEqual([1, -2]);
    toBeClose(state.first, [0.3, 0.4]);
  });

  test("leaves the gradient as it is and records no graph", () => {
    const values = column(1, -2);
    values.requiresGrad = true;
    const gradient = column(3, 4);
    stepAdamW(initAdamW(values), { values, gradient }, { learningRate: 0.1 });
    expect(gradient.toNumbers()).toEqual([3, 4]);
    expect(values.requiresGrad).toBe(true);
  });

  test("keeps dtype and shape of the parameters, and memory flat", () => {
    const values = random64([2, 3]).to({ dtype: "float32" });
    const gradient = values.clone();
    let state = initAdamW(values);
    expect([state.first.dtype, state.second.dtype]).toEqual(["float32", "float32"]);
    expect([state.first.shape, state.second.shape]).toEqual([
      [2, 3],
      [2, 3],
    ]);
    expectNoLeaks(() => {
      for (let i = 0; i < 20; i++) {
        using _ = new Scope();
        state = stepAdamW(state, { values, gradient }, { learningRate: 0.1 });
      }
    });
    expect(state.step).toBe(20);
  });
});

describe("row-wise Adagrad", () => {
  const [rows, dim, rate, eps] = [5, 3, 0.1, 1e-8];

  function naive(
    weight: number[],
    moments: number[],
    { indices, values }: { indices: number[]; values: number[] },
  ): void {
    for (const row of new Set(indices)) {
      const gradient = Array.from({ length: dim }, (_, j) =>
        indices.reduce((sum, at, i) => sum + (at === row ? (values[i * dim + j] ?? NaN) : 0), 0),
      );
      moments[row] = (moments[row] ?? NaN) + gradient.reduce((sum, g) => sum + g * g, 0) / dim;
      const scale = rate / (Math.sqrt(moments[row] ?? NaN) + eps);
      gradient.forEach((g, j) => {
        weight[row * dim + j] = (weight[row * dim + j] ?? NaN) - scale * g;
      });
    }
  }

  test("is the loop over three batches with repeated rows; untouched rows keep their bits", () => {
    const batch = fc.array(fc.integer({ min: 0, max: rows - 1 }), { maxLength: 8 });
    fc.assert(
      fc.property(fc.array(batch, { minLength: 3, maxLength: 3 }), (batches) => {
        using _ = new Scope();
        const weight = random64([rows, dim], 5);
        const moments = initRowwiseAdagrad(weight);
        const start = copy(weight);
        const [w, m] = [[...start], new Array<number>(rows).fill(0)];
        batches.forEach((indices, i) => {
          const values = random64([indices.length, dim], 10 + i);
          naive(w, m, { indices, values: copy(values) });
          const codes = fromArray(BigInt64Array.from(indices, BigInt), [indices.length]);
          stepRowwiseAdagrad({ weight, moments }, { indices: codes, values }, rate);
        });
        toBeClose(weight, w);
        toBeClose(moments, m);
        const now = weight.toNumbers();
        const touched = new Set(batches.flat());
        for (let i = 0; i < now.length; i++) if (!touched.has(Math.floor(i / dim))) expect(now[i]).toBe(start[i]);
      }),
      { examples: [[[[], [], []]], [[[2, 2, 2], [2], [0, 4]]]], numRuns: 30 },
    );
  });

  test("a gradient of zero changes nothing", () => {
    const weight = random64([2, 3]);
    const before = copy(weight);
    const moments = initRowwiseAdagrad(weight);
    const indices = fromArray(BigInt64Array.of(1n), [1]);
    stepRowwiseAdagrad({ weight, moments }, { indices, values: random64([1, 3]).mul(0) }, 0.1);
    expect(weight.toNumbers()).toEqual(before);
    expect(moments.toNumbers()).toEqual([0, 0]);
  });

  test("refuses rows outside, before it changes any", () => {
    const weight = random64([2, 3]);
    const before = copy(weight);
    const moments = initRowwiseAdagrad(weight);
    for (const row of [-1n, 2n]) {
      const step = (): void =>
        stepRowwiseAdagrad(
          { weight, moments },
          { indices: fromArray(BigInt64Array.of(0n, row), [2]), values: random64([2, 3]) },
          0.1,
        );
      expect(step).toThrow(expect.objectContaining({ code: "TORCH_OPERATOR" }));
    }
    expect(weight.toNumbers()).toEqual(before);
  });
});

describe("clipNorm", () => {
  test("scales to the limit, keeps the direction, returns the norm before", () => {
    const gradient = column(3, 4, 0);
    expect(clipNorm(gradient, 1)).toBeCloseTo(5, 12);
    toBeClose(gradient, [0.6, 0.8, 0]);
  });

  test("leaves what is at or below the limit as it is", () => {
    const gradient = column(3, 4);
    expect(clipNorm(gradient, 5)).toBe(5);
    expect(clipNorm(gradient, 5.1)).toBe(5);
    expect(gradient.toNumbers()).toEqual([3, 4]);
  });

  test("of zero and of nothing is zero", () => {
    const zero = column(0, 0);
    expect(clipNorm(zero, 0)).toBe(0);
    expect(zero.toNumbers()).toEqual([0, 0]);
    expect(clipNorm(column(), 1)).toBe(0);
  });

  test("scales gradients of 1e150 down", () => {
    const gradient = column(3e150, -4e150);
    expect(clipNorm(gradient, 1)).toBeCloseTo(5e150, -140);
    toBeClose(gradient, [0.6, -0.8]);
  });

  test("returns a norm that is not finite, and leaves the gradient as it is", () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const gradient = column(1, bad);
      expect(clipNorm(gradient, 0.1)).toBe(Math.abs(bad));
      toBeClose(gradient, [1, bad]);
    }
  });
});
