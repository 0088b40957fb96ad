/** A log with a yes/no label, an amount, a count, and a log of orders, from its files to what is served. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { IngestResult } from "../../src/data/index.ts";
import type { Evaluation } from "../../src/evaluate/index.ts";
import { seededIntegers } from "../../src/metrics/comparison/random.ts";
import type { Audit } from "../../src/publish/index.ts";
import { type Ended, lapidary, lastLine, startServer, temporaryFolder } from "./lapidary.ts";

const ROWS = 2400;
const ITEMS = 24;
const USERS = 40;
const T0 = Date.UTC(2025, 2, 1);
const HOUR = 3_600_000;
const AMOUNTS = ["spend", "orders", "views", "sales"] as const;

/** One impression, and what came of it. Even items cost ten times as much, every third is looked at eight times as often. */
interface Shown {
  readonly user: string;
  readonly item: string;
  readonly ms: number;
  readonly click: 0 | 1;
  readonly spend: number;
  readonly views: number;
  /** Amounts of the orders within the hour. */
  readonly orders: readonly number[];
}

function impressions(): readonly Shown[] {
  const random = seededIntegers(11);
  const unit = (): number => (random(2 ** 30) + 0.5) / 2 ** 30;
  const normal = (): number => Math.sqrt(-2 * Math.log(unit())) * Math.cos(2 * Math.PI * unit());
  const poisson = (rate: number): number => {
    let [count, left] = [0, Math.exp(-rate)];
    for (let p = unit(); p > left; p *= unit()) count++;
    return count;
  };
  return Array.from({ length: ROWS }, (_, i): Shown => {
    const at = random(ITEMS);
    const [isDear, isSeen, isLiked] = [at % 2 === 0, at % 3 === 0, at % 4 < 2];
    const price = (): number => Number(((isDear ? 50 : 5) * Math.exp(0.4 * normal())).toFixed(2));
    const click = unit() < (isLiked ? 0.6 : 0.15) ? 1 : 0;
    return {
      ...{ user: `u${random(USERS)}`, item: `ad${at}`, ms: T0 + Math.floor((i * 240 * HOUR) / ROWS), click },
      spend: unit() < (isLiked ? 0.5 : 0.2) ? price() : 0,
      views: poisson(isSeen ? 4 : 0.5),
      orders: Array.from({ length: poisson(isLiked ? 0.8 : 0.2) }, price),
    };
  });
}

const SHOWN = impressions();

const CONFIG = `
events: { from: log.csv, id: id, user: user_id, item: item_id, time: ms, action: { value: shown }, surface: { value: all } }
objectives:
  click: {}
  spend: { kind: value, from: revenue, delay: 1m }
  orders: { kind: count, log: orders.csv, id: event, time: at, window: 1h }
  views: { kind: count, delay: 1m }
  sales: { kind: value, log: orders.csv, id: event, time: at, window: 1h, value: amount }
split: { trainUntil: "2025-03-08", validationUntil: "2025-03-09", testUntil: "2025-03-11" }
training: { globalBatchSize: 64, threads: 1, epochs: 4, learningRate: 1e-2, tableLearningRate: 0.2 }
models:
  base: { kind: baseRate }
  previous: { kind: previous, size: tiny, history: 16 }
  foundation: { kind: foundation, size: tiny, history: 8 }
  small: { kind: vertical, size: tiny, teacher: previous, history: 16, transfer: { technique: full }, training: { epochs: 1, order: time, globalBatchSize: 16 } }
`;

let folder: ReturnType<typeof temporaryFolder>;
let project = "";
let evaluation: Evaluation["runs"] = [];

async function run(...args: readonly string[]): Promise<Ended> {
  const ended = await lapidary(args, { cwd: project });
  expect(ended.code, `${args.join(" ")}\n${ended.stdout}\n${ended.stderr}`).toBe(0);
  return ended;
}

