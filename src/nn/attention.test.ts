import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { rotate } from "../ops/attention/rotary.ts";
import { JaggedTensor } from "../ops/index.ts";
import { boundsOf, RAGGED_LENGTHS, random64, randomJagged, rowsOf, segmentsOf } from "../ops/jagged/testing.ts";
import { arange, fromArray, grad, Scope, setThreads, type Tensor } from "../torch/index.ts";
import { toBeClose } from "../torch/testing.ts";
import { AttentionPooling, MultiHeadAttention } from "./attention.ts";
import { checkLayerGrads, dot, initial64, naiveLinear, naiveSoftmax } from "./testing.ts";

const DIM = 8;
const HEADS = 2;
const DEPTH = DIM / HEADS;
const QUERIES = 3;
/** Sums of a few hundred float64 products in two orders. */
const CLOSE = { rtol: 1e-10, atol: 1e-10 };

/** Turns the pair (2i, 2i+1) at position p by p · 1000^(−2i/d). */
function naiveRotate(row: readonly number[], position: number): number[] {
  return row.map((value, j) => {
    const angle = position * 1000 ** (-(j - (j % 2)) / row.length);
    const other = row[j % 2 === 0 ? j + 1 : j - 1] ?? Number.NaN;
    return value * Math.cos(angle) + (j % 2 === 0 ? -other : other) * Math.sin(angle);
  });
}

const head = (row: readonly number[], h: number): number[] => row.slice(h * DEPTH, (h + 1) * DEPTH);

/** `Σ_l softmax(q · k / √d)_l v_l` of one query and one head. */
function naiveMix(query: readonly number[], keys: readonly number[][], values: readonly number[][]): number[] {
  const weights = naiveSoftmax(keys.map((key) => dot(query, key) / Math.sqrt(DEPTH)));
  return query.map((_, j) =>
    dot(
      weights,
      values.map((value) => value[j] ?? Number.NaN),
    ),
  );
}

function naiveAttention(layer: MultiHeadAttention, rows: readonly number[][]): number[][] {
  const [q, k, v] = [layer.query, layer.key, layer.value].map((map) => rows.map((row) => naiveLinear(row, map)));
  const perHead = Array.from({ length: HEADS }, (_, h) => ({
    queries: q?.map((row, i) => naiveRotate(head(row, h), i)) ?? [],
    keys: k?.map((row, i) => naiveRotate(head(row, h), i)) ?? [],
    values: v?.map((row) => head(row, h)) ?? [],
  }));
  return rows.map((_, i) =>
    naiveLinear(
      perHead.flatMap(({ queries, keys, values }) => naiveMix(queries[i] ?? [], keys, values)),
      layer.output,
    ),
  );
}

function naivePooling(layer: AttentionPooling, rows: readonly number[][]): number[][] {
  const keys = rows.map((row) => naiveLinear(row, layer.key));
  const values = rows.map((row) => naiveLinear(row, layer.value));
  return rowsOf(layer.queries).map((query) => {
    const mixed = Array.from({ length: HEADS }, (_, h) =>
      naiveMix(
        head(query, h),
        keys.map((key) => head(key, h)),
        values.map((value) => head(value, h)),
      ),
    );
    return naiveLinear(rows.length === 0 ? query.map(() => 0) : mixed.flat(), layer.output);
  });
}

/** The segments in another order. */
function reorder(x: JaggedTensor, order: readonly number[]): JaggedTensor {
  const index = Int32Array.from(
    order.flatMap((b) => Array.from({ length: x.length(b) }, (_, i) => (x.bounds[b] ?? 0) + i)),
  );
  return JaggedTensor.of(
    x.values.indexSelect(0, fromArray(index, [index.length])),
    boundsOf(order.map((b) => x.length(b))),
  );
}

const anyLengths = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 5 });
const examples = RAGGED_LENGTHS.map((lengths): [number[]] => [[...lengths]]);

beforeAll(() => setThreads(1));

describe("rotate", () => {
  const positions = arange(0, 6, 1, { dtype: "float64" });

  test("turns each pair by its angle", () => {
    const x = random64([2, 6, 4]);
    const expected = rowsOf(x.reshape([12, 4])).flatMap((row, i) => naiveRotate(row, i % 6));
    toBeClose(rotate(x, positions), expected);
  });
  test("leaves position 0 and all lengths as they are", () => {
    const x = random64([6, 4]);
    toBeClose(rotate(x, positions).select(0, 0), x.select(0, 0));
    toBeClose(rotate(x, positions).square().sum([-1]), x.square().sum([-1]));
  });
  test("products depend on the distance only", () => {
    const [a, b] = [random64([1, 8], 1).expand([6, 8]), random64([1, 8], 2).expand([6, 8])];
    const product = (shift: number): Tensor =>
      rotate(a, positions.add(shift)).matmul(rotate(b, positions.add(shift)).t());
    const table = rowsOf(product(0));
    toBeClose(product(1000), product(0), { rtol: 1e-9, atol: 1e-9 });
    expect(table[1]?.[3]).toBeCloseTo(table[2]?.[4] ?? 0, 10);
    expect(Math.abs((table[0]?.[1] ?? 0) - (table[1]?.[0] ?? 0))).toBeGreaterThan(1e-3);
  });
});

