import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { logLoss } from "../ops/fused/log-loss.ts";
import { random64 } from "../ops/jagged/testing.ts";
import { type DType, fromArray, gradientOf, setThreads, type Tensor, tensor, zeros } from "../torch/index.ts";
import { checkGrads, toBeClose } from "../torch/testing.ts";
import { multiObjectiveLoss } from "./losses.ts";

const INF = Number.POSITIVE_INFINITY;
const NAN = Number.NaN;

const column = (numbers: readonly number[], dtype: DType = "float64"): Tensor =>
  fromArray(Float64Array.from(numbers), [numbers.length]).to({ dtype });
const matrix = (rows: readonly (readonly number[])[]): Tensor => column(rows.flat()).reshape([rows.length, -1]);

/** `−y log σ(z) − (1−y) log(1 − σ(z))`, from the definition; exact while σ(z) is neither 0 nor 1. */
function naiveLoss(z: number, y: number): number {
  const p = 1 / (1 + Math.exp(-z));
  return -y * Math.log(p) - (1 - y) * Math.log(1 - p);
}

/** Loss and gradient of each logit. */
function lossAndGradient(logits: readonly number[], labels: readonly number[], dtype: DType = "float64") {
  const z = column(logits, dtype);
  z.requiresGrad = true;
  const loss = logLoss(z, column(labels, dtype));
  loss.sum().backward();
  return { loss: loss.detach(), gradient: gradientOf(z) ?? z };
}

beforeAll(() => setThreads(1));

describe("logLoss", () => {
  test("is the definition, with gradient σ(z) − y", () => {
    const z = fc.double({ min: -15, max: 15, noNaN: true });
    fc.assert(
      fc.property(z, fc.double({ min: 0, max: 1, noNaN: true }), (logit, label) => {
        const { loss, gradient } = lossAndGradient([logit], [label]);
        toBeClose(loss, [naiveLoss(logit, label)], { rtol: 1e-8, atol: 1e-9 });
        toBeClose(gradient, [1 / (1 + Math.exp(-logit)) - label]);
      }),
      { numRuns: 60 },
    );
  });

  test("at zero is log 2 whatever the label, gradient ½ − y", () => {
    const { loss, gradient } = lossAndGradient([0, -0, 0], [0, 1, 0.25]);
    toBeClose(loss, [Math.LN2, Math.LN2, Math.LN2]);
    toBeClose(gradient, [0.5, -0.5, 0.25]);
  });

  for (const dtype of ["float64", "float32"] as const) {
    test(`at ±89 and ±1e4 is exact in ${dtype}`, () => {
      const { loss, gradient } = lossAndGradient(
        [89, 89, -89, -89, 1e4, 1e4, -1e4, -1e4],
        [0, 1, 0, 1, 0, 1, 0, 1],
        dtype,
      );
      toBeClose(loss, [89, 0, 0, 89, 1e4, 0, 0, 1e4], { rtol: 0, atol: 1e-37 });
      toBeClose(gradient, [1, 0, 0, -1, 1, 0, 0, -1], { rtol: 0, atol: 1e-37 });
    });
  }

  test("of a confident right answer is exact to a rounding of z, its gradient to its own rounding", () => {
    const { loss, gradient } = lossAndGradient([10, 40, -10, -40], [1, 1, 0, 0]);
    const [ten, forty] = [1 / (1 + Math.exp(10)), 1 / (1 + Math.exp(40))];
    for (const [i, z] of [10, 40, 10, 40].entries()) {
      toBeClose(loss.slice(0, i, i + 1), [Math.log1p(Math.exp(-z))], { rtol: 0, atol: z * 2 ** -52 });
    }
    toBeClose(gradient.slice(0, 2), [ten, forty], { rtol: 1e-12, atol: 0 });
    toBeClose(gradient.slice(0, 0, 2), [-ten, -forty], { rtol: 0, atol: 2 ** -52 });
  });

  test("at ±Infinity is never finite; the gradient is that of the limit", () => {
    const { loss, gradient } = lossAndGradient([INF, -INF, INF, -INF], [0, 1, 1, 0]);
    toBeClose(loss, [INF, NAN, NAN, NAN]);
    toBeClose(gradient, [1, -1, 0, 0]);
  });

  test("NaN stays in its example", () => {
    const { loss, gradient } = lossAndGradient([NAN, 0, 0], [1, NAN, 1]);
    toBeClose(loss, [NAN, NAN, Math.LN2]);
    toBeClose(gradient, [NAN, NAN, -0.5]);
  });

  test("gradients", () => {
    checkGrads((z) => logLoss(z, column([0, 1, 0.5])), [random64([3])]);
  });
});

