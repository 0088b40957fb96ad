import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type TestEvent, temporaryFolder, writeStore } from "../events.test.support.ts";
import { FileColumn } from "./column.ts";
import { EventStore } from "./event-store.ts";
import { narrowestType } from "./format.ts";
import { gcd } from "./time-writer.ts";

const event = (spread: number, unit: number) =>
  fc.record({
    user: fc.integer({ min: 1, max: 5 }),
    time: fc.nat(spread).map((steps) => 1_600_000_000_000 + steps * unit),
    item: fc.nat(999),
    click: fc.nat(2),
    dwell: fc.float({ noNaN: true }),
  });

/** Logs of dense, sparse, second-grained and decade-wide times. */
const logs = fc
  .constantFrom([3, 1], [300, 1000], [1e5, 60_000], [1e9, 1000], [3e11, 1])
  .chain(([spread = 1, unit = 1]) => fc.array(event(spread, unit), { minLength: 1, maxLength: 400 }));

describe("EventStore", () => {
  it("gives back every event, time, user and range that was written", () => {
    fc.assert(
      fc.property(logs, (events) => {
        using folder = temporaryFolder();
        const sorted = writeStore(folder.path, events);
        const store = EventStore.open(folder.path);
        expect(() => store.verify()).not.toThrow();
        expect(store.numEvents).toBe(sorted.length);
        const column = (name: string) => [...store.column(name).slice(0, sorted.length)];
        expect(column("item")).toEqual(sorted.map(({ item }) => item));
        expect(column("click")).toEqual(sorted.map(({ click }) => click));
        expect(column("dwell")).toEqual(sorted.map(({ dwell }) => dwell));
        expectTimes(store, sorted);
        store.close();
      }),
      { numRuns: 40 },
    );
  });

  it("stores regular times in one byte each", () => {
    using folder = temporaryFolder();
    const events = Array.from({ length: 200 }, (_, i) => ({
      user: 1,
      time: i * 3_600_000,
      item: 1,
      click: 0,
      dwell: 0,
    }));
    writeStore(folder.path, events);
    const store = EventStore.open(folder.path);
    expect(store.manifest.time).toMatchObject({ unitMs: 3_600_000, deltaType: "u8" });
    expect(store.timesOf(100, 103)).toEqual(Float64Array.of(100, 101, 102).map((hours) => hours * 3_600_000));
    store.close();
  });

  it("finds a changed byte by its hash and a changed length at once", () => {
    using folder = temporaryFolder();
    writeStore(folder.path, [{ user: 1, time: 5, item: 300, click: 1, dwell: 2 }]);
    const store = EventStore.open(folder.path);
    const file = join(store.folder, store.entry("item").file);
    const bytes = readFileSync(file);
    writeFileSync(file, Buffer.from(bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte))));
    expect(() => store.verify()).toThrow(expect.objectContaining({ code: "STORE_CORRUPT", where: file }));
    store.close();
    truncateSync(file, 1);
    expect(() => EventStore.open(folder.path)).toThrow(
      expect.objectContaining({ code: "STORE_CORRUPT", got: "1 bytes" }),
    );
    rmSync(file);
    expect(() => EventStore.open(folder.path)).toThrow(
      expect.objectContaining({ code: "STORE_CORRUPT", got: "no file" }),
    );
  });

  it("opens the version that is open elsewhere, and no other in its place", () => {
    using folder = temporaryFolder();
    writeStore(folder.path, [{ user: 1, time: 5, item: 3, click: 1, dwell: 2 }]);
    using first = EventStore.open(folder.path);
    EventStore.open(first.version).close();
    writeStore(folder.path, [{ user: 1, time: 6, item: 3, click: 1, dwell: 2 }]);
    expect(() => EventStore.open(first.version)).toThrow(expect.objectContaining({ code: "STORE_REPLACED" }));
    using second = EventStore.open(folder.path);
    expect(second.timeOf(0)).toBe(6);
  });

  it.each([
    ["other events", 6, false],
    ["the same events", 5, false],
    ["other events in a store made anew, whose files have the same names", 6, true],
  ])("reads nothing more of a version once there is one of %s", (_what, time, anew) => {
    using folder = temporaryFolder();
    const dir = join(folder.path, "store");
    writeStore(dir, [{ user: 1, time: 5, item: 3, click: 1, dwell: 2 }]);
    using first = EventStore.open(dir);
    const item = first.column("item");
    if (anew) rmSync(dir, { recursive: true });
    writeStore(dir, [{ user: 1, time, item: 3, click: 1, dwell: 2 }]);
    const refused = expect.objectContaining({ code: "STORE_REPLACED", where: dir });
    expect(() => first.column("click")).toThrow(refused);
    expect(() => first.verify()).toThrow(refused);
    // What is open already stays.
    expect([item.at(0), first.timeOf(0)]).toEqual([3, 5]);
  });

  it("says that a store was removed while it was read", () => {
    using folder = temporaryFolder();
    const dir = join(folder.path, "store");
    writeStore(dir, [{ user: 1, time: 5, item: 3, click: 1, dwell: 2 }]);
    using store = EventStore.open(dir);
    rmSync(dir, { recursive: true });
    expect(() => store.column("click")).toThrow(expect.objectContaining({ code: "STORE_NOT_FOUND", where: dir }));
  });

  it("is closed as often as one likes", () => {
    using folder = temporaryFolder();
    writeStore(folder.path, [{ user: 1, time: 5, item: 3, click: 1, dwell: 2 }]);
    using store = EventStore.open(folder.path);
    store.column("item");
    store.close();
    // Whatever is opened next has the numbers that those files had.
    using other = EventStore.open(folder.path);
    store.close();
    expect(other.column("item").at(0)).toBe(3);
  });

  it("tells a missing store, a foreign version and an unknown column", () => {
    using folder = temporaryFolder();
    expect(() => EventStore.open(folder.path)).toThrow(expect.objectContaining({ code: "STORE_NOT_FOUND" }));
    writeStore(folder.path, [{ user: 1, time: 5, item: 3, click: 1, dwell: 2 }]);
    const store = EventStore.open(folder.path);
    expect(() => store.column("itme")).toThrow(/Did you mean item\?/);
    store.close();
    const path = join(folder.path, "v1", "manifest.json");
    const bytes = readFileSync(path, "utf8").replace(/"version": \d+/, '"version": 99');
    writeFileSync(path, bytes);
    expect(() => EventStore.open(folder.path)).toThrow(expect.objectContaining({ code: "STORE_CORRUPT", where: path }));
    const digest = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(join(folder.path, "CURRENT"), `v1 ${digest}\n`);
    expect(() => EventStore.open(folder.path)).toThrow(
      expect.objectContaining({ code: "STORE_VERSION", got: "lapidary-events version 99" }),
    );
  });

  it("names what wrote a pointer without a digest as an earlier version, and any other one as damaged", () => {
    using folder = temporaryFolder();
    writeStore(folder.path, [{ user: 1, time: 5, item: 3, click: 1, dwell: 2 }]);
    const pointer = join(folder.path, "CURRENT");
    for (const [text, code] of [
      ["v1", "STORE_VERSION"],
      ["v1 0123\n", "STORE_CORRUPT"],
      ["", "STORE_CORRUPT"],
      [`../v1 ${"0".repeat(64)}\n`, "STORE_CORRUPT"],
    ] as const) {
      writeFileSync(pointer, text);
      expect(() => EventStore.open(folder.path), text).toThrow(expect.objectContaining({ code, where: pointer }));
    }
  });
});

