import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { grad, Scope, setThreads, zeros } from "../../torch/index.ts";
import { checkGrads } from "../../torch/testing.ts";
import { JaggedTensor } from "./jagged-tensor.ts";
import { boundsOf, RAGGED_LENGTHS, random64, randomJagged, rowsOf, segmentsOf } from "./testing.ts";

const DIM = 3;
const zeroRow = (): number[] => new Array<number>(DIM).fill(0);
const lengthsOf = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 6 });

/** Runs the body on generated lengths and on every one of {@link RAGGED_LENGTHS}. */
function onRagged(body: (x: JaggedTensor, lengths: readonly number[], count: number) => void): void {
  const examples = RAGGED_LENGTHS.flatMap((lengths) =>
    [0, 2].map((count): [number[], number] => [[...lengths], count]),
  );
  fc.assert(
    fc.property(lengthsOf, fc.integer({ min: 0, max: 8 }), (lengths, count) => {
      using _ = new Scope();
      body(randomJagged(lengths, DIM), lengths, count);
    }),
    { examples, numRuns: 40 },
  );
}

beforeAll(() => setThreads(1));

describe("sizes", () => {
  test("size, rows, length and maxLength are those of the lengths", () => {
    onRagged((x, lengths) => {
      expect(x.size).toBe(lengths.length);
      expect(x.rows).toBe(lengths.reduce((sum, length) => sum + length, 0));
      expect(lengths.map((_, b) => x.length(b))).toEqual(lengths);
      expect(x.maxLength).toBe(Math.max(0, ...lengths));
      expect(x.offsets.dtype).toBe("int64");
      expect(x.offsets.toNumbers()).toEqual(Array.from(boundsOf(lengths)));
    });
  });

  test("`with` keeps the segments and takes the values", () => {
    const x = randomJagged([2, 0, 1], DIM);
    const values = zeros([3, 5]);
    expect(x.with(values).values).toBe(values);
    expect(x.with(values).bounds).toBe(x.bounds);
    expect(x.with(values).offsets).toBe(x.offsets);
  });
});

describe("one value per segment to its rows", () => {
  test("segmentIds names each row's segment", () => {
    onRagged((x, lengths) => {
      const expected = lengths.flatMap((length, b) => new Array<number>(length).fill(b));
      expect(x.segmentIds().toNumbers()).toEqual(expected);
    });
  });

  test("spread repeats row b once per row of segment b, whatever the axes behind", () => {
    onRagged((x, lengths) => {
      const perSegment = random64([lengths.length, 2]);
      const rows = rowsOf(perSegment);
      const expected = lengths.flatMap((length, b) => new Array<number[]>(length).fill(rows[b] ?? []));
      expect(rowsOf(x.spread(perSegment))).toEqual(expected);
      expect(x.spread(perSegment.reshape([lengths.length, 1, 2])).shape).toEqual([x.rows, 1, 2]);
    });
  });
});

