import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { fromArray, grad, Scope, setThreads, type Tensor } from "../../torch/index.ts";
import { toBeClose } from "../../torch/testing.ts";
import { JaggedTensor } from "../jagged/jagged-tensor.ts";
import { boundsOf, random64 } from "../jagged/testing.ts";
import type { AttentionMask, AttentionOptions } from "./attention-options.ts";
import { attend } from "./jagged-attention.ts";
import { plainAttention } from "./plain-attention.ts";

const [INF, NAN] = [Number.POSITIVE_INFINITY, Number.NaN];

/** Sizes of a problem; queries are the keys' rows unless they have lengths of their own. */
interface Sizes {
  readonly lengths: readonly number[];
  readonly queryLengths?: readonly number[];
  readonly heads?: number;
  readonly keyHeads?: number;
  readonly dim?: number;
  readonly valueDim?: number;
}

/** The tensors that have gradients, in one order for all comparisons. */
interface Problem {
  readonly leaves: readonly Tensor[];
  readonly apply: (leaves: readonly Tensor[], how: typeof attend) => Tensor;
}

const f64 = (values: readonly number[], shape: readonly number[]): Tensor =>
  fromArray(Float64Array.from(values), shape);

/** Draws a bias of the size that the options ask for. */
interface Drawn extends Omit<AttentionOptions, "bias"> {
  readonly positionBias?: readonly [number, number];
}

function problemOf(sizes: Sizes, { positionBias, ...options }: Drawn, seed = 1): Problem {
  const { lengths, queryLengths = lengths, heads = 2, keyHeads = heads, dim = 4, valueDim = dim } = sizes;
  const [queryBounds, keyBounds] = [boundsOf(queryLengths), boundsOf(lengths)];
  const [numQueries, numKeys] = [queryBounds.at(-1) ?? 0, keyBounds.at(-1) ?? 0];
  const leaves = [
    random64([numQueries, heads, dim], seed),
    random64([numKeys, keyHeads, dim], seed + 1),
    random64([numKeys, keyHeads, valueDim], seed + 2),
    ...(positionBias === undefined ? [] : [random64(positionBias, seed + 3)]),
  ];
  const apply: Problem["apply"] = ([query, key, value, position], how) => {
    const bias = position === undefined ? {} : { position };
    const inputs = {
      query: JaggedTensor.of(query as Tensor, queryBounds),
      key: JaggedTensor.of(key as Tensor, keyBounds),
    };
    return how({ ...inputs, value: value as Tensor }, { ...options, bias }).values;
  };
  return { leaves, apply };
}

/** Result and gradients, all as float64. */
function results({ leaves, apply }: Problem, how: typeof attend, dtype: "float32" | "float64"): Tensor[] {
  const own = leaves.map((leaf) => {
    const copy = leaf.detach().to({ dtype }).clone();
    copy.requiresGrad = true;
    return copy;
  });
  const y = apply(own, how);
  const cotangent = random64(y.shape, 99).to({ dtype });
  const gradients = grad([y], own, { gradients: [cotangent] });
  return [y.detach(), ...gradients.map((gradient, i) => gradient ?? (own[i] as Tensor).mul(0))].map((t) =>
    t.to({ dtype: "float64" }),
  );
}

/** The kernel in both widths against the composition in float64, forward and every gradient. */
function check(sizes: Sizes, options: Drawn, seed = 1): void {
  using _ = new Scope();
  const problem = problemOf(sizes, options, seed);
  const expected = results(problem, plainAttention, "float64");
  const [double, single] = [results(problem, attend, "float64"), results(problem, attend, "float32")];
  expected.forEach((e, i) => {
    toBeClose(double[i] as Tensor, e, { rtol: 1e-9, atol: 1e-9 });
    const size = e.shape.includes(0) ? 0 : e.abs().amax().item();
    toBeClose(single[i] as Tensor, e, { rtol: 1e-4, atol: 2e-5 * (1 + size) });
  });
}

