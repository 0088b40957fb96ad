import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import type { EventsConfig } from "../../../config/types.ts";
import { eventsConfig, storeBytes, temporaryFolder } from "../../events.test.support.ts";
import { ingest } from "../ingest.ts";

const FIELDS = ["event_id", "user_id", "ad_id", "ts", "action", "origin", "brand", "price", "is_click", "dwell"];

/** Writes the file of a day; of some rows the price cannot be read, and nothing is read of the field `rest`. */
function writeDay(folder: string, day: number, { numRows = 20, restBytes = 0 } = {}): string {
  const rest = "x".repeat(restBytes);
  const lines = Array.from({ length: numRows }, (_, row) => {
    const i = day * numRows + row;
    return `e${i},u${i % 5},${i % 7},${1000 + i},view,ad,b${i % 3},${i % 9 === 1 ? "?" : i / 4},${i % 2},${i},${rest}\n`;
  });
  const path = join(folder, `day-${day}.csv`);
  writeFileSync(path, `${FIELDS.join(",")},rest\n${lines.join("")}`);
  return path;
}

function configOf(folder: string): EventsConfig {
  return eventsConfig(join(folder, "day-*.csv"), "csv");
}

/** The one database of kept rows of a store. */
function databaseOf(store: string): string {
  const names = readdirSync(`${store}.kept`);
  expect(names).toHaveLength(1);
  return join(`${store}.kept`, names[0] ?? "");
}

