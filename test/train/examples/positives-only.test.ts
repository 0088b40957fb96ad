/** A log that holds positives only: from its file to a ranking, with negatives that are drawn. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProjectConfig } from "../../../src/config/project.ts";
import { resolveConfig } from "../../../src/config/resolve.ts";
import type { UserConfig } from "../../../src/config/schema.ts";
import type { NegativeSource } from "../../../src/config/types.ts";
import { EventStore, ingest } from "../../../src/data/index.ts";
import { ProcessMesh } from "../../../src/distributed/index.ts";
import { evaluateRuns, evaluationPage } from "../../../src/evaluate/index.ts";
import { seededIntegers } from "../../../src/metrics/comparison/random.ts";
import { audit } from "../../../src/publish/audit.ts";
import { backfill } from "../../../src/publish/backfill.ts";
import { publishRun } from "../../../src/publish/publish-run.ts";
import { rankOverHttp } from "../../../src/publish/rank-over-http.ts";
import { ModelRepository, openOnlineStore, RankingServer } from "../../../src/serve/index.ts";
import { readSafetensors } from "../../../src/torch/files/safetensors.ts";
import { Scope } from "../../../src/torch/index.ts";
import { RunFolder, readPredictions, scoreBatch } from "../../../src/train/index.ts";
import { endWorlds, startWorld } from "../../distributed/world.ts";
import { openedRun, resultOf, temporaryFolder, trainAlone, trainUntil } from "../project.ts";
import type { LearnerTask } from "../worker-task.ts";

const LEARNER = new URL("../learner-worker.js", import.meta.url);
const START_MS = Date.UTC(2025, 2, 1);
const HOUR_MS = 3_600_000;
const PER_POSITIVE = 4;

interface Purchase {
  readonly user: string;
  readonly item: string;
}

/** A project over purchases, one every `gapMs`, ingested: 80% to learn from, a tenth each to choose and to report. */
async function projectOver(folder: string, purchases: readonly Purchase[], { gapMs }: { readonly gapMs: number }) {
  const time = (i: number): number => START_MS + i * gapMs;
  const lines = purchases.map(({ user, item }, i) => `${user},${item},${time(i)},${item.at(-1)}`);
  writeFileSync(join(folder, "orders.csv"), `${["user,item,ts,brand", ...lines].join("\n")}\n`);
  const user: UserConfig = {
    events: {
      from: { sql: "SELECT *, 1 AS bought FROM 'orders.csv'" },
      ...{ user: "user", item: "item", time: "ts", action: { value: "buy" } },
      ...{ surface: { value: "shop" }, attributes: { brand: "category" } },
    },
    objectives: { purchase: { from: "bought" } },
    negatives: { perPositive: PER_POSITIVE, from: "popular" },
    split: {
      trainUntil: time(purchases.length * 0.8),
      validationUntil: time(purchases.length * 0.9),
      testUntil: time(purchases.length),
    },
    training: { globalBatchSize: 64, epochs: 3, threads: 1, learningRate: 0.01, tableLearningRate: 0.2 },
    models: {
      baseRate: { kind: "baseRate" },
      logistic: { kind: "logistic" },
      previous: { kind: "previous", size: "tiny", dim: 4, history: 8 },
    },
  };
  const project = resolveConfig(user, join(folder, "lapidary.config.json"));
  await ingest(project.events, { store: project.store, threads: 1 });
  return project;
}

afterAll(endWorlds);

