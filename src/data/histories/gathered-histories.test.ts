import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { Batch } from "../../features/spec.ts";
import { VersionedFolder } from "../../files/versioned-folder.ts";
import { setThreads } from "../../torch/index.ts";
import { temporaryFolder } from "../events.test.support.ts";
import { BatchBuilder, type BatchOptions } from "../readers/batch-builder.ts";
import { EventStore } from "../store/event-store.ts";
import { arrayType, type ColumnLayout } from "../store/format.ts";
import { STORE } from "../store/store-versions.ts";
import { StoreWriter } from "../store/store-writer.ts";
import { GatheredHistories } from "./gathered-histories.ts";
import type { OpenHistories } from "./histories.ts";

/** Every stored width, every kind. */
const LAYOUTS: readonly ColumnLayout[] = [
  { name: "item", kind: "category", type: "u32", cardinality: 2 ** 20 },
  { name: "surface", kind: "category", type: "u8", cardinality: 256 },
  { name: "shop", kind: "category", type: "u16", cardinality: 2 ** 16 },
  { name: "price", kind: "number", type: "f32", cardinality: 0 },
  { name: "click", kind: "flag", type: "u8", cardinality: 3 },
  { name: "dwell", kind: "number", type: "f32", cardinality: 0 },
  { name: "sale", kind: "flag", type: "u8", cardinality: 3 },
  { name: "known.sale", kind: "number", type: "f64", cardinality: 0 },
  { name: "known.click", kind: "number", type: "u32", cardinality: 0 },
];
/** The most that each outcome waits for; of those with times of their own, each event waits for its own. */
const DELAYS = { click: 100_000, dwell: 1000, sale: 4_000_000_000 } as const;
const TIMED: readonly string[] = ["click", "sale"];

interface Event {
  readonly user: number;
  readonly gap: number;
  /** One per layout. */
  readonly values: readonly number[];
}

function writeEvents(dir: string, events: readonly Event[]): void {
  const staging = new VersionedFolder(dir, STORE).stage();
  const writer = new StoreWriter(staging.folder, LAYOUTS);
  const sorted = events.toSorted((a, b) => a.user - b.user);
  const ids = [...new Set(sorted.map(({ user }) => user))];
  let time = 1_700_000_000_000;
  const times = sorted.map(({ gap }) => {
    time += gap;
    return time;
  });
  writer.append({
    users: Uint32Array.from(sorted, ({ user }) => ids.indexOf(user) + 1),
    times: Float64Array.from(times),
    columns: LAYOUTS.map(({ type }, c) => arrayType(type).from(sorted.map(({ values }) => values[c]!))),
  });
  const outcomes = Object.entries(DELAYS).map(([name, delayMs]) => {
    const known = TIMED.includes(name) ? { knownColumn: `known.${name}` } : {};
    return { name, kind: name === "dwell" ? "number" : "flag", delayMs, objective: false, ...known } as const;
  });
  const rows = { rowsRead: events.length, accepted: events.length, duplicates: 0, rejected: 0 };
  writer.finish({
    schema: { attributes: [], outcomes },
    rows,
    rejections: {},
    repeats: { completed: 0, contradictions: {} },
  });
  staging.publish();
}

interface Options extends Pick<BatchOptions, "historyLength" | "admittedMs"> {
  /** Of numbers, by name. @default none */
  readonly scales?: Readonly<Record<string, number>>;
}

/** The batch of some rows, plain and gathered. */
function both(dir: string, rows: readonly number[], { scales = {}, ...options }: Options): readonly [Batch, Batch] {
  const store = EventStore.open(dir);
  const names = LAYOUTS.map(({ name }) => name).filter((name) => !name.startsWith("known."));
  const history = [...names, "@age"].map((name) => {
    const scale = scales[name];
    return { name, table: name, cardinality: name === "shop" ? 7 : 2 ** 20, ...(scale === undefined ? {} : { scale }) };
  });
  const spec = { contextual: [], candidate: [], numbers: [], history, objectives: [] };
  const build = (histories?: OpenHistories) =>
    new BatchBuilder(store, { spec, horizonMs: 0, ...options }, histories).build(Float64Array.from(rows));
  const batches = [build(), build(GatheredHistories)] as const;
  store.close();
  return batches;
}

