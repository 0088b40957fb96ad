import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ORIGIN_CODES } from "../../features/schema.ts";
import { Vocabulary } from "../../features/vocabulary.ts";
import { admissionTimes } from "../admission-times.ts";
import { CLICK_DELAY_MS, originOf, type TestEvent, temporaryFolder, writeStore } from "../events.test.support.ts";
import { countLabels } from "../examples/count-labels.ts";
import { ALL_EXAMPLES, type ExampleFilter } from "../examples/examples.ts";
import { EventStore } from "../store/event-store.ts";
import { BatchSource, type BatchSourceOptions } from "./batch-source.ts";
import { openReader, type ReadBatch, type ReaderOptions } from "./reader.ts";

const feature = (name: string, cardinality: number) => ({ name, table: name, cardinality });
const spec = {
  contextual: [feature("user", 1e6), feature("@hourOfDay", 25)],
  candidate: [feature("item", 1000)],
  numbers: [{ name: "@historyLength", mean: 0, deviation: 1 }],
  history: [feature("item", 1000), feature("click", 3), feature("@age", 57)],
  objectives: ["click"],
};

function events(): readonly TestEvent[] {
  return Array.from({ length: 500 }, (_, i) => {
    const time = ((i * 7919) % 97) * 1000;
    return { user: (i * 31) % 23, time, item: (i * 13) % 40, click: i % 3, dwell: i };
  });
}

function options(store: string, overrides: Partial<BatchSourceOptions> = {}): BatchSourceOptions & ReaderOptions {
  const window = { fromMs: 20_000, untilMs: 80_000 };
  const shard = { rank: 0, worldSize: 1 };
  const base = {
    store,
    window,
    spec,
    historyLength: 8,
    globalBatchSize: 24,
    seed: 3,
    byDay: false,
    epoch: 0,
    shard,
    admittedMs: {},
    horizonMs: 80_000,
    dropLast: false,
    only: ALL_EXAMPLES,
  };
  return { ...base, ...overrides };
}

async function readAll(reading: ReaderOptions): Promise<readonly ReadBatch[]> {
  const batches: ReadBatch[] = [];
  for await (const batch of await openReader(reading)) batches.push(batch);
  return batches;
}

const rowsOf = (batches: readonly { readonly rows: Float64Array }[]) => batches.flatMap(({ rows }) => [...rows]);