async function query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const rows = await (await connection.run(sql)).getRowObjectsJson();
  connection.closeSync();
  instance.closeSync();
  return rows;
}

/** Writes the log; behind it stand rows that are refused. */
function writeLog(): void {
  const rows = SHOWN.map(({ user, item, ms, click, spend, views }, i) => {
    return `e${i},${user},${item},${ms},${click},${spend},${views}`;
  });
  const last = SHOWN.at(-1)?.ms ?? T0;
  const refused = [`x1,u1,ad1,${last},0,-0.01,0`, `x2,u1,ad1,${last},0,1,0.5`, `x3,u1,ad1,${last},0,1,-1`];
  const lines = ["id,user_id,item_id,ms,click,revenue,views", ...rows, ...refused];
  writeFileSync(join(project, "log.csv"), `${lines.join("\n")}\n`);
  const orders = SHOWN.flatMap(({ ms, orders: own }, i) =>
    own.map((amount, k) => `e${i},${ms + 60_000 * (k + 1)},${amount}`),
  );
  // Too late for its window; and one whose amount is none.
  const odd = [`e0,${(SHOWN[0]?.ms ?? 0) + 2 * HOUR},9999`, `e1,${(SHOWN[1]?.ms ?? 0) + 1000},-5`];
  writeFileSync(join(project, "orders.csv"), `event,at,amount\n${[...orders, ...odd].join("\n")}\n`);
}

beforeAll(() => {
  folder = temporaryFolder();
  project = folder.path;
  writeFileSync(join(project, "lapidary.config.yaml"), CONFIG);
  writeLog();
});
afterAll(() => folder[Symbol.dispose]());

/** What came of an impression. */
const LABELS: Readonly<Record<string, (shown: Shown) => number>> = {
  click: ({ click }) => click,
  spend: ({ spend }) => spend,
  orders: ({ orders }) => orders.length,
  views: ({ views }) => views,
  sales: ({ orders }) => orders.reduce((sum, amount) => sum + amount, 0),
};

const evaluated = async (...runs: readonly string[]): Promise<Evaluation> =>
  lastLine<Evaluation>(await run("evaluate", ...runs, "--split", "test", "--json"));

type Measured = Evaluation["runs"][number]["objectives"][string];

const isTest = (ms: number): boolean => ms >= Date.UTC(2025, 2, 9) && ms < Date.UTC(2025, 2, 11);

/** What of an amount is measured, and what is not. */
function expectMeasured(where: string, one: (typeof AMOUNTS)[number], found: Measured): void {
  const { kind, overall, byHistoryLength, bySurface, calibrationCurve } = found;
  expect(kind, where).toBe(one === "spend" || one === "sales" ? "value" : "count");
  expect([overall.auc, overall.logLoss, calibrationCurve.length], where).toEqual([null, null, 0]);
  expect(bySurface[0], where).toMatchObject({ normalizedEntropy: overall.normalizedEntropy });
  expect(byHistoryLength.reduce((sum, { examples }) => sum + examples, 0)).toBe(overall.examples);
  // The last hour's orders are not known by the end of the log.
  if (one !== "spend" && one !== "views") return;
  const labels = SHOWN.filter(({ ms }) => isTest(ms)).map((shown) => LABELS[one]?.(shown) ?? 0);
  expect(overall.baseRate, where).toBeCloseTo(labels.reduce((sum, y) => sum + y, 0) / labels.length, 3);
}

function expectLearned(where: string, isBase: boolean, { overall }: Measured): void {
  const ratio = overall.normalizedEntropy ?? Number.NaN;
  if (isBase) {
    expect(Math.abs(ratio - 1), where).toBeLessThan(0.05);
    return;
  }
  expect(ratio, where).toBeLessThan(0.95);
  expect(overall.amounts?.gini, where).toBeGreaterThan(0.2);
}

