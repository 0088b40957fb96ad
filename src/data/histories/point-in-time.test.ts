import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ageBucket, signedLog1p } from "../../features/transform.ts";
import { CLICK_DELAY_MS, type TestEvent, temporaryFolder, writeStore } from "../events.test.support.ts";
import { BatchBuilder } from "../readers/batch-builder.ts";
import { EventStore } from "../store/event-store.ts";
import { GatheredHistories } from "./gathered-histories.ts";
import { PlainHistories } from "./histories.ts";
import { pointAt, pointInTime } from "./point-in-time.ts";

const USERS_PER_STORE = 250;
const STORES = 42;
const feature = (name: string, cardinality: number) => ({ name, table: name, cardinality });
const spec = {
  contextual: [feature("user", 1e6)],
  candidate: [feature("item", 1000)],
  numbers: [{ name: "@historyLength", mean: 2, deviation: 0.5 }],
  history: [feature("item", 1000), feature("click", 3), feature("@age", 57)],
  objectives: ["click"],
};

/** Short timelines on few distinct times: ties everywhere, delays as long as the gaps. */
const timeline = fc.array(
  fc.record({
    time: fc.oneof(fc.nat(12), fc.nat(60), fc.nat(4_000_000)),
    item: fc.nat(999),
    click: fc.nat(2),
    dwell: fc.constant(0),
  }),
  { minLength: 1, maxLength: 14 },
);
const scene = fc.record({
  timelines: fc.array(timeline, { minLength: USERS_PER_STORE, maxLength: USERS_PER_STORE }),
  maxLength: fc.constantFrom(0, 1, 2, 5, 1_000_000),
  horizonMs: fc.constantFrom(0, 8, 40, Number.POSITIVE_INFINITY),
});

/** The definition, said as plainly as possible. */
function bruteForce(all: readonly TestEvent[], example: TestEvent, options: { maxLength: number; horizonMs: number }) {
  const past = all.filter(({ user, time }) => user === example.user && time < example.time);
  const history = options.maxLength === 0 ? [] : past.slice(-options.maxLength);
  const isKnown = example.click !== 0 && example.time + CLICK_DELAY_MS <= options.horizonMs;
  return {
    items: history.map(({ item }) => item),
    clicks: history.map(({ time, click }) => (time + CLICK_DELAY_MS < example.time ? click : 0)),
    ages: history.map(({ time }) => ageBucket(example.time - time)),
    numPast: past.length,
    label: isKnown && example.click === 2 ? 1 : 0,
    mask: isKnown ? 1 : 0,
  };
}