describe("a log whose items have known chances", () => {
  const ITEMS = 12;
  const weights = Array.from({ length: ITEMS }, (_, i) => 0.8 ** i);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const chances = weights.map((weight) => weight / total);
  let folder: ReturnType<typeof temporaryFolder>;
  let project: ProjectConfig;
  beforeAll(async () => {
    folder = temporaryFolder();
    const random = seededIntegers(5);
    const draw = (share: number): number => {
      let i = 0;
      for (let left = share; i < ITEMS - 1 && left >= chances[i]!; i++) left -= chances[i]!;
      return i;
    };
    const purchases = Array.from({ length: 12_000 }, (_, i) => ({
      user: `u${i}`,
      item: `item${draw(random(1e6) / 1e6)}`,
    }));
    // Within an hour, and nobody comes back: nothing but the item tells two purchases apart.
    project = await projectOver(folder.path, purchases, { gapMs: 250 });
  });
  afterAll(() => folder[Symbol.dispose]());

  /** What a trained model says of each item, mean over the test window. */
  async function logitsOf(from: NegativeSource): Promise<readonly number[]> {
    const drawing = {
      ...project,
      runs: `${project.runs}-${from}`,
      negatives: { perPositive: 4, from, windowMs: null },
    };
    await trainAlone(drawing, { model: "logistic" });
    const { model, inputs } = openedRun(drawing, "logistic");
    const store = EventStore.open(project.store);
    const dictionary = store.dictionary("item")!;
    const items = store.column("item");
    const sums = new Map<string, { sum: number; count: number }>();
    for await (const batch of await inputs.loggedBatches("test", ProcessMesh.single())) {
      for (const [b, logit] of scoreBatch(model, batch).entries()) {
        const id = dictionary.id(items.at(batch.rows[b]!)) ?? "";
        const { sum, count } = sums.get(id) ?? { sum: 0, count: 0 };
        sums.set(id, { sum: sum + logit, count: count + 1 });
      }
    }
    store.close();
    return chances.map((_, i) => {
      const { sum, count } = sums.get(`item${i}`)!;
      return sum / count;
    });
  }

  it.each(["uniform", "popular", "inBatch"] as const)("teaches a model their odds, drawn %s", async (from) => {
    const logits = await logitsOf(from);
    // The odds of an item against the others are p / (1 − p); of K candidates drawn from the N − 1 others, each is drawn
    // K / (N − 1) times.
    const odds = chances.map((p) => Math.log((p / (1 - p)) * ((ITEMS - 1) / PER_POSITIVE)));
    for (const [i, expected] of odds.entries()) expect(Math.abs(logits[i]! - expected)).toBeLessThan(0.3);
    // Without the correction every item would be as likely as the others where they are drawn as they are bought.
    const range = Math.max(...logits) - Math.min(...logits);
    expect(Math.abs(range - (Math.max(...odds) - Math.min(...odds)))).toBeLessThan(0.35);
  });
});

