/** What every mesh must do, of one process too: each case runs on all processes and compares with a plain computation. */
import assert from "node:assert/strict";
import { bucketsOf } from "../../src/distributed/buckets.ts";
import { ProcessMesh } from "../../src/distributed/index.ts";
import { type DType, fromArray, liveTensors, ProcessGroup, Scope, type Tensor, zeros } from "../../src/torch/index.ts";
import { type Cases, range } from "./cases.ts";

const tensorOf = (numbers: readonly number[], shape: readonly number[] = [numbers.length]): Tensor =>
  fromArray(Float64Array.from(numbers), shape);
const numbersOf = (tensor: Tensor): number[] => tensor.to({ dtype: "float64" }).contiguous().toNumbers();
const mean = (mesh: ProcessMesh, of: (rank: number) => number): number =>
  range(mesh.size).reduce((sum, rank) => sum + of(rank), 0) / mesh.size;

function countOf(mesh: ProcessMesh, body: () => void): number {
  const before = mesh.collectives;
  body();
  return mesh.collectives - before;
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - (expected[i] ?? Number.NaN)) <= 1e-12, `${i}: ${value}, expected ${expected[i]}`);
  });
}

/** Tensors of all kinds that gradients have: empty, scalar, of several dtypes, a transposed one. */
function mixed(rank: number): Tensor[] {
  const numbers = (count: number): number[] => range(count).map((i) => ((rank * 17 + i * 5) % 11) - 4);
  const dtypes: readonly DType[] = ["float32", "float64", "float32", "float64"];
  const plain = [[3, 4], [7], [], [0, 2]].map((shape, i) => {
    const count = shape.reduce((product, size) => product * size, 1);
    return tensorOf(numbers(count), shape).to({ dtype: dtypes[i] ?? "float32" });
  });
  return [...plain, tensorOf(numbers(6), [2, 3]).t(), tensorOf(numbers(1000)).to({ dtype: "float32" })];
}

/** Repeated rows, other ones on each process, none on the last of several. */
const rowsOf = (mesh: ProcessMesh, rank: number): number[] =>
  mesh.size > 1 && rank === mesh.size - 1 ? [] : [rank + 1, 0, rank + 1, 4];
const valueAt = (rank: number, k: number, d: number): number => rank + k * 0.25 - d * 2;

function rowGradient(mesh: ProcessMesh, width: number): { readonly indices: Tensor; readonly values: Tensor } {
  const rows = rowsOf(mesh, mesh.rank);
  const values = rows.flatMap((_, k) => range(width).map((d) => valueAt(mesh.rank, k, d)));
  return { indices: tensorOf(rows).to({ dtype: "int64" }), values: tensorOf(values, [rows.length, width]) };
}

