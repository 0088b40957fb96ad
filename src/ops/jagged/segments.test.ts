import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { fromArray, grad, gradientOf, Scope, setThreads, type Tensor } from "../../torch/index.ts";
import { f64, i64 } from "../../torch/operators/operators.test.support.ts";
import { checkGrads, toBeClose } from "../../torch/testing.ts";
import { segmentSum } from "./generated.ts";
import { JaggedTensor } from "./jagged-tensor.ts";
import { maxSegments, meanSegments, softmaxSegments, sumSegments } from "./segments.ts";
import { boundsOf, RAGGED_LENGTHS, random64, randomJagged, segmentsOf } from "./testing.ts";

const COLUMNS = 2;

function onRagged(body: (x: JaggedTensor, seed: number) => void): void {
  const lengths = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 6 });
  const examples = RAGGED_LENGTHS.map((example): [number[], number] => [[...example], 1]);
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 1000 }), (drawn, seed) => {
      using _ = new Scope();
      body(randomJagged(drawn, COLUMNS, seed), seed);
    }),
    { examples, numRuns: 40 },
  );
}

/** Applies a function of one column of one segment to all of them. @shape → [B, …] in order */
function perColumn(x: JaggedTensor, f: (column: number[]) => number[]): number[] {
  return segmentsOf(x).flatMap((rows) => {
    const columns = Array.from({ length: COLUMNS }, (_, j) => f(rows.map((row) => row[j] ?? Number.NaN)));
    const results = columns[0]?.length ?? 0;
    return Array.from({ length: results }, (_, i) => columns.map((column) => column[i] ?? Number.NaN)).flat();
  });
}

const sum = (column: number[]): number => column.reduce((total, value) => total + value, 0);

function softmax(column: number[]): number[] {
  const max = Math.max(...column);
  const exp = column.map((value) => Math.exp(value - max));
  return exp.map((value) => value / sum(exp));
}

/** One column of one segment per array. */
function columns(...segments: (readonly number[])[]): JaggedTensor {
  const values = Float64Array.from(segments.flat());
  return JaggedTensor.of(fromArray(values, [values.length, 1]), boundsOf(segments.map((rows) => rows.length)));
}

beforeAll(() => setThreads(1));

describe("values", () => {
  test("the sum is the sum in a loop, zero for an empty segment", () => {
    onRagged((x) =>
      toBeClose(
        sumSegments(x),
        perColumn(x, (column) => [sum(column)]),
      ),
    );
  });

  test("the mean is sum over length, zero for an empty segment", () => {
    onRagged((x) =>
      toBeClose(
        meanSegments(x),
        perColumn(x, (column) => [sum(column) / Math.max(1, column.length)]),
      ),
    );
  });

  test("the largest value is the loop's, -Infinity for an empty segment", () => {
    onRagged((x) =>
      toBeClose(
        maxSegments(x),
        perColumn(x, (column) => [Math.max(...column)]),
      ),
    );
  });

  test("the softmax is the loop's", () => {
    onRagged((x) => toBeClose(softmaxSegments(x).values, perColumn(x, softmax)));
  });

  test("shapes and segments are kept", () => {
    for (const lengths of RAGGED_LENGTHS) {
      const x = randomJagged(lengths, COLUMNS);
      for (const f of [sumSegments, meanSegments, maxSegments]) expect(f(x).shape).toEqual([lengths.length, COLUMNS]);
      expect(softmaxSegments(x).bounds).toBe(x.bounds);
      expect(softmaxSegments(x).values.shape).toEqual(x.values.shape);
    }
  });
});

