import { appendFileSync, existsSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EventsConfig } from "../../config/types.ts";
import { hashId } from "../../features/events/hash-id.ts";
import { eventsConfig, storeBytes, temporaryFolder } from "../events.test.support.ts";
import { EventStore } from "../store/event-store.ts";
import type { DeadLetter } from "./dead-letters.ts";
import { ingest } from "./ingest.ts";

type Row = Record<string, unknown>;
const FIELDS = [
  "event_id",
  "user_id",
  "ad_id",
  "ts",
  "action",
  "origin",
  "brand",
  "price",
  "is_click",
  "dwell",
] as const;
const good: Row = {
  event_id: "a",
  user_id: "ann",
  ad_id: 7,
  ts: 1000,
  action: "view",
  origin: "ad",
  brand: "x",
  price: 2.5,
  is_click: 1,
  dwell: 9,
};

/** Changes of a good row that make it bad, with the reason that must be told. */
const BAD: readonly (readonly [change: Row, reason: RegExp])[] = [
  [{ event_id: null }, /^event_id: missing/],
  [{ user_id: null }, /^user_id: missing/],
  [{ user_id: "" }, /^user_id: missing/],
  [{ ad_id: null }, /^ad_id: missing/],
  [{ ts: null }, /^ts: missing/],
  [{ ts: "soon" }, /^ts: expected a time/],
  [{ ts: "1970-01-01" }, /^ts: expected a time in milliseconds/],
  [{ ts: "12:00" }, /^ts: expected a time in milliseconds/],
  [{ ts: "1e400" }, /^ts: expected a time/],
  [{ price: "cheap" }, /^price: expected a decimal number/],
  [{ price: "NaN" }, /^price: expected a decimal number/],
  [{ price: "-Infinity" }, /^price: expected a decimal number/],
  [{ price: "1e39" }, /^price: expected a decimal number that a float32 holds/],
  [{ is_click: 2 }, /^is_click: expected 0, 1, true or false/],
  [{ is_click: "yes" }, /^is_click: expected 0, 1/],
  [{ origin: "sponsored" }, /^origin: expected organic or ad/],
  [{ dwell: "inf" }, /^dwell: expected a decimal number/],
];

const csvField = (value: unknown) =>
  value === null ? "" : /[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
const textLog = (rows: readonly Row[], delimiter: string) =>
  [FIELDS.join(delimiter), ...rows.map((row) => FIELDS.map((name) => csvField(row[name])).join(delimiter)), ""].join(
    "\n",
  );
const jsonLog = (rows: readonly Row[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

function writeText(path: string, rows: readonly Row[]): void {
  const isJson = /\.jsonl(\.gz)?$/.test(path);
  const text = isJson ? jsonLog(rows) : textLog(rows, path.endsWith(".tsv") ? "\t" : ",");
  writeFileSync(path, path.endsWith(".gz") ? gzipSync(text) : text);
}

async function writeParquet(path: string, jsonPath: string, select = "*"): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(
    `COPY (SELECT ${select} FROM read_json('${jsonPath}', format = 'newline_delimited')) TO '${path}' (FORMAT parquet)`,
  );
  connection.closeSync();
  instance.closeSync();
}

/** Order of the bytes of two texts. */
const compare = (a: unknown, b: unknown) => Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));

const deadLetters = (path: string) =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as DeadLetter);
const column = (store: EventStore, name: string) => [...store.column(name).slice(0, store.numEvents)];
const ids = (store: EventStore, name: string) => column(store, name).map((code) => store.dictionary(name)?.id(code));

