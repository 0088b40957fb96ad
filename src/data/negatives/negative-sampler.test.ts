import { describe, expect, it } from "vitest";
import type { NegativesConfig } from "../../config/types.ts";
import type { Batch } from "../../features/spec.ts";
import { standardized } from "../../features/transform.ts";
import { CLICK_DELAY_MS, storeBytes, type TestEvent, temporaryFolder, writeStore } from "../events.test.support.ts";
import { ALL_EXAMPLES } from "../examples/examples.ts";
import { BatchSource, type BatchSourceOptions } from "../readers/batch-source.ts";
import { openReader } from "../readers/reader.ts";

const feature = (name: string, cardinality: number) => ({ name, table: name, cardinality });
const DWELL = { name: "dwell", mean: 0, deviation: 1 };
const spec = {
  contextual: [feature("user", 1e6), feature("surface", 4), feature("@hourOfDay", 25)],
  candidate: [feature("item", 1000), feature("origin", 3)],
  numbers: [DWELL, { name: "@historyLength", mean: 0, deviation: 1 }],
  history: [feature("item", 1000), feature("click", 3), feature("@age", 57)],
  objectives: ["click"],
};
const HORIZON_MS = 90_000;
const HOLDS_1: NegativesConfig = { perPositive: 3, from: "popular", windowMs: null };

/** Events with ties in time, items of different popularity, a missing item, new items late, labels 0, 1 and unknown. */
function events(): readonly TestEvent[] {
  return Array.from({ length: 400 }, (_, i) => {
    const time = ((i * 7919) % 97) * 1000;
    const item = Math.min(12 + Math.floor(time / 20_000), Math.floor(((i * 37) % 101) ** 2 / 600));
    return { user: (i * 31) % 23, time, item, click: i % 5 === 0 ? i % 3 : 2, dwell: (i * 17) % 251 };
  });
}

function optionsOf(store: string, negatives: Partial<NegativesConfig>, more: Partial<BatchSourceOptions> = {}) {
  return {
    ...{ store, spec, historyLength: 8, globalBatchSize: 24, seed: 3, byDay: false, epoch: 0, admittedMs: {} },
    window: { fromMs: 0, untilMs: HORIZON_MS },
    shard: { rank: 0, worldSize: 1 },
    ...{ horizonMs: HORIZON_MS, dropLast: false, only: ALL_EXAMPLES },
    negatives: { ...HOLDS_1, ...negatives, seed: 7, objectives: ["click"] },
    ...more,
  } satisfies BatchSourceOptions;
}

function batchesOf(options: BatchSourceOptions): readonly Batch[] {
  const source = new BatchSource(options);
  const batches = Array.from({ length: source.numBatches }, (_, position) => source.read(position));
  source.close();
  return batches;
}

/** One row of a batch by its identity, everything that a model may read of it. */
function rowOf(batch: Batch, b: number) {
  const of = (columns: Readonly<Record<string, Int32Array>>, at: number) =>
    Object.fromEntries(Object.entries(columns).map(([name, codes]) => [name, codes[at]]));
  const [start, end] = [batch.history.offsets[b]!, batch.history.offsets[b + 1]!];
  return {
    row: batch.rows[b]!,
    context: { ...of(batch.contextual, b), time: batch.times[b], past: batch.groups.pastEvents[b] },
    groups: [batch.groups.users[b], batch.groups.surfaces[b]],
    candidate: of(batch.candidate, b),
    dwell: batch.numbers[2 * b]!,
    pastInput: batch.numbers[2 * b + 1]!,
    history: Array.from({ length: end - start }, (_, i) => of(batch.history.codes, start + i)),
    label: batch.labelMask[b] === 0 ? null : batch.labels[b],
    correction: batch.logitCorrections?.[b] ?? Number.NaN,
  };
}
const rowsOf = (batch: Batch) => Array.from({ length: batch.size }, (_, b) => rowOf(batch, b));
type Row = ReturnType<typeof rowOf>;

/** The row that a candidate stands beside, by its identity. */
const besides = (id: number, perPositive: number): number => Math.floor((-2 - id) / perPositive);

const isPositive = ({ click, time, item }: TestEvent): boolean =>
  click === 2 && item !== 0 && time + CLICK_DELAY_MS <= HORIZON_MS;

/** The newest event of an item strictly before a time; of two at once the later row. */
function lastSeen(sorted: readonly TestEvent[], item: number, timeMs: number): TestEvent | undefined {
  return sorted
    .map((event, at) => ({ ...event, at }))
    .filter((event) => event.item === item && event.time < timeMs)
    .sort((a, b) => a.time - b.time || a.at - b.at)
    .at(-1);
}

