import { beforeAll, describe, expect, test } from "vitest";
import { random64 } from "../../ops/jagged/testing.ts";
import { fromArray, Scope, setThreads, type Tensor } from "../../torch/index.ts";
import { expectNoLeaks, toBeClose } from "../../torch/testing.ts";
import { clipNorm, initAdamW, stepAdamW } from "./optimizers.ts";

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

  test("in float32 is the formula within its roundings, the same for any number of threads", () => {
    const COUNT = 100_003; // More than one thread's share, and no multiple of a vector.
    const single = (seed: number): Tensor => random64([COUNT], seed).to({ dtype: "float32" });
    const [values, first, gradient] = [single(1), single(2), single(3)];
    const second = single(4).square();
    const [w, m, v, g] = [values, first, second, gradient].map(copy) as [number[], number[], number[], number[]];
    const run = (threads: number) => {
      setThreads(threads);
      const state = { step: 2, first: first.clone(), second: second.clone() };
      const at = { values: values.clone(), gradient };
      stepAdamW(state, at, { learningRate: 0.125, weightDecay: 0.25 });
      setThreads(1);
      return [at.values, state.first, state.second];
    };
    const [one, two] = [run(1), run(2)];
    for (const [i, tensor] of one.entries()) expect(tensor.equal(two[i] as Tensor)).toBe(true);
    const [newW, newM, newV] = one.map(copy) as [number[], number[], number[]];
    const EPS = 1.01 * 2 ** -24;
    for (let i = 0; i < COUNT; i += 7) {
      const [gi, wi, mi, vi] = [g[i]!, w[i]!, m[i]!, v[i]!];
      const [mean, square] = [mi + (1 - 0.9) * (gi - mi), 0.999 * vi + (1 - 0.999) * gi * gi];
      const scale = 0.125 / (1 - 0.9 ** 3) / (Math.sqrt(square / (1 - 0.999 ** 3)) + 1e-8);
      // A mean is rounded in its difference, factor, product and sum; a square, a sum of positive terms, in five places, and
      // what it divides by in four more.
      const ofMean = 4 * EPS * (Math.abs(mi) + Math.abs(gi));
      expect(Math.abs(newM[i]! - mean)).toBeLessThanOrEqual(ofMean);
      expect(Math.abs(newV[i]! - square)).toBeLessThanOrEqual(5 * EPS * square);
      const ofStep = scale * (ofMean + 12 * EPS * Math.abs(mean));
      expect(Math.abs(newW[i]! - (0.96875 * wi - scale * mean))).toBeLessThanOrEqual(ofStep + 3 * EPS * Math.abs(wi));
    }
  });

  test("NaN and infinities stay where they are", () => {
    const values = column(1, 1, 1, 1);
    const gradient = column(Number.NaN, Number.POSITIVE_INFINITY, 1, -89);
    stepAdamW(initAdamW(values), { values, gradient }, { learningRate: 0.125 });
    expect(copy(values).map(Number.isNaN)).toEqual([true, true, false, false]);
    expect(copy(values)[3]).toBeCloseTo(1.125, 6);
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