const float = fc.oneof(
  fc.float(),
  fc.constantFrom(0, -0, 89, -89, 1e4, -1e4, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);
/** All that a float32's size can ask for, and any other. */
const scale = fc.oneof(
  fc.integer({ min: -123, max: 130 }).map((k) => 2 ** k),
  fc.double({ min: Number.MIN_VALUE, noNaN: true, noDefaultInfinity: true }),
);
const flag = fc.nat(2);
/** Known at once, as old as gaps are, or last of all. */
const known = (most: number) =>
  fc.oneof(
    fc.constantFrom(0, most),
    fc.nat(3).map((n) => 500 * n),
    fc.nat(most),
  );
const item = fc.oneof(fc.nat(5), fc.nat(2 ** 32 - 1));
const event: fc.Arbitrary<Event> = fc.record({
  user: fc.integer({ min: 1, max: 3 }),
  // Ties, gaps as long as delays, and of every stored width; multiples of one second have another unit.
  gap: fc.oneof(
    fc.constant(0),
    fc.nat(3).map((n) => 500 * n),
    fc.nat(70_000),
    fc.nat(5).map((n) => n * 1_000_000_000),
  ),
  values: fc.tuple(
    item,
    fc.nat(255),
    fc.oneof(fc.nat(9), fc.nat(65_535)),
    float,
    flag,
    float,
    flag,
    known(4e9),
    known(1e5),
  ),
});
const admission = fc.array(fc.oneof(fc.constantFrom(0, Number.POSITIVE_INFINITY), fc.nat(20_000)), { maxLength: 9 });

beforeAll(() => setThreads(2));

describe("gathered histories", () => {
  it("are the plain ones, code by code", () => {
    const scene = fc.record({
      events: fc.array(event, { minLength: 1, maxLength: 200 }),
      historyLength: fc.constantFrom(0, 1, 2, 5, 1_000_000),
      admissions: fc.dictionary(fc.constantFrom("item", "surface", "shop", "click", "price"), admission),
      scales: fc.dictionary(fc.constantFrom("price", "dwell"), scale),
      order: fc.array(fc.nat(199), { maxLength: 100 }),
    });
    fc.assert(
      fc.property(scene, ({ events, historyLength, admissions, scales, order }) => {
        using folder = temporaryFolder();
        writeEvents(folder.path, events);
        const times = (offsets: readonly number[]) => Float64Array.from(offsets, (ms) => 1_700_000_000_000 + ms);
        const tables = Object.entries(admissions).map(([table, offsets]) => [table, times(offsets)] as const);
        const options = { historyLength, scales, admittedMs: Object.fromEntries(tables) };
        const rows = order.filter((row) => row < events.length);
        expectEqual(both(folder.path, rows, options));
      }),
      { numRuns: 60 },
    );
  });

  it("are as exact where a code ends and the next begins, numbers and ages", () => {
    // Where ⌊2 log2 y⌋ rises: at the numbers `y − 1`, of float32, and at as many seconds of age, in ms.
    const steps = Array.from({ length: 66 }, (_, k) => 2 ** (k / 2) - 1);
    const numbers = steps.flatMap((step) => neighbours(step).flatMap((x) => [x, -x]));
    const about = steps.slice(0, 60).flatMap((step) => [-1, 0, 1].map((ms) => Math.floor(1000 * step) + ms));
    const ages = [...new Set(about)].filter((age) => age >= 0).toSorted((a, b) => b - a);
    const last = { user: 1, gap: 0, values: [0, 0, 0, 0, 0, 0, 0, 0, 0] };
    const ofAges = ages.map((age, i) => ({ ...last, gap: i === 0 ? 0 : ages[i - 1]! - age }));
    const ofScaled = (scale: number): Event[] => {
      const events = numbers.map((x) => ({ ...last, values: [0, 0, 0, x / scale, 0, -x / scale, 0, 0, 0] }));
      return [...events, { ...last, gap: 1 }];
    };
    const cases = [
      { name: "@age", events: ofAges, codes: 56, scale: 1 },
      ...[1, 2 ** -60, 2 ** 60].map((scale) => ({ name: "price", events: ofScaled(scale), codes: 127, scale })),
    ];
    for (const { name, events, codes, scale } of cases) {
      using folder = temporaryFolder();
      writeEvents(folder.path, events);
      const scales = { price: scale, dwell: scale };
      const batches = both(folder.path, [events.length - 1], { historyLength: 1_000_000, admittedMs: {}, scales });
      expectEqual(batches);
      expect(new Set(batches[0].history.codes[name]).size).toBe(codes);
    }
  });

  it("are the same by several threads, of histories of very different lengths", () => {
    using folder = temporaryFolder();
    const events = Array.from({ length: 900 }, (_, i) => {
      return { user: i < 700 ? 1 : i, gap: i % 3, values: [i % 50, i % 7, i, i, i % 3, -i, i % 2, i % 5, i % 4] };
    });
    writeEvents(folder.path, events);
    const rows = [...events.keys()].toReversed();
    const batches = both(folder.path, rows, { historyLength: 500, admittedMs: {} });
    // Several times what one thread takes alone.
    expect(batches[0].history.offsets.at(-1)).toBeGreaterThan(100_000);
    expectEqual(batches);
  });
});

/** Looks for the difference only if there is one: that takes long. */
function expectEqual([plain, gathered]: readonly [Batch, Batch]): void {
  if (!isDeepStrictEqual(gathered, plain)) expect(gathered).toEqual(plain);
}

/** A number as float32, and the three on each side. */
function neighbours(x: number): number[] {
  const bits = new Int32Array(Float32Array.of(x).buffer)[0]!;
  return Array.from({ length: 7 }, (_, i) => new Float32Array(Int32Array.of(Math.abs(bits + i - 3)).buffer)[0]!);
}
