/** Models that read counters, from the configuration to predictions. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProjectConfig } from "../../src/config/project.ts";
import type { UserConfig } from "../../src/config/schema.ts";
import { makeCounterIndexes } from "../../src/data/counters/open-index.ts";
import { EventStore } from "../../src/data/index.ts";
import { evaluateRuns } from "../../src/evaluate/index.ts";
import { predictFiles } from "../../src/predict/index.ts";
import { audit, backfill, publishRun, rankOverHttp } from "../../src/publish/index.ts";
import { ModelRepository, openOnlineStore, RankingServer } from "../../src/serve/index.ts";
import { examplesOf, RunFolder, scoreBatch } from "../../src/train/index.ts";
import { makeStore, openedRun, projectIn, temporaryFolder, trainAlone, USER_CONFIG } from "../train/project.ts";

const COUNTERS: UserConfig["counters"] = {
  clicksOfUser: { of: "click", by: ["user"], windows: ["1d", "all"] },
  clicksOfItem: { of: "click", by: ["item", "surface"], windows: ["all"], every: "1h" },
};
const MODELS: UserConfig["models"] = {
  ...USER_CONFIG.models,
  counters: { kind: "counters", size: "tiny" },
  without: { kind: "previous", size: "tiny", dim: 4, history: 8, counters: [] },
  one: { kind: "previous", size: "tiny", dim: 4, history: 8, counters: ["clicksOfUser"] },
};
const INPUTS = [
  ...["price", "@historyLength"],
  ...["@counter.clicksOfUser.1d.shown", "@counter.clicksOfUser.1d.rate"],
  ...["@counter.clicksOfUser.all.shown", "@counter.clicksOfUser.all.rate"],
  ...["@counter.clicksOfItem.all.shown", "@counter.clicksOfItem.all.rate"],
];

let folder: ReturnType<typeof temporaryFolder>;
let project: ProjectConfig;
beforeAll(async () => {
  folder = temporaryFolder();
  await makeStore(folder.path);
  project = projectIn(folder.path, { counters: COUNTERS, models: MODELS });
  for (const model of ["counters", "foundation", "without", "one"]) await trainAlone(project, { model });
});
afterAll(() => folder[Symbol.dispose]());

const numbersOf = (run: string) => openedRun(project, run).inputs.spec.numbers.map(({ name }) => name);

describe("a model with counters", () => {
  it("reads those that its configuration names, or all", () => {
    expect(numbersOf("counters")).toEqual(INPUTS);
    expect(numbersOf("foundation")).toEqual(INPUTS);
    expect(numbersOf("one")).toEqual(INPUTS.slice(0, 6));
    expect(numbersOf("without")).toEqual(INPUTS.slice(0, 2));
    expect(RunFolder.finished(join(project.runs, "without")).folder.config).not.toHaveProperty("counters");
  });

  it("has each counter counted once for the events; who waits is told, and may stop", async () => {
    using store = EventStore.open(project.store);
    const counter = (name: string, by: string) => ({ name, of: "click", by: [by], everyMs: 7_000 });
    const told: string[] = [];
    const stop = new AbortController();
    const onIndex = (name: string): void => {
      told.push(name);
      if (name === "second") stop.abort(new Error("stopped"));
    };
    const both = [counter("first", "user"), counter("second", "item")];
    await expect(makeCounterIndexes(store, both, { onIndex, signal: stop.signal })).rejects.toThrow("stopped");
    await makeCounterIndexes(store, both, { onIndex });
    await makeCounterIndexes(store, both, { onIndex });
    expect(told).toEqual(["first", "second", "second"]);
  });

  it("reads inputs of mean 0 and deviation 1 in the training window", async () => {
    const { numbers } = openedRun(project, "counters").inputs.spec;
    const columns = numbers.map((): number[] => []);
    for await (const batch of await examplesOf(openedRun(project, "counters"), "train")) {
      for (const [i, value] of batch.numbers.entries()) columns[i % numbers.length]!.push(value);
    }
    for (const values of columns) {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      expect(mean).toBeCloseTo(0, 4);
      expect(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length).toBeCloseTo(1, 4);
    }
  });

  it("predicts of rows of files what evaluation says of the same events", async () => {
    const [header, ...rows] = readFileSync(join(folder.path, "events.csv"), "utf8").trimEnd().split("\n");
    const days = rows.filter((row) => row.includes("2025-03-05T"));
    writeFileSync(join(folder.path, "days.csv"), `${[header, ...days].join("\n")}\n`);
    const out = join(folder.path, "days.parquet");
    await predictFiles(project, { run: "counters", input: [join(folder.path, "days.csv")], out });
    const opened = openedRun(project, "counters");
    const expected: number[] = [];
    for await (const batch of await examplesOf(opened, "test")) {
      const logits = scoreBatch(opened.model, batch);
      for (let b = 0; b < batch.size; b++) expected.push(1 / (1 + Math.exp(-logits[2 * b]!)));
    }
    expect(days).toHaveLength(expected.length);
    const predicted = await clicksIn(out);
    const sorted = expected.toSorted((a, b) => a - b);
    for (const [i, click] of predicted.toSorted((a, b) => a - b).entries()) expect(click).toBeCloseTo(sorted[i]!, 6);
  });

  it("is compared with models without", async () => {
    const { runs } = await evaluateRuns(project, { runs: ["counters", "one", "without"], split: "validation" });
    for (const { objectives } of runs) expect(objectives["click"]?.overall.normalizedEntropy).toBeLessThan(1.2);
  });

  it("is another one once what it counts has changed", async () => {
    const counters = { ...COUNTERS, clicksOfUser: { of: "click", by: ["user"], windows: ["2d", "all"] } };
    const changed = projectIn(folder.path, { counters, models: MODELS });
    await expect(trainAlone(changed, { model: "one" })).rejects.toMatchObject({
      code: "RUN_CHANGED",
      got: expect.stringContaining("counters.clicksOfUser.windows"),
    });
    expect(await trainAlone(changed, { model: "without" })).toMatchObject({ kind: "finished" });
  });

  it("counts what the store holds, and nothing else", async () => {
    const counters = { sold: { of: "conversion", by: ["brand"] } };
    const events = {
      ...USER_CONFIG.events,
      attributes: { ...USER_CONFIG.events.attributes, brand: "category" },
    } as const;
    const changed = projectIn(folder.path, { events, counters, models: MODELS_OF_ONE });
    await expect(trainAlone(changed, { model: "sold" })).rejects.toMatchObject({ code: "STORE_COLUMN" });
  });

  it.each(["counters", "one"])("is served as %s is offline, on every example", async (run) => {
    const dir = join(folder.path, "bundles", run);
    await publishRun(project, { run, dir });
    const store = await openOnlineStore({ kind: "lmdb", at: join(folder.path, `online-${run}`) });
    const models = await ModelRepository.open({ kind: "bundle", dir }, { workers: 0, maxQueued: 64 });
    // One store has the counters before the events, the other the events before the counters.
    if (run === "one") await backfill({ ...project, counters: {} }, { online: store, teacher: null });
    const server = await RankingServer.listen({ models, store, address: "127.0.0.1", port: 0 });
    if (run === "counters") await backfill(project, { online: store, teacher: null });
    const found = await audit(project, {
      run,
      split: "test",
      bundle: dir,
      rank: rankOverHttp(server.url),
      online: store,
    });
    await server.close();
    await models.close();
    await store.close();
    expect(found.examples).toBeGreaterThan(100);
    expect(found.maxDifference).toBeLessThanOrEqual(1e-5);
    expect(found.meanDifference).toBeLessThanOrEqual(1e-6);
  });

  it("is served otherwise than offline where the store lacks events", async () => {
    const dir = join(folder.path, "bundles", "counters");
    const store = await openOnlineStore({ kind: "lmdb", at: join(folder.path, "online-empty") });
    const models = await ModelRepository.open({ kind: "bundle", dir }, { workers: 0, maxQueued: 64 });
    const server = await RankingServer.listen({ models, store, address: "127.0.0.1", port: 0 });
    const rank = rankOverHttp(server.url);
    const found = await audit(project, { run: "counters", split: "test", bundle: dir, rank, online: null });
    await server.close();
    await models.close();
    await store.close();
    expect(found.maxDifference).toBeGreaterThan(0.01);
  });
});

const MODELS_OF_ONE: UserConfig["models"] = { sold: { kind: "counters" } };

async function clicksIn(path: string): Promise<readonly number[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const rows = await (await connection.run(`SELECT p_click FROM read_parquet('${path}')`)).getRowObjectsJson();
  connection.closeSync();
  instance.closeSync();
  return rows.map((row) => Number(row["p_click"]));
}
