import { beforeAll, describe, expect, it } from "vitest";
import { OBJECTIVE_KINDS, type ObjectiveKind } from "../../config/events/objective-kinds.ts";
import { OUTPUTS, objectivesOf } from "../../features/objectives.ts";
import { type DType, fromArray, gradientOf, setThreads, type Tensor } from "../../torch/index.ts";
import { checkGrads, toBeClose } from "../../torch/testing.ts";
import { meanOfKnown, multiObjectiveLoss } from "../losses.ts";
import { crossEntropiesOf, LIKELIHOODS, lossesOf } from "./index.ts";

type Row = readonly number[];

const matrix = (rows: readonly Row[], dtype: DType = "float64"): Tensor =>
  fromArray(Float64Array.from(rows.flat()), [rows.length, rows[0]?.length ?? 0]).to({ dtype });

/** Losses of one set of outputs for several labels. */
function lossesFor(kind: ObjectiveKind, outputs: Row, labels: Row): readonly number[] {
  const rows = matrix(labels.map(() => outputs));
  return LIKELIHOODS[kind].loss(rows, matrix(labels.map((label) => [label]))).toNumbers();
}

/** `∫ f(x) dx` by the trapezoidal rule, which is exact to rounding where f ends smoothly. */
function integral(f: (xs: Row) => readonly number[], from: number, to: number): number {
  const steps = 4000;
  const xs = Array.from({ length: steps + 1 }, (_, i) => from + ((to - from) * i) / steps);
  return (f(xs).reduce((sum, y) => sum + y, 0) * (to - from)) / steps;
}

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
const sigmaOf = (raw: number): number => 0.05 + Math.log1p(Math.exp(raw));

beforeAll(() => setThreads(1));

describe("the likelihood of an amount", () => {
  // By Python: −log(1 − p), or −log p + log σ + ½ log 2π + (log y − μ)² / 2σ² with σ = 0.05 + log(1 + e^r).
  it.each([
    [[0.3, 1.2, -0.5], 0, 0.8543552444685272],
    [[0.3, 1.2, -0.5], 2.5, 0.9737071989377144],
    [[-2, -1, 1.5], 40, 7.189983133785903],
    [[4, 0.1, -3], 1, -0.8652922846984339],
  ])("of %j is that of the paper at %d", (outputs, label, expected) => {
    expect(lossesFor("value", outputs, [label])[0]).toBeCloseTo(expected, 12);
  });

  it.each([[[0.3, 1.2, -0.5]], [[-3, 20, 2]], [[5, -4, -8]]])("of %j is a distribution", (outputs) => {
    const [, mu = 0, raw = 0] = outputs;
    const reach = 12 * sigmaOf(raw);
    const density = (logs: Row) => lossesFor("value", outputs, logs.map(Math.exp)).map((loss) => Math.exp(-loss));
    const zero = Math.exp(-(lossesFor("value", outputs, [0])[0] ?? Number.NaN));
    expect(zero + integral(density, mu - reach, mu + reach)).toBeCloseTo(1, 10);
  });

  it("does not depend on the unit of the amounts", () => {
    const [own] = lossesFor("value", [0.5, 1, 0.2], [3]);
    expect(lossesFor("value", [0.5, 1 + Math.log(100), 0.2], [300])[0]).toBeCloseTo(own ?? Number.NaN, 12);
  });
});

describe("the likelihood of a count", () => {
  it.each([-3, 0, 2.5])("of e^%d is Poisson's, but for log y!", (logRate) => {
    const counts = Array.from({ length: 120 }, (_, y) => y);
    const logFactorial = (y: number): number => counts.slice(1, y + 1).reduce((sum, k) => sum + Math.log(k), 0);
    const shares = lossesFor("count", [logRate], counts).map((loss, y) => Math.exp(-loss - logFactorial(y)));
    const sum = (f: (share: number, y: number) => number): number => shares.reduce((all, p, y) => all + f(p, y), 0);
    expect(sum((p) => p)).toBeCloseTo(1, 12);
    expect(sum((p, y) => p * y)).toBeCloseTo(Math.exp(logRate), 10);
  });
});

describe("the cross entropy with a teacher", () => {
  const [outputs, teacher] = [
    { binary: [0.4], count: [0.7], value: [0.4, 1, -0.2] },
    { binary: [-1.1], count: [1.3], value: [-0.6, 1.8, 0.5] },
  ] as const;
  const entropyOf = (kind: ObjectiveKind, labelScale = 1): number =>
    LIKELIHOODS[kind].crossEntropy(matrix([outputs[kind]]), matrix([teacher[kind]]), labelScale).item();

  it("is the expected loss of classes that it draws", () => {
    const [no = 0, yes = 0] = lossesFor("binary", outputs.binary, [0, 1]);
    const p = sigmoid(-1.1);
    expect(entropyOf("binary")).toBeCloseTo((1 - p) * no + p * yes, 12);
    expect(entropyOf("binary", 100)).toBeCloseTo(yes, 12);
  });
  it("is the expected loss of counts that it draws", () => {
    const losses = lossesFor("count", outputs.count, [...Array(100).keys()]);
    for (const scale of [1, 3]) {
      const rate = scale * Math.exp(1.3);
      let share = Math.exp(-rate);
      let expected = 0;
      for (const [y, loss] of losses.entries()) {
        expected += share * loss;
        share *= rate / (y + 1);
      }
      expect(entropyOf("count", scale)).toBeCloseTo(expected, 10);
    }
  });
  it("is the expected loss of amounts that it draws", () => {
    const [z, mu, raw] = teacher.value;
    const sigma = sigmaOf(raw);
    const normal = (log: number): number =>
      Math.exp(-((log - mu) ** 2) / (2 * sigma ** 2)) / (sigma * Math.sqrt(2 * Math.PI));
    const teacherDensity = (logs: Row) =>
      lossesFor("value", outputs.value, logs.map(Math.exp)).map((loss, i) => loss * normal(logs[i] ?? 0));
    const positive = integral(teacherDensity, mu - 12 * sigma, mu + 12 * sigma);
    const [zero = 0] = lossesFor("value", outputs.value, [0]);
    expect(entropyOf("value")).toBeCloseTo((1 - sigmoid(z)) * zero + sigmoid(z) * positive, 10);
  });
  it.each(OBJECTIVE_KINDS)("of %s is least where the teacher is met", (kind) => {
    const teacherOutputs = matrix([teacher[kind]]);
    const at = matrix([teacher[kind]]);
    at.requiresGrad = true;
    LIKELIHOODS[kind].crossEntropy(at, teacherOutputs, 1).sum().backward();
    toBeClose(
      gradientOf(at) as Tensor,
      OUTPUTS[kind].map(() => 0),
      { rtol: 0, atol: 1e-12 },
    );
  });
});