describe("jagged to dense and back", () => {
  test("toPadded puts rows side by side and zeros behind", () => {
    onRagged((x, lengths) => {
      const padded = x.toPadded();
      expect(padded.shape).toEqual([lengths.length, x.maxLength, DIM]);
      const expected = segmentsOf(x).flatMap((rows) =>
        Array.from({ length: x.maxLength }, (_, i) => rows[i] ?? zeroRow()),
      );
      expect(rowsOf(padded.reshape([-1, DIM]))).toEqual(expected);
    });
  });

  test("fromPadded is the inverse of toPadded, bit for bit", () => {
    onRagged((x) => {
      const back = x.fromPadded(x.toPadded());
      expect(back.values.shape).toEqual(x.values.shape);
      expect(back.values.equal(x.values)).toBe(true);
      expect(back.bounds).toBe(x.bounds);
    });
  });

  test("fromPadded never reads the padding, and takes another number of columns", () => {
    onRagged((x, lengths) => {
      const padded = random64([lengths.length, x.maxLength + 1, 2]);
      const rows = rowsOf(padded.reshape([-1, 2]));
      const expected = lengths.flatMap((length, b) =>
        Array.from({ length }, (_, i) => rows[b * (x.maxLength + 1) + i] ?? []),
      );
      expect(rowsOf(x.fromPadded(padded).values)).toEqual(expected);
    });
  });

  test("newest takes the last rows, oldest first, zeros in front", () => {
    onRagged((x, lengths, count) => {
      const newest = x.newest(count);
      expect(newest.shape).toEqual([lengths.length, count, DIM]);
      const expected = segmentsOf(x).flatMap((rows) =>
        Array.from({ length: count }, (_, i) => rows[rows.length - count + i] ?? zeroRow()),
      );
      expect(rowsOf(newest.reshape([-1, DIM]))).toEqual(expected);
    });
  });

  test("newest leaves out the rows at the front that are none of them", () => {
    onRagged((x, _, count) => {
      const front = random64([x.size, 3, DIM], 5);
      expect(rowsOf(x.prepend(front).newest(count, 3).reshape([-1, DIM]))).toEqual(
        rowsOf(x.newest(count).reshape([-1, DIM])),
      );
    });
  });

  test("first takes the first rows of every segment", () => {
    onRagged((x, lengths, extra) => {
      const count = Math.min(extra, ...lengths);
      const first = x.first(count);
      expect(first.shape).toEqual([lengths.length, count, DIM]);
      expect(rowsOf(first.reshape([-1, DIM]))).toEqual(segmentsOf(x).flatMap((rows) => rows.slice(0, count)));
    });
  });

  test("prepend makes every segment longer in front", () => {
    onRagged((x, lengths, count) => {
      const front = random64([lengths.length, count, DIM], 2);
      const longer = x.prepend(front);
      const frontRows = rowsOf(front.reshape([-1, DIM]));
      const expected = segmentsOf(x).map((rows, b) => [...frontRows.slice(b * count, (b + 1) * count), ...rows]);
      expect(segmentsOf(longer)).toEqual(expected);
      expect(rowsOf(longer.first(count).reshape([-1, DIM]))).toEqual(frontRows);
    });
  });

  test("append makes every segment longer behind", () => {
    onRagged((x, lengths, count) => {
      const behind = random64([lengths.length, count, DIM], 2);
      const longer = x.append(behind);
      const rows = rowsOf(behind.reshape([-1, DIM]));
      const expected = segmentsOf(x).map((own, b) => [...own, ...rows.slice(b * count, (b + 1) * count)]);
      expect(segmentsOf(longer)).toEqual(expected);
      expect(rowsOf(longer.newest(count).reshape([-1, DIM]))).toEqual(rows);
    });
  });
});

describe("gradients", () => {
  const x = randomJagged([3, 0, 1, 5], DIM);
  const { bounds } = x;

  test("of every operation that moves rows", () => {
    checkGrads((values) => JaggedTensor.of(values, bounds).toPadded(), [x.values]);
    checkGrads((values) => JaggedTensor.of(values, bounds).newest(2), [x.values]);
    checkGrads((perSegment) => x.spread(perSegment), [random64([4, DIM])]);
    checkGrads((padded) => x.fromPadded(padded).values, [random64([4, 5, DIM])]);
    checkGrads(
      (values, rows) => JaggedTensor.of(values, bounds).prepend(rows).values,
      [x.values, random64([4, 2, DIM])],
    );
    checkGrads(
      (values, rows) => JaggedTensor.of(values, bounds).append(rows).values,
      [x.values, random64([4, 2, DIM])],
    );
    const full = randomJagged([3, 2], DIM);
    checkGrads((values) => JaggedTensor.of(values, full.bounds).first(2), [full.values]);
  });

  test("padding receives none", () => {
    const padded = random64([4, 5, DIM]);
    padded.requiresGrad = true;
    const [gradient] = grad([x.fromPadded(padded).values.sum()], [padded]);
    const present = Array.from({ length: 4 * 5 }, (_, i) => (i % 5 < x.length(Math.floor(i / 5)) ? 1 : 0));
    expect(rowsOf(gradient?.reshape([-1, DIM]) ?? padded)).toEqual(present.map((one) => zeroRow().fill(one)));
  });
});
