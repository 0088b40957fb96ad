import { beforeAll, describe, expect, test } from "vitest";
import { random64, rowsOf } from "../../ops/jagged/testing.ts";
import { takeRowGradient } from "../../ops/tables/row-gradient.ts";
import { fromArray, gradientOf, noGrad, Scope, setThreads, type Tensor, zeros } from "../../torch/index.ts";
import { expectNoLeaks, toBeClose } from "../../torch/testing.ts";
import { MultiHeadAttention } from "../attention.ts";
import { EmbeddingTable } from "../embedding-table.ts";
import { Linear } from "../linear.ts";
import { Mlp } from "../mlp.ts";
import { LayerNorm } from "../norms.ts";
import { initial64 } from "../testing.ts";
import { countElements, DenseParameters, parametersOf } from "./parameters.ts";

beforeAll(() => setThreads(1));

describe("parametersOf", () => {
  test("finds every parameter under the path of its fields, in order, tables apart", () => {
    const initial = initial64();
    const model = {
      name: "not a parameter",
      table: EmbeddingTable.init({ rows: 7, dim: 2 }, initial),
      mlp: Mlp.init({ in: 3, hidden: [4], out: 2 }, initial),
      buffer: zeros([9]),
      codes: new Int32Array(3),
      nothing: null,
      layers: [
        { norm: LayerNorm.init(5, initial), attention: MultiHeadAttention.init({ dim: 4, numHeads: 2 }, initial) },
      ],
    };
    const { dense, tables } = parametersOf(model);
    expect(dense.map(({ name }) => name)).toEqual([
      ...["mlp.layers.0.weight", "mlp.layers.0.bias", "mlp.layers.1.weight", "mlp.layers.1.bias"],
      ...["layers.0.norm.scale", "layers.0.norm.shift"],
      ...["query", "key", "value", "output"].map((map) => `layers.0.attention.${map}.weight`),
    ]);
    expect(tables).toEqual([{ name: "table", tensor: model.table.weight, leaf: model.table.leaf }]);
    expect(countElements(dense)).toBe(3 * 4 + 4 + (4 * 2 + 2) + 2 * 5 + 4 * 4 * 4);
    expect(countElements(tables)).toBe(14);
  });

  test("of a model without parameters is empty", () => {
    expect(parametersOf({ logit: zeros([3]) })).toEqual({ dense: [], tables: [] });
    expect(countElements([])).toBe(0);
  });

  test("names a shared parameter once, and ends on a model that refers to itself", () => {
    const shared = Linear.init({ in: 2, out: 2 }, initial64());
    const table = EmbeddingTable.init({ rows: 2, dim: 2 }, initial64());
    const model: Record<string, unknown> = { first: shared, second: shared, tables: [table, table] };
    model["self"] = model;
    const { dense, tables } = parametersOf(model);
    expect(dense.map(({ name }) => name)).toEqual(["first.weight", "first.bias"]);
    expect(tables.map(({ name }) => name)).toEqual(["tables.0"]);
  });
});

