/** A plain click table, without users or times: from its file to a ranking. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProjectConfig } from "../../src/config/project.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { UserConfig } from "../../src/config/schema.ts";
import { ingest } from "../../src/data/index.ts";
import { ProcessMesh } from "../../src/distributed/index.ts";
import { evaluateRuns } from "../../src/evaluate/index.ts";
import { seededIntegers } from "../../src/metrics/comparison/random.ts";
import { audit } from "../../src/publish/audit.ts";
import { backfill } from "../../src/publish/backfill.ts";
import { publishRun } from "../../src/publish/publish-run.ts";
import { rankOverHttp } from "../../src/publish/rank-over-http.ts";
import { ModelRepository, openOnlineStore, RankingServer } from "../../src/serve/index.ts";
import { RunFolder } from "../../src/train/index.ts";
import { generateSliced } from "../../src/transfer/index.ts";
import { temporaryFolder, trainAlone } from "./project.ts";

const ADS = 20;
/** True rate of an ad: from 2.5% to 97.5%. */
const rateOf = (ad: number): number => (ad + 0.5) / ADS;
const RANDOM = { random: { validation: 0.15, test: 0.15 } };

interface Row {
  readonly ad: number;
  readonly click: number;
  readonly time: number;
}

/** Impressions of ads, each clicked by its own rate. */
function impressions(count: number, clickOf: (ad: number, draw: number) => number): readonly Row[] {
  const random = seededIntegers(11);
  return Array.from({ length: count }, (_, i) => {
    const ad = random(ADS);
    return { ad, click: clickOf(ad, random(1e6) / 1e6), time: i };
  });
}

interface TableOptions {
  readonly rows: readonly Row[];
  readonly config?: Partial<UserConfig>;
  readonly events?: Partial<UserConfig["events"]>;
}

/** A project over a table, ingested. */
async function projectOver(folder: string, { rows, config = {}, events = {} }: TableOptions): Promise<ProjectConfig> {
  const lines = rows.map(
    ({ ad, click, time }, i) => `ad${ad},${click},${time},${i % 5 < 3 ? "a" : i % 5 === 3 ? "b" : "c"}`,
  );
  writeFileSync(join(folder, "clicks.csv"), `${["ad,is_click,time,fold", ...lines].join("\n")}\n`);
  const base = { from: "clicks.csv", item: "ad", action: { value: "view" }, surface: { value: "web" } };
  const user: UserConfig = {
    events: { ...base, ...events },
    objectives: { click: { from: "is_click" } },
    split: RANDOM,
    training: { globalBatchSize: 32, epochs: 6, threads: 1, learningRate: 0.01, tableLearningRate: 0.3 },
    models: {
      baseRate: { kind: "baseRate" },
      logistic: { kind: "logistic" },
      previous: { kind: "previous", size: "tiny", dim: 4 },
      foundation: { kind: "foundation", size: "tiny", dim: 4 },
    },
    ...config,
  };
  const project = resolveConfig(user, join(folder, "lapidary.config.json"));
  await ingest(project.events, { store: project.store, threads: 1 });
  return project;
}

let folder: ReturnType<typeof temporaryFolder>;
let project: ProjectConfig;
beforeAll(async () => {
  folder = temporaryFolder();
  const rows = impressions(4000, (ad, draw) => (draw < rateOf(ad) ? 1 : 0));
  project = await projectOver(folder.path, { rows });
  for (const model of ["baseRate", "logistic", "previous", "foundation"]) await trainAlone(project, { model });
});
afterAll(() => folder[Symbol.dispose]());

/** Mean entropy of the ads' rates ÷ entropy of the mean rate, which is one half: what knowing the truth comes to. */
function truth(): number {
  const entropy = (p: number): number => -(p * Math.log(p) + (1 - p) * Math.log(1 - p));
  const mean = Array.from({ length: ADS }, (_, ad) => entropy(rateOf(ad))).reduce((sum, e) => sum + e, 0) / ADS;
  return mean / entropy(0.5);
}