/** The cases by name. */
export const MESH_CASES: Cases<ProcessMesh> = {
  "has one axis, of all processes": (mesh) => {
    assert.deepEqual(mesh.axes, [{ name: "data", size: mesh.size, rank: mesh.rank }]);
    assert.equal(mesh.localSize, mesh.size);
  },
  "gradients become their average, whatever their shapes, with one collective for each dtype": (mesh) => {
    const tensors = mixed(mesh.rank);
    const count = countOf(mesh, () => mesh.averageGradients(tensors));
    assert.equal(count, mesh.size === 1 ? 0 : 2);
    const all = range(mesh.size).map((rank) => mixed(rank).map(numbersOf));
    tensors.forEach((tensor, i) => {
      const expected = numbersOf(tensor).map((_, k) => mean(mesh, (rank) => all[rank]?.[i]?.[k] ?? Number.NaN));
      const actual = numbersOf(tensor);
      if (tensor.dtype === "float64") expectClose(actual, expected);
      else
        expectClose(
          actual,
          [...Float32Array.from(expected)].map((value, k) => closest(actual[k] ?? 0, value)),
        );
    });
  },
  "all processes make the same buckets": (mesh) => {
    const sizes = bucketsOf(mixed(mesh.rank), 100).map((bucket) => bucket.length);
    const all = mesh.gatherState(Float64Array.from(sizes));
    for (const other of all) assert.deepEqual([...other], sizes);
  },
  "rows that are gathered add up to the average of the dense gradients": (mesh) => {
    const [width, height] = [3, mesh.size + 4];
    const gradient = rowGradient(mesh, width);
    const dense = zeros([height, width], { dtype: "float64" }).indexAdd(0, gradient.indices, gradient.values);
    mesh.averageGradients([dense]);
    let gathered = gradient;
    const count = countOf(mesh, () => {
      gathered = mesh.gatherRows(gradient);
    });
    assert.equal(count, mesh.size === 1 ? 0 : 3);
    assert.deepEqual(
      numbersOf(gathered.indices),
      range(mesh.size).flatMap((rank) => rowsOf(mesh, rank)),
    );
    const sum = zeros([height, width], { dtype: "float64" }).indexAdd(0, gathered.indices, gathered.values);
    expectClose(numbersOf(sum), numbersOf(dense));
  },
  "rows of no process at all": (mesh) => {
    const none = { indices: zeros([0], { dtype: "int64" }), values: zeros([0, 2]) };
    const { indices, values } = mesh.gatherRows(none);
    assert.deepEqual([indices.shape, values.shape], [[0], [0, 2]]);
  },
  "states are added up, and what was passed stays": (mesh) => {
    const state = Float64Array.of(mesh.rank, 0.1, -1e300, 2 ** 53);
    const kept = state.slice();
    const ranks = (mesh.size * (mesh.size - 1)) / 2;
    const sum = mesh.sumState(state);
    expectClose([sum[0] ?? 0, sum[1] ?? 0], [ranks, 0.1 * mesh.size]);
    assert.deepEqual([...sum.slice(2)], [-1e300 * mesh.size, 2 ** 53 * mesh.size]);
    assert.deepEqual(state, kept);
    assert.deepEqual(mesh.sumState(new Float64Array(0)), new Float64Array(0));
  },
  "states are gathered, of different lengths and of none": (mesh) => {
    const stateOf = (rank: number) => Float64Array.from(range((rank * 2) % 3).map((i) => rank + i / 8));
    assert.deepEqual(mesh.gatherState(stateOf(mesh.rank)), range(mesh.size).map(stateOf));
    assert.deepEqual(
      mesh.gatherState(new Float64Array(0)),
      range(mesh.size).map(() => new Float64Array(0)),
    );
  },
  "all agree when one says so": (mesh) => {
    for (const sayer of range(mesh.size)) assert.equal(mesh.agree(mesh.rank === sayer), true);
    assert.equal(mesh.agree(false), false);
    assert.equal(mesh.agree(true), true);
  },
  "tensors become those of rank 0": (mesh) => {
    const tensors = mixed(mesh.rank);
    mesh.broadcast(tensors);
    assert.deepEqual(tensors.map(numbersOf), mixed(0).map(numbersOf));
  },
  "no call leaves a tensor behind, but for those it gives": (mesh) => {
    using _scope = new Scope();
    const gradient = rowGradient(mesh, 2);
    const dense = [zeros([3, 2]), zeros([4])];
    const before = liveTensors();
    mesh.averageGradients(dense);
    mesh.broadcast(dense);
    mesh.sumState(Float64Array.of(1));
    mesh.gatherState(Float64Array.of(1));
    mesh.barrier();
    assert.equal(liveTensors(), before);
    mesh.gatherRows(gradient);
    assert.equal(liveTensors() - before, mesh.size === 1 ? 0 : 2);
  },
  "of one process it is an identity, without copies": () => {
    using single = ProcessMesh.single();
    const gradient = { indices: tensorOf([1]), values: tensorOf([2], [1, 1]) };
    const state = Float64Array.of(1, 2);
    assert.deepEqual(single.gatherRows(gradient), gradient);
    assert.equal(single.gatherRows(gradient).values, gradient.values);
    assert.equal(single.sumState(state), state);
    assert.equal(single.gatherState(state)[0], state);
    single.averageGradients([gradient.values]);
    single.broadcast([gradient.values]);
    single.barrier();
    assert.deepEqual([single.size, single.rank, single.collectives, single.agree(true)], [1, 0, 0, true]);
    assert.deepEqual(numbersOf(gradient.values), [2]);
  },
  "after it is closed, every call fails": (mesh) => {
    if (mesh.size === 1) return;
    const other = ProcessMesh.over(ProcessGroup.fromEnvironment());
    other.barrier();
    other.close();
    assert.throws(() => other.sumState(Float64Array.of(1)), { code: "COLLECTIVE_FAILED" });
    mesh.barrier();
  },
};

/** The value, where it is the nearest float32 but for one rounding. */
function closest(actual: number, value: number): number {
  return Math.abs(actual - value) <= Math.abs(value) * 2 ** -22 ? actual : value;
}