describe("DenseParameters", () => {
  const build = () => {
    const mlp = Mlp.init({ in: 3, hidden: [4], out: 2 }, initial64());
    const before = parametersOf(mlp).dense.flatMap(({ tensor }) => tensor.clone().toNumbers());
    const outputBefore = mlp.apply(random64([5, 3])).detach();
    return { mlp, before, outputBefore, dense: DenseParameters.gather(parametersOf(mlp).dense) };
  };
  const loss = (mlp: Mlp): Tensor =>
    mlp
      .apply(random64([5, 3]))
      .square()
      .sum();
  const gradientsApart = (mlp: Mlp): number[] =>
    parametersOf(mlp).dense.flatMap(({ tensor }) => gradientOf(tensor)?.clone().toNumbers() ?? []);

  test("keeps values, names, shapes and what the model computes, bit for bit", () => {
    const { mlp, before, outputBefore, dense } = build();
    expect(dense.values.toNumbers()).toEqual(before);
    expect(mlp.apply(random64([5, 3])).equal(outputBefore)).toBe(true);
    expect(dense.parts).toEqual(parametersOf(mlp).dense);
    expect(dense.gradient.toNumbers()).toEqual(before.map(() => 0));
  });

  test("parameters and the whole share memory, in both directions", () => {
    const { mlp, dense } = build();
    const bias = mlp.layers[1]?.bias as Tensor;
    dense.values.fill_(2);
    expect(bias.toNumbers()).toEqual([2, 2]);
    noGrad(() => bias.fill_(3));
    expect(dense.values.toNumbers().slice(-2)).toEqual([3, 3]);
  });

  test("gradients arrive in the whole, and are those of a model that was not gathered", () => {
    const { mlp, dense } = build();
    const other = Mlp.init({ in: 3, hidden: [4], out: 2 }, initial64());
    loss(other).backward();
    loss(mlp).backward();
    toBeClose(dense.gradient, gradientsApart(other));
    expect(gradientsApart(mlp)).toEqual(dense.gradient.toNumbers());
  });

  test("repeated backwards add, and clearing begins anew in the same memory", () => {
    const { mlp, dense } = build();
    loss(mlp).backward();
    const once = dense.gradient.clone();
    loss(mlp).backward();
    toBeClose(dense.gradient, once.mul(2));
    dense.clearGradient();
    expect(gradientsApart(mlp).every((value) => value === 0)).toBe(true);
    loss(mlp).backward();
    toBeClose(dense.gradient, once);
  });

  test("survives the scopes of many steps without a leak", () => {
    const { mlp, dense } = build();
    expectNoLeaks(() => {
      for (let step = 0; step < 30; step++) {
        using _ = new Scope();
        dense.clearGradient();
        loss(mlp).backward();
        noGrad(() => dense.values.add_(dense.gradient, { alpha: -1e-3 }));
      }
    });
    expect(dense.gradient.abs().amax().item()).toBeGreaterThan(0);
  });

  test("of nothing is empty, and of parts without elements too", () => {
    expect(DenseParameters.gather([]).values.shape).toEqual([0]);
    const none = Linear.init({ in: 0, out: 2 }, initial64());
    const dense = DenseParameters.gather(parametersOf(none).dense);
    expect([dense.values.shape, none.weight.shape]).toEqual([[2], [2, 0]]);
  });

  test("can be gathered again", () => {
    const { mlp, before } = build();
    const again = DenseParameters.gather(parametersOf(mlp).dense);
    expect(again.values.toNumbers()).toEqual(before);
    loss(mlp).backward();
    expect(again.gradient.abs().amax().item()).toBeGreaterThan(0);
  });
});

describe("takeRowGradient", () => {
  const codes = fromArray(Int32Array.of(4, 1, 4), [3]);

  test("has the rows that were looked up, repeated ones adding, and is taken once", () => {
    const table = EmbeddingTable.init({ rows: 5, dim: 2 }, initial64());
    const factors = random64([3, 2]);
    table.lookup(codes).mul(factors).sum().backward();
    const { indices, values } = takeRowGradient(table.weight);
    const rows = rowsOf(values);
    const dense = Array.from({ length: 5 }, () => [0, 0]);
    indices.toNumbers().forEach((row, i) => {
      dense[row] = (dense[row] ?? []).map((sum, j) => sum + (rows[i]?.[j] ?? Number.NaN));
    });
    const [a = [], b = [], c = []] = rowsOf(factors);
    toBeClose(fromArray(Float64Array.from(dense.flat()), [10]), [
      0,
      0,
      ...b,
      0,
      0,
      0,
      0,
      ...a.map((x, j) => x + (c[j] ?? 0)),
    ]);
    expect(gradientOf(table.weight)).toBeNull();
    expect(takeRowGradient(table.weight).indices.shape).toEqual([0]);
  });

  test("joins lookups of one loss", () => {
    const table = EmbeddingTable.init({ rows: 5, dim: 2 }, initial64());
    table
      .lookup(codes)
      .sum()
      .add(table.lookup(codes.slice(0, 0, 1)).sum())
      .backward();
    expect(takeRowGradient(table.weight).values.sum().item()).toBe(4 * 2);
  });

  test("without a lookup, and of a lookup of nothing, has no rows", () => {
    const table = EmbeddingTable.init({ rows: 5, dim: 2 }, initial64());
    const none = takeRowGradient(table.weight);
    expect([none.indices.shape, none.indices.dtype, none.values.shape, none.values.dtype]).toEqual([
      [0],
      "int64",
      [0, 2],
      "float64",
    ]);
    table
      .lookup(codes.slice(0, 0, 0))
      .sum()
      .backward();
    expect(takeRowGradient(table.weight).values.shape).toEqual([0, 2]);
  });
});