describe("a plain click table", () => {
  it("teaches models about as much as there is to know, each row a user of its own", async () => {
    const runs = ["baseRate", "logistic", "previous", "foundation"];
    const evaluation = await evaluateRuns(project, { runs, split: "test" });
    const rows = evaluation.runs.map(({ objectives }) => objectives["click"]?.overall);
    const [base, ...models] = rows.map((row) => row?.normalizedEntropy ?? Number.NaN);
    expect(base).toBeGreaterThan(0.98);
    // The test rows are a sample of some 600: their own truth lies within 0.06 of that of all.
    for (const entropy of models) expect(Math.abs(entropy - truth())).toBeLessThan(0.1);
    for (const row of rows) {
      expect(row?.users).toBe(row?.examples);
      expect(row?.groupedAuc).toBe(null);
    }
    expect(evaluation.resampled).toBe("rows");
    const { low, high } = evaluation.runs[1]?.differences?.["click"]?.normalizedEntropy ?? {};
    expect(low).toBeLessThan(high ?? Number.NaN);
    expect(high).toBeLessThan(0);
    for (const run of runs) expect(RunFolder.finished(join(project.runs, run)).summary.warnings).toEqual([]);
  });

  it("is served as it was scored, without a user, at any time", async () => {
    const { bundle } = await publishRun(project, { run: "previous" });
    const models = await ModelRepository.open({ kind: "bundle", dir: bundle }, { workers: 1, maxQueued: 64 });
    const store = await openOnlineStore({ kind: "lmdb", at: join(folder.path, "online") });
    const server = await RankingServer.listen({ models, store, address: "127.0.0.1", port: 0 });
    try {
      const rank = rankOverHttp(server.url);
      const found = await audit(project, { run: "previous", split: "test", rank, online: store });
      expect(found.examples).toBeGreaterThan(500);
      expect(found.maxDifference).toBeLessThan(1e-5);
      expect(found).toMatchObject({ otherCounts: 0, otherHistories: 0 });
      const candidates = [3, 17, 9].map((ad) => ({ item: `ad${ad}` }));
      const request = { context: { surface: "web", origin: "organic" }, candidates };
      const { ranked, numPast } = await rank(request);
      expect(ranked.map(({ index }) => index)).toEqual([1, 2, 0]);
      for (const { index, probabilities } of ranked) {
        expect(Math.abs((probabilities["click"] ?? 0) - rateOf([3, 17, 9][index] ?? 0))).toBeLessThan(0.15);
      }
      expect(numPast).toBe(0);
      // Of a user with events, a model that has learned no histories reads none.
      await store.append([{ user: "u1", id: "e1", timeMs: 5, facts: { item: "ad1", click: 1 } }]);
      expect(await rank({ ...request, user: "u1" })).toEqual(await rank({ ...request, time: 1e12 }));
      await expect(backfill(project, { online: store, teacher: null })).rejects.toMatchObject({
        code: "EVENTS_WITHOUT_HISTORIES",
      });
    } finally {
      await server.close();
      await models.close();
      await store.close();
    }
  });

  it("has no slices by time", async () => {
    const sliced = generateSliced(project, { teacher: "previous", mesh: ProcessMesh.single() });
    await expect(sliced).rejects.toMatchObject({ code: "SPLIT_KIND" });
    await expect(trainAlone(project, { model: "logistic", run: "half", share: 0.5 })).rejects.toMatchObject({
      code: "SPLIT_KIND",
    });
  });
});

describe("tables where only the times differ", () => {
  // An ad is clicked always or never: nothing is left to know.
  const rows = impressions(1500, (ad) => ad % 2);
  const config = { split: { by: "fold", train: ["a"], validation: ["b"], test: ["c"] } };
  const start = Date.UTC(2026, 0, 5, 9);
  const times: readonly (readonly [string, (row: Row) => number, Partial<UserConfig["events"]>])[] = [
    ["all others", ({ time }) => start + time, { time: "time" }],
    ["a few", ({ time }) => start + 1000 * (time % 3), { time: "time" }],
    ["one", () => start, { time: "time" }],
    ["none", () => 0, {}],
  ];

  it("teach models the same", async () => {
    const entropies: number[] = [];
    for (const [, timeOf, events] of times) {
      using own = temporaryFolder();
      const timed = rows.map((row) => ({ ...row, time: timeOf(row) }));
      const table = await projectOver(own.path, { rows: timed, config, events });
      await trainAlone(table, { model: "previous" });
      const { runs } = await evaluateRuns(table, { runs: ["previous"], split: "test" });
      entropies.push(runs[0]?.objectives["click"]?.overall.normalizedEntropy ?? Number.NaN);
    }
    for (const entropy of entropies) expect(entropy).toBeLessThan(0.05);
    for (const entropy of entropies) expect(Math.abs(entropy - (entropies[0] ?? Number.NaN))).toBeLessThan(0.02);
  });
});

describe("a table that cannot teach", () => {
  it.each([
    ["positives only", () => 1, "1500 labels, all positive"],
    ["negatives only", () => 0, "1500 labels, all negative"],
  ])("%s is refused", async (_, clickOf, got) => {
    using own = temporaryFolder();
    const split = { by: "fold", train: ["a", "b", "c"], validation: ["b"], test: ["c"] };
    const config = { split: { ...split, train: ["a"] }, training: { globalBatchSize: 32, threads: 1 } };
    const table = await projectOver(own.path, { rows: impressions(2500, clickOf), config });
    await expect(trainAlone(table, { model: "previous" })).rejects.toMatchObject({ code: "TRAIN_ONE_CLASS", got });
  });

  it("because its label rate moved is told to be worse than its base rate, and why", async () => {
    using own = temporaryFolder();
    // Of five rows, the first three are of training.
    const rows = impressions(1500, (_, draw) => draw).map((row, i) => ({
      ...row,
      click: row.click < (i % 5 < 3 ? 0.9 : 0.3) ? 1 : 0,
    }));
    const split = { by: "fold", train: ["a"], validation: ["b"], test: ["c"] };
    const table = await projectOver(own.path, { rows, config: { split } });
    const outcome = await trainAlone(table, { model: "logistic" });
    const warnings = outcome.kind === "finished" ? outcome.summary.warnings : [];
    expect(warnings).toMatchObject([{ code: "WORSE_THAN_BASE_RATE" }]);
    expect(warnings[0]?.text).toMatch(/^click is worse than its base rate on the validation window \(NE \d\.\d{4}\): /);
    expect(warnings[0]?.text).toMatch(/its label rate moved, from (89|90|91)\.\d% in training to (2[5-9]|3[0-5])\.\d%/);
  });

  it("because no ad comes twice is told of before it is trained", async () => {
    using own = temporaryFolder();
    const rows = impressions(600, (_, draw) => (draw < 0.5 ? 1 : 0)).map((row, i) => ({ ...row, ad: i }));
    const table = await projectOver(own.path, { rows });
    const notices: string[] = [];
    const onNotice = (text: string): number => notices.push(text);
    const outcome = await trainAlone(table, { model: "previous", onNotice });
    expect(notices).toEqual([expect.stringMatching(/^no item of 600 was seen 2 times/)]);
    const warnings = outcome.kind === "finished" ? outcome.summary.warnings : [];
    expect(warnings[0]).toMatchObject({ code: "IDS_NOT_ADMITTED" });
  });
});