/** Bytes that this process has read of files, by the system's count: the engine's among them, whoever runs it. */
function bytesRead(): number {
  return Number(/rchar: (\d+)/.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
}

const NUM_DAYS = 60;

/** Ingests twice: first more bytes are read than each of the files has at least, then fewer. */
async function expectUnread(config: EventsConfig, store: string, leastBytes: number): Promise<void> {
  const first = bytesRead();
  await ingest(config, { store, threads: 1 });
  expect(bytesRead() - first).toBeGreaterThan(NUM_DAYS * leastBytes);
  const second = bytesRead();
  const { files } = await ingest(config, { store, threads: 1, force: true });
  expect(files).toEqual({ total: NUM_DAYS, notRead: NUM_DAYS });
  expect(bytesRead() - second).toBeLessThan(NUM_DAYS * leastBytes);
}

describe("files that are as they were", () => {
  it("are not read again, be they text or small files of Parquet", async () => {
    using folder = temporaryFolder();
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    // What is written of many columns that are not mapped is read with the columns that are.
    const more = Array.from({ length: 1000 }, (_, i) => `${i} AS x${i}`).join(", ");
    for (let day = 0; day < NUM_DAYS; day++) {
      const path = writeDay(folder.path, day, { numRows: 1, restBytes: 60_000 });
      const rows = `SELECT * EXCLUDE rest REPLACE (ts::BIGINT AS ts), ${more} FROM read_csv('${path}', all_varchar = true)`;
      await connection.run(`COPY (${rows}) TO '${path.replace("csv", "parquet")}' (FORMAT parquet)`);
    }
    connection.closeSync();
    instance.closeSync();
    await expectUnread(configOf(folder.path), join(folder.path, "text"), 60_000);
    const parquet = eventsConfig(join(folder.path, "*.parquet"), "parquet");
    await expectUnread(parquet, join(folder.path, "parquet"), 60_000);
  });
});

describe("files that are not as they were", () => {
  it("are read again, though size and time of the content are the same", async () => {
    using folder = temporaryFolder();
    const paths = [0, 1].map((day) => writeDay(folder.path, day));
    const [store, fresh] = [join(folder.path, "store"), join(folder.path, "fresh")];
    for (const path of paths) utimesSync(path, 1e9, 1e9);
    await ingest(configOf(folder.path), { store, threads: 1 });
    const [path = ""] = paths;
    const before = statSync(path, { bigint: true });
    writeFileSync(path, readFileSync(path, "utf8").replace(",1007,", ",1707,"));
    utimesSync(path, 1e9, 1e9);
    const { size, mtimeNs } = statSync(path, { bigint: true });
    expect([size, mtimeNs]).toEqual([before.size, before.mtimeNs]);
    expect((await ingest(configOf(folder.path), { store, threads: 1 })).files.notRead).toBe(1);
    await ingest(configOf(folder.path), { store: fresh, threads: 1 });
    expect(storeBytes(store)).toEqual(storeBytes(fresh));
  });

  it("put the others in their order, where each row is a user", async () => {
    using folder = temporaryFolder();
    const [store, fresh] = [join(folder.path, "store"), join(folder.path, "fresh")];
    const config: EventsConfig = { ...configOf(folder.path), id: null, user: null, time: null };
    for (const day of [1, 2]) writeDay(folder.path, day);
    await ingest(config, { store, threads: 1 });
    writeDay(folder.path, 3);
    expect((await ingest(config, { store, threads: 1 })).files.notRead).toBe(2);
    writeDay(folder.path, 0);
    expect((await ingest(config, { store, threads: 1 })).files.notRead).toBe(0);
    await ingest(config, { store: fresh, threads: 1 });
    expect(storeBytes(store)).toEqual(storeBytes(fresh));
  });
});

const FLIPS = 6;

describe("kept rows", () => {
  it("that are damaged or gone cost time only", async () => {
    using folder = temporaryFolder();
    for (let day = 0; day < 3; day++) writeDay(folder.path, day);
    const [kept, fresh] = [join(folder.path, "kept"), join(folder.path, "fresh")];
    await ingest(configOf(folder.path), { store: kept, threads: 1 });
    const database = databaseOf(kept);
    const whole = readFileSync(database);
    // Of most of its blocks little is used: a damage is one of what is there.
    const used = [...whole.keys()].filter((at) => whole[at] !== 0);
    const flip = (share: number) => () => {
      const bytes = Buffer.from(whole);
      bytes[used[Math.floor(share * used.length)] ?? 0]! ^= 1 << Math.floor(Math.random() * 8);
      writeFileSync(database, bytes);
    };
    const damages: Readonly<Record<string, () => void>> = {
      ...Object.fromEntries(Array.from({ length: FLIPS }, (_, i) => [`flip ${i}`, flip((i + Math.random()) / FLIPS)])),
      half: () => truncateSync(database, whole.length >> 1),
      empty: () => truncateSync(database, 0),
      other: () => writeFileSync(database, "no database"),
      "a log of changes that is none": () => writeFileSync(`${database}.wal`, randomBytes(1000)),
      gone: () => rmSync(database),
      "all gone": () => rmSync(`${kept}.kept`, { recursive: true }),
      "a folder": () => {
        rmSync(database);
        mkdirSync(database);
      },
      "all a file": () => {
        rmSync(`${kept}.kept`, { recursive: true });
        writeFileSync(`${kept}.kept`, "no folder");
      },
    };
    writeDay(folder.path, 3);
    await ingest(configOf(folder.path), { store: fresh, threads: 1 });
    let numRead = 0;
    for (const [name, damage] of Object.entries(damages)) {
      writeFileSync(database, whole);
      damage();
      const { files } = await ingest(configOf(folder.path), { store: kept, threads: 1, force: true });
      expect(databaseOf(kept)).toBe(database);
      expect(storeBytes(kept), name).toEqual(storeBytes(fresh));
      numRead += files.notRead === 0 ? 1 : 0;
    }
    // A bit may lie where the engine looks at none.
    expect(numRead).toBeGreaterThan(Object.keys(damages).length - 3);
  });

  it("are those of the last ingest alone, and none of a log of one file", async () => {
    using folder = temporaryFolder();
    for (let day = 0; day < 3; day++) writeDay(folder.path, day);
    const store = join(folder.path, "store");
    const config = configOf(folder.path);
    await ingest(config, { store, threads: 1 });
    const first = databaseOf(store);
    await ingest({ ...config, attributes: {} }, { store, threads: 1 });
    expect(databaseOf(store)).not.toBe(first);
    await ingest({ ...config, from: [join(folder.path, "day-1.csv")] }, { store, threads: 1 });
    expect(existsSync(`${store}.kept`)).toBe(false);
  });

  it("of files that change again and again take no more room than those of the files", async () => {
    using folder = temporaryFolder();
    for (let day = 0; day < 3; day++) writeDay(folder.path, day, { numRows: 2000 });
    const store = join(folder.path, "store");
    const sizes: number[] = [];
    for (let round = 0; round < 7; round++) {
      writeDay(folder.path, round % 3, { numRows: 2000 });
      await ingest(configOf(folder.path), { store, threads: 1 });
      sizes.push(statSync(databaseOf(store)).size);
    }
    expect(Math.max(...sizes)).toBeLessThan(3 * (sizes[0] ?? 0));
  });
});