describe("MultiHeadAttention", () => {
  const layer = MultiHeadAttention.init({ dim: DIM, numHeads: HEADS }, initial64());

  test("is the loop on every segment", () => {
    fc.assert(
      fc.property(anyLengths, (lengths) => {
        using _ = new Scope();
        const x = randomJagged(lengths, DIM);
        const expected = segmentsOf(x).flatMap((rows) => naiveAttention(layer, rows).flat());
        const y = layer.apply(x);
        expect(y.bounds).toBe(x.bounds);
        toBeClose(y.values, expected, CLOSE);
      }),
      { examples, numRuns: 15 },
    );
  });
  test("a segment alone gives what it gives in a batch", () => {
    const x = randomJagged([3, 0, 7, 1], DIM);
    const alone = JaggedTensor.of(x.values.slice(0, 3, 10), boundsOf([7]));
    toBeClose(layer.apply(x).values.slice(0, 3, 10), layer.apply(alone).values, CLOSE);
  });
  test("reordering segments reorders the result", () => {
    const x = randomJagged([3, 0, 4, 1], DIM);
    const order = [2, 3, 1, 0];
    toBeClose(layer.apply(reorder(x, order)).values, reorder(layer.apply(x), order).values, CLOSE);
  });
  test("the order of rows matters", () => {
    const x = randomJagged([2], DIM);
    const swapped = reorder(JaggedTensor.of(x.values, boundsOf([1, 1])), [1, 0]).values;
    const [first] = rowsOf(layer.apply(x).values);
    const [, second] = rowsOf(layer.apply(JaggedTensor.of(swapped, boundsOf([2]))).values);
    expect(Math.abs((first?.[0] ?? 0) - (second?.[0] ?? 0))).toBeGreaterThan(1e-6);
  });
  test("stays finite on rows of ±1e4", () => {
    const x = randomJagged([3, 0, 2], DIM);
    expect(
      layer
        .apply(x.with(x.values.mul(1e4)))
        .values.isfinite()
        .all()
        .item(),
    ).toBe(1);
  });
  test("gradients, empty segments among them", () => {
    const x = randomJagged([3, 0, 1, 4], DIM);
    checkLayerGrads(layer, (l, v) => l.apply(JaggedTensor.of(v as Tensor, x.bounds)).values, { inputs: [x.values] });
  });
});

describe("AttentionPooling", () => {
  const layer = AttentionPooling.init({ dim: DIM, numHeads: HEADS, numQueries: QUERIES }, initial64());

  test("is the loop on every segment, zero for an empty one", () => {
    fc.assert(
      fc.property(anyLengths, (lengths) => {
        using _ = new Scope();
        const x = randomJagged(lengths, DIM);
        const pooled = layer.apply(x);
        expect(pooled.shape).toEqual([lengths.length, QUERIES, DIM]);
        toBeClose(
          pooled,
          segmentsOf(x).flatMap((rows) => naivePooling(layer, rows).flat()),
          CLOSE,
        );
      }),
      { examples, numRuns: 15 },
    );
  });
  test("does not depend on the order of rows", () => {
    const x = randomJagged([1, 1, 1, 1], DIM);
    const whole = (rows: Tensor): Tensor => layer.apply(JaggedTensor.of(rows, boundsOf([4])));
    toBeClose(whole(reorder(x, [3, 1, 0, 2]).values), whole(x.values), CLOSE);
  });
  test("gradients, empty segments among them", () => {
    const x = randomJagged([3, 0, 1, 4], DIM);
    checkLayerGrads(layer, (l, v) => l.apply(JaggedTensor.of(v as Tensor, x.bounds)), { inputs: [x.values] });
  });
  test("an all-empty batch gives zeros, and gradients that are zero", () => {
    const pooled = layer.apply(randomJagged([0, 0], DIM));
    expect(pooled.toNumbers()).toEqual(new Array(2 * QUERIES * DIM).fill(0));
    const maps = [layer.queries, layer.key.weight, layer.value.weight, layer.output.weight];
    for (const gradient of grad([pooled.sum()], maps)) expect(gradient?.abs().amax().item()).toBe(0);
  });
});
