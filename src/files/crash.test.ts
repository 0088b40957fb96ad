import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { allKillPoints, killedAt } from "./kill-points.test.support.ts";
import { filesOf, WAYS } from "./versioned-folder.test.support.ts";

const CHILD = fileURLToPath(new URL("./versioned-folder.test.child.js", import.meta.url));
type Way = keyof typeof WAYS;

/** The number of the thing in a folder, every byte of which must be there; null if there is no folder. */
function wholeIn(folder: string): number | null {
  if (!existsSync(folder)) return null;
  const number = Number(readFileSync(join(folder, "manifest.json"), "utf8"));
  for (const [name, text] of Object.entries(filesOf(number)))
    expect(readFileSync(join(folder, name), "utf8")).toBe(text);
  expect(readdirSync(folder).sort()).toEqual(["first", "inner", "manifest.json"]);
  return number;
}

/** The number of what the pointer names, with a manifest of the digest that it has. */
function currentOf(path: string): number | null {
  const [name = "", digest] = readFileSync(join(path, "CURRENT"), "utf8").trimEnd().split(" ");
  const manifest = readFileSync(join(path, name, "manifest.json"));
  expect(createHash("sha256").update(manifest).digest("hex")).toBe(digest);
  return wholeIn(join(path, name));
}

function putAndDie(way: Way, path: string, killAt: number): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [CHILD, way, path, "3"], { env: killedAt(killAt), encoding: "utf8" });
}

/** Whether a whole version with number 3 waits to become current. */
function isWaiting(path: string): boolean {
  const folders = readdirSync(path).map((name) => join(path, name, "manifest.json"));
  return currentOf(path) === 2 && folders.some((file) => existsSync(file) && readFileSync(file, "utf8") === "3\n");
}

/** Calls `after` with a folder of the things 1 and 2 that a process was killed over, at each point of its work. */
function killEverywhere(way: Way, after: (path: string, at: string) => void): void {
  const root = mkdtempSync(join(tmpdir(), "lapidary-test-"));
  try {
    const before = join(root, "before");
    for (const number of [1, 2]) WAYS[way](before, number);
    const copy = (name: string): string => {
      mkdirSync(join(root, name));
      cpSync(before, join(root, name, "things"), { recursive: true });
      return join(root, name, "things");
    };
    const points = allKillPoints(putAndDie(way, copy("whole"), Number.POSITIVE_INFINITY).stdout);
    expect(points.length).toBeGreaterThan(10);
    for (const point of points) {
      const path = copy(`${point}`);
      expect(putAndDie(way, path, point).signal).toBe("SIGKILL");
      after(path, `point ${point}`);
    }
  } finally {
    rmSync(root, { recursive: true });
  }
}

describe("a process that is killed at any point", () => {
  it.each(["alone", "beside", "resumed"] as const)("leaves the version before or the new one, %s", (way) => {
    const seen = new Set<number | null>();
    killEverywhere(way, (path, at) => {
      const found = currentOf(path);
      expect([2, 3], at).toContain(found);
      seen.add(found);
      const before = (found ?? 0) - 1;
      if (way === "beside") expect(wholeIn(join(path, `v${before}`)), at).toBe(before);
      const waits = way === "resumed" && isWaiting(path);
      expect(WAYS[way](path, 3), at).toBe(waits);
      expect(currentOf(path), at).toBe(3);
      // Nothing is left of it.
      expect(readdirSync(path).length, at).toBe(way === "beside" ? 3 : 2);
    });
    expect([...seen].sort()).toEqual([2, 3]);
  });

  it("leaves the folder before, the new one or none, replaced", () => {
    const seen = new Set<number | null>();
    killEverywhere("replaced", (path, at) => {
      seen.add(wholeIn(path));
      WAYS.replaced(path, 3);
      expect(wholeIn(path), at).toBe(3);
      expect(readdirSync(join(path, "..")), at).toEqual(["things"]);
    });
    expect([...seen].sort()).toEqual([2, 3, null]);
  });
});