function expectTimes(store: EventStore, sorted: readonly TestEvent[]): void {
  for (let user = 1; user <= store.numUsers; user++) {
    const { start, end } = store.userRange(user);
    expect(sorted.slice(start, end).every((each) => each.user === user)).toBe(true);
    expect([...store.timesOf(start, end, user)]).toEqual(sorted.slice(start, end).map(({ time }) => time));
  }
  for (const [row, { user, time }] of sorted.entries()) {
    expect(store.userOf(row)).toBe(user);
    expect(store.timeOf(row)).toBe(time);
  }
}

describe("FileColumn", () => {
  it("reads the same values by range as when resident", () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, "c"));
    const path = join(folder.path, "c", "column");
    writeFileSync(
      path,
      Uint16Array.from({ length: 1000 }, (_, i) => i * 60),
    );
    const resident = new FileColumn(path, "u16");
    const ranged = new FileColumn(path, "u16", 10);
    for (const [start, end] of [
      [0, 0],
      [0, 1000],
      [17, 18],
      [999, 1000],
      [300, 700],
    ] as const) {
      expect(ranged.slice(start, end)).toEqual(resident.slice(start, end));
    }
    expect(ranged.at(999)).toBe(59_940);
    expect(resident.at(999)).toBe(59_940);
    expect(() => ranged.slice(990, 1010)).toThrow(RangeError);
    resident.close();
    ranged.close();
  });
});

describe("widths", () => {
  it("are the narrowest that hold the largest value", () => {
    const cases = { 0: "u8", 255: "u8", 256: "u16", 65535: "u16", 65536: "u32", 4294967295: "u32", 4294967296: "f64" };
    for (const [max, type] of Object.entries(cases)) expect(narrowestType(Number(max))).toBe(type);
  });

  it("gcd divides both and leaves coprime quotients", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e12 }), fc.integer({ min: 1, max: 1e12 }), (a, b) => {
        const divisor = gcd(a, b);
        expect(a % divisor).toBe(0);
        expect(b % divisor).toBe(0);
        expect(gcd(a / divisor, b / divisor)).toBe(1);
      }),
    );
    expect(gcd(0, 6)).toBe(6);
    expect(gcd(0, 0)).toBe(0);
  });
});
