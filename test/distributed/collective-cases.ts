/** What every process group must do: each case runs on all processes and compares with a plain computation. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { LapidaryError } from "../../src/base/errors.ts";
import { type DType, fromArray, type ProcessGroup, type Reduction, Scope, type Tensor } from "../../src/torch/index.ts";
import { type Cases, range } from "./cases.ts";

const DTYPES: readonly DType[] = ["float32", "float64", "int64"];
const OPS = ["sum", "max", "min"] as const;
const REDUCERS: Readonly<Record<(typeof OPS)[number], (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
};

const ranks = (group: ProcessGroup): number[] => range(group.size);

/** Element i of rank r's input: small integers, exact in every dtype and order. */
const valueAt = (rank: number, i: number): number => ((rank * 31 + i * 7) % 23) - 11;
const valuesOf = (rank: number, count: number): number[] => range(count).map((i) => valueAt(rank, i));

function tensorOf(numbers: readonly number[], dtype: DType, shape: readonly number[] = [numbers.length]): Tensor {
  return fromArray(Float64Array.from(numbers), shape).to({ dtype });
}

const numbersOf = (tensor: Tensor): number[] => tensor.to({ dtype: "float64" }).contiguous().toNumbers();

function expectTensor(tensor: Tensor, numbers: readonly number[], { dtype, shape }: { dtype: DType; shape: number[] }) {
  assert.equal(tensor.dtype, dtype);
  assert.deepEqual(tensor.shape, shape);
  assert.deepEqual(numbersOf(tensor), numbers);
}

/** Element-wise reduction of the ranks' lists, one after the other. */
function reduced(group: ProcessGroup, count: number, op: (typeof OPS)[number]): number[] {
  return range(count).map((i) =>
    ranks(group)
      .map((rank) => valueAt(rank, i))
      .reduce(REDUCERS[op]),
  );
}

function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    return error instanceof LapidaryError ? error.code : String(error);
  }
  return "nothing thrown";
}

const expectEqualEverywhere = (group: ProcessGroup, tensor: Tensor): void => {
  const rows = numbersOf(group.allGather(tensor).wait());
  const count = tensor.numel;
  for (const rank of ranks(group)) assert.deepEqual(rows.slice(rank * count, (rank + 1) * count), numbersOf(tensor));
};

/** Rows that rank r sends to rank s: uneven, some none. */
const rowsBetween = (from: number, to: number): number => (from * 2 + to * 3 + 1) % 4;

function exchange(group: ProcessGroup, dtype: DType, rows: (from: number, to: number) => number): void {
  const width = 3;
  const sent = ranks(group).map((to) => rows(group.rank, to));
  const received = ranks(group).map((from) => rows(from, group.rank));
  const total = sent.reduce((a, b) => a + b, 0);
  const input = tensorOf(valuesOf(group.rank, total * width), dtype, [total, width]);
  const expected = ranks(group).flatMap((from) => {
    const start = range(group.rank).reduce((sum, to) => sum + rows(from, to), 0);
    return range(rows(from, group.rank) * width).map((i) => valueAt(from, start * width + i));
  });
  const output = group.allToAll(input, sent, received).wait();
  expectTensor(output, expected, { dtype, shape: [expected.length / width, width] });
}

function gatherUneven(group: ProcessGroup, dtype: DType, rows: (rank: number) => number): void {
  const mine = rows(group.rank);
  const input = tensorOf(valuesOf(group.rank, mine * 2), dtype, [mine, 2]);
  const { tensor, lengths } = group.allGatherUneven(input).wait();
  assert.deepEqual(lengths, ranks(group).map(rows));
  const expected = ranks(group).flatMap((rank) => valuesOf(rank, rows(rank) * 2));
  expectTensor(tensor, expected, { dtype, shape: [expected.length / 2, 2] });
}