describe("point in time", () => {
  it.each([
    { name: "plain histories", HistoriesOf: PlainHistories },
    { name: "gathered ones", HistoriesOf: GatheredHistories },
  ])(
    `equals the brute-force join on ${USERS_PER_STORE * STORES} random timelines, by $name`,
    ({ HistoriesOf }) => {
      fc.assert(
        fc.property(scene, ({ timelines, maxLength, horizonMs }) => {
          using folder = temporaryFolder();
          const events = timelines.flatMap((line, i) => line.map((each) => ({ user: i + 1, ...each })));
          const sorted = writeStore(folder.path, events);
          const byUser = groupByUser(sorted);
          const store = EventStore.open(folder.path);
          const options = { spec, historyLength: maxLength, horizonMs, admittedMs: {} };
          const batch = new BatchBuilder(store, options, HistoriesOf).build(Float64Array.from(sorted.keys()));
          for (const [row, example] of sorted.entries()) {
            const mine = byUser.get(example.user) ?? [];
            const range = [batch.history.offsets[row], batch.history.offsets[row + 1]] as const;
            const history = (name: string) => [...(batch.history.codes[name]?.subarray(...range) ?? [])];
            const got = {
              items: history("item"),
              clicks: history("click"),
              ages: history("@age"),
              numPast: pointInTime(store, row, maxLength).numPast,
              label: batch.labels[row],
              mask: batch.labelMask[row],
            };
            const expected = bruteForce(mine, example, { maxLength, horizonMs });
            if (JSON.stringify(got) !== JSON.stringify(expected)) expect(got).toEqual(expected);
            expect(batch.numbers[row]).toBe(Math.fround(2 * (signedLog1p(expected.numPast) - 2)));
            expect(batch.groups.pastEvents[row]).toBe(expected.numPast);
            expect(batch.candidate["item"]?.[row]).toBe(example.item);
            expect(batch.times[row]).toBe(example.time);
          }
          store.close();
        }),
        { numRuns: STORES },
      );
    },
    60_000,
  );

  it("equals the brute-force join for examples that are in no store, of users and times that it may not have", () => {
    const queries = fc.array(fc.record({ user: fc.nat(3), time: fc.oneof(fc.nat(14), fc.nat(70)) }), { minLength: 1 });
    fc.assert(
      fc.property(scene, queries, ({ timelines, maxLength }, questions) => {
        using folder = temporaryFolder();
        // Users without a code are new ones.
        const events = timelines.slice(0, 3).flatMap((line, i) => line.map((each) => ({ user: i + 1, ...each })));
        const sorted = writeStore(folder.path, events);
        const store = EventStore.open(folder.path);
        const points = questions.map(({ user, time }, row) => pointAt(store, { row, user, timeMs: time }, maxLength));
        const options = { spec, historyLength: maxLength, horizonMs: 0, admittedMs: {} };
        const batch = new BatchBuilder(store, options).buildGiven(points, {
          column: () => ({ at: (row) => row % 7 }),
          vectors: (name) => store.vectors(name),
          lists: (name) => store.lists(name),
        });
        for (const [row, { user, time }] of questions.entries()) {
          const range = [batch.history.offsets[row], batch.history.offsets[row + 1]] as const;
          const history = (name: string) => [...(batch.history.codes[name]?.subarray(...range) ?? [])];
          const example = { user, time, item: row % 7, click: 0, dwell: 0 };
          const { items, clicks, ages, numPast } = bruteForce(sorted, example, { maxLength, horizonMs: 0 });
          const got = { items: history("item"), clicks: history("click"), ages: history("@age") };
          expect({ ...got, numPast: batch.groups.pastEvents[row] }).toEqual({ items, clicks, ages, numPast });
          expect(batch.candidate["item"]?.[row]).toBe(row % 7);
          expect(batch.contextual["user"]?.[row]).toBe(user);
        }
        expect(batch.rows.every((row) => row === -1)).toBe(true);
        expect([...batch.labels, ...batch.labelMask].every((value) => value === 0)).toBe(true);
        store.close();
      }),
      { numRuns: 60 },
    );
  });

  it("does not change when the future does", () => {
    using folder = temporaryFolder();
    using other = temporaryFolder();
    const past = Array.from({ length: 9 }, (_, i) => ({ user: 1, time: i * 5, item: i, click: 2, dwell: 0 }));
    const later = Array.from({ length: 9 }, (_, i) => ({ user: 1, time: 41 + i, item: 500 + i, click: 1, dwell: 0 }));
    writeStore(folder.path, past);
    writeStore(other.path, [...past, ...later]);
    const build = (dir: string) => {
      const store = EventStore.open(dir);
      const batch = new BatchBuilder(store, { spec, historyLength: 100, horizonMs: 40, admittedMs: {} }).build(
        Float64Array.of(8, 3),
      );
      store.close();
      return batch;
    };
    expect(build(other.path)).toEqual(build(folder.path));
    expect(build(folder.path).history.offsets).toEqual(Int32Array.of(0, 8, 11));
  });

  it("refuses the example's own future as an input", () => {
    using folder = temporaryFolder();
    writeStore(folder.path, [{ user: 1, time: 1, item: 1, click: 1, dwell: 1 }]);
    const store = EventStore.open(folder.path);
    for (const name of ["click", "action"]) {
      const leaking = { ...spec, candidate: [feature(name, 3)] };
      expect(() => new BatchBuilder(store, { spec: leaking, historyLength: 1, horizonMs: 0, admittedMs: {} })).toThrow(
        /own future/,
      );
    }
    store.close();
  });

  it("gives a code its row once it is admitted, as of the example's time, and codes outside a table row 0", () => {
    using folder = temporaryFolder();
    writeStore(
      folder.path,
      [3, 4, 5, 4].map((item, i) => ({ user: 1, time: 10 + i, item, click: 1, dwell: -3 })),
    );
    const store = EventStore.open(folder.path);
    const build = (admittedMs: Record<string, Float64Array>, cardinality: number) => {
      const item = [feature("item", cardinality)];
      const numbers = [{ name: "dwell", mean: 0, deviation: 1 }];
      const narrow = { ...spec, candidate: item, history: item, numbers };
      return new BatchBuilder(store, { spec: narrow, historyLength: 9, horizonMs: 0, admittedMs }).build(
        Float64Array.of(2, 3),
      );
    };
    const never = Number.POSITIVE_INFINITY;
    const admitted = build({ item: Float64Array.of(never, never, never, 0, 13, 11.5) }, 4);
    // At 12 item 4 is not admitted yet, at 13 it is: in the history of that moment, too.
    expect(admitted.candidate["item"]).toEqual(Int32Array.of(3, 2));
    expect(admitted.history.codes["item"]).toEqual(Int32Array.of(1, 0, 1, 2, 3));
    expect(admitted.numbers).toEqual(Float32Array.of(-Math.log(4), -Math.log(4)));
    expect(build({}, 5).history.codes["item"]).toEqual(Int32Array.of(3, 4, 3, 4, 0));
    expect(build({}, 5).candidate["item"]).toEqual(Int32Array.of(0, 4));
    store.close();
  });
});

function groupByUser(events: readonly TestEvent[]): ReadonlyMap<number, readonly TestEvent[]> {
  const groups = new Map<number, TestEvent[]>();
  for (const event of events) groups.set(event.user, [...(groups.get(event.user) ?? []), event]);
  return groups;
}
