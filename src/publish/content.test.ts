/** A log with vectors and lists, from ingest to what is served. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import Schema from "typebox/schema";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder, trainAlone } from "../../test/train/project.ts";
import { DAY_MS } from "../base/units.ts";
import { readBundle } from "../bundle/index.ts";
import type { ProjectConfig } from "../config/project.ts";
import { resolveConfig } from "../config/resolve.ts";
import type { UserConfig } from "../config/schema.ts";
import { ingest } from "../data/index.ts";
import { evaluateRuns } from "../evaluate/index.ts";
import { seededIntegers } from "../metrics/comparison/random.ts";
import { predictFiles } from "../predict/index.ts";
import { ModelRepository, openOnlineStore, type Ranking, RankingServer } from "../serve/index.ts";
import { audit } from "./audit.ts";
import { backfill } from "./backfill.ts";
import { publishRun } from "./publish-run.ts";
import { rankOverHttp } from "./rank-over-http.ts";

const EVENTS = 2400;
const DAYS = 24;
const START_MS = Date.UTC(2025, 2, 1);

const CONFIG = {
  events: {
    from: "log.jsonl",
    user: "user",
    item: "ad",
    time: "ts",
    action: { value: "view" },
    surface: { value: "feed" },
    attributes: {
      creative: { kind: "vector", dim: 4, from: "embedding" },
      tags: { kind: "categories", delimiter: "|" },
      age: "number",
    },
  },
  objectives: { click: {}, buy: {} },
  split: { trainUntil: "2025-03-17", validationUntil: "2025-03-20", testUntil: "2025-03-25" },
  training: { globalBatchSize: 32, epochs: 6, threads: 1, learningRate: 0.01, tableLearningRate: 0.1 },
  models: {
    logistic: { kind: "logistic" },
    vertical: { kind: "vertical", size: "tiny", history: 8 },
  },
} satisfies UserConfig;

/** A click is told by the creative's first component alone, a purchase by one tag alone; items are never seen again. */
function log(): string {
  const random = seededIntegers(7);
  const unit = (): number => random(2 ** 20) / 2 ** 20;
  const lines = Array.from({ length: EVENTS }, (_, i) => {
    const creative = Array.from({ length: 4 }, () => 40 * (unit() - 0.5));
    const tags = Array.from({ length: random(4) }, () => `t${random(6)}`);
    return {
      user: `u${random(60)}`,
      ad: `a${i}`,
      ts: START_MS + Math.floor((i * DAYS * DAY_MS) / EVENTS),
      embedding: i % 9 === 0 ? null : creative,
      tags: i % 2 === 0 ? tags.join("|") : tags,
      age: random(80),
      click: Number(unit() < (i % 9 === 0 ? 0.5 : creative[0]! > 0 ? 0.95 : 0.05)),
      buy: Number(unit() < (tags.includes("t3") ? 0.95 : 0.05)),
    };
  });
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

let folder: ReturnType<typeof temporaryFolder>;
const projectOf = (config: UserConfig): ProjectConfig =>
  resolveConfig(config, join(folder.path, "lapidary.config.json"));
beforeAll(async () => {
  folder = temporaryFolder();
  writeFileSync(join(folder.path, "log.jsonl"), log());
  const project = projectOf(CONFIG);
  const { rows } = await ingest(project.events, { store: project.store, threads: 1 });
  expect(rows).toMatchObject({ accepted: EVENTS, rejected: 0 });
  for (const model of Object.keys(CONFIG.models)) await trainAlone(project, { model });
}, 120_000);
afterAll(() => folder[Symbol.dispose]());

/** NE of each objective on the test days. */
async function quality(project: ProjectConfig, run: string): Promise<Record<string, number>> {
  const { runs } = await evaluateRuns(project, { runs: [run], split: "test" });
  const all = Object.entries(runs[0]?.objectives ?? {});
  return Object.fromEntries(all.map(([name, { overall }]) => [name, overall.normalizedEntropy ?? Number.NaN]));
}

describe("a log with vectors and lists", () => {
  it("is learned from, where a project without them learns nothing", async () => {
    for (const run of Object.keys(CONFIG.models)) {
      const { click = 1, buy = 1 } = await quality(projectOf(CONFIG), run);
      expect(click, run).toBeLessThan(0.75);
      expect(buy, run).toBeLessThan(0.75);
    }
    const { creative: _, tags: __, ...attributes } = CONFIG.events.attributes;
    const paths = { store: "plain/store", runs: "plain/runs" };
    const plain = projectOf({ ...CONFIG, ...paths, events: { ...CONFIG.events, attributes } });
    await ingest(plain.events, { store: plain.store, threads: 1 });
    await trainAlone(plain, { model: "logistic" });
    const { click = 0, buy = 0 } = await quality(plain, "logistic");
    expect(click).toBeGreaterThan(0.97);
    expect(buy).toBeGreaterThan(0.97);
  }, 120_000);

  it.each([
    ["logistic", "candidate"],
    ["vertical", "request"],
  ])("is served by %s as it is offline, on every example, and its API is as described", async (run, userRows) => {
    const project = projectOf(CONFIG);
    const { bundle, difference } = await publishRun(project, { run });
    expect(difference).toBeLessThanOrEqual(1e-5);
    const { manifest } = readBundle(bundle);
    expect(manifest.graph.userRows).toBe(userRows);
    expect(manifest.spec.content?.vectors[0]?.scale).toBeCloseTo(40 / Math.sqrt(12), 0);
    const models = await ModelRepository.open({ kind: "bundle", dir: bundle }, { workers: 1, maxQueued: 64 });
    const online = await openOnlineStore({ kind: "lmdb", at: join(folder.path, `online.${run}`) });
    const server = await RankingServer.listen({ models, store: online, address: "127.0.0.1", port: 0 });
    try {
      await backfill(project, { online, teacher: null });
      const found = await audit(project, { run, split: "test", rank: rankOverHttp(server.url), online });
      expect(found.examples).toBeGreaterThan(400);
      expect(found).toMatchObject({ otherCounts: 0, otherHistories: 0, histories: found.examples });
      expect(found.maxDifference).toBeLessThanOrEqual(1e-5);
      await checkApi(server.url);
    } finally {
      await server.close();
      await models.close();
      await online.close();
    }
  });
});

describe("rows of a file", () => {
  it("are scored by their own vectors and lists", async () => {
    const project = projectOf(CONFIG);
    const row = { user: "u1", ad: "new", ts: START_MS + DAYS * DAY_MS, age: 3 };
    const rows = [{ embedding: [19, 0, 0, 0], tags: ["t3"] }, {}, { embedding: [-19, 0, 0, 0], tags: "t1|t3" }];
    const input = join(folder.path, "given.jsonl");
    writeFileSync(input, rows.map((facts) => `${JSON.stringify({ ...row, ...facts })}\n`).join(""));
    for (const run of Object.keys(CONFIG.models)) {
      const out = join(folder.path, `${run}.parquet`);
      expect(await predictFiles(project, { run, input: [input], out })).toMatchObject({ predicted: 3, rejected: 0 });
      const [first, none, last] = await clicksAndBuys(out);
      expect(first?.click).toBeGreaterThan((last?.click ?? 1) + 0.2);
      expect(first?.buy).toBeGreaterThan((none?.buy ?? 1) + 0.2);
      expect(last?.buy).toBeGreaterThan((none?.buy ?? 1) + 0.05);
    }
  });
});

async function clicksAndBuys(path: string): Promise<readonly { readonly click: number; readonly buy: number }[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const rows = (await connection.run(`SELECT p_click, p_buy FROM read_parquet('${path}')`)).getRowsJson();
    return (await rows).map(([click, buy]) => ({ click: Number(click), buy: Number(buy) }));
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

interface Operation {
  readonly parameters: readonly { readonly name: string; readonly example: string }[];
  readonly requestBody?: {
    readonly content: { readonly "application/json": { readonly schema: object; readonly example: object } };
  };
}

async function post(url: string, body: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}

/** The examples of the server's own document fit its schemas and are answered; what does not fit is refused by name. */
async function checkApi(url: string): Promise<void> {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as {
    components: object;
    paths: Record<string, { post?: Operation }>;
  };
  for (const [path, { post: operation }] of Object.entries(document.paths)) {
    const bodyDoc = operation?.requestBody?.content["application/json"];
    if (bodyDoc === undefined) continue;
    expect(Schema.Check({ ...bodyDoc.schema, components: document.components }, bodyDoc.example), path).toBe(true);
    const values = new Map(operation?.parameters.map(({ name, example }) => [name, example]));
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => values.get(name) ?? "");
    const { status, body } = await post(url + filled, bodyDoc.example);
    expect([path, status, status === 200 ? null : body]).toEqual([path, 200, null]);
    if (path.endsWith("/unload")) await post(url + filled.replace(/unload$/, "load"), {});
  }
  const rank = (facts: object) => post(`${url}/rank`, { user: "u1", candidates: [{ item: "a1", ...facts }] });
  expect(await rank({ creative: [1, 2, 3, 4], tags: ["t1", "never seen"], age: 3 })).toMatchObject({ status: 200 });
  // A candidate's score is its own, whoever stands beside it.
  const candidates = [{ creative: [9, 0, 0, 0], tags: ["t3"] }, {}, { tags: ["t3", "t1", "t3"] }];
  const scores = async (own: readonly object[]) => {
    const { body } = await post(`${url}/rank`, { user: "u1", candidates: own });
    const { ranked } = body as Ranking;
    return ranked.toSorted((a, b) => a.index - b.index).map(({ probabilities }) => probabilities);
  };
  const together = await scores(candidates);
  for (const [i, candidate] of candidates.entries()) {
    const [alone] = await scores([candidate]);
    for (const [name, p] of Object.entries(alone ?? {})) expect(together[i]?.[name]).toBeCloseTo(p, 6);
  }
  expect(together[0]?.["buy"]).toBeGreaterThan(together[1]?.["buy"] ?? 1);
  for (const [facts, code, name] of [
    [{ creative: [1, 2, 3] }, "EVENT_VECTOR", "creative"],
    [{ creative: [1, 2, 3, null] }, "EVENT_VECTOR", "creative"],
    [{ tags: ["t1", ""] }, "EVENT_CATEGORIES", "tags"],
  ] as const) {
    expect(await rank(facts)).toMatchObject({ status: 400, body: { error: { code, where: `candidates[0].${name}` } } });
  }
}