/** The rows of candidates by the row that they stand beside. */
function besidesOf(all: readonly Row[], perPositive: number): ReadonlyMap<number, readonly Row[]> {
  const drawn = new Map<number, Row[]>();
  for (const candidate of all.filter(({ row }) => row < 0)) {
    const positive = besides(candidate.row, perPositive);
    drawn.set(positive, [...(drawn.get(positive) ?? []), candidate]);
  }
  return drawn;
}

/** Of a positive beside which nothing can be drawn the label is left out; labels of others stay. */
function expectedLabel(event: TestEvent, candidates: number): number | null {
  if (isPositive(event)) return candidates > 0 ? 1 : null;
  return event.click === 1 ? 0 : null;
}

/** How likely each item is drawn beside an event, from first principles. */
function chances(sorted: readonly TestEvent[], row: number, from: readonly TestEvent[]): ReadonlyMap<number, number> {
  const own = sorted[row]!.item;
  const others = from.filter(({ item }) => item !== own);
  const counts = new Map<number, number>();
  for (const { item } of others) counts.set(item, (counts.get(item) ?? 0) + 1);
  return new Map([...counts].map(([item, count]) => [item, count / others.length]));
}

/** What each source draws from beside an event, its own item still among them. */
function pool(
  sorted: readonly TestEvent[],
  { from, windowMs }: NegativesConfig,
  { row, batch }: { readonly row: number; readonly batch: readonly number[] },
) {
  const { time } = sorted[row]!;
  const earlier = sorted.filter((event) => event.item !== 0 && event.time < time);
  if (from === "popular") return earlier.filter((event) => event.time >= time - (windowMs ?? Number.POSITIVE_INFINITY));
  if (from === "uniform") return [...new Map(earlier.map((event) => [event.item, event])).values()];
  const items = new Set(earlier.map(({ item }) => item));
  return batch.map((other) => sorted[other]!).filter((event) => isPositive(event) && items.has(event.item));
}

/** How often each item was drawn, by the row of the positive. */
function countDrawn(batch: Batch, perPositive: number): ReadonlyMap<number, ReadonlyMap<number, number>> {
  const drawn = new Map<number, Map<number, number>>();
  for (const [b, id] of batch.rows.entries()) {
    if (id >= 0) continue;
    const positive = besides(id, perPositive);
    const counts = drawn.get(positive) ?? new Map<number, number>();
    const item = batch.candidate["item"]![b]!;
    drawn.set(positive, counts.set(item, (counts.get(item) ?? 0) + 1));
  }
  return drawn;
}

function chiSquareOf(counts: ReadonlyMap<number, number>, chances: ReadonlyMap<number, number>, draws: number): number {
  let sum = 0;
  for (const [item, chance] of chances) sum += ((counts.get(item) ?? 0) - draws * chance) ** 2 / (draws * chance);
  return sum;
}

/** The value that chi-square of so many degrees of freedom exceeds once in 3·10⁵ times. @see Wilson and Hilferty 1931 */
function limitOf(degrees: number): number {
  return degrees * (1 - 2 / (9 * degrees) + 4.5 * Math.sqrt(2 / (9 * degrees))) ** 3;
}

const SOURCES: readonly NegativesConfig[] = [
  { perPositive: 3, from: "popular", windowMs: null },
  { perPositive: 3, from: "popular", windowMs: 9000 },
  { perPositive: 3, from: "uniform", windowMs: null },
  { perPositive: 3, from: "inBatch", windowMs: null },
];