describe("a log of positives only", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let project: ProjectConfig;
  beforeAll(async () => {
    folder = temporaryFolder();
    const random = seededIntegers(3);
    // Half of the people buy even items, the others odd ones, with few exceptions.
    const purchases = Array.from({ length: 4000 }, () => {
      const user = random(60);
      const kind = random(10) === 0 ? 1 - (user % 2) : user % 2;
      return { user: `u${user}`, item: `item${2 * random(15) + kind}` };
    });
    project = await projectOver(folder.path, purchases, { gapMs: 60_000 });
    for (const model of ["baseRate", "previous"]) await trainAlone(project, { model });
  });
  afterAll(() => folder[Symbol.dispose]());

  it("is refused without negatives, with what to write", async () => {
    const alone = trainAlone({ ...project, negatives: null }, { model: "previous", run: "alone" });
    await expect(alone).rejects.toMatchObject({
      code: "TRAIN_ONE_CLASS",
      hint: expect.stringContaining('`negatives: { perPositive: 4, from: "popular" }`'),
    });
  });

  it("is learned from, and measured beside uniform candidates, which evaluations say", async () => {
    const evaluation = await evaluateRuns(project, { runs: ["baseRate", "previous"], split: "test" });
    const [base, previous] = evaluation.runs.map(({ objectives }) => objectives["purchase"]!.overall);
    expect(base).toMatchObject({ examples: 400 * (1 + PER_POSITIVE), baseRate: 1 / (1 + PER_POSITIVE), users: 60 });
    expect(base?.normalizedEntropy).toBeCloseTo(1, 5);
    expect(base?.calibration).toBeCloseTo(1, 5);
    // Half of the candidates are of the other kind: who knows that is right about 0.9 · 0.75 + … of the pairs.
    expect(previous?.auc).toBeGreaterThan(0.65);
    expect(previous?.normalizedEntropy).toBeLessThan(0.95);
    expect(Math.abs((previous?.calibration ?? 0) - 1)).toBeLessThan(0.15);
    expect(evaluation.negatives).toContain("purchase has no negatives in the log");
    const page = evaluationPage(evaluation, { root: project.root, curves: {} });
    expect(JSON.stringify(page)).toContain("Negatives are drawn, always the same ones");
    const { warnings, examples } = RunFolder.finished(join(project.runs, "previous")).summary;
    expect(warnings.map(({ code }) => code)).toEqual(["NEGATIVES_DRAWN"]);
    expect(examples).toBe(3200);
    // Scored twice, the same candidates.
    const file = evaluation.runs[1]!.predictions!;
    const first = readPredictions(file)["purchase"]!;
    await evaluateRuns(project, { runs: ["previous"], split: "test" });
    expect(readPredictions(file)["purchase"]).toEqual(first);
  });

  it("is served as it was scored", async () => {
    const { bundle } = await publishRun(project, { run: "previous" });
    const models = await ModelRepository.open({ kind: "bundle", dir: bundle }, { workers: 1, maxQueued: 64 });
    const store = await openOnlineStore({ kind: "lmdb", at: join(folder.path, "online") });
    await backfill(project, { online: store, teacher: null });
    const server = await RankingServer.listen({ models, store, address: "127.0.0.1", port: 0 });
    try {
      const rank = rankOverHttp(server.url);
      const found = await audit(project, { run: "previous", split: "test", rank, online: store });
      expect(found).toMatchObject({ examples: 400, otherCounts: 0, otherHistories: 0 });
      expect(found.maxDifference).toBeLessThan(1e-5);
      const candidates = [4, 7].map((i) => ({ item: `item${i}`, brand: `${i}`, origin: "organic" }));
      const of = async (user: string) => {
        const request = { user, time: START_MS + 80 * HOUR_MS, context: { surface: "shop" }, candidates };
        return (await rank(request)).ranked.map(({ index }) => index);
      };
      expect(await of("u10")).toEqual([0, 1]);
      expect(await of("u11")).toEqual([1, 0]);
    } finally {
      await server.close();
      await models.close();
      await store.close();
    }
  });

  it.each(["popular", "uniform", "inBatch"] as const)("is learned from alike after a stop, drawn %s", async (from) => {
    const drawing = { ...project, negatives: { perPositive: 2, from, windowMs: null } };
    await trainAlone(drawing, { model: "previous", run: `${from}-whole` });
    await trainUntil(drawing, { model: "previous", run: `${from}-parts` }, 7);
    await trainUntil(drawing, { model: "previous", run: `${from}-parts` }, 60);
    await trainAlone(drawing, { model: "previous", run: `${from}-parts` });
    const [whole, parts] = ["whole", "parts"].map((run) => resultOf(join(project.runs, `${from}-${run}`)));
    expect(parts).toEqual(whole);
  });

  it("is learned from alike by two processes, drawn from the whole batch", async () => {
    const drawing = { ...project, negatives: { perPositive: 2, from: "inBatch", windowMs: null } } as const;
    const files = [1, 2].map((size) => join(folder.path, `${size}.safetensors`));
    for (const [i, file] of files.entries()) {
      const args = [JSON.stringify({ project: drawing, model: "previous", file } satisfies LearnerTask)];
      const members = await startWorld({ size: i + 1, program: LEARNER, args });
      expect(await Promise.all(members.map(({ ended }) => ended))).toEqual(members.map(() => 0));
    }
    using _ = new Scope();
    const [alone, together] = files.map((file) => readSafetensors(file).tensors);
    for (const [name, tensor] of Object.entries(alone!)) {
      const theirs = together![name]!.toNumbers();
      const differences = tensor.toNumbers().map((value, i) => Math.abs(value - theirs[i]!));
      expect(differences.reduce((a, b) => Math.max(a, b), 0)).toBeLessThan(1e-9);
    }
  });

  it("has no runs in common with other negatives", async () => {
    const other = { ...project, negatives: { perPositive: 3, from: "uniform", windowMs: 60_000 } } as const;
    await expect(trainAlone(other, { model: "previous" })).rejects.toMatchObject({ code: "RUN_CHANGED" });
  });
});