describe("gradients", () => {
  const labels = { binary: [0, 1, 1], count: [0, 3, 11], value: [0, 2.5, 1e4] } as const;
  it.each(OBJECTIVE_KINDS)("of %s are those of differences", (kind) => {
    const rows = [0, 1, 2].map((row) => OUTPUTS[kind].map((_, i) => Math.sin(3 * row + i)));
    const [own, teacherOutputs] = [matrix(rows), matrix(rows.map((row) => row.map((x) => 1 - x)))];
    const labelTensor = matrix(labels[kind].map((label) => [label]));
    own.requiresGrad = true;
    checkGrads((x) => LIKELIHOODS[kind].loss(x as Tensor, labelTensor).sum(), [own], { rtol: 1e-5 });
    checkGrads((x) => LIKELIHOODS[kind].crossEntropy(x as Tensor, teacherOutputs, 0.7).sum(), [own], { rtol: 1e-5 });
  });

  const EXTREMES: Readonly<Record<ObjectiveKind, readonly (readonly [Row, number])[]>> = {
    binary: [
      [[1e4], 0],
      [[-1e4], 1],
    ],
    count: [
      [[Math.log(1e-30)], 0],
      [[Math.log(1e-30)], 1e12],
      [[41], 0],
      [[1e4], 3],
      [[-1e4], 1e12],
    ],
    value: [
      [[0, 0, -1e4], 1e12],
      [[0, 1e4, -1e4], 1e-38],
      [[-1e4, -1e4, 1e4], 3e38],
      [[1e4, 80, 0], 0],
      [[0, 27.6, -50], 1e12],
    ],
  };
  it.each(OBJECTIVE_KINDS)("and losses of %s are finite at extremes, in float32", (kind) => {
    for (const [outputs, label] of EXTREMES[kind]) {
      const at = matrix([outputs], "float32");
      at.requiresGrad = true;
      const loss = LIKELIHOODS[kind].loss(at, matrix([[label]], "float32"));
      loss.sum().backward();
      const found = [...loss.detach().toNumbers(), ...(gradientOf(at)?.toNumbers() ?? [])];
      expect([outputs, label, found.every(Number.isFinite)]).toEqual([outputs, label, true]);
    }
  });

  it("find the mean of labels that are all equal", () => {
    const [labels, at] = [matrix([[7], [7]]), matrix([[0], [0]])];
    for (let step = 0; step < 200; step++) {
      const z = at.clone();
      z.requiresGrad = true;
      LIKELIHOODS.count.loss(z, labels).sum().backward();
      at.copy_(at.sub((gradientOf(z) as Tensor).mul(0.1)));
    }
    toBeClose(at, [Math.log(7), Math.log(7)], { rtol: 1e-6 });
  });
});

describe("objectives beside each other", () => {
  const spec = { objectives: ["click", "spend", "views"], objectiveKinds: { spend: "value", views: "count" } } as const;
  const objectives = objectivesOf(spec);
  const outputs = [
    [0.1, -0.4, 0.9, 0.2, -0.7],
    [1.3, 0.6, -0.2, -1, 0.5],
  ];
  const labels = [
    [1, 2.5, 0],
    [0, 0, 4],
  ];

  it("have columns of their own", () => {
    const losses = lossesOf(objectives, matrix(outputs), matrix(labels)).toNumbers();
    const expected = outputs.flatMap((row, b) => [
      lossesFor("binary", row.slice(0, 1), [labels[b]?.[0] ?? 0])[0],
      lossesFor("value", row.slice(1, 4), [labels[b]?.[1] ?? 0])[0],
      lossesFor("count", row.slice(4), [labels[b]?.[2] ?? 0])[0],
    ]);
    expect(losses).toEqual(expected);
    const teacher = matrix(outputs.map((row) => row.map((x) => -x)));
    const taught = crossEntropiesOf(objectives, matrix(outputs), { teacher, labelScale: 1 });
    expect(taught.shape).toEqual([2, 3]);
  });

  it("are averaged as the operator of logits does", () => {
    const binary = objectivesOf({ objectives: ["a", "b"] });
    const [logits, targets] = [
      matrix(outputs.map((row) => row.slice(0, 2))),
      matrix([
        [1, 0],
        [0, 0],
      ]),
    ];
    const known = {
      mask: matrix([
        [1, 0],
        [1, 1],
      ]),
      weights: fromArray(Float64Array.of(2, 0.5), [2]),
    };
    const fused = multiObjectiveLoss(logits, { labels: targets, ...known });
    toBeClose(meanOfKnown(lossesOf(binary, logits, targets), known), [fused.item()]);
  });
});