describe("BatchSource", () => {
  it("reads every example of the window once, whatever the order", () => {
    using folder = temporaryFolder();
    const sorted = writeStore(folder.path, events());
    const expected = [...sorted.keys()].filter((row) => sorted[row]!.time >= 20_000 && sorted[row]!.time < 80_000);
    for (const seed of [null, 0, 77]) {
      const source = new BatchSource(options(folder.path, { seed }));
      const rows = rowsOf(Array.from({ length: source.numBatches }, (_, position) => source.read(position)));
      expect(source.numExamples).toBe(expected.length);
      expect(rows.toSorted((a, b) => a - b)).toEqual(expected);
      if (seed === null) expect(rows).toEqual(expected.toSorted((a, b) => sorted[a]!.time - sorted[b]!.time || a - b));
      else expect(rows).not.toEqual(expected);
      source.close();
    }
  });

  it("reads of one surface its examples alone, in order, and counts their labels; histories keep all surfaces", () => {
    using folder = temporaryFolder();
    const sorted = writeStore(folder.path, events());
    const surfaceOf = (row: number): number => 1 + (sorted[row]!.item % 3);
    for (const seed of [null, 5]) {
      const read = (surface: number | null) => {
        const source = new BatchSource(options(folder.path, { seed, only: { surface, origin: null } }));
        const batches = Array.from({ length: source.numBatches }, (_, position) => source.read(position));
        source.close();
        return {
          rows: rowsOf(batches),
          events: batches.reduce((sum, { history }) => sum + history.offsets.at(-1)!, 0),
        };
      };
      const all = read(null);
      const parts = [1, 2, 3].map(read);
      for (const [i, part] of parts.entries()) {
        const own = all.rows.filter((row) => surfaceOf(row) === i + 1);
        if (seed === null) expect(part.rows).toEqual(own);
        else expect(part.rows.toSorted((a, b) => a - b)).toEqual(own.toSorted((a, b) => a - b));
      }
      expect(parts.reduce((sum, part) => sum + part.events, 0)).toBe(all.events);
    }
    const store = EventStore.open(folder.path);
    const of = { window: { fromMs: 20_000, untilMs: 80_000 }, horizonMs: 80_000 };
    const counts = [1, 2, 3].map((surface) => countLabels(store, { ...of, only: { surface, origin: null } })["click"]);
    const total = countLabels(store, of)["click"];
    for (const key of ["known", "positive"] as const) {
      expect(counts.reduce((sum, each) => sum + (each?.[key] ?? 0), 0)).toBe(total?.[key]);
    }
    expect(counts[0]).not.toEqual(counts[1]);
    store.close();
  });

  it("reads of one origin its examples alone and counts their labels; what has no origin is organic", () => {
    using folder = temporaryFolder();
    const sorted = writeStore(folder.path, events());
    const read = (only: ExampleFilter): readonly number[] => {
      const source = new BatchSource(options(folder.path, { only }));
      const rows = rowsOf(Array.from({ length: source.numBatches }, (_, position) => source.read(position)));
      source.close();
      return rows.toSorted((a, b) => a - b);
    };
    const { ad: AD } = ORIGIN_CODES;
    const isAd = (row: number): boolean => originOf(sorted[row]!.item) === AD;
    const isShown = (row: number): boolean => 1 + (sorted[row]!.item % 3) === 2;
    const all = read(ALL_EXAMPLES);
    expect(all.filter(isAd).length).toBeGreaterThan(0);
    expect(read({ surface: null, origin: "ad" })).toEqual(all.filter(isAd));
    expect(read({ surface: null, origin: "organic" })).toEqual(all.filter((row) => !isAd(row)));
    expect(read({ surface: 2, origin: "ad" })).toEqual(all.filter((row) => isAd(row) && isShown(row)));
    const store = EventStore.open(folder.path);
    const counted = { window: { fromMs: 20_000, untilMs: 80_000 }, horizonMs: 80_000 };
    const known = (row: number): boolean => sorted[row]!.click > 0 && sorted[row]!.time + CLICK_DELAY_MS <= 80_000;
    for (const origin of ["ad", "organic"] as const) {
      const own = all.filter((row) => isAd(row) === (origin === "ad") && known(row));
      const positive = own.filter((row) => sorted[row]!.click === 2).length;
      const counts = countLabels(store, { ...counted, only: { surface: null, origin } });
      expect(counts["click"]).toEqual({ known: own.length, positive });
    }
    store.close();
  });

  it("gives W processes together the batches of one, also the last that is not full", () => {
    using folder = temporaryFolder();
    writeStore(folder.path, events());
    const alone = new BatchSource(options(folder.path));
    expect(alone.numExamples % 24).not.toBe(0);
    for (const worldSize of [2, 3, 4, 8]) {
      const ranks = Array.from(
        { length: worldSize },
        (_, rank) => new BatchSource(options(folder.path, { shard: { rank, worldSize } })),
      );
      for (let position = 0; position < alone.numBatches; position++) {
        const parts = ranks.map((source) => source.read(position));
        const whole = alone.read(position);
        expect(rowsOf(parts).toSorted((a, b) => a - b)).toEqual([...whole.rows].toSorted((a, b) => a - b));
        const order = new Map(Array.from(whole.rows, (row, i) => [row, i] as const));
        for (const { rows } of parts) {
          const places = Array.from(rows, (row) => order.get(row) ?? Number.NaN);
          expect(places).toEqual(places.toSorted((a, b) => a - b));
        }
        const events = parts.map(({ history }) => history.offsets.at(-1) ?? 0);
        expect(Math.max(...events) - Math.min(...events)).toBeLessThanOrEqual(8 + 1);
        const sizes = parts.map(({ size }) => size);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }
      for (const source of ranks) source.close();
    }
    alone.close();
  });

  it("differs by seed and by epoch", () => {
    using folder = temporaryFolder();
    writeStore(folder.path, events());
    const first = (overrides: Partial<BatchSourceOptions>) => {
      const source = new BatchSource(options(folder.path, overrides));
      const rows = [...source.read(0).rows];
      source.close();
      return rows;
    };
    expect(first({})).toEqual(first({}));
    expect(first({ seed: 4 })).not.toEqual(first({}));
    expect(first({ epoch: 1 })).not.toEqual(first({}));
  });

  it("refuses options out of range", () => {
    using folder = temporaryFolder();
    writeStore(folder.path, events());
    const bad: Partial<BatchSourceOptions>[] = [
      { globalBatchSize: 0 },
      { globalBatchSize: 25, shard: { rank: 0, worldSize: 2 } },
      { shard: { rank: 2, worldSize: 2 } },
      { historyLength: -1 },
    ];
    for (const overrides of bad) {
      expect(() => new BatchSource(options(folder.path, overrides))).toThrow(
        expect.objectContaining({ code: "READER_OPTION" }),
      );
    }
  });
});