const LENGTHS = [3, 0, 1, 17, 70, 0, 33, 5];
const MASKS: Readonly<Record<string, AttentionMask>> = {
  all: {},
  causal: { causal: true },
  "causal window": { causal: true, window: 5 },
  "window to both sides": { window: 5 },
  blocks: { block: 4 },
  "causal blocks of 64": { block: 64, causal: true },
  "semi-local": { causal: true, window: 4, globalKeys: 3 },
  "semi-local to both sides": { window: 4, globalKeys: 20 },
};

beforeAll(() => setThreads(2));

describe.each(Object.entries(MASKS))("mask: %s", (_, mask) => {
  test.each(["softmax", "silu"] as const)("%s", (activation) => {
    check({ lengths: LENGTHS, dim: 16 }, { activation, mask, factor: 0.25 });
  });
  test("with a bias and rotary positions", () => {
    check({ lengths: LENGTHS, heads: 4, keyHeads: 2, dim: 6 }, { mask, positionBias: [4, 21], rotaryBase: 1000 });
  });
});

describe("sizes", () => {
  test.each([1, 3, 16, 17, 32, 64])("dim %i", (dim) => {
    check({ lengths: [40, 0, 7], dim }, { mask: { causal: true } });
    check({ lengths: [40, 0, 7], dim, valueDim: (dim % 7) + 1, heads: 6, keyHeads: 2 }, { activation: "silu" });
  });
  test.each([{ lengths: [] }, { lengths: [0] }, { lengths: [0, 0] }])("empty batches: $lengths", (sizes) => {
    check(sizes, { mask: { causal: true }, positionBias: [1, 3] });
  });
  test("a long row among short ones, over several chunks of keys and shares of work", () => {
    check({ lengths: [1, 2300, 2], heads: 1, dim: 2 }, { mask: { causal: true } });
    check({ lengths: [2100, 1], heads: 2, keyHeads: 1, dim: 2 }, { mask: { block: 64 }, positionBias: [2, 5] });
  });
  test("any", () => {
    const mask = fc.constantFrom(
      {},
      { causal: true },
      { window: 3, causal: true },
      { block: 5 },
      { window: 2, globalKeys: 2 },
    );
    const sizes = fc.record({
      lengths: fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 5 }),
      keyHeads: fc.integer({ min: 1, max: 3 }),
      dim: fc.integer({ min: 1, max: 20 }),
      valueDim: fc.integer({ min: 1, max: 20 }),
    });
    const activation = fc.constantFrom("softmax" as const, "silu" as const);
    const options = fc.record({ mask, activation });
    fc.assert(
      fc.property(sizes, options, fc.integer({ min: 1, max: 1000 }), (drawn, drawnOptions, seed) => {
        check({ ...drawn, heads: drawn.keyHeads * (1 + (seed % 2)) }, drawnOptions, seed);
      }),
      { numRuns: 40 },
    );
  });
});

describe("queries and keys of different rows", () => {
  const sizes = { lengths: [4, 0, 200, 1], queryLengths: [2, 3, 40, 0] };
  test.each(["softmax", "silu"] as const)("%s", (activation) => check(sizes, { activation }));
  test("with a bias and rotary positions", () => {
    check(sizes, { positionBias: [2, 31], rotaryBase: 100 });
  });
  test("a row without keys gets zero", () => {
    const { leaves, apply } = problemOf(sizes, {});
    expect(apply(leaves, attend).slice(0, 2, 5).toNumbers()).toEqual(new Array(3 * 2 * 4).fill(0));
  });
});

