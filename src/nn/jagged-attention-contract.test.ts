import { spawnSync } from "node:child_process";
import { beforeAll, describe, expect, test } from "vitest";
import type { AttentionMask } from "../ops/attention/attention-options.ts";
import { jaggedAttention } from "../ops/attention/generated.ts";
import { attend } from "../ops/attention/jagged-attention.ts";
import { plainAttention } from "../ops/attention/plain-attention.ts";
import { JaggedTensor } from "../ops/index.ts";
import { boundsOf, random64, randomJagged } from "../ops/jagged/testing.ts";
import { countFlops, fromArray, noGrad, setThreads, type Tensor, zeros } from "../torch/index.ts";
import { toBeClose } from "../torch/testing.ts";
import { AttentionPooling, MultiHeadAttention } from "./attention.ts";
import { initial64 } from "./testing.ts";

const int64 = (values: readonly number[]): Tensor =>
  fromArray(Int32Array.from(values), [values.length]).to({ dtype: "int64" });

beforeAll(() => setThreads(1));

describe("jagged_attention refuses", () => {
  type Options = Parameters<typeof jaggedAttention>[3];
  const rows = random64([5, 2, 4]);
  const offsets = int64([0, 2, 5]);
  const call = (options: Partial<Options>, [q, k, v]: readonly Tensor[] = [rows, rows, rows]): Tensor =>
    jaggedAttention(q as Tensor, k as Tensor, v as Tensor, { queryOffsets: offsets, keyOffsets: offsets, ...options });

  test.each<[string, RegExp, () => Tensor]>([
    ["rows without heads", /must be \[rows, heads, dim\]/, () => call({}, [rows.flatten(1), rows, rows])],
    ["keys and values of other rows", /same rows and heads/, () => call({}, [rows, rows, rows.slice(0, 0, 4)])],
    ["queries and keys of other dims", /the same dim/, () => call({}, [rows.slice(2, 0, 3), rows, rows])],
    ["no dims", /none be 0/, () => call({}, [zeros([5, 2, 0]), zeros([5, 2, 0]), zeros([5, 2, 1])])],
    ["3 heads beside 2", /3 query heads are no multiple of 2/, () => call({}, [random64([5, 3, 4]), rows, rows])],
    ["two dtypes", /one dtype/, () => call({}, [rows, rows, rows.to({ dtype: "float32" })])],
    ["offsets past the rows", /must run from 0 to 5/, () => call({ queryOffsets: int64([0, 2, 6]) })],
    [
      "offsets that decrease",
      /must not decrease/,
      () => call({ keyOffsets: int64([0, 2, 1, 5]), queryOffsets: int64([0, 1, 2, 5]) }),
    ],
    ["other numbers of examples", /queries of 1 examples and keys of 2/, () => call({ queryOffsets: int64([0, 5]) })],
    ["an unknown activation", /must be softmax or silu, got relu/, () => call({ activation: "relu" })],
    ["a negative window", /must not be negative/, () => call({ window: -1 })],
    ["a mask across", /same rows/, () => call({ causal: true, keyOffsets: int64([0, 3, 5]) })],
    ["a bias of 3 heads", /\[1 or 2, columns\]/, () => call({ positionBias: random64([3, 5]) })],
    ["an even number of distances", /from -reach to reach/, () => call({ positionBias: random64([2, 4]) })],
    [
      "rotary positions of odd dims",
      /even dim/,
      () =>
        call(
          { rotaryBase: 10 },
          [1, 2, 3].map(() => random64([5, 2, 3])),
        ),
    ],
  ])("%s", (_, message, run) => {
    expect(run).toThrow(expect.objectContaining({ code: "TORCH_OPERATOR" }));
    expect(run).toThrow(message);
  });
});

