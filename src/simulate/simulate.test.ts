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
