import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { ROW_FORMATS, type RowFormat } from "../../config/types.ts";
import { EmbeddingTable, Initializer, takeRowGradient } from "../../nn/index.ts";
import { fromRows } from "../../ops/tables/generated.ts";
import { fromArray, RandomGenerator, Scope, setThreads, type Tensor, zeros } from "../../torch/index.ts";
import { toBeClose } from "../../torch/testing.ts";
import { columnsOf, embedColumns } from "./embed-columns.ts";

beforeAll(() => setThreads(1));

const NAMES = ["a", "b", "c"] as const;
const ROWS = { a: 5, b: 3, c: 2 };

function drawTables(format: RowFormat): Record<(typeof NAMES)[number], EmbeddingTable> {
  const initial = new Initializer(RandomGenerator.seeded(1), { rows: format });
  const draw = (rows: number): EmbeddingTable => EmbeddingTable.init({ rows, dim: 2 }, initial);
  return { a: draw(ROWS.a), b: draw(ROWS.b), c: draw(ROWS.c) };
}

const someColumns = fc.array(
  fc.constantFrom(...NAMES).chain((table) =>
    fc.record({
      table: fc.constant(table),
      codes: fc.array(fc.nat(ROWS[table] - 1), { maxLength: 4 }).map((codes) => Int32Array.from(codes)),
    }),
  ),
  { maxLength: 6 },
);

/** The gradient of each row of a table, summed over the row. */
function rowGradients(table: EmbeddingTable): number[] {
  const { indices, values } = takeRowGradient(table.leaf);
  return zeros([table.weight.shape[0] ?? 0])
    .indexAdd(0, indices, values.sum([1]))
    .toNumbers();
}

test.each(ROW_FORMATS)("of %s rows gives every column its own, and every table the gradient of all", (format) => {
  fc.assert(
    fc.property(someColumns, (columns) => {
      using _ = new Scope();
      const tables = drawTables(format);
      const expected = { a: [0, 0, 0, 0, 0], b: [0, 0, 0], c: [0, 0] };
      const embedded = embedColumns(tables, columns);
      expect(embedded).toHaveLength(columns.length);
      for (const [i, { table, codes }] of columns.entries()) {
        const part = embedded[i] as Tensor;
        const indices = fromArray(BigInt64Array.from(codes, BigInt), [codes.length]);
        toBeClose(part.detach(), fromRows(tables[table].weight.detach().indexSelect(0, indices)));
        part
          .sum()
          .mul(i + 1)
          .backward(null, true);
        for (const code of codes) expected[table][code] = (expected[table][code] ?? Number.NaN) + 2 * (i + 1);
      }
      for (const name of NAMES) expect(rowGradients(tables[name])).toEqual(expected[name]);
    }),
  );
});

test("says which feature or table is missing", () => {
  const feature = { name: "item", table: "item", cardinality: 3 };
  expect(() => columnsOf([feature], {})).toThrow("the batch has no feature item");
  expect(() => embedColumns({}, columnsOf([feature], { item: Int32Array.of(1) }))).toThrow(
    "the model has no table item",
  );
});