describe("openReader", () => {
  it("gives the batches of the source, and resumes at any position with the very same ones", async () => {
    using folder = temporaryFolder();
    writeStore(folder.path, events());
    const whole = await readAll(options(folder.path));
    const source = new BatchSource(options(folder.path));
    expect(whole.map(({ nextPosition, ...batch }) => batch)).toEqual(
      Array.from({ length: source.numBatches }, (_, i) => source.read(i)),
    );
    source.close();
    for (const start of [1, 5, whole.length - 1, whole.length]) {
      expect(await readAll({ ...options(folder.path), start })).toEqual(whole.slice(start));
    }
    expect(whole.map(({ nextPosition }) => nextPosition)).toEqual(whole.map((_, i) => i + 1));
  });

  it("drops the last batch when asked, and reads an empty window as no batch", async () => {
    using folder = temporaryFolder();
    writeStore(folder.path, events());
    const dropped = await readAll(options(folder.path, { dropLast: true }));
    expect(new Set(dropped.map(({ size }) => size))).toEqual(new Set([24]));
    expect(dropped.length + 1).toBe((await readAll(options(folder.path))).length);
    for (const seed of [null, 1]) {
      expect(await readAll(options(folder.path, { seed, window: { fromMs: 5, untilMs: 5 } }))).toEqual([]);
    }
  });

  it("lets signals in between batches, however slow the loop's body is", async () => {
    using folder = temporaryFolder();
    writeStore(folder.path, events());
    const sleep = new Int32Array(new SharedArrayBuffer(4));
    let batches = 0;
    let heardAt = Number.NaN;
    const onSignal = () => {
      heardAt = batches;
    };
    process.once("SIGUSR2", onSignal);
    for await (const _ of await openReader({ ...options(folder.path), globalBatchSize: 8 })) {
      if (++batches === 5) process.kill(process.pid, "SIGUSR2");
      // Longer than the thread takes for a batch, so that the next one is always waiting.
      Atomics.wait(sleep, 0, 0, 20);
    }
    process.off("SIGUSR2", onSignal);
    expect(batches).toBeGreaterThan(20);
    expect(heardAt).toBeLessThanOrEqual(7);
  });

  it("writes memory again only once its batch was left behind, however slow the loop is: the same batches", async () => {
    using folder = temporaryFolder();
    writeStore(
      folder.path,
      Array.from({ length: 4000 }, (_, i) => ({
        user: i % 40,
        time: (i * 7919) % 97_000,
        item: i % 40,
        click: i % 3,
        dwell: i,
      })),
    );
    const reading = { ...options(folder.path), historyLength: 64, globalBatchSize: 300, dropLast: true, prefetch: 2 };
    const expected = await readAll(reading);
    const bytes = expected.map(({ history }) => history.codes["item"]?.buffer.byteLength ?? 0);
    expect(Math.min(...bytes)).toBeGreaterThan(2 ** 16);
    expect(expected.length).toBeGreaterThan(5);
    const source = new BatchSource(reading);
    const columns: (Int32Array | undefined)[] = [];
    let read = 0;
    for await (const batch of await openReader({ ...reading, reuses: true })) {
      // As long as the thread takes for all that it may build ahead, and for what it must not.
      for (let i = 0; i < 4; i++) source.read(read);
      const { nextPosition, ...alone } = batch;
      expect(alone).toEqual(source.read(read));
      columns.push(batch.history.codes["item"]);
      read += 1;
    }
    source.close();
    expect(read).toBe(expected.length);
    // All of them lie in a few buffers: of an early batch, another one's codes are there now.
    expect(columns[0]?.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(columns[0]).not.toEqual(expected[0]?.history.codes["item"]);
  });

  it("leaves its thread when the loop ends early; the next one hears nothing of what was read ahead", async () => {
    using folder = temporaryFolder();
    writeStore(folder.path, events());
    const other = options(folder.path, { seed: 2, historyLength: 2 });
    const expected = rowsOf(await readAll(other));
    const threads = () => readdirSync("/proc/self/task").length;
    const before = threads();
    for (const reuses of [false, true]) {
      for (let batches = 1; batches <= 3; batches++) {
        let read = 0;
        for await (const batch of await openReader({ ...options(folder.path), reuses })) {
          expect(batch.size).toBe(24);
          if (++read === batches) break;
        }
        const unread = await openReader(options(folder.path));
        await unread.close();
        expect(rowsOf(await readAll(other))).toEqual(expected);
      }
    }
    expect(threads()).toBe(before);
  });

  it("leaves its thread at its end to the next one, which reads what it reads alone", async () => {
    using folder = temporaryFolder();
    writeStore(folder.path, events());
    const orders = [options(folder.path), options(folder.path, { seed: 2, historyLength: 2 })];
    const read = async (order: number) => rowsOf(await readAll(orders[order]!));
    const threads = () => readdirSync("/proc/self/task").length;
    const alone = [await read(0), await read(1)];
    expect(alone[0]).not.toEqual(alone[1]);
    const before = threads();
    const finished = await openReader(orders[0]!);
    for await (const _ of finished);
    const next = await openReader(orders[1]!);
    expect(threads()).toBe(before);
    // It has given its thread up.
    await finished.close();
    // Another one at the same time has a thread of its own.
    expect(await read(0)).toEqual(alone[0]);
    const batches: ReadBatch[] = [];
    for await (const batch of next) batches.push(batch);
    expect(rowsOf(batches)).toEqual(alone[1]);
  });

  it("brings errors of its thread to the consumer as they are", async () => {
    using folder = temporaryFolder();
    await expect(openReader(options(folder.path))).rejects.toMatchObject({ code: "STORE_NOT_FOUND" });
    writeStore(folder.path, events());
    const unknown = { ...spec, candidate: [feature("itme", 5)] };
    await expect(openReader(options(folder.path, { spec: unknown }))).rejects.toMatchObject({
      code: "STORE_COLUMN",
      got: "itme",
    });
    await expect(openReader(options(folder.path, { globalBatchSize: 1.5 }))).rejects.toMatchObject({
      code: "READER_OPTION",
    });
  });

  it("maps codes by the vocabularies of a window, each from its admission on", async () => {
    using folder = temporaryFolder();
    const sorted = writeStore(folder.path, events());
    const store = EventStore.open(folder.path);
    const window = { fromMs: 0, untilMs: 50_000 };
    const minCount = 5;
    const admitted = admissionTimes(store, { window, minCount });
    store.close();
    const nth = (own: (event: TestEvent) => boolean) => {
      const times = sorted.filter((event) => own(event) && event.time < 50_000).map(({ time }) => time);
      return times.sort((a, b) => a - b)[minCount - 1] ?? Number.POSITIVE_INFINITY;
    };
    // The last moment before that of the event, which lies in the millisecond of its time.
    const expectBefore = (found = Number.NaN, time = Number.NaN): void => {
      if (time === Number.POSITIVE_INFINITY) expect(found).toBe(time);
      else expect([-1, 0]).toContain(Math.floor(found) - time);
    };
    for (const code of [1, 7, 39, 500])
      expectBefore(
        admitted["item"]?.[code],
        nth(({ item }) => item === code),
      );
    for (const code of [1, 3, 23])
      expectBefore(
        admitted["user"]?.[code],
        nth(({ user }) => user === code),
      );
    expect(admitted["item"]?.[0]).toBe(Number.POSITIVE_INFINITY);
    const vocabulary = new Vocabulary(admitted["item"]!);
    const batches = await readAll({ ...options(folder.path), vocabularies: { item: vocabulary } });
    const items = batches.flatMap(({ rows, candidate }) => [...rows].map((row, i) => [row, candidate["item"]![i]!]));
    for (const [row, code] of items) {
      const { item, time } = sorted[row!]!;
      const before = sorted.filter((other) => other.item === item && other.time < time && other.time < 50_000).length;
      const upTo = sorted.filter((other) => other.item === item && other.time <= time && other.time < 50_000).length;
      if (before >= minCount - 1 && upTo >= minCount) expect(code).toBe(vocabulary.row(item));
      if (upTo < minCount) expect(code).toBe(0);
    }
    expect(items.filter(([row, code]) => code === 0 && vocabulary.row(sorted[row!]!.item) > 0)).not.toEqual([]);
  });
});
