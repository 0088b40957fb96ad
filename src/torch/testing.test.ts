import { describe, expect, test } from "vitest";
import { liveTensors, Scope, type Tensor, tensor } from "./index.ts";
import { f64, i64, random64 } from "./operators/operators.test.support.ts";
import { checkGrads, expectNoLeaks, toBeClose } from "./testing.ts";

interface Difference {
  readonly what: string;
  readonly pair: readonly [Tensor, Tensor | readonly number[]];
  readonly message: string;
}

const [INF, NAN] = [Number.POSITIVE_INFINITY, Number.NaN];

describe("toBeClose", () => {
  test("lets pass what differs by rounding", () => {
    toBeClose(f64([1, 0, 1e9, NAN, INF]), [1 + 1e-13, 1e-13, 1e9 + 1e-4, NAN, INF]);
    toBeClose(tensor([1]), [1 + 9e-6]);
    toBeClose(f64([1]).to({ dtype: "bfloat16" }), [1.01]);
    toBeClose(i64([3]), i64([3]));
    toBeClose(f64([1, 2, 3, 4], [2, 2]).t(), [1, 3, 2, 4]);
  });

  test.each([
    { what: "values", pair: [f64([1, 2, 3, 4], [2, 2]), [1, 2, 3.5, 4]], message: "at [1, 0]: 3, expected 3.5" },
    { what: "NaN", pair: [f64([NAN]), [1]], message: "NaN, expected 1" },
    { what: "an expected NaN", pair: [f64([1]), [NAN]], message: "1, expected NaN" },
    { what: "the sign of an infinity", pair: [f64([INF]), [-INF]], message: "Infinity, expected -Infinity" },
    { what: "an infinity", pair: [f64([1e308]), [INF]], message: "expected Infinity" },
    { what: "integers beyond 2^53", pair: [i64([2 ** 53]), i64([2 ** 53]).add(1)], message: "max abs error 1" },
    { what: "shapes", pair: [f64([1, 2]), f64([1, 2], [2, 1])], message: "shape [2], expected [2,1]" },
    { what: "dtypes", pair: [f64([1]), tensor([1])], message: "dtype float64, expected float32" },
    { what: "lengths", pair: [f64([1]), [1, 1]], message: "1 elements, expected 2" },
  ] satisfies readonly Difference[])("finds other $what", ({ pair: [actual, expected], message }: Difference) => {
    expect(() => toBeClose(actual, expected)).toThrow(message);
  });
});

describe("checkGrads", () => {
  const x = random64([3]);

  test("finds a gradient that is cut, in part or as a whole", () => {
    expect(() => checkGrads((a) => a.mul(a.detach()), [x])).toThrow("gradients differ");
    expect(() => checkGrads((a, b) => a.mul(b).add(b.detach()), [x, x])).toThrow("gradients differ");
  });

  test("refuses what it can say nothing of", () => {
    expect(() => checkGrads((a) => a.mul(0), [x])).toThrow("the derivative is zero");
    expect(() => checkGrads((a) => a, [tensor([1])])).toThrow("an input of float32");
    expect(() => checkGrads((a) => a.to({ dtype: "float32" }), [x])).toThrow("an output of float32");
  });

  test("gives both sides, and leaves its inputs and no tensor", () => {
    const before = liveTensors();
    const { numeric, analytic } = checkGrads((a) => a.mul(3), [x]);
    expect(numeric).toBeCloseTo(analytic, 8);
    expect(x.requiresGrad).toBe(false);
    expect(liveTensors()).toBe(before);
  });
});

describe("expectNoLeaks", () => {
  test("counts what a body leaves", () => {
    using _ = new Scope();
    expectNoLeaks(() => {});
    expect(() => expectNoLeaks(() => tensor([1]))).toThrow("1 tensors leaked");
  });
});