describe("counted operations", () => {
  const [lengths, heads, dim] = [[3, 0, 10], 2, 4];
  const masks: readonly [string, AttentionMask, number][] = [
    ["all", {}, 9 + 100],
    ["causal", { causal: true }, 6 + 55],
    ["a window", { causal: true, window: 2 }, 5 + 19],
    ["a window and the first", { causal: true, window: 2, globalKeys: 1 }, 6 + 27],
  ];
  test.each(masks)("%s: two products forward, four backward", (_, mask, pairs) => {
    const x = randomJagged(lengths, heads * dim);
    const values = x.values.reshape([13, heads, dim]);
    values.requiresGrad = true;
    const run = (): Tensor => attend({ query: x.with(values), key: x.with(values), value: values }, { mask }).values;
    const forward = 2 * 2 * dim * heads * pairs;
    expect(countFlops(() => noGrad(run))).toBe(forward);
    expect(countFlops(() => run().sum().backward())).toBe(3 * forward);
  });
});

test("layers give the same with the plain composition", () => {
  const sizes = { dim: 8, numHeads: 2 };
  const x = randomJagged([3, 0, 9], 8);
  const both = [attend, plainAttention].map((how) => ({
    mixed: MultiHeadAttention.init({ ...sizes, attend: how }, initial64()).apply(x).values,
    pooled: AttentionPooling.init({ ...sizes, numQueries: 2, attend: how }, initial64()).apply(x),
  }));
  toBeClose(both[0]?.mixed as Tensor, both[1]?.mixed as Tensor);
  toBeClose(both[0]?.pooled as Tensor, both[1]?.pooled as Tensor);
});

const DTYPES = ["float32", "float64"] as const;
const ACTIVATIONS = ["softmax", "silu"] as const;

/** Sums of each case's result and its gradients, which a process with another instruction set must come close to. */
const PROGRAM = `
  const [{ attend, JaggedTensor }, { grad, randn, RandomGenerator }] =
    await Promise.all(process.argv.slice(1, 3).map((url) => import(url)));
  const [dtypes, activations] = process.argv.slice(3).map((list) => list.split(","));
  const sums = (dtype, activation) => {
    const generator = RandomGenerator.seeded(1);
    const rows = [1, 2, 3].map(() => randn([61, 2, 17], { generator, dtype }));
    for (const row of rows) row.requiresGrad = true;
    const bounds = Int32Array.of(0, 1, 1, 41, 61);
    const [q, k] = rows.map((row) => JaggedTensor.of(row, bounds));
    const y = attend({ query: q, key: k, value: rows[2] }, { mask: { causal: true }, activation }).values;
    const all = [y, ...grad([y.square().sum([0, 1, 2])], rows)];
    return all.map((t) => t.abs().sum([0, 1, 2]).item());
  };
  const cases = dtypes.flatMap((dtype) => activations.map((one) => [dtype + " " + one, sums(dtype, one)]));
  console.log(JSON.stringify(Object.fromEntries(cases)));
`;

describe("every instruction set", () => {
  const urls = ["../ops/index.js", "../torch/index.js"].map((path) => new URL(path, import.meta.url).href);
  let sums: readonly Readonly<Record<string, readonly number[]>>[] = [];
  beforeAll(() => {
    sums = ["default", "avx2", "avx512", undefined].map((allowed) => {
      const { ATEN_CPU_CAPABILITY: _, ...rest } = process.env;
      const env = allowed === undefined ? rest : { ...rest, ATEN_CPU_CAPABILITY: allowed };
      const args = ["--input-type=module", "-e", PROGRAM, ...urls, DTYPES.join(), ACTIVATIONS.join()];
      return JSON.parse(spawnSync(process.execPath, args, { env }).stdout.toString());
    });
  });

  describe.each(DTYPES)("%s", (dtype) => {
    test.each(ACTIVATIONS)("%s", (activation) => {
      const [plain, ...others] = sums.map((one) => one[`${dtype} ${activation}`] ?? []);
      expect(plain).toHaveLength(4);
      for (const other of others) {
        expect(other).toHaveLength(4);
        for (const [i, value] of other.entries()) {
          expect(Math.abs(value / (plain?.[i] ?? Number.NaN) - 1)).toBeLessThan(dtype === "float32" ? 1e-5 : 1e-12);
        }
      }
    });
  });
});

test("offsets of any number of empty examples are no work", () => {
  const bounds = boundsOf(new Array<number>(5000).fill(0));
  const none = JaggedTensor.of(zeros([0, 2, 4]), bounds);
  expect(attend({ query: none, key: none, value: none.values }).values.shape).toEqual([0, 2, 4]);
});
