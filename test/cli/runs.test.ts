import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Evaluation, RunComparison, RunDetails } from "../../src/evaluate/index.ts";
import type { RunReference } from "../../src/publish/index.ts";
import type { RunEntry } from "../../src/train/index.ts";
import { type Ended, initSmall, lapidary, lastLine, start, temporaryFolder } from "./lapidary.ts";

const SHORT = ["--set", "training.epochs=1", "--set", "training.threads=1"];

let folder: ReturnType<typeof temporaryFolder>;
let project = "";
let commit = "";
const at = (...path: readonly string[]): string => join(project, ...path);
const inProject = (args: readonly string[]) => lapidary(args, { cwd: project });
const runs = async <T>(...args: readonly string[]): Promise<T> =>
  lastLine<T>(await inProject(["runs", ...args, "--json"]));
const errorOf = (ended: Ended) => lastLine<{ readonly error: object }>(ended).error;

function git(...args: readonly string[]): string {
  const identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
  return spawnSync("git", [...identity, ...args], { cwd: project, encoding: "utf8" }).stdout.trim();
}

beforeAll(async () => {
  folder = temporaryFolder();
  project = join(folder.path, "project");
  await initSmall(project);
  await inProject(["ingest"]);
  await inProject(["train", "previous", ...SHORT]);
  git("init", "-q");
  git("add", "lapidary.config.ts");
  git("commit", "-qm", "first");
  commit = git("rev-parse", "HEAD");
  await inProject(["train", "vertical", ...SHORT]);
  writeFileSync(at("lapidary.config.ts"), `${readFileSync(at("lapidary.config.ts"), "utf8")}\n`);
  await inProject(["train", "previous", "--run", "wide", "--set", "+models.previous.dim=12", ...SHORT]);
});
afterAll(() => folder[Symbol.dispose]());

/** Bytes of all files in a folder. */
function sizeOf(path: string): number {
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

describe("runs", () => {
  it("lists what there is, with the commit that each was begun from", async () => {
    mkdirSync(at("runs", "broken"));
    writeFileSync(at("runs", "broken", "config.json"), "{");
    const found = (await runs<{ readonly runs: readonly RunEntry[] }>()).runs;
    expect(found.map(({ run, state }) => [run, state])).toEqual([
      ["previous", "finished"],
      ["vertical", "finished"],
      ["wide", "finished"],
      ["broken", "damaged"],
    ]);
    const short = commit.slice(0, 12);
    expect(found.map((entry) => entry.commit)).toEqual([null, short, `${short}-dirty`, null]);
    for (const { run, path, bytes, ...entry } of found.slice(0, 3)) {
      const summary = JSON.parse(readFileSync(join(path, "summary.json"), "utf8")) as Record<string, unknown>;
      expect(path).toBe(at("runs", run));
      expect(entry).toMatchObject({ model: summary["model"], kind: summary["kind"], examples: 1423 });
      expect(entry).toMatchObject({ seconds: summary["trainSeconds"] });
      expect(bytes).toBe(sizeOf(path));
      expect(Math.abs(Date.parse(entry.begun) - statSync(join(path, "config.json")).mtimeMs)).toBeLessThan(60_000);
    }
    const text = await inProject(["runs"]);
    expect(text.stdout).toMatch(/^run +kind +begun.*^wide +previous .*-dirty +1,423 .*finished/ms);
  });

  it("shows the settings that are not the default, and what a run is of", async () => {
    const wide = await runs<RunDetails>("show", "wide");
    expect(wide.settings).toEqual([
      { path: "size", value: "tiny", standard: "small" },
      { path: "history", value: "32", standard: "128" },
      { path: "dim", value: "12", standard: "null" },
      { path: "training.globalBatchSize", value: "64", standard: "512" },
      { path: "training.threads", value: "1", standard: "0" },
    ]);
    const config = JSON.parse(readFileSync(at("runs", "wide", "config.json"), "utf8")) as { readonly events: string };
    expect(wide.events).toBe(config.events);
    expect(wide.curve.at(-1)).toMatchObject({ step: 22, validationNormalizedEntropy: wide.normalizedEntropy });
    expect(wide.curve).toHaveLength(5);
    expect(errorOf(await inProject(["runs", "show", "wdie", "--json"]))).toMatchObject({
      code: "RUN_UNKNOWN",
      hint: "Did you mean wide?",
    });
    expect(errorOf(await inProject(["runs", "show", "broken", "--json"]))).toMatchObject({ code: "FILE_CORRUPT" });
  });

  it("compares settings, and results as evaluate has them", async () => {
    const evaluated = lastLine<Evaluation>(
      await inProject(["evaluate", "previous", "wide", "--split", "test", "--json"]),
    );
    const { settings, results } = await runs<RunComparison>("compare", "previous", "wide");
    expect(settings).toEqual([{ key: "model.dim", path: "models.previous.dim", values: ["null", "12"] }]);
    expect(results).toMatchObject([{ window: "test", baseline: "previous" }]);
    for (const [i, { file, ...run }] of (results[0]?.runs ?? []).entries()) {
      const { objectives, differences, predictions } = evaluated.runs[i]!;
      expect(run).toEqual({ run: evaluated.runs[i]?.run, objectives, differences });
      expect(file).toBe(predictions);
    }
    expect((await inProject(["runs", "compare", "wide"])).code).toBe(2);
    expect((await inProject(["runs", "lits"])).code).toBe(2);
  });

  it("removes only what it is told to, twice", async () => {
    await inProject(["export", "vertical"]);
    const refused = await inProject(["runs", "remove", "vertical", "wide", "--json"]);
    expect(refused.code).toBe(1);
    const { runs: named } = lastLine<{ readonly runs: readonly { readonly references: readonly RunReference[] }[] }>(
      refused,
    );
    expect(named.map(({ references }) => references)).toEqual([
      [{ kind: "bundle", path: at("bundles", "vertical") }],
      [],
    ]);
    expect(existsSync(at("runs", "vertical"))).toBe(true);
    const removed = await inProject(["runs", "remove", "wide", "broken", "--yes", "--json"]);
    expect(lastLine(removed)).toMatchObject({ removed: ["wide", "broken"] });
    expect(
      readdirSync(at("runs"))
        .filter((name) => !name.endsWith(".html"))
        .sort(),
    ).toEqual(["previous", "vertical"]);
  });

  it("does not remove a run that is being trained", async () => {
    const { child, ended } = start(["train", "previous", "--run", "long", "--set", "training.epochs=400"], {
      cwd: project,
    });
    if (child.stderr) await once(child.stderr, "data");
    const refused = await inProject(["runs", "remove", "long", "--yes", "--json"]);
    child.kill("SIGINT");
    await ended;
    expect(errorOf(refused)).toMatchObject({ code: "RUN_BUSY" });
    const [entry] = (await runs<{ readonly runs: readonly RunEntry[] }>("list")).runs.filter(
      ({ run }) => run === "long",
    );
    expect(entry).toMatchObject({ state: "unfinished", kind: "previous", seconds: null });
  });
});