/** The cases by name. */
export const CASES: Cases<ProcessGroup> = {
  "all-reduce: sum, max and min of each dtype": (group) => {
    for (const dtype of DTYPES) {
      for (const op of OPS) {
        const tensor = tensorOf(valuesOf(group.rank, 12), dtype, [3, 4]);
        const result = group.allReduce(tensor, op).wait();
        assert.equal(result, tensor);
        expectTensor(tensor, reduced(group, 12, op), { dtype, shape: [3, 4] });
      }
    }
  },
  "all-reduce: average": (group) => {
    const tensor = tensorOf(valuesOf(group.rank, 5), "float64");
    const result = numbersOf(group.allReduce(tensor, "average").wait());
    reduced(group, 5, "sum").forEach((sum, i) => {
      assert.ok(Math.abs((result[i] ?? Number.NaN) - sum / group.size) < 1e-14);
    });
  },
  "all-reduce: one element, none, a scalar, a million; infinities and NaN": (group) => {
    expectTensor(group.allReduce(tensorOf([group.rank], "float32")).wait(), [(group.size * (group.size - 1)) / 2], {
      ...{ dtype: "float32", shape: [1] },
    });
    expectTensor(group.allReduce(tensorOf([], "float32", [0, 3])).wait(), [], { dtype: "float32", shape: [0, 3] });
    expectTensor(group.allReduce(tensorOf([2], "float64", [])).wait(), [2 * group.size], {
      dtype: "float64",
      shape: [],
    });
    const many = group.allReduce(tensorOf(valuesOf(group.rank, 1_000_003), "float32")).wait();
    assert.deepEqual(numbersOf(many), reduced(group, 1_000_003, "sum"));
    const special = tensorOf([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1], "float32");
    const expected = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, group.size];
    assert.deepEqual(numbersOf(group.allReduce(special).wait()), expected);
  },
  "all-reduce: equal bits on all processes where rounding depends on the order": (group) => {
    const numbers = range(1001).map((i) => Math.sin(i + 1) * 10 ** ((i + group.rank) % 9));
    expectEqualEverywhere(group, group.allReduce(tensorOf(numbers, "float32"), "average").wait());
  },
  "reduce-scatter: every reduction of each dtype": (group) => {
    const rows = group.size * 2;
    for (const dtype of DTYPES) {
      for (const op of OPS) {
        const tensor = tensorOf(valuesOf(group.rank, rows * 3), dtype, [rows, 3]);
        const expected = reduced(group, rows * 3, op).slice(group.rank * 6, group.rank * 6 + 6);
        expectTensor(group.reduceScatter(tensor, op).wait(), expected, { dtype, shape: [2, 3] });
      }
    }
    const ones = tensorOf(new Array(rows).fill(1), "float64");
    assert.deepEqual(numbersOf(group.reduceScatter(ones, "average").wait()), [1, 1]);
    expectTensor(group.reduceScatter(tensorOf([], "float32", [0, 2])).wait(), [], { dtype: "float32", shape: [0, 2] });
  },
  "all-gather: each dtype and number of axes, those that Gloo does not know too": (group) => {
    const narrow: readonly DType[] = ["bfloat16", "float16", "int16", "int8", "int32"];
    for (const dtype of [...DTYPES, ...narrow]) {
      for (const shape of [[], [4], [2, 0], [2, 3]]) {
        const count = shape.reduce((product, size) => product * size, 1);
        const gathered = group.allGather(tensorOf(valuesOf(group.rank, count), dtype, shape)).wait();
        const expected = ranks(group).flatMap((rank) => valuesOf(rank, count));
        expectTensor(gathered, expected, { dtype, shape: [group.size, ...shape] });
      }
    }
    const flags = group.allGather(tensorOf([group.rank % 2], "bool")).wait();
    expectTensor(
      flags,
      ranks(group).map((rank) => rank % 2),
      { dtype: "bool", shape: [group.size, 1] },
    );
  },
  "uneven all-gather: rows of different numbers, of some none, of all none": (group) => {
    for (const dtype of DTYPES) {
      gatherUneven(group, dtype, (rank) => 3 * rank + 1);
      gatherUneven(group, dtype, (rank) => (rank === group.size - 1 ? 5 : 0));
      gatherUneven(group, dtype, () => 0);
    }
  },
  "all-to-all: uneven splits, of some none, of one process none, of all none": (group) => {
    for (const dtype of DTYPES) {
      exchange(group, dtype, rowsBetween);
      exchange(group, dtype, (from) => (from === 0 ? 0 : 2));
      exchange(group, dtype, (_, to) => (to === 0 ? 0 : 2));
      exchange(group, dtype, () => 0);
    }
    exchange(group, "bfloat16", rowsBetween);
  },
  "broadcast: from every root": (group) => {
    for (const dtype of DTYPES) {
      for (const root of ranks(group)) {
        const tensor = tensorOf(valuesOf(group.rank, 6), dtype, [2, 3]);
        expectTensor(group.broadcast(tensor, root).wait(), valuesOf(root, 6), { dtype, shape: [2, 3] });
      }
    }
    expectTensor(group.broadcast(tensorOf([], "float32")).wait(), [], { dtype: "float32", shape: [0] });
  },
  "works are waited for in any order, each process in its own": async (group) => {
    const works = range(8).map((i) => group.allReduce(tensorOf([group.rank + 1, i], "float64")));
    const order = group.rank % 2 === 0 ? range(8) : range(8).reverse();
    const sum = (group.size * (group.size + 1)) / 2;
    for (const i of order) {
      const work = works[i];
      assert.ok(work);
      const result = i % 2 === 0 ? work.wait() : await work.done();
      assert.deepEqual(numbersOf(result), [sum, i * group.size]);
      assert.ok(work.isDone);
      assert.equal(work.wait(), result);
    }
  },
  "the event loop lives while a work is under way": async (group) => {
    group.barrier().wait();
    let ticks = 0;
    // Rank 0 comes late: not before its own loop has turned, which only the others' barrier must not stop.
    if (group.rank === 0) for (let i = 0; i < 50; i++) await setImmediate();
    const work = group.barrier();
    const timer = setInterval(() => ticks++, 1);
    await work.done();
    while (ticks === 0) await setImmediate();
    clearInterval(timer);
  },
  "tensors stay alive while a work is under way, whatever becomes of their handles": (group) => {
    const works = range(4).map((i) => {
      using scope = new Scope();
      const work = group.allGather(tensorOf(valuesOf(group.rank + i, 50_000), "float32"));
      scope.keep(work.wait());
      return work;
    });
    const running = range(4).map((i) => group.allGather(tensorOf(valuesOf(group.rank + i, 50_000), "float32")));
    globalThis.gc?.();
    [...works, ...running].forEach((work, k) => {
      const expected = ranks(group).flatMap((rank) => valuesOf(rank + (k % 4), 50_000));
      assert.deepEqual(numbersOf(work.wait()), expected);
    });
  },
  "wrong arguments are errors of their own, and the group lives on": (group) => {
    const matrix = tensorOf(valuesOf(0, 6), "float32", [2, 3]);
    const fives = ranks(group).map(() => 5);
    const two = ranks(group).map((rank) => (rank === 0 ? 2 : 0));
    const odd = tensorOf(valuesOf(0, group.size * 2 + 1), "float32");
    const wrong: readonly (() => unknown)[] = [
      () => group.allReduce(matrix.t()),
      () => group.allReduce(tensorOf([1], "float32"), "product" as Reduction),
      () => group.allReduce(tensorOf([1], "int64"), "average"),
      () => group.reduceScatter(tensorOf(valuesOf(0, group.size), "int64"), "average"),
      () => group.reduceScatter(tensorOf([1], "float32", [])),
      ...(group.size > 1 ? [() => group.reduceScatter(odd)] : []),
      () => group.allToAll(matrix, [...two, 0], two),
      () =>
        group.allToAll(
          matrix,
          two,
          [...two.keys()].map(() => -2),
        ),
      () => group.allToAll(matrix, fives, fives),
      () => group.broadcast(matrix, group.size),
      () => group.broadcast(matrix, -1),
      () => group.allGatherUneven(tensorOf([1], "float32", [])),
      () => group.allGatherUneven(matrix, fives),
    ];
    assert.deepEqual(
      wrong.map(codeOf),
      wrong.map(() => "TORCH_ARGUMENT"),
    );
    assert.equal(
      codeOf(() => group.allReduce(tensorOf([1], "int16"))),
      "TORCH_UNSUPPORTED",
    );
    group.barrier().wait();
  },
  "lengths that are known are not exchanged again": (group) => {
    const lengths = ranks(group).map((rank) => rank + 1);
    const before = group.collectives;
    const mine = tensorOf(new Array(group.rank + 1).fill(group.rank), "float64");
    const { tensor } = group.allGatherUneven(mine, lengths).wait();
    assert.equal(group.collectives - before, 1);
    assert.deepEqual(
      numbersOf(tensor),
      ranks(group).flatMap((rank) => new Array(rank + 1).fill(rank)),
    );
  },
  "collectives are counted": (group) => {
    const before = group.collectives;
    group.barrier().wait();
    group.allGatherUneven(tensorOf([1], "float32")).wait();
    assert.equal(group.collectives - before, 3);
  },
};
