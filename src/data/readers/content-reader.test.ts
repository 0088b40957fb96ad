import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FeatureSpec } from "../../features/spec.ts";
import { VersionedFolder } from "../../files/versioned-folder.ts";
import { admissionTimes } from "../admission-times.ts";
import { CLICK_DELAY_MS, temporaryFolder } from "../events.test.support.ts";
import { GatheredHistories } from "../histories/gathered-histories.ts";
import { PlainHistories } from "../histories/histories.ts";
import { measureVectors } from "../measure-vectors.ts";
import { EventStore } from "../store/event-store.ts";
import { STORE } from "../store/store-versions.ts";
import { StoreWriter } from "../store/store-writer.ts";
import { BatchBuilder } from "./batch-builder.ts";

const DIM = 2;
const CARDINALITY = 40;

/** One event of one of some users, in the order of their times. */
interface Event {
  readonly user: number;
  readonly time: number;
  readonly image: readonly number[] | null;
  readonly tags: readonly number[];
}

const event: fc.Arbitrary<Event> = fc.record({
  user: fc.integer({ min: 1, max: 3 }),
  time: fc.nat(30),
  image: fc.option(fc.array(fc.float({ noNaN: true, min: -99, max: 99 }), { minLength: DIM, maxLength: DIM })),
  // Empty, with duplicates, and as long as a list may be.
  tags: fc.oneof(
    fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }),
    fc.constant(Array.from({ length: 256 }, (_, i) => 1 + (i % (CARDINALITY - 1)))),
  ),
});

/** Writes events in chunks of a few; gives them back in the order of the store, users renumbered. */
function writeEvents(dir: string, events: readonly Event[]): readonly Event[] {
  const ids = [...new Set(events.map(({ user }) => user))].sort();
  const sorted = events
    .map((each) => ({ ...each, user: 1 + ids.indexOf(each.user) }))
    .sort((a, b) => a.user - b.user || a.time - b.time);
  const staging = new VersionedFolder(dir, STORE).stage();
  const writer = new StoreWriter(staging.folder, [
    { name: "surface", kind: "category", type: "u8", cardinality: 2 },
    { name: "image", kind: "vector", type: "f32", cardinality: 0, dim: DIM },
    { name: "tags", kind: "categories", type: "u8", cardinality: CARDINALITY },
    { name: "click", kind: "flag", type: "u8", cardinality: 3 },
  ]);
  const chunk = Math.max(7, sorted.length / 10);
  for (let at = 0; at < sorted.length; at += chunk) {
    const part = sorted.slice(at, at + chunk);
    writer.append({
      users: Uint32Array.from(part, ({ user }) => user),
      times: Float64Array.from(part, ({ time }) => time),
      columns: [
        new Uint8Array(part.length).fill(1),
        Float32Array.from(part.flatMap(({ image }) => image ?? [Number.NaN, Number.NaN])),
        {
          lengths: Uint16Array.from(part, ({ tags }) => tags.length),
          codes: Uint8Array.from(part.flatMap(({ tags }) => tags)),
        },
        new Uint8Array(part.length).fill(1),
      ],
    });
  }
  writer.finish({
    schema: {
      attributes: [
        { name: "image", kind: "vector", dim: DIM },
        { name: "tags", kind: "categories" },
      ],
      outcomes: [{ name: "click", kind: "flag", delayMs: CLICK_DELAY_MS, objective: true }],
    },
    rows: { rowsRead: sorted.length, accepted: sorted.length, duplicates: 0, rejected: 0 },
    rejections: {},
    repeats: { completed: 0, contradictions: {} },
  });
  staging.publish();
  return sorted;
}

const SPEC: FeatureSpec = {
  contextual: [],
  candidate: [],
  numbers: [],
  content: {
    vectors: [{ name: "image", dim: DIM, scale: 4 }],
    lists: [{ name: "tags", table: "tags", cardinality: CARDINALITY }],
  },
  history: [{ name: "@age", table: "@age", cardinality: 57 }],
  objectives: ["click"],
};

/** What a model should read of some events at a time, by the definitions. */
function expectedContent(events: readonly Event[], code: (tag: number) => number) {
  const offsets = [0];
  for (const { tags } of events) offsets.push(offsets.at(-1)! + tags.length);
  return {
    vectors: {
      image: Float32Array.from(
        events.flatMap(({ image }) => (image === null ? [0, 0, 0] : [image[0]! / 4, image[1]! / 4, 1])),
      ).map((x) => x + 0),
    },
    lists: {
      tags: { offsets: Int32Array.from(offsets), codes: Int32Array.from(events.flatMap(({ tags }) => tags.map(code))) },
    },
  };
}

