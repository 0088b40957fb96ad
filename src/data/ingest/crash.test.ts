import { execFile, type SpawnSyncReturns, spawnSync } from "node:child_process";
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { LapidaryError } from "../../base/errors.ts";
import { drawKillPoints, killedAt, killPointsOf } from "../../files/kill-points.test.support.ts";
import { eventsConfig, storeBytes, temporaryFolder } from "../events.test.support.ts";
import { EventStore } from "../store/event-store.ts";
import { ingest } from "./ingest.ts";
import { Workspace } from "./workspace.ts";

const KILLS = 25;
const KILLS_OF_APPENDS = 6;
const CHILD = fileURLToPath(new URL("./ingest.test.child.js", import.meta.url));

function log(numRows: number): string {
  const line = (i: number) => {
    const time = 1_600_000_000_000 + ((i * 7919) % 10_007) * 1000;
    // Some rows repeat an event, some cannot be read.
    return JSON.stringify({
      event_id: `e${i % 11 === 0 ? 1 : i}`,
      user_id: `u${(i * 31) % 97}`,
      ad_id: i % 13 === 0 ? null : (i * 17) % 300,
      ts: time,
      action: "view",
      origin: "ad",
      brand: `b${i % 5}`,
      price: i / 3,
      is_click: i % 2,
      dwell: i,
    });
  };
  return `${Array.from({ length: numRows }, (_, i) => line(i)).join("\n")}\n`;
}

/** A process that ingests, and dies at a point of its work. */
function ingestAndDie(path: string, store: string, killAt: number): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [CHILD, path, store], { env: killedAt(killAt), encoding: "utf8" });
}

/** Bytes of the store, or null if there is none; a store that is there must be whole. */
function wholeStore(dir: string): Readonly<Record<string, string>> | null {
  try {
    const store = EventStore.open(dir);
    store.verify();
    store.close();
    return storeBytes(dir);
  } catch (error) {
    if (error instanceof LapidaryError && error.code === "STORE_NOT_FOUND") return null;
    throw error;
  }
}

describe("an ingest that is killed", () => {
  it(`leaves the old store or the new one, and resumes to the same bytes, at ${KILLS} random points`, async () => {
    const seed = Date.now() % 2 ** 31;
    using folder = temporaryFolder();
    const [path, oldPath] = [join(folder.path, "log.jsonl"), join(folder.path, "old.jsonl")];
    writeFileSync(path, log(1000));
    writeFileSync(oldPath, log(50));
    const undisturbed = ingestAndDie(path, join(folder.path, "whole"), Number.POSITIVE_INFINITY);
    const whole = storeBytes(join(folder.path, "whole"));
    for (const [i, point] of drawKillPoints(killPointsOf(undisturbed.stdout), KILLS, seed).entries()) {
      const store = join(folder.path, `store-${i}`);
      if (i % 3 === 2) await ingest(eventsConfig(oldPath, "jsonl"), { store, threads: 1 });
      const old = wholeStore(store);
      expect(ingestAndDie(path, store, point).signal, `seed ${seed}, point ${point}`).toBe("SIGKILL");
      expect([old, whole], `seed ${seed}, point ${point}`).toContainEqual(wholeStore(store));
      await ingest(eventsConfig(path, "jsonl"), { store, threads: 1 });
      expect(storeBytes(store), `seed ${seed}, point ${point}`).toEqual(whole);
      expect(existsSync(`${store}.ingest`)).toBe(false);
    }
  }, 600_000);
});