describe.each(SOURCES)("negatives drawn from $from, window $windowMs", (negatives) => {
  const { perPositive } = negatives;

  it("have the context and history of their positive, and the item as it was last seen before", () => {
    using folder = temporaryFolder();
    const sorted = writeStore(folder.path, events());
    const before = storeBytes(folder.path);
    const batches = batchesOf(optionsOf(folder.path, negatives));
    const all = batches.flatMap(rowsOf);
    const logged = new Map(all.filter(({ row }) => row >= 0).map((row) => [row.row, row]));
    const drawn = besidesOf(all, perPositive);
    expect(logged.size).toBe(sorted.filter(({ time }) => time < HORIZON_MS).length);
    expect(new Set(all.map(({ row }) => row)).size).toBe(all.length);
    for (const { rows } of batches) {
      const global = [...rows].filter((row) => row >= 0);
      for (const row of global) {
        const event = sorted[row]!;
        const { candidate: own, row: _, dwell, correction, label, ...shared } = logged.get(row)!;
        const likely = chances(sorted, row, pool(sorted, negatives, { row, batch: global }));
        const beside = drawn.get(row) ?? [];
        expect(own["item"]).toBe(event.item);
        expect(beside).toHaveLength(isPositive(event) && likely.size > 0 ? perPositive : 0);
        expect(label).toBe(expectedLabel(event, beside.length));
        for (const candidate of beside) {
          const item = candidate.candidate["item"]!;
          expect(candidate).toMatchObject({ ...shared, label: 0 });
          expect(item).not.toBe(event.item);
          expect(likely.get(item)).toBeGreaterThan(0);
          const last = Math.fround(lastSeen(sorted, item, event.time)!.dwell);
          expect(candidate.dwell).toBe(Math.fround(standardized(last, DWELL)));
          expect(candidate.candidate["origin"]).toBe(Math.floor(item / 2) % 3);
        }
      }
    }
    expect(drawn.size).toBeGreaterThan(150);
    expect(storeBytes(folder.path)).toEqual(before);
  });

  it("come as often as they should", () => {
    using folder = temporaryFolder();
    const sorted = writeStore(folder.path, events());
    const [batch] = batchesOf(optionsOf(folder.path, { ...negatives, perPositive: 1000 }));
    const global = [...batch!.rows].filter((row) => row >= 0);
    let tested = 0;
    for (const [row, counts] of countDrawn(batch!, 1000)) {
      const likely = chances(sorted, row, pool(sorted, negatives, { row, batch: global }));
      if (likely.size > 1) expect(chiSquareOf(counts, likely, 1000)).toBeLessThan(limitOf(likely.size - 1));
      tested++;
    }
    expect(tested).toBeGreaterThan(10);
  });

  it("are corrected by how much more often an item is drawn than if all were drawn alike", () => {
    using folder = temporaryFolder();
    const sorted = writeStore(folder.path, events());
    const positives = sorted.filter((event) => event.time < HORIZON_MS && isPositive(event));
    for (const example of batchesOf(optionsOf(folder.path, negatives)).flatMap(rowsOf)) {
      const { time } = sorted[example.row >= 0 ? example.row : besides(example.row, perPositive)]!;
      const { item } = example.candidate;
      const earlier = sorted.filter((event) => event.item !== 0 && event.time < time);
      const items = new Set(earlier.map((event) => event.item));
      if (items.size === 0) continue;
      const window = negatives.windowMs ?? Number.POSITIVE_INFINITY;
      const from = {
        uniform: [...items].map((i) => ({ item: i })),
        popular: earlier.filter((event) => event.time >= time - window),
        inBatch: positives.filter((event) => items.has(event.item)),
      }[negatives.from];
      // In a random batch, any positive of the window is as likely as any other.
      const among = negatives.from === "inBatch" ? positives : from;
      const count = Math.max(1, among.filter((event) => event.item === item).length);
      const expected = negatives.from === "uniform" ? 0 : Math.log((count / Math.max(1, from.length)) * items.size);
      expect(example.correction).toBeCloseTo(expected, 5);
    }
  });

  it("are the same for any number of processes, wherever a reader begins, and others in every pass", async () => {
    using folder = temporaryFolder();
    writeStore(folder.path, events());
    const options = optionsOf(folder.path, negatives);
    const byId = (rows: readonly Row[]) => rows.toSorted((a, b) => a.row - b.row);
    const whole = batchesOf(options).map((batch) => byId(rowsOf(batch)));
    const parts = [0, 1].map((rank) => batchesOf({ ...options, shard: { rank, worldSize: 2 } }).map(rowsOf));
    expect(parts[0]!.map((part, at) => byId([...part, ...parts[1]![at]!]))).toEqual(whole);
    const read = [];
    for await (const batch of await openReader({ ...options, start: 5 })) read.push(byId(rowsOf(batch)));
    expect(read).toEqual(whole.slice(5));
    const drawn = (more: Partial<BatchSourceOptions>) => {
      const all = batchesOf({ ...options, ...more }).flatMap(rowsOf);
      return new Map(all.filter(({ row }) => row < 0).map(({ row, candidate }) => [row, candidate["item"]]));
    };
    const first = drawn({});
    expect(drawn({})).toEqual(first);
    expect(drawn({ epoch: 1 })).not.toEqual(first);
    expect(drawn({ negatives: { ...options.negatives, seed: 8 } })).not.toEqual(first);
  });
});