describe("amounts and counts", () => {
  it("come into the store as they are, and bad ones are refused by code", async () => {
    const result = lastLine<IngestResult>(await run("ingest", "--json"));
    expect(result.rows).toEqual({ rowsRead: ROWS + 3, accepted: ROWS, duplicates: 0, rejected: 3 });
    const letters = readFileSync(result.deadLetterFile, "utf8").trim().split("\n");
    expect(letters.map((line) => (JSON.parse(line) as { code: string }).code).sort()).toEqual([
      "EVENT_AMOUNT",
      "EVENT_AMOUNT",
      "EVENT_COUNT",
      "EVENT_COUNT",
    ]);
    const orders = SHOWN.reduce((sum, { orders: own }) => sum + own.length, 0);
    expect(result.outcomes["sales"]).toMatchObject({ matched: orders, unmatched: { "after the window": 1 } });
    expect(Object.values(result.outcomes["sales"]?.rejections ?? {})).toEqual([1]);
    // Orders are counted, whatever their amounts.
    expect(result.outcomes["orders"]).toMatchObject({ matched: orders + 1, rejections: {} });
  });

  it("are not trained on as what the store does not hold", async () => {
    const ended = await lapidary(["train", "base", "--set", "objectives.views.kind=value", "--json"], { cwd: project });
    expect(ended.code).toBe(1);
    const { error } = lastLine<{ readonly error: object }>(ended);
    expect(error).toMatchObject({ code: "STORE_COLUMN", expected: "a value", got: "a count" });
  });

  it("are learned better than by their mean", async () => {
    const models = ["base", "previous", "foundation"];
    for (const name of models) await run("train", name);
    const { runs, surfaces } = await evaluated(...models);
    evaluation = runs;
    expect(Object.values(surfaces)).toEqual(["all"]);
    for (const { run: name, objectives } of runs) {
      expect(objectives["click"]?.kind).toBeUndefined();
      for (const one of AMOUNTS) expectMeasured(`${name} ${one}`, one, objectives[one]!);
      for (const one of AMOUNTS) expectLearned(`${name} ${one}`, name === "base", objectives[one]!);
    }
    for (const one of AMOUNTS) expect(runs[1]?.differences?.[one]?.normalizedEntropy.high).toBeLessThan(0);
  });

  it("are predicted as they are evaluated, and served as they are predicted", async () => {
    const score = async (...args: readonly string[]) => {
      await run("predict", "previous", "--input", "log.csv", "--out", "out.parquet", "--force", ...args);
      return query(`SELECT *, epoch_ms(time) AS ms FROM read_parquet('${join(project, "out.parquet")}')`);
    };
    const own = await score();
    const known = own.flatMap((row, i) => {
      return isTest(Number(row["ms"])) && i < ROWS ? [{ row, shown: SHOWN[i]! }] : [];
    });
    for (const one of ["spend", "views"] as const) {
      const sum = (f: (each: (typeof known)[number]) => number) => known.reduce((all, each) => all + f(each), 0);
      const ratio = sum(({ row }) => Number(row[`e_${one}`])) / sum(({ shown }) => LABELS[one]?.(shown) ?? 0);
      const found = evaluation[1]?.objectives[one]?.overall.calibration ?? Number.NaN;
      expect(Math.abs(ratio / found - 1), one).toBeLessThan(1e-5);
    }
    await run("export", "previous");
    await run("backfill");
    const calibrated = await score("--bundle", "bundles/previous");
    const { url, child, ended } = await startServer([], { cwd: project });
    try {
      for (let i = ROWS - 1; i > 0; i -= 293) await expectServed(url, SHOWN[i]!, calibrated[i]!);
      const audit = lastLine<Audit>(
        await run(
          "audit",
          "previous",
          "--split",
          "test",
          "--url",
          url,
          "--store-at",
          join(project, "online"),
          "--json",
        ),
      );
      expect(audit.maxDifference).toBeLessThan(1e-5);
      expect([audit.probabilities / audit.examples, audit.otherHistories]).toEqual([5, 0]);
      await expectDocumented(url);
      await expectRefused(url);
    } finally {
      child.kill("SIGTERM");
      await ended;
    }
  }, 240_000);

  it("are taught to a vertical model by its teacher", async () => {
    await run("generate", "previous", "--slices", "day");
    await run("transfer", "small");
    const { runs } = await evaluated("small-full");
    for (const one of AMOUNTS) {
      const { normalizedEntropy } = runs[0]?.objectives[one]?.overall ?? {};
      expect(normalizedEntropy, one).toBeLessThan(1);
    }
    const published = lastLine<{ readonly difference: number }>(await run("export", "small-full", "--json"));
    expect(published.difference).toBeLessThan(1e-5);
  }, 240_000);
});