describe("an ingest of one more file that is killed", () => {
  it(`leaves the rows of the others, and the next one gives the same bytes, at ${KILLS_OF_APPENDS} random points`, async () => {
    const seed = Date.now() % 2 ** 31;
    using folder = temporaryFolder();
    const pattern = join(folder.path, "*.jsonl");
    const config = eventsConfig(pattern, "jsonl");
    const before = join(folder.path, "before");
    for (const name of ["a", "b", "c"]) writeFileSync(join(folder.path, `${name}.jsonl`), log(60));
    await ingest(config, { store: before, threads: 1 });
    writeFileSync(join(folder.path, "d.jsonl"), log(40));
    const copyTo = (store: string) => {
      for (const ending of ["", ".kept"]) cpSync(`${before}${ending}`, `${store}${ending}`, { recursive: true });
    };
    const fresh = join(folder.path, "fresh");
    await ingest(config, { store: fresh, threads: 1 });
    const undisturbed = join(folder.path, "whole");
    copyTo(undisturbed);
    const { stdout } = ingestAndDie(pattern, undisturbed, Number.POSITIVE_INFINITY);
    expect(storeBytes(undisturbed)).toEqual(storeBytes(fresh));
    for (const [i, point] of drawKillPoints(killPointsOf(stdout), KILLS_OF_APPENDS, seed).entries()) {
      const at = `seed ${seed}, point ${point}`;
      const store = join(folder.path, `store-${i}`);
      copyTo(store);
      expect(ingestAndDie(pattern, store, point).signal, at).toBe("SIGKILL");
      expect([storeBytes(before), storeBytes(fresh)], at).toContainEqual(wholeStore(store));
      const { files } = await ingest(config, { store, threads: 1 });
      expect(files.notRead, at).toBeGreaterThanOrEqual(3);
      expect(storeBytes(store), at).toEqual(storeBytes(fresh));
      const { files: again } = await ingest(config, { store, threads: 1, force: true });
      expect(again.notRead, at).toBe(4);
    }
  }, 600_000);
});

describe("an unfinished ingest", () => {
  it("starts over if its store was removed before it could be published", async () => {
    using folder = temporaryFolder();
    const [path, store] = [join(folder.path, "log.jsonl"), join(folder.path, "store")];
    writeFileSync(path, log(30));
    const stages: string[] = [];
    const stop = (stage: string) => {
      if (stage === "publish") throw new Error("stopped");
    };
    await expect(ingest(eventsConfig(path, "jsonl"), { store, onStage: stop })).rejects.toThrow("stopped");
    expect(wholeStore(store)).toBeNull();
    rmSync(store, { recursive: true });
    await ingest(eventsConfig(path, "jsonl"), { store, onStage: (stage) => stages.push(stage) });
    expect(wholeStore(store)).not.toBeNull();
    expect(stages.filter((stage) => stage === "publish")).toHaveLength(1);
  });

  it.each(["read log.jsonl (1 of 1)", "write columns", "publish"])(
    "stops at its signal in %j, and goes on",
    async (at) => {
      using folder = temporaryFolder();
      const [path, store] = [join(folder.path, "log.jsonl"), join(folder.path, "store")];
      writeFileSync(path, log(30));
      const stop = new AbortController();
      const reason = new Error("stopped");
      const stages: string[] = [];
      const onStage = (stage: string, done: number, total: number) => {
        stages.push(`${done} of ${total}`);
        if (stage === at) stop.abort(reason);
      };
      const run = ingest(eventsConfig(path, "jsonl"), { store, signal: stop.signal, onStage });
      // What is begun last is no longer stopped: the store is there.
      if (at === "publish") await run;
      else await expect(run).rejects.toBe(reason);
      expect(wholeStore(store) === null).toBe(at !== "publish");
      expect(stages).toEqual(stages.map((_, i) => `${i} of 7`));
      await ingest(eventsConfig(path, "jsonl"), { store });
      expect(wholeStore(store)).not.toBeNull();
      await expect(ingest(eventsConfig(path, "jsonl"), { store, force: true, signal: stop.signal })).rejects.toBe(
        reason,
      );
    },
  );

  it("starts over if the log changed, and leaves a second process no way in", async () => {
    using folder = temporaryFolder();
    const [path, store] = [join(folder.path, "log.jsonl"), join(folder.path, "store")];
    writeFileSync(path, log(30));
    const held = await Workspace.open({ folder: `${store}.ingest`, threads: 1 }, "of another log");
    await expect(runChild(path, store)).rejects.toThrow(/INGEST_BUSY/);
    held.close();
    await ingest(eventsConfig(path, "jsonl"), { store });
    expect(readFileSync(join(store, "CURRENT"), "utf8")).toMatch(/^v1 [0-9a-f]{64}\n$/);
  });
});

async function runChild(path: string, store: string): Promise<void> {
  await promisify(execFile)(process.execPath, [CHILD, path, store]);
}
