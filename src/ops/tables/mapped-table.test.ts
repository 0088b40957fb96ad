import { mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROW_FORMATS, type RowFormat } from "../../config/types.ts";
import { fromArray, RandomGenerator, Scope, setThreads, type Tensor } from "../../torch/index.ts";
import { fromRows } from "./generated.ts";
import { mapTable, type TableFile } from "./mapped-table.ts";
import { fillNormal, rowBytes } from "./row-formats.ts";
import { drawn64 } from "./tables.test.support.ts";
import { initTablesAdagrad, poolTables, stepTablesAdagrad } from "./tables.ts";

beforeAll(() => setThreads(2));

const folder = mkdtempSync(join(tmpdir(), "lapidary-table-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const codes = (...numbers: number[]): Tensor => fromArray(BigInt64Array.from(numbers, BigInt), [numbers.length]);
const fileOf = (format: RowFormat, rows = 100): TableFile => ({
  path: join(folder, `${format}-${rows}`),
  rows,
  dim: 12,
  format,
});

describe("a mapped table", () => {
  test.each(ROW_FORMATS)("of %s learns as one in memory, and its file keeps what it learnt", (format) => {
    using _ = new Scope();
    const file = fileOf(format);
    const mapped = mapTable(file);
    fillNormal(mapped, { dim: file.dim, std: 0.5, generator: RandomGenerator.seeded(1) });
    const inMemory = mapped.clone();
    for (const table of [mapped, inMemory]) {
      const lookup = { tables: [table], features: [{ table: 0, codes: codes(3, 99, 3) }] };
      const memory = initTablesAdagrad([table]);
      const gradients = [drawn64([3, 12], 5).to({ dtype: "float32" })];
      stepTablesAdagrad({ lookup, gradients }, memory, { learningRate: 0.1, seed: 1, step: 1 });
    }
    expect(mapped.equal(inMemory)).toBe(true);
    expect(mapTable(file).equal(inMemory)).toBe(true);
    expect(statSync(file.path).size).toBe(100 * rowBytes(file));
    const spread = fromRows(mapped).square().mean().sqrt().item();
    expect(Math.abs(spread - 0.5)).toBeLessThan(0.05);
  });

  test("of another size is refused", () => {
    const file = fileOf("float32", 10);
    using _ = new Scope();
    mapTable(file);
    truncateSync(file.path, 10 * 48 - 1);
    expect(() => mapTable(file)).toThrow(expect.objectContaining({ code: "FILE_CORRUPT" }));
  });

  test("may be larger than memory: only touched rows take room", () => {
    using _ = new Scope();
    const rows = 3_000_000_000; // 36 GB, more rows than 32 bits can count.
    const file = { path: join(folder, "large"), rows, dim: 4, format: "int8" } as const;
    const table = mapTable(file);
    const last = codes(rows - 1, 5, rows - 1);
    const gradients = [fromArray(Float32Array.of(1, 2, 3, 4, 8, 7, 6, 5, 1, 2, 3, 4), [3, 4])];
    const lookup = { tables: [table], features: [{ table: 0, codes: last }] };
    const moments = mapTable({ path: join(folder, "moments"), rows, dim: 1, format: "float32" }).reshape([rows]);
    stepTablesAdagrad({ lookup, gradients }, { moments: [moments] }, { learningRate: 1 });
    const [rowsNow] = poolTables(lookup);
    const squares = (4 * (1 + 4 + 9 + 16)) / 4;
    expect(moments.slice(0, rows - 1).toNumbers()).toEqual([squares]);
    const got = rowsNow?.slice(0, 0, 1).toNumbers() ?? [];
    for (const [j, value] of got.entries()) expect(value).toBeCloseTo((-2 * (j + 1)) / Math.sqrt(squares), 2);
    expect(statSync(file.path).blocks * 512).toBeLessThan(1 << 20);
  });
});