/** Asks for one impression; what is answered is what the file says, and the bids are multiplied with it. */
async function expectServed(url: string, shown: Shown, scores: Readonly<Record<string, unknown>>): Promise<void> {
  const bids = { click: 0.5, spend: 2, views: 0.1 };
  const request = { user: shown.user, time: shown.ms, context: { surface: "all" } };
  const body = JSON.stringify({ ...request, candidates: [{ item: shown.item, bids }] });
  const answer = await fetch(`${url}/rank`, { method: "POST", body });
  const text = await answer.text();
  expect(answer.status, text).toBe(200);
  interface Ranked {
    readonly probabilities: Readonly<Record<string, number>>;
    readonly expected: Readonly<Record<string, number>>;
    readonly expectedValue: number;
  }
  const [ranked] = (JSON.parse(text) as { readonly ranked: readonly Ranked[] }).ranked;
  expect(Object.keys(ranked?.probabilities ?? {})).toEqual(["click"]);
  expect(Object.keys(ranked?.expected ?? {})).toEqual([...AMOUNTS]);
  const answered = { p_click: ranked?.probabilities["click"], ...ranked?.expected };
  for (const [name, served = Number.NaN] of Object.entries(answered)) {
    const offline = Number(scores[name === "p_click" ? name : `e_${name}`]);
    expect(Math.abs(served / offline - 1), `${name}: ${text}`).toBeLessThan(1e-5);
  }
  const { probabilities, expected, expectedValue } = ranked!;
  const worth = 0.5 * probabilities["click"]! + 2 * expected["spend"]! + 0.1 * expected["views"]!;
  expect(expectedValue).toBeCloseTo(worth, 10);
}

async function expectDocumented(url: string): Promise<void> {
  const text = await (await fetch(`${url}/openapi.json`)).text();
  expect(text).toContain("orders logRate");
  expect(text).toContain("spend rawSigma");
  const model = (await (await fetch(`${url}/v2/models/previous`)).json()) as { readonly outputs: readonly object[] };
  expect(model.outputs).toEqual([{ name: "logits", datatype: "FP32", shape: [-1, 9] }]);
}

/** Events are held to what the log was held to. */
async function expectRefused(url: string): Promise<void> {
  const codeOf = async (fact: object): Promise<string | undefined> => {
    const event = { user: "u1", id: "n1", time: T0 + 300 * HOUR, item: "ad1", ...fact };
    const answer = await fetch(`${url}/events`, { method: "POST", body: JSON.stringify({ events: [event] }) });
    return ((await answer.json()) as { readonly error?: { readonly code: string } }).error?.code;
  };
  expect(await codeOf({ spend: -1 })).toBe("EVENT_AMOUNT");
  expect(await codeOf({ views: "1.5" })).toBe("EVENT_COUNT");
  expect(await codeOf({ orders: -1 })).toBe("EVENT_COUNT");
  expect(await codeOf({ sales: "-0.5" })).toBe("EVENT_AMOUNT");
  expect(await codeOf({ spend: 1.5, views: 2 })).toBeUndefined();
}
