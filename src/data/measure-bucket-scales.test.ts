import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deriveSpec } from "../features/derive-spec.ts";
import { eventsConfig, temporaryFolder, writeStore } from "./events.test.support.ts";
import { ingest } from "./ingest/ingest.ts";
import { measureBucketScales } from "./measure-bucket-scales.ts";
import { BatchBuilder } from "./readers/batch-builder.ts";
import { EventStore } from "./store/event-store.ts";

const ALL = { fromMs: 0, untilMs: 1e12 };

/** The scale of numbers of one person, one per millisecond from 0 on, in a window. */
function scaleOf(numbers: readonly number[], window = ALL): number | undefined {
  using folder = temporaryFolder();
  const event = { user: 1, item: 1, click: 1 };
  writeStore(
    folder.path,
    numbers.map((dwell, time) => ({ ...event, time, dwell })),
  );
  using store = EventStore.open(folder.path);
  return measureBucketScales(store, window)["dwell"];
}

describe("scales of buckets", () => {
  it.each([
    // 2⁴ for what is in [1, 2), whatever its sign; [0.25, 0.5) is two doublings below, [1024, 2048) ten above.
    { numbers: [1], scale: 16 },
    { numbers: [-1.9], scale: 16 },
    { numbers: [0.3], scale: 64 },
    { numbers: [1500, 1024, -2047], scale: 2 ** -6 },
    // From the smallest on.
    { numbers: [1500, 0.3, 1], scale: 64 },
    // 10¹² is in [2³⁹, 2⁴⁰).
    { numbers: [1e12], scale: 2 ** -35 },
    // What is missing has no size, nothing has none.
    { numbers: [Number.NaN, 0, -0, 0.3], scale: 64 },
    { numbers: [Number.NaN, 0], scale: 1 },
    { numbers: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], scale: 1 },
    { numbers: [1e-45, 1], scale: 16 },
    // Smallest and largest normal float32: 2⁻¹²⁶, and below 2¹²⁸.
    { numbers: [2 ** -126], scale: 2 ** 130 },
    { numbers: [-3e38], scale: 2 ** -123 },
    // Both ends cannot be: 2⁴⁰ and 2⁻²⁰ are 60 doublings apart, and the largest sizes come first.
    { numbers: [2 ** 40, 2 ** -20], scale: 2 ** -10 },
  ])("of $numbers is $scale", ({ numbers, scale }) => expect(scaleOf(numbers)).toBe(scale));

  it("leave a hundredth of the sizes out, at either end", () => {
    const of400 = (small: number, large: number) => {
      const most = Array.from({ length: 400 - small - large }, (_, i) => 1 + i / 400);
      return scaleOf([...Array(small).fill(1e-20), ...most, ...Array(large).fill(1e20)]);
    };
    expect(of400(4, 3)).toBe(16);
    // 10²⁰ is in [2⁶⁶, 2⁶⁷).
    expect(of400(4, 4)).toBe(2 ** (30 - 66));
    // 10⁻²⁰ is nothing either way: what is in [1, 2) becomes less than 2³¹.
    expect(of400(5, 3)).toBe(2 ** 30);
  });

  it("are those of the window", () => {
    expect(scaleOf([1, 0.3, 1500], { fromMs: 0, untilMs: 1 })).toBe(16);
    expect(scaleOf([1, 0.3, 1500], { fromMs: 2, untilMs: 3 })).toBe(2 ** -6);
    expect(scaleOf([1, 0.3, 1500], { fromMs: 3, untilMs: 9 })).toBe(1);
  });

  it("undo a change of unit by a power of two", () => {
    const size = fc.integer({ min: 1, max: 1e6 });
    fc.assert(
      fc.property(fc.array(size, { minLength: 1, maxLength: 60 }), fc.integer({ min: -90, max: 90 }), (sizes, k) => {
        const scale = scaleOf(sizes) ?? 0;
        expect(scaleOf(sizes.map((x) => x * 2 ** k))).toBe(scale * 2 ** -k);
      }),
      { numRuns: 20 },
    );
  });

  it("make the same of seconds and of milliseconds, of what is known by then", async () => {
    using folder = temporaryFolder();
    const seconds = Array.from({ length: 200 }, (_, i) => Math.fround(0.05 * 1.05 ** i));
    const codes = await Promise.all(
      [1, 1024, 1000].map(async (unit) => {
        const log = join(folder.path, `${unit}.jsonl`);
        const event = { user_id: "u", ad_id: "a", action: "view", origin: "ad", brand: "x", is_click: 0 };
        const rows = seconds.map((dwell, i) => ({ ...event, event_id: `${i}`, ts: i, price: 3, dwell: dwell * unit }));
        // Not known by the end of the window, as the outcome waits for a second.
        for (const ts of [1100, 1200, 1300]) rows.push({ ...event, event_id: `${ts}`, ts, price: 3, dwell: 1e-30 });
        rows.push({ ...event, event_id: "last", ts: 9999, price: 1e30, dwell: 1e30 });
        writeFileSync(log, rows.map((row) => JSON.stringify(row)).join("\n"));
        const dir = join(folder.path, `${unit}`);
        await ingest(eventsConfig(log, "jsonl"), { store: dir, threads: 1 });
        using store = EventStore.open(dir);
        const bucketScales = measureBucketScales(store, { fromMs: 0, untilMs: 2000 });
        // 0.05 is in [2⁻⁵, 2⁻⁴), and so is all of the smallest hundredth; 50 in [2⁵, 2⁶). 3 is in [2, 4).
        expect(bucketScales).toEqual({ price: 8, dwell: unit === 1 ? 2 ** 9 : 2 ** -1 });
        const spec = deriveSpec(store.manifest.schema, { cardinalities: store.cardinalities(), bucketScales });
        const options = { spec, historyLength: 1000, horizonMs: 0, admittedMs: {} };
        const batch = new BatchBuilder(store, options).build(Float64Array.of(store.numEvents - 1));
        return [...(batch.history.codes["dwell"] ?? [])].slice(0, seconds.length);
      }),
    );
    const expected = seconds.map((x) => 64 + Math.floor(2 * Math.log2(1 + 512 * x)));
    expect(codes[0]).toEqual(expected);
    expect(codes[1]).toEqual(expected);
    // A thousand is not quite 2¹⁰.
    expect(Math.max(...expected.map((code, i) => Math.abs(code - codes[2]![i]!)))).toBeLessThanOrEqual(1);
    // 9 to 37; without a scale they would be 0 to 19.
    expect(new Set(codes[0]).size).toBe(29);
  });
});
