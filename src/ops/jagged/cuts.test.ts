import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { grad, Scope, setThreads } from "../../torch/index.ts";
import { toBeClose } from "../../torch/testing.ts";
import { dropFirst, groupNeighbours } from "./cuts.ts";
import type { JaggedTensor } from "./jagged-tensor.ts";
import { RAGGED_LENGTHS, randomJagged, rowsOf, segmentsOf } from "./testing.ts";

const DIM = 3;
const anyLengths = fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 6 });
const examples = RAGGED_LENGTHS.map((lengths): [number[], number] => [[...lengths], 2]);

function onRagged(body: (x: JaggedTensor, count: number) => void): void {
  const property = fc.property(anyLengths, fc.integer({ min: 1, max: 9 }), (lengths, count) => {
    using _ = new Scope();
    body(randomJagged(lengths, DIM), count);
  });
  fc.assert(property, { examples, numRuns: 40 });
}

/** Whether the segments of a result are these rows. */
function toBeSegments(result: JaggedTensor, expected: readonly (readonly number[][])[]): void {
  expect(Array.from({ length: result.size }, (_, b) => result.length(b))).toEqual(expected.map(({ length }) => length));
  toBeClose(result.values.flatten(), expected.flat(2));
}

beforeAll(() => setThreads(1));

describe("parts of ragged rows", () => {
  test("dropFirst cuts the oldest rows off", () => {
    onRagged((x, count) => {
      toBeSegments(
        dropFirst(x, count),
        segmentsOf(x).map((rows) => rows.slice(count)),
      );
    });
  });

  test("neighbours are counted from the newest, zeros in front of the oldest", () => {
    onRagged((x, count) => {
      const blank = new Array<number>(DIM).fill(0);
      const expected = segmentsOf(x).map((rows) => {
        const missing = (count - (rows.length % count)) % count;
        const padded = [...Array.from({ length: missing }, () => blank), ...rows];
        return Array.from({ length: padded.length / count }, (_, g) => padded.slice(g * count, (g + 1) * count).flat());
      });
      const result = groupNeighbours(x, count);
      expect(result.values.shape).toEqual([result.rows, count, DIM]);
      toBeSegments(result.with(result.values.flatten(1)), expected);
    });
  });

  test("gradients go back to the rows that were taken", () => {
    const x = randomJagged([4, 0, 3], DIM);
    x.values.requiresGrad = true;
    const [gradient] = grad([dropFirst(x, 2).values.mul(3).sum()], [x.values]);
    expect(rowsOf(gradient ?? x.values).map(([first]) => first)).toEqual([0, 0, 3, 3, 0, 0, 3]);
  });
});