describe("softmax", () => {
  test("weights of each segment add up to one", () => {
    onRagged((x) => {
      const expected = perColumn(x, (column) => [column.length > 0 ? 1 : 0]);
      toBeClose(sumSegments(softmaxSegments(x)), expected);
    });
  });

  test("a constant per segment and column changes nothing", () => {
    onRagged((x, seed) => {
      const shift = x.spread(random64([x.size, COLUMNS], seed + 1).mul(100));
      toBeClose(softmaxSegments(x.with(x.values.add(shift))).values, softmaxSegments(x).values, { rtol: 1e-12 });
    });
  });

  test("other segments change nothing", () => {
    const x = randomJagged([3, 4, 2], COLUMNS);
    const alone = JaggedTensor.of(x.values.slice(0, 3, 7), boundsOf([4]));
    expect(softmaxSegments(x).values.slice(0, 3, 7).equal(softmaxSegments(alone).values)).toBe(true);
  });

  test("is stable at ±89 and ±1e4", () => {
    const x = columns([1e4, 1e4], [-1e4, -1e4, -1e4], [1e4, -1e4], [89, 88], [-89, -88]);
    const e = 1 / (1 + Math.exp(-1));
    toBeClose(softmaxSegments(x).values, [0.5, 0.5, 1 / 3, 1 / 3, 1 / 3, 1, 0, e, 1 - e, 1 - e, e]);
  });

  test("-Infinity has weight zero; a segment of nothing else, +Infinity and NaN give NaN in that segment only", () => {
    const infinity = Number.POSITIVE_INFINITY;
    const x = columns([-infinity, 2, 2], [-infinity, -infinity], [infinity, 0], [Number.NaN, 1], [7]);
    const n = Number.NaN;
    toBeClose(softmaxSegments(x).values, [0, 0.5, 0.5, n, n, n, n, n, n, 1]);
  });
});

describe("extremes of sum, mean and largest", () => {
  test("infinities and NaN stay in their segment", () => {
    const infinity = Number.POSITIVE_INFINITY;
    const x = columns([1, infinity], [infinity, -infinity], [Number.NaN, 3], [], [1e308, 1e308], [2]);
    const n = Number.NaN;
    toBeClose(sumSegments(x), [infinity, n, n, 0, infinity, 2]);
    toBeClose(meanSegments(x), [infinity, n, n, 0, infinity, 2]);
    toBeClose(maxSegments(x), [infinity, infinity, n, -infinity, 1e308, 2]);
  });
});

describe("gradients", () => {
  const lengths = [3, 0, 1, 5];
  const x = randomJagged(lengths, COLUMNS);
  const over = (f: (x: JaggedTensor) => Tensor) => () =>
    checkGrads((values) => f(JaggedTensor.of(values, x.bounds)), [x.values]);

  test("of the sum", over(sumSegments));
  test("of the mean", over(meanSegments));
  test(
    "of the softmax",
    over((jagged) => softmaxSegments(jagged).values),
  );

  test("none through the largest value", () => {
    const values = x.values.clone();
    values.requiresGrad = true;
    expect(maxSegments(x.with(values)).requiresGrad).toBe(false);
  });

  test("are finite where the softmax saturates", () => {
    const { values, bounds } = columns([1e4, -1e4], [-1e4, -1e4], [3]);
    values.requiresGrad = true;
    const weights = softmaxSegments(JaggedTensor.of(values, bounds)).values;
    weights
      .mul(fromArray(Float64Array.of(1, 2, 3, 4, 5), [5, 1]))
      .sum()
      .backward();
    expect(gradientOf(values)?.toNumbers()).toEqual([0, 0, -0.25, 0.25, 0]);
  });
});

test("gives second derivatives through our own operator", () => {
  const x = random64([5, 2]);
  x.requiresGrad = true;
  const membership = f64([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1], [3, 5]);
  const hessianTimes = (sums: Tensor): Tensor => {
    const [first] = grad([sums.square().sum()], [x], { createGraph: true });
    const [second] = grad([first as Tensor], [x], { gradients: [random64([5, 2], 2)] });
    return second as Tensor;
  };
  toBeClose(hessianTimes(segmentSum(x.pow(3), i64([0, 2, 2, 5]))), hessianTimes(membership.mm(x.pow(3))));
});
