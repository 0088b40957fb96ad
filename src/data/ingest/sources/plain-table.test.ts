import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import type { EventsConfig } from "../../../config/types.ts";
import { hasHistories } from "../../../features/schema.ts";
import { eventsConfig, temporaryFolder } from "../../events.test.support.ts";
import { windowOf } from "../../examples/split.ts";
import { WindowRows } from "../../examples/window-rows.ts";
import { pointInTime } from "../../histories/point-in-time.ts";
import { measureNumbers } from "../../measure-numbers.ts";
import { EventStore } from "../../store/event-store.ts";
import { ingest } from "../ingest.ts";

const ROWS = Array.from({ length: 7 }, (_, i) => ({ user: `u${i % 2}`, ad: `a${i % 3}`, is_click: i % 2 }));

function plainConfig(from: readonly string[], format: EventsConfig["format"], changes: Partial<EventsConfig> = {}) {
  const base = eventsConfig("", format);
  return {
    ...base,
    ...{ from, id: null, user: null, time: null, item: { from: "ad" }, attributes: {}, origin: { value: "organic" } },
    action: { value: "view" },
    outcomes: { click: base.outcomes["click"]! },
    ...changes,
  };
}

async function writeLog(path: string, rows: readonly (typeof ROWS)[number][]): Promise<void> {
  if (path.endsWith("jsonl")) {
    writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    return;
  }
  const lines = rows.map(({ user, ad, is_click }) => `${user},${ad},${is_click}\n`).join("");
  const csv = path.replace(/\.parquet$/, ".csv");
  writeFileSync(csv, `user,ad,is_click\n${lines}`);
  if (csv === path) return;
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(`COPY (SELECT * FROM read_csv('${csv}')) TO '${path}'`);
  connection.closeSync();
  instance.closeSync();
}

describe("a log without users and times", () => {
  it.each(["csv", "jsonl", "parquet"] as const)(
    "in %s has a user for each row, in the order of the log",
    async (format) => {
      using folder = temporaryFolder();
      const files = ["1", "2"].map((name) => join(folder.path, `${name}.${format}`));
      await writeLog(files[0]!, ROWS.slice(0, 4));
      await writeLog(files[1]!, ROWS.slice(4));
      const config = plainConfig(files, format);
      await ingest(config, { store: join(folder.path, "store"), threads: 1 });
      const store = EventStore.open(join(folder.path, "store"));
      expect(store.numUsers).toBe(ROWS.length);
      const items = store.dictionary("item");
      const read = ROWS.map((_, i) => ({
        ad: items?.id(store.column("item").at(i)),
        click: store.column("click").at(i),
      }));
      expect(read).toEqual(ROWS.map(({ ad, is_click }) => ({ ad, click: is_click + 1 })));
      for (const i of ROWS.keys()) {
        expect(store.userRange(i + 1)).toEqual({ start: i, end: i + 1 });
        expect(pointInTime(store, i, 9)).toMatchObject({ user: i + 1, timeMs: 0, numPast: 0 });
      }
      expect(store.manifest.schema.without).toEqual(["user", "time"]);
      expect(hasHistories(store.manifest.schema)).toBe(false);
      expect(store.dictionary("user")).toBe(null);
      store.close();
    },
  );

  it("without times alone keeps its users, none of whom has a past", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "log.csv");
    await writeLog(file, ROWS);
    await ingest(plainConfig([file], "csv", { user: "user" }), { store: join(folder.path, "store"), threads: 1 });
    const store = EventStore.open(join(folder.path, "store"));
    expect([1, 2].map((user) => store.dictionary("user")?.id(user))).toEqual(["u0", "u1"]);
    for (const i of ROWS.keys()) expect(pointInTime(store, i, 9).numPast).toBe(0);
    const moments = measureNumbers(store, { fromMs: -1, untilMs: 1 });
    expect(moments["@historyLength"]).toEqual({ mean: 0, deviation: 1 });
    expect(store.manifest.schema.without).toEqual(["time"]);
    store.close();
  });
});

describe("a log without items", () => {
  it("has one for all, and says so; users and times make histories all the same", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "log.csv");
    await writeLog(file, ROWS);
    await ingest(plainConfig([file], "csv", { item: { value: "none" } }), { store: folder.path, threads: 1 });
    const store = EventStore.open(folder.path);
    const items = ROWS.map((_, i) => store.dictionary("item")?.id(store.column("item").at(i)));
    expect(items).toEqual(ROWS.map(() => "none"));
    expect(store.manifest.schema.without).toEqual(["user", "item", "time"]);
    store.close();
    expect(hasHistories({ without: ["item"] })).toBe(true);
  });
});

describe("a log that is split by file", () => {
  const fold = (folder: string, names: Readonly<Record<"train" | "validation" | "test", readonly string[]>>) => {
    const absolute = Object.entries(names).map(([window, files]) => [window, files.map((file) => join(folder, file))]);
    return { fold: { files: Object.fromEntries(absolute) as typeof names } };
  };

  it.each(["csv", "jsonl", "parquet"] as const)("of %s has the rows of each file in its window", async (format) => {
    using folder = temporaryFolder();
    const file = (name: string): string => join(folder.path, `${name}.${format}`);
    const parts = { "a-1": [0, 1], "a-2": [1, 2], b: [2, 4], c: [4, 5], z: [5, 7] } as const;
    for (const [name, [from, until]] of Object.entries(parts)) await writeLog(file(name), ROWS.slice(from, until));
    const windows = { train: [`a-*.${format}`], validation: [`b.${format}`], test: [`c.${format}`] };
    const config = plainConfig(Object.keys(parts).map(file), format, fold(folder.path, windows));
    await ingest(config, { store: join(folder.path, "store"), threads: 1 });
    const store = EventStore.open(join(folder.path, "store"));
    const split = { kind: "fold", train: ["train"], validation: ["validation"], test: ["test"] } as const;
    const rowsOf = (window: "train" | "validation" | "test") => {
      const rows = new WindowRows(store, windowOf(split, window));
      return Array.from({ length: rows.size }, (_, i) => rows.rowAt(i));
    };
    // Files are read in the order of their names, and the last one is of no window.
    expect([rowsOf("train"), rowsOf("validation"), rowsOf("test")]).toEqual([[0, 1], [2, 3], [4]]);
    store.close();
  });

  it.each([
    ["a file of two windows", { train: ["*.csv"], validation: ["b.csv"], test: ["c.csv"] }, "SPLIT_VALUE"],
    ["a file that is none of the log's", { train: ["a.csv"], validation: ["b.csv"], test: ["d.csv"] }, "SPLIT_VALUE"],
    ["no file", { train: ["a.csv"], validation: ["b.csv"], test: ["nothing.csv"] }, "EVENTS_NOT_FOUND"],
  ])("is refused with %s", async (_, windows, code) => {
    using folder = temporaryFolder();
    const file = (name: string): string => join(folder.path, name);
    for (const name of ["a.csv", "b.csv", "c.csv", "d.csv"]) await writeLog(file(name), ROWS);
    const config = plainConfig(["a.csv", "b.csv", "c.csv"].map(file), "csv", fold(folder.path, windows));
    await expect(ingest(config, { store: join(folder.path, "store") })).rejects.toMatchObject({ code });
  });
});