describe("ingest", () => {
  it.each(["log.jsonl", "log.jsonl.gz", "log.csv", "log.tsv", "log.parquet"])(
    "keeps good rows and tells every bad one in %s",
    async (name) => {
      using folder = temporaryFolder();
      const path = join(folder.path, name);
      const rows: readonly Row[] = [
        good,
        ...BAD.map(([change], i) => ({ ...good, event_id: `bad${i}`, ...change })),
        { ...good, event_id: "z", ts: 5 },
        { ...good, ts: 3 },
      ];
      if (name.endsWith(".parquet")) {
        writeText(join(folder.path, "rows.jsonl"), rows);
        await writeParquet(path, join(folder.path, "rows.jsonl"));
      } else writeText(path, rows);
      const format = name.replace(".gz", "").split(".")[1] as EventsConfig["format"];
      const result = await ingest(eventsConfig(path, format), { store: join(folder.path, "store") });
      expect(result.rows).toEqual({ rowsRead: rows.length, accepted: 2, duplicates: 1, rejected: BAD.length });
      const letters = deadLetters(result.deadLetterFile);
      const header = format === "jsonl" || format === "parquet" ? 0 : 1;
      for (const [i, [, reason]] of BAD.entries()) {
        expect(letters[i]).toMatchObject({ file: path, line: i + 2 + header, reason: expect.stringMatching(reason) });
        if (i > 0) expect(letters[i]?.raw).toContain(`bad${i}`);
      }
      const store = EventStore.open(join(folder.path, "store"));
      store.verify();
      expect([...store.timesOf(0, 2)]).toEqual([3, 5]);
      expect(ids(store, "item")).toEqual(["7", "7"]);
      expect(ids(store, "surface")).toEqual(["feed", "feed"]);
      expect(ids(store, "origin")).toEqual(["ad", "ad"]);
      expect(column(store, "shop")).toEqual([hashId("x", 7), hashId("x", 7)]);
      expect(column(store, "price")).toEqual([2.5, 2.5]);
      expect(column(store, "click")).toEqual([2, 2]);
      store.close();
    },
  );

  it("keeps every field's value and its absence, in any order of rows", async () => {
    const value = fc.record({
      user_id: fc.constantFrom("ann", "böb", 'q"t', "x,y"),
      ad_id: fc.nat(30),
      ts: fc.nat(50),
      action: fc.option(fc.constantFrom("view", "like")),
      origin: fc.option(fc.constantFrom("ad", "organic")),
      brand: fc.option(fc.constantFrom("b 1", "b'2", "two\nlines")),
      price: fc.option(fc.integer({ min: -99, max: 99 })),
      is_click: fc.option(fc.constantFrom(0, 1, true, false, "1", "false")),
      dwell: fc.option(fc.nat(9)),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(value, { minLength: 1, maxLength: 60, selector: (row) => `${row.user_id} ${row.ts}` }),
        fc.constantFrom("jsonl", "csv"),
        async (values, format) => {
          using folder = temporaryFolder();
          const filler: Row = { ...good, user_id: "zoe" };
          const rows: Row[] = [...values, filler].map((row, i) => ({ ...row, event_id: `e${i}` }));
          const path = join(folder.path, `log.${format}`);
          writeText(path, rows);
          await ingest(eventsConfig(path, format), { store: join(folder.path, "store"), threads: 1 });
          // One event of a user at a time: equal ones have an order of their own, which says nothing here.
          const byTime = rows.toSorted(
            (a, b) => Number(a["ts"]) - Number(b["ts"]) || compare(a["user_id"], b["user_id"]),
          );
          const order = [...new Set(byTime.map((row) => row["user_id"]))];
          const sorted = byTime.toSorted((a, b) => order.indexOf(a["user_id"]) - order.indexOf(b["user_id"]));
          const store = EventStore.open(join(folder.path, "store"));
          const all = (name: string) => sorted.map((row) => row[name] ?? null);
          expect(sorted.map((_, row) => store.dictionary("user")?.id(store.userOf(row)))).toEqual(all("user_id"));
          expect(sorted.map((_, row) => store.timeOf(row))).toEqual(all("ts"));
          expect(ids(store, "item")).toEqual(all("ad_id").map(String));
          for (const [name, field] of [
            ["action", "action"],
            ["origin", "origin"],
            ["brand", "brand"],
          ] as const)
            expect(ids(store, name)).toEqual(all(field));
          expect(column(store, "price")).toEqual(all("price").map((price) => (price === null ? Number.NaN : price)));
          const flags = new Map<unknown, number>([
            [null, 0],
            [0, 1],
            [false, 1],
            ["false", 1],
            [1, 2],
            [true, 2],
            ["1", 2],
          ]);
          expect(column(store, "click")).toEqual(all("is_click").map((flag) => flags.get(flag)));
          store.close();
        },
      ),
      { numRuns: 15 },
    );
  });

  it("writes the same bytes again, from one thread or two, and does nothing when nothing changed", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.csv");
    writeText(
      path,
      Array.from({ length: 5000 }, (_, i) => ({
        ...good,
        event_id: i % 4900,
        user_id: `u${i % 37}`,
        ts: (i * 7919) % 1000,
        price: i % 50 === 0 ? "?" : i,
      })),
    );
    const [one, two] = [join(folder.path, "one"), join(folder.path, "two")];
    await ingest(eventsConfig(path, "csv"), { store: one, threads: 1 });
    await ingest(eventsConfig(path, "csv"), { store: two, threads: 2 });
    expect(storeBytes(two)).toEqual(storeBytes(one));
    expect(await ingest(eventsConfig(path, "csv"), { store: one })).toMatchObject({ upToDate: true });
    expect(await ingest(eventsConfig(path, "csv"), { store: one, force: true })).toMatchObject({ upToDate: false });
    expect(storeBytes(one)).toEqual(storeBytes(two));
    appendFileSync(path, `e-new,ann,9,1,view,ad,x,1,1,1\n`);
    utimesSync(path, 1e9, 1e9);
    expect(await ingest(eventsConfig(path, "csv"), { store: one })).toMatchObject({
      upToDate: false,
      rows: { rowsRead: 5001 },
    });
    expect(existsSync(`${one}.ingest`)).toBe(false);
  });

  it("joins files, keeps the first of two equal events, and keeps codes when the log grows at its end", async () => {
    using folder = temporaryFolder();
    const config = eventsConfig(join(folder.path, "log-*.jsonl"), "jsonl");
    writeText(join(folder.path, "log-1.jsonl"), [good, { ...good, event_id: "b", ts: 1001, ad_id: 8, price: 1 }]);
    writeText(join(folder.path, "log-2.jsonl"), [
      { ...good, event_id: "b", ts: 1003, ad_id: 99, price: 2 },
      { ...good, event_id: "c", ts: 1002, ad_id: 6 },
    ]);
    const store = join(folder.path, "store");
    expect((await ingest(config, { store })).rows).toEqual({ rowsRead: 4, accepted: 3, duplicates: 1, rejected: 0 });
    const opened = EventStore.open(store);
    expect(ids(opened, "item")).toEqual(["7", "8", "6"]);
    expect(column(opened, "item")).toEqual([1, 2, 3]);
    opened.close();
  });

  it("tells broken lines of text formats, and their lines", async () => {
    using folder = temporaryFolder();
    const line = textLog([good], ",").split("\n")[1] ?? "";
    const path = join(folder.path, "log.csv");
    writeFileSync(
      path,
      [
        FIELDS.join(","),
        line,
        "short,row",
        line.replace("a,", "b,"),
        `${line},extra`,
        line.replace("a,", "c,").replace("ann", ""),
        "",
      ].join("\n"),
    );
    const csv = await ingest(eventsConfig(path, "csv"), { store: join(folder.path, "csv") });
    expect(csv.rows).toEqual({ rowsRead: 5, accepted: 2, duplicates: 0, rejected: 3 });
    expect(deadLetters(csv.deadLetterFile).map(({ line: at, reason }) => [at, reason])).toEqual([
      [3, "too few fields"],
      [5, "too many fields"],
      [6, "user_id: missing"],
    ]);
    const json = join(folder.path, "log.jsonl");
    const nested = JSON.stringify({ ...good, user_id: { id: 3 } });
    writeFileSync(
      json,
      Buffer.concat([
        Buffer.from(`{broken\n\n[1, 2]\n${JSON.stringify(good)}\n${nested}\n{"user_id": "`),
        Buffer.of(0xff, 0xfe),
        Buffer.from(`"}\n{"event_id": "x"}\n`),
      ]),
    );
    const result = await ingest(eventsConfig(json, "jsonl"), { store: join(folder.path, "json") });
    expect(result.rows).toEqual({ rowsRead: 6, accepted: 1, duplicates: 0, rejected: 5 });
    expect(deadLetters(result.deadLetterFile).map(({ line: at, reason }) => [at, reason])).toEqual([
      [1, "row: expected a JSON object"],
      [3, "row: expected a JSON object"],
      [5, "user_id: expected one value, not an object or a list"],
      [6, "not UTF-8"],
      [7, "user_id: missing"],
    ]);
    expect(deadLetters(result.deadLetterFile)[2]?.raw).toBe(nested);
  });

  it("reads typed Parquet: integer and float ids, booleans, timestamps", async () => {
    using folder = temporaryFolder();
    const json = join(folder.path, "rows.jsonl");
    writeText(json, [good, { ...good, event_id: "b", ad_id: 8 }]);
    const path = join(folder.path, "log.parquet");
    await writeParquet(
      path,
      json,
      "event_id, 3::UBIGINT AS user_id, ad_id::DOUBLE AS ad_id, TIMESTAMP '2020-01-01 00:00:00.007' AS ts, action, origin, brand, price::DECIMAL(9, 2) AS price, is_click = 1 AS is_click, dwell",
    );
    await ingest(eventsConfig(path, "parquet"), { store: join(folder.path, "store") });
    const store = EventStore.open(join(folder.path, "store"));
    expect(ids(store, "item").toSorted()).toEqual(["7", "8"]);
    expect(store.dictionary("user")?.id(1)).toBe("3");
    expect(store.timeOf(0)).toBe(Date.UTC(2020, 0, 1) + 7);
    expect(column(store, "click")).toEqual([2, 2]);
    store.close();
  });

  it.each([
    ["s", 1.5, 1500],
    ["us", 2_500_999, 2500],
    ["iso", "1970-01-01T02:00:01+02:00", 1000],
    ["iso", "1970-01-02", 86_400_000],
  ] as const)("reads times in %s", async (unit, ts, expected) => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.jsonl");
    writeText(path, [{ ...good, ts }]);
    await ingest(eventsConfig(path, "jsonl", { time: { from: "ts", unit } }), { store: join(folder.path, "store") });
    const store = EventStore.open(join(folder.path, "store"));
    expect(store.timeOf(0)).toBe(expected);
    store.close();
  });

  it("tells what is wrong with the log as a whole", async () => {
    using folder = temporaryFolder();
    const store = join(folder.path, "store");
    const at = (name: string) => join(folder.path, name);
    const fails = async (config: ReturnType<typeof eventsConfig>, facts: object) => {
      await expect(ingest(config, { store })).rejects.toMatchObject(facts);
      expect(() => EventStore.open(store)).toThrow(expect.objectContaining({ code: "STORE_NOT_FOUND" }));
    };
    await fails(eventsConfig(at("none*.csv"), "csv"), { code: "EVENTS_NOT_FOUND" });
    writeFileSync(at("empty.csv"), "");
    await fails(eventsConfig(at("empty.csv"), "csv"), { code: "EVENTS_EMPTY" });
    writeFileSync(at("header.csv"), `${FIELDS.join(",")}\n`);
    await fails(eventsConfig(at("header.csv"), "csv"), {
      code: "EVENTS_EMPTY",
      got: "no rows",
      hint: expect.stringContaining("right files"),
    });
    writeText(at("log.csv"), [good]);
    await fails(eventsConfig(at("log.csv"), "csv", { user: "usr_id" }), {
      code: "EVENTS_FIELD",
      hint: "Did you mean user_id?",
    });
    await fails(eventsConfig(at("log.csv"), "parquet"), { code: "EVENTS_UNREADABLE" });
    await fails(eventsConfig(at("log.csv"), "csv", { earliestMs: 5000 }), {
      code: "EVENTS_EMPTY",
      got: expect.stringMatching(/^1 rows, all rejected, because of "ts: expected a time from /),
      hint: 'events.time.unit is "ms": set the one that the log has, of ms, s, us, ns, iso.',
    });
    const sql = { query: "SELECT NULL AS user_id, * EXCLUDE (user_id) FROM 'log.csv'", folder: folder.path };
    await fails(eventsConfig(at("log.csv"), "parquet", { sql, from: [] }), {
      code: "EVENTS_EMPTY",
      where: "events.from.sql",
      got: '1 rows, all rejected, because of "user_id: missing"',
    });
    writeText(at("log.jsonl"), [good]);
    await fails(eventsConfig(at("log.jsonl"), "jsonl", { user: "usr_id" }), {
      code: "EVENTS_FIELD",
      hint: "Did you mean user_id?",
    });
    await writeParquet(at("nested.parquet"), at("log.jsonl"), "* REPLACE ([1, 2] AS user_id)");
    await fails(eventsConfig(at("nested.parquet"), "parquet"), { code: "EVENTS_FIELD_TYPE" });
  });
});