describe("multiObjectiveLoss", () => {
  const logits = matrix([
    [0.5, -1],
    [2, 0],
    [-3, 1],
  ]);
  const labels = matrix([
    [1, 0],
    [0, 1],
    [1, 1],
  ]);
  const mask = matrix([
    [1, 0],
    [1, 1],
    [0, 1],
  ]);
  const expected = (naiveLoss(0.5, 1) + naiveLoss(2, 0)) / 2 + (naiveLoss(0, 1) + naiveLoss(1, 1)) / 2;

  test("is the mean over known labels, added over objectives", () => {
    const loss = multiObjectiveLoss(logits, { labels, mask });
    expect(loss.shape).toEqual([]);
    toBeClose(loss, [expected]);
  });

  test("labels that are not known change neither loss nor gradient", () => {
    const flipped = labels.add(mask.neg().add(1));
    toBeClose(multiObjectiveLoss(logits, { labels: flipped, mask }), [expected]);
    const z = logits.clone();
    z.requiresGrad = true;
    multiObjectiveLoss(z, { labels, mask }).backward();
    const gradient = gradientOf(z)?.toNumbers() ?? [];
    expect([gradient[1], gradient[4]].every((value) => value === 0)).toBe(true);
    expect([gradient[0], gradient[2], gradient[3], gradient[5]].every((value) => value !== 0)).toBe(true);
  });

  test("an objective without known labels adds zero", () => {
    const one = matrix([
      [1, 0],
      [1, 0],
      [1, 0],
    ]);
    const first = (naiveLoss(0.5, 1) + naiveLoss(2, 0) + naiveLoss(-3, 1)) / 3;
    toBeClose(multiObjectiveLoss(logits, { labels, mask: one }), [first]);
  });

  test("nothing known gives zero and a gradient of zeros", () => {
    const z = logits.clone();
    z.requiresGrad = true;
    const loss = multiObjectiveLoss(z, { labels, mask: mask.mul(0) });
    loss.backward();
    expect(loss.item()).toBe(0);
    expect(gradientOf(z)?.abs().amax().item()).toBe(0);
  });

  test("parts of a batch add up to the whole when they are told the known labels of the whole", () => {
    const known = mask.sum([0]);
    const part = (from: number, to: number): number => {
      const [z, y, m] = [logits, labels, mask].map((t) => t.slice(0, from, to)) as [Tensor, Tensor, Tensor];
      return multiObjectiveLoss(z, { labels: y, mask: m, known }).item();
    };
    expect(part(0, 1) + part(1, 3)).toBeCloseTo(expected, 12);
  });

  test("counts each objective by its weight, also in the gradient, and does not divide by the weights", () => {
    const first = (naiveLoss(0.5, 1) + naiveLoss(2, 0)) / 2;
    const weights = column([3, 0.25]);
    toBeClose(multiObjectiveLoss(logits, { labels, mask, weights }), [3 * first + 0.25 * (expected - first)]);
    toBeClose(multiObjectiveLoss(logits, { labels, mask, weights: column([0, 1]) }), [expected - first]);
    checkGrads((z) => multiObjectiveLoss(z, { labels, mask, weights }), [logits]);
  });

  test("stays finite in float32 at ±1e4", () => {
    const z = tensor([1e4, -1e4], [1, 2]);
    const loss = multiObjectiveLoss(z, { labels: tensor([0, 1], [1, 2]), mask: tensor([1, 1], [1, 2]) });
    expect(loss.item()).toBe(2e4);
  });

  test("of no examples is zero", () => {
    const none = zeros([0, 2]);
    expect(multiObjectiveLoss(none, { labels: none, mask: none }).item()).toBe(0);
  });

  test("gradients", () => {
    checkGrads((z) => multiObjectiveLoss(z, { labels, mask }), [logits]);
  });
});
