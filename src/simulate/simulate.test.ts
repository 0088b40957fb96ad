import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resolveConfig } from "../config/resolve.ts";
import { EventStore, ingest } from "../data/index.ts";
import { simulate } from "./simulate.ts";
import { play, projectOf, type WholeColumns, worldConfig } from "./world.test.support.ts";

const WORLD = { users: 60, days: 7 };
const PARTS = ["log", "truth"] as const;

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lapidary-world-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Simulates into a folder of its own. */
async function simulated(name: string, changes: Parameters<typeof worldConfig>[0] = {}) {
  const config = worldConfig({ ...WORLD, ...changes }, join(folder, name));
  return { config, result: await simulate(config) };
}

/** Every file of a world by its path, as bytes. */
function bytesOf(world: string): Readonly<Record<string, Buffer>> {
  const files = PARTS.flatMap((part) => readdirSync(join(world, part)).map((name) => join(part, name)));
  return Object.fromEntries(files.map((file) => [file, readFileSync(join(world, file))]));
}

/** What a query over a world's files answers with. */
async function query(sql: string): Promise<readonly Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson() as Record<string, unknown>[];
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const filesOf = (world: string, part: (typeof PARTS)[number]): string => `'${join(world, part, "*.parquet")}'`;

describe("simulate", () => {
  it("writes the same bytes every time, a log and a truth file for each day", async () => {
    const [first, second] = [await simulated("first"), await simulated("second")];
    const bytes = bytesOf(first.config.folder);
    const days = ["05", "06", "07", "08", "09", "10", "11"].map((day) => `2026-01-${day}-0000.parquet`);
    expect(Object.keys(bytes)).toEqual(PARTS.flatMap((part) => days.map((day) => join(part, day))));
    const again = bytesOf(second.config.folder);
    for (const [file, content] of Object.entries(bytes)) expect(content.equals(again[file]!), file).toBe(true);
    const other = await simulated("other", { seed: 2 });
    expect(Object.values(bytesOf(other.config.folder))[0]!.equals(Object.values(bytes)[0]!)).toBe(false);
    expect(first.result).toMatchObject({ upToDate: false, events: second.result.events });
  });

  it("leaves a world of the same configuration as it is, and replaces another", async () => {
    const { config, result } = await simulated("twice");
    rmSync(join(config.folder, "log"), { recursive: true });
    expect(await simulate(config)).toEqual({ ...result, upToDate: true });
    expect(existsSync(join(config.folder, "log"))).toBe(false);
    expect((await simulate(config, { force: true })).upToDate).toBe(false);
    expect(readdirSync(join(config.folder, "log"))).toHaveLength(WORLD.days);
    await simulated("twice", { days: 2 });
    expect(readdirSync(join(config.folder, "log"))).toHaveLength(2);
  });

  it("leaves nothing when it is stopped, and keeps what was there", async () => {
    const { config } = await simulated("stopped");
    const before = bytesOf(config.folder);
    const stop = new AbortController();
    const onDay = (day: number): void => {
      if (day === 2) stop.abort(new Error("stopped"));
    };
    const again = simulate({ ...config, seed: 9 }, { signal: stop.signal, onDay });
    await expect(again).rejects.toThrow("stopped");
    expect(readdirSync(join(folder, "stopped"))).toEqual(["world"]);
    expect(bytesOf(config.folder)).toEqual(before);
  });

  it("never replaces a folder that is no world", async () => {
    const config = worldConfig(WORLD, join(folder, "taken"));
    mkdirSync(config.folder, { recursive: true });
    writeFileSync(join(config.folder, "thesis.txt"), "");
    await expect(simulate(config, { force: true })).rejects.toMatchObject({ code: "WORLD_FOLDER", got: "thesis.txt" });
    expect(existsSync(join(config.folder, "thesis.txt"))).toBe(true);
  });
});

