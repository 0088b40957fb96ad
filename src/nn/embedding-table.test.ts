import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ROW_FORMATS, type RowFormat } from "../config/types.ts";
import { fromRows, toRows } from "../ops/tables/generated.ts";
import { countValues, gradientLeaf, rowBytes } from "../ops/tables/row-formats.ts";
import { takeRowGradient } from "../ops/tables/row-gradient.ts";
import {
  countMemory,
  fromArray,
  gradientOf,
  RandomGenerator,
  randn,
  Scope,
  type Tensor,
  zeros,
} from "../torch/index.ts";
import { toBeClose } from "../torch/testing.ts";
import { EmbeddingTable } from "./embedding-table.ts";
import { Initializer } from "./initial.ts";

const NARROW = ROW_FORMATS.filter((format) => format !== "float32");
const SHAPE = { rows: 70_000, dim: 6 };

const tableOf = (rows: RowFormat, shape = SHAPE): EmbeddingTable =>
  EmbeddingTable.init(shape, new Initializer(RandomGenerator.seeded(4), { rows }));
const codesOf = (...codes: number[]): Tensor => fromArray(Int32Array.from(codes), [codes.length]);

describe.each(NARROW)("a table of %s rows", (format) => {
  test("begins with the values of one of float32, each row rounded, in as many bytes as its rows have", () => {
    using _ = new Scope();
    const [table, full] = [tableOf(format, { rows: 5000, dim: 6 }), tableOf("float32", { rows: 5000, dim: 6 })];
    const { weight } = table;
    expect(weight.equal(toRows(full.weight.detach(), weight.dtype))).toBe(true);
    expect(weight.numel * (weight.dtype === "uint8" ? 1 : 2)).toBe(5000 * rowBytes({ dim: 6, format }));
    expect(countValues(weight)).toBe(30_000);
    expect(full.leaf).toBe(full.weight);
  });

  test("draws other values for every block of rows", () => {
    using _ = new Scope();
    const values = fromRows(tableOf(format).weight);
    expect(values.square().mean().sqrt().item()).toBeCloseTo(0.02, 3);
    expect(values.slice(0, 0, 100).equal(values.slice(0, 1 << 16, (1 << 16) + 100))).toBe(false);
  });

  test("looks up what its rows stand for, and gives them the gradient of float32 rows to the last bit", () => {
    using _ = new Scope();
    const codes = codesOf(69_999, 0, 3, 0);
    const cotangent = randn([4, 6], { generator: RandomGenerator.seeded(9) });
    const learn = (rows: RowFormat) => {
      const table = tableOf(rows);
      const y = table.lookup(codes);
      y.mul(cotangent).sum().backward();
      return { table, y, gradient: takeRowGradient(table.leaf) };
    };
    const [narrow, full] = [learn(format), learn("float32")];
    // The kernel rounds once where the plain operators round twice.
    toBeClose(narrow.y.detach(), fromRows(narrow.table.weight.indexSelect(0, codes)), { rtol: 1e-6, atol: 1e-8 });
    expect(narrow.gradient.indices.equal(full.gradient.indices)).toBe(true);
    expect(narrow.gradient.values.equal(full.gradient.values)).toBe(true);
    expect(gradientOf(narrow.table.leaf)).toBeNull();
  });

  test("adds the gradients of all lookups, and has none without one", () => {
    using _ = new Scope();
    const table = tableOf(format);
    expect(takeRowGradient(table.leaf).values.shape).toEqual([0, 6]);
    table
      .lookup(codesOf(5, 5))
      .sum()
      .add(table.lookup(codesOf(5)).sum())
      .add(table.lookup(codesOf()).sum())
      .backward();
    const { indices, values } = takeRowGradient(table.leaf);
    const sums = zeros([SHAPE.rows, 6]).indexAdd(0, indices, values);
    toBeClose(
      sums.slice(0, 4, 7).flatten(),
      [0, 3, 0].flatMap((sum) => new Array<number>(6).fill(sum)),
    );
  });

  test("of no rows, or one, can be looked up as far as it goes", () => {
    using _ = new Scope();
    expect(tableOf(format, { rows: 0, dim: 6 }).lookup(codesOf()).shape).toEqual([0, 6]);
    expect(tableOf(format, { rows: 1, dim: 2 }).lookup(codesOf(0, 0)).shape).toEqual([2, 2]);
    expect(() => tableOf(format, { rows: 1, dim: 2 }).lookup(codesOf(1))).toThrow(
      expect.objectContaining({ code: "TORCH_OPERATOR" }),
    );
  });
});