describe("vectors and lists of a batch", () => {
  it("are those of the candidate, and of the events before it, whatever reads histories", () => {
    const logs = fc.array(event, { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(logs, fc.constantFrom(0, 1, 3, 1000), (events, historyLength) => {
        using folder = temporaryFolder();
        const sorted = writeEvents(folder.path, events);
        const store = EventStore.open(folder.path);
        store.verify();
        const options = { spec: SPEC, historyLength, horizonMs: 1e6, admittedMs: {} };
        for (const histories of [PlainHistories, GatheredHistories]) {
          const builder = new BatchBuilder(store, options, histories);
          const order = sorted.map((_, i) => (i * 7 + 3) % sorted.length);
          const rows = [...new Set(order)];
          const batch = builder.build(Float64Array.from(rows));
          const past = rows.flatMap((row) => {
            const { user, time } = sorted[row]!;
            const earlier = sorted.filter((each) => each.user === user && each.time < time);
            return historyLength === 0 ? [] : earlier.slice(-historyLength);
          });
          expect(batch.content).toEqual(
            expectedContent(
              rows.map((row) => sorted[row]!),
              (tag) => tag,
            ),
          );
          expect(batch.history.content).toEqual(expectedContent(past, (tag) => tag));
        }
        store.close();
      }),
      { numRuns: 40 },
    );
  });

  it("know an id once it has been seen in enough events, however often in one of them", () => {
    using folder = temporaryFolder();
    const at = (time: number, tags: readonly number[]): Event => ({ user: 1, time, image: null, tags });
    writeEvents(folder.path, [at(1, [3, 3, 3]), at(2, [4]), at(3, [3]), at(4, [3, 5, 4]), at(5, [3, 4, 5])]);
    const store = EventStore.open(folder.path);
    const admittedMs = admissionTimes(store, { window: { fromMs: 0, untilMs: 100 }, minCount: 2 });
    // Just before the event, so that it has its row in the event itself.
    expect(Array.from(admittedMs["tags"]!, Math.floor).slice(0, 7)).toEqual([
      ...[0, 1, 2].map(() => Number.POSITIVE_INFINITY),
      ...[3, 4, 5],
      Number.POSITIVE_INFINITY,
    ]);
    const spec = { ...SPEC, content: { vectors: [], lists: [{ name: "tags", table: "tags", cardinality: 4 }] } };
    const builder = new BatchBuilder(store, { spec, historyLength: 2, horizonMs: 1e6, admittedMs });
    const batch = builder.build(Float64Array.of(3));
    // At time 4 the id 3 is known, since 3, and the id 4, from this event on; the id 5 is not yet.
    expect(batch.content?.lists["tags"]?.codes).toEqual(Int32Array.of(1, 0, 2));
    expect(batch.history.content?.lists["tags"]?.codes).toEqual(Int32Array.of(2, 1));
    store.close();
  });

  it("are measured over the window, what is missing left out", () => {
    using folder = temporaryFolder();
    const at = (time: number, image: readonly number[] | null): Event => ({ user: 1, time, image, tags: [] });
    writeEvents(folder.path, [at(1, [3, 4]), at(2, null), at(3, [0, 5]), at(9, [1000, 1000])]);
    const store = EventStore.open(folder.path);
    expect(measureVectors(store, { fromMs: 0, untilMs: 9 })["image"]).toBeCloseTo(Math.sqrt((9 + 16 + 25) / 4), 12);
    expect(measureVectors(store, { fromMs: 2, untilMs: 3 })).toEqual({ image: 1 });
    store.close();
  });

  it("of more events than are narrowed at once are found at every row", () => {
    using folder = temporaryFolder();
    const length = (row: number): number => (row * 7) % 5;
    const events = Array.from({ length: 70_000 }, (_, row): Event => {
      const tags = Array.from({ length: length(row) }, (_, i) => 1 + ((row + i) % 39));
      return { user: 1, time: row, image: row % 2 === 0 ? [row, -row] : null, tags };
    });
    writeEvents(folder.path, events);
    const store = EventStore.open(folder.path);
    store.verify();
    const [lists, vectors] = [store.lists("tags"), store.vectors("image")];
    const bounds = [0];
    for (let row = 0; row < events.length; row++) bounds.push((bounds[row] ?? 0) + length(row));
    expect(Array.from(lists.bounds(0, events.length))).toEqual(bounds);
    for (const row of [0, 1, 32_767, 32_768, 65_535, 65_536, 69_999]) {
      const [from = 0, to = 0] = lists.bounds(row, row + 1);
      expect([...lists.codes(from, to)]).toEqual(events[row]?.tags);
      expect([...vectors.slice(row, row + 1)]).toEqual(events[row]?.image ?? [Number.NaN, Number.NaN]);
    }
    store.close();
  });

  it("are asked for as what they are", () => {
    using folder = temporaryFolder();
    writeEvents(folder.path, [{ user: 1, time: 1, image: null, tags: [1] }]);
    const store = EventStore.open(folder.path);
    for (const ask of [
      () => store.column("tags"),
      () => store.vectors("tags"),
      () => store.lists("image"),
      () => store.column("image"),
    ]) {
      expect(ask).toThrow(expect.objectContaining({ code: "STORE_COLUMN" }));
    }
    store.close();
  });
});