describe("what is written", () => {
  let world = "";
  let played: WholeColumns;
  beforeAll(async () => {
    const { config } = await simulated("written");
    world = config.folder;
    played = play(config);
  });

  it("is a log as a company has it: nothing that only the world knows", async () => {
    const columns = await query(`DESCRIBE SELECT * FROM read_parquet(${filesOf(world, "log")})`);
    expect(columns.map(({ column_name }) => column_name)).toEqual([
      ...["event_id", "time", "user_id", "item_id", "action", "surface", "origin", "position", "author_id"],
      ...["campaign_id", "format", "topic"],
      ...Array.from({ length: 8 }, (_, i) => `creative_${i}`),
      ...["age_band", "country", "device", "is_view", "dwell_s", "is_like", "is_comment", "is_share"],
      ...["is_click", "is_conversion", "conversion_hours"],
    ]);
  });

  it("is what happened, event by event, and the truth beside it", async () => {
    const rows = await query(
      `SELECT log.*, truth.*, epoch_ms(log.time)::DOUBLE AS ms
       FROM read_parquet(${filesOf(world, "log")}) AS log
       JOIN read_parquet(${filesOf(world, "truth")}) AS truth USING (event_id, user_id, time) ORDER BY event_id`,
    );
    expect(rows).toHaveLength(played.event.length);
    const surfaces = ["feed", "stories", "messaging"];
    const orNull = (value: number): number | null => (value < 0 || Number.isNaN(value) ? null : value);
    for (const [i, row] of rows.entries()) {
      const expected = {
        ms: played.time[i],
        user_id: played.user[i],
        item_id: played.item[i],
        surface: surfaces[played.surface[i]!],
        origin: played.isAd[i] === 1 ? "ad" : "organic",
        campaign_id: orNull(played.campaign[i]!),
        is_click: orNull(played.clicked[i]!),
        is_conversion: orNull(played.converted[i]!),
        is_like: played.liked[i],
        p_like: played.trueLike[i],
        p_click: orNull(played.trueClick[i]!),
        p_conversion: orNull(played.trueConversion[i]!),
      };
      const found = Object.fromEntries(Object.keys(expected).map((key) => [key, row[key]]));
      if (JSON.stringify(found) !== JSON.stringify(expected)) expect(found).toEqual(expected);
    }
  });

  it("is ingested whole", async () => {
    const project = resolveConfig(projectOf(WORLD), join(folder, "written", "lapidary.config.json"));
    const { rows, numUsers } = await ingest(project.events, { store: project.store, threads: 1 });
    const events = played.event.length;
    expect(rows).toEqual({ rowsRead: events, accepted: events, duplicates: 0, rejected: 0 });
    expect(numUsers).toBe(new Set(played.user).size);
    const store = EventStore.open(project.store);
    const clicks = store.column("click").slice(0, events);
    const count = (values: ArrayLike<number>, value: number): number =>
      Array.from(values).filter((v) => v === value).length;
    // Codes of a flag: 0 missing, 1 false, 2 true.
    expect([0, 1, 2].map((code) => count(clicks, code))).toEqual([-1, 0, 1].map((flag) => count(played.clicked, flag)));
    store.close();
  });
});