const folder = mkdtempSync(join(tmpdir(), "lapidary-embedding-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(ROW_FORMATS)("a table of %s rows in a file", (rows) => {
  const inFile = (shape: { rows: number; dim: number }): EmbeddingTable =>
    EmbeddingTable.init(shape, new Initializer(RandomGenerator.seeded(4), { rows, tableFolder: folder }));

  test("begins as one in memory, is looked up as it, and has its gradient; its file has no name", () => {
    using _ = new Scope();
    const [mapped, inMemory] = [inFile(SHAPE), tableOf(rows)];
    expect(readdirSync(folder)).toEqual([]);
    expect(mapped.weight.equal(inMemory.weight)).toBe(true);
    const [codes, cotangent] = [codesOf(7, 69_999, 7), randn([3, 6], { generator: RandomGenerator.seeded(9) })];
    const [a, b] = [mapped, inMemory].map((table) => {
      const y = table.lookup(codes);
      y.mul(cotangent).sum().backward();
      return [y, takeRowGradient(table.leaf).values];
    }) as [Tensor[], Tensor[]];
    for (const [i, tensor] of a.entries()) expect(tensor.equal(b[i] as Tensor)).toBe(true);
  });

  test("is pages of that file and nothing else, and a block of rows while it is filled", () => {
    const shape = { rows: 1_000_000, dim: 8 };
    const size = shape.rows * rowBytes({ dim: 8, format: rows });
    const { marks, peak } = countMemory((mark) => {
      using _ = new Scope();
      mark();
      inFile(shape);
      mark();
      // Shared with the file, so that the system can write pages back and have their memory.
      const mapped = readFileSync("/proc/self/maps", "utf8").split("\n");
      const lines = mapped.filter((line) => line.includes(" rw-s ") && line.includes(folder));
      const sizes = lines.map(
        (line) =>
          line
            .split(" ", 1)[0]
            ?.split("-")
            .map((at) => Number.parseInt(at, 16)) ?? [],
      );
      expect(sizes.map(([from = 0, to = 0]) => to - from)).toContain(Math.ceil(size / 4096) * 4096);
    });
    expect((marks[1] ?? 0) - (marks[0] ?? 0) - size).toBeLessThan(100);
    expect(peak - size).toBeLessThan(size / 2);
  });

  test("is refused where the disk has no room for it", () => {
    expect(() => inFile({ rows: 2 ** 45, dim: 64 })).toThrow(
      expect.objectContaining({ code: "TABLE_ROOM", where: folder, expected: expect.stringContaining(rows) }),
    );
  });
});

test("a leaf has the size of any table, and the memory of one value", () => {
  using _ = new Scope();
  // As large as no memory: of the table itself only the shape is read.
  const table = zeros([1, 72], { dtype: "uint8" }).expand([2 ** 40, 72]);
  const leaf = gradientLeaf(table);
  expect([leaf.shape, leaf.dtype, leaf.requiresGrad]).toEqual([[2 ** 40, 64], "float32", true]);
});

test("a leaf of another shape, and one too few, is refused", () => {
  using _ = new Scope();
  const table = tableOf("int8");
  const wrong = new EmbeddingTable(table.weight, gradientLeaf(table.weight.slice(0, 1)));
  const refused = expect.objectContaining({ code: "TORCH_OPERATOR" });
  expect(() => wrong.lookup(codesOf(0))).toThrow(refused);
});