describe("special values", () => {
  const sizes = { lengths: [5, 40, 3], dim: 4 };

  test.each([NAN, INF, -INF])("%s in one example stays there, forward and backward", (bad) => {
    const { leaves, apply } = problemOf(sizes, {});
    const poisoned = leaves.map((leaf) => {
      const numbers = leaf.toNumbers();
      numbers[5 * 2 * 4 + 3] = bad;
      return f64(numbers, leaf.shape);
    });
    for (const dtype of ["float32", "float64"] as const) {
      const clean = results({ leaves, apply }, attend, dtype);
      results({ leaves: poisoned, apply }, attend, dtype).forEach((tensor, i) => {
        toBeClose(tensor.slice(0, 0, 5), (clean[i] as Tensor).slice(0, 0, 5));
        toBeClose(tensor.slice(0, 45, 48), (clean[i] as Tensor).slice(0, 45, 48));
        expect(tensor.slice(0, 5, 45).isfinite().all().item()).toBe(0);
      });
    }
  });
  test("infinite and missing scores are as libtorch's softmax has them", () => {
    const scores = [
      [INF, 0],
      [-INF, 0],
      [-INF, -INF],
      [NAN, 0],
      [INF, INF],
    ];
    for (const dtype of ["float32", "float64"] as const) {
      const one = f64([1], [1, 1, 1]).to({ dtype });
      const weights = scores.map((row) => {
        const key = f64(row, [2, 1, 1]).to({ dtype });
        const value = f64([1, 2], [2, 1, 1]).to({ dtype });
        const query = JaggedTensor.of(one, boundsOf([1]));
        return attend({ query, key: JaggedTensor.of(key, boundsOf([2])), value }).values.item();
      });
      expect(weights).toEqual([NAN, 2, NAN, NAN, NAN]);
    }
  });
  test("scores of ±1e4", () => {
    const { leaves, apply } = problemOf(sizes, { scale: 1e4 });
    toBeClose(apply(leaves, attend), apply(leaves, plainAttention), { rtol: 1e-7, atol: 1e-7 });
    for (const tensor of results({ leaves, apply }, attend, "float32")) {
      expect(tensor.isfinite().all().item()).toBe(1);
    }
  });
});

test("gives the same bits twice, with one thread and with two", () => {
  const lengths = Array.from({ length: 40 }, (_, i) => (i * 37) % 150);
  const options = { mask: { causal: true }, positionBias: [2, 9] } as const;
  for (const sizes of [{ lengths }, { lengths: [3000, 2, 1500] }]) {
    const problem = problemOf(sizes, options);
    const runs = [2, 2, 1, 1].map((threads) => {
      setThreads(threads);
      return results(problem, attend, "float32");
    });
    for (const other of runs.slice(1)) {
      other.forEach((tensor, i) => {
        expect(tensor.equal(runs[0]?.[i] as Tensor)).toBe(true);
      });
    }
  }
  setThreads(2);
});

test("16-bit inputs are computed in 32 bits", () => {
  const { leaves, apply } = problemOf({ lengths: [9, 0, 30], dim: 8 }, { mask: { causal: true } });
  const half = leaves.map((leaf) => leaf.to({ dtype: "bfloat16" }));
  const y = apply(half, attend);
  expect(y.dtype).toBe("bfloat16");
  toBeClose(
    y,
    apply(
      half.map((leaf) => leaf.to({ dtype: "float64" })),
      plainAttention,
    ).to({ dtype: "bfloat16" }),
    {
      rtol: 1e-2,
      atol: 1e-2,
    },
  );
});

test("columns out of order and parts of a wider row are read where they are", () => {
  const wide = random64([12, 3, 2, 4]);
  const bounds = boundsOf([5, 7]);
  const [query, key, value] = [0, 1, 2].map((i) => wide.select(1, i));
  const attended = (q: Tensor, k: Tensor, v: Tensor): Tensor =>
    attend({ query: JaggedTensor.of(q, bounds), key: JaggedTensor.of(k, bounds), value: v }).values;
  const expected = attended(query?.clone() as Tensor, key?.clone() as Tensor, value?.clone() as Tensor);
  expect(attended(query as Tensor, key as Tensor, value as Tensor).equal(expected)).toBe(true);
  const turned = (x: Tensor | undefined): Tensor => (x as Tensor).transpose(0, 2).contiguous().transpose(0, 2);
  expect(attended(turned(query), turned(key), turned(value)).equal(expected)).toBe(true);
});