describe("a wide world", () => {
  let world = "";
  let played: WholeColumns;
  beforeAll(async () => {
    const often = { clickRate: 0.6, conversionRate: 1 };
    const { config } = await simulated("wide", {
      people: { tasteSpread: 0.5 },
      topics: { creativeDim: 32 },
      traits: { ofPeople: 2, ofItems: 1, values: 5, spread: 0.5 },
      conversion: { log: true, window: "6h" },
      surfaces: { feed: often, stories: often },
    });
    world = config.folder;
    played = play(config);
  });

  it("logs its creatives as one list of numbers", async () => {
    const [row] = await query(
      `SELECT min(len(creative)) AS least, max(len(creative)) AS most, max(list_max(creative)) AS highest
       FROM read_parquet(${filesOf(world, "log")})`,
    );
    expect(row).toMatchObject({ least: "32", most: "32" });
    expect(Number(row?.["highest"])).toBeGreaterThan(60);
  });

  it("logs the traits of people, which never change, and of items", async () => {
    const of = (name: string, id: string) =>
      query(
        `SELECT count(DISTINCT ${name})::INTEGER AS found, max(${name}) AS highest, max(different)::INTEGER AS different
       FROM (SELECT ${name}, count(DISTINCT ${name}) OVER (PARTITION BY ${id}) AS different
             FROM read_parquet(${filesOf(world, "log")}))`,
      );
    for (const name of ["person_trait_0", "person_trait_1"])
      expect(await of(name, "user_id")).toEqual([{ found: 5, highest: 4, different: 1 }]);
    expect(await of("item_trait_0", "item_id")).toEqual([{ found: 5, highest: 4, different: 1 }]);
  });

  it("logs each conversion that is attributed at its own time, and no other", async () => {
    const conversions = await query(
      `SELECT event_id::DOUBLE AS event, epoch_ms(time)::DOUBLE AS ms, user_id, item_id
       FROM read_parquet('${join(world, "conversions", "*.parquet")}') ORDER BY event_id`,
    );
    const converted = played.event.filter((_, i) => played.converted[i] === 1);
    expect(converted.length).toBeGreaterThan(20);
    expect(conversions.map(({ event }) => event)).toEqual(converted);
    for (const { event, ms, user_id, item_id } of conversions) {
      const i = Number(event);
      expect([user_id, item_id]).toEqual([played.user[i], played.item[i]]);
      const hours = (Number(ms) - played.time[i]!) / 3_600_000;
      expect(Math.abs(hours - played.delay[i]!)).toBeLessThan(1e-5);
      expect(hours).toBeLessThanOrEqual(6);
    }
  });

  it("is read by a project that has creatives as a vector and purchases when they happen", async () => {
    const { events, ...project } = projectOf(WORLD);
    const bought = { log: "world/conversions/*.parquet", id: "event_id", time: "time", window: "6h" };
    const wide = {
      ...project,
      events: {
        ...events,
        attributes: {
          topic: "category" as const,
          person: { from: "person_trait_0", kind: "category" as const, history: false },
          creative: { kind: "vector" as const, dim: 32 },
        },
        outcomes: { bought },
      },
    };
    const { events: config, store } = resolveConfig(wide, join(folder, "wide", "lapidary.config.json"));
    const { rows } = await ingest(config, { store, threads: 1 });
    expect(rows).toMatchObject({ accepted: played.event.length, rejected: 0 });
    using opened = EventStore.open(store);
    const fields = opened.manifest.schema.attributes.map(({ name, ...field }) => [name, "history" in field]);
    expect(fields).toEqual([
      ["topic", false],
      ["person", true],
      ["creative", false],
    ]);
    const [flags, known] = [opened.column("bought"), opened.column("known.bought")];
    const found = Array.from({ length: played.event.length }, (_, row) => row).filter((row) => flags.at(row) === 2);
    const after = played.event.flatMap((_, i) => (played.converted[i] === 1 ? [3_600_000 * played.delay[i]!] : []));
    expect(found.map((row) => known.at(row)).sort((a, b) => a - b)).toEqual(
      after.sort((a, b) => a - b).map((ms) => expect.closeTo(ms, -2)),
    );
  });
});

describe("memory", () => {
  it("does not grow with the events", () => {
    const worker = fileURLToPath(new URL("./memory-worker.js", import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--max-old-space-size=64", worker], {
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const { events, buffersEarly, buffersLate } = JSON.parse(stdout);
    expect(events).toBeGreaterThan(1_000_000);
    expect(buffersLate).toBeLessThan(1.1 * buffersEarly);
  });
});
