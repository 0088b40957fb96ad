import { cpSync, existsSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeStore, projectIn, temporaryFolder, timesOf, trainAlone, trainUntil } from "../../test/train/project.ts";
import type { ProjectConfig } from "../config/project.ts";
import { EventStore, ingest } from "../data/index.ts";
import { htmlPage } from "../report/html.ts";
import { readSafetensors } from "../torch/files/safetensors.ts";
import { Scope } from "../torch/index.ts";
import { type Evaluation, evaluateRuns, trainingCurve } from "./evaluation.ts";
import { costTable, countTable, evaluationPage, resultTable } from "./evaluation-report.ts";

const RUNS = ["baseRate", "previous", "foundation"] as const;
const OBJECTIVES = ["click", "conversion"] as const;
const SPLIT = { trainUntil: "2025-03-04", validationUntil: "2025-03-05", testUntil: "2025-03-06" };

let folder: ReturnType<typeof temporaryFolder>;
let project: ProjectConfig;
let evaluation: Evaluation;
beforeAll(async () => {
  folder = temporaryFolder();
  project = await makeStore(folder.path);
  for (const model of RUNS) await trainAlone(project, { model });
  evaluation = await evaluateRuns(project, { runs: RUNS, split: "test" });
});
afterAll(() => folder[Symbol.dispose]());

type Columns = Readonly<Record<"rows" | "logits" | "labels" | "users" | "surfaces", readonly number[]>>;

/** What a run's predictions file says of one objective. */
function readPredictions(run: string, objective: string): Columns {
  using _ = new Scope();
  const { tensors } = readSafetensors(join(project.runs, run, "predictions", "test.safetensors"));
  const column = (name: string): readonly number[] => tensors[`${objective}/${name}`]?.toNumbers() ?? [];
  return {
    rows: column("rows"),
    logits: column("logits"),
    labels: column("labels"),
    users: column("users"),
    surfaces: column("surfaces"),
  };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const crossEntropy = (y: number, p: number): number => -(y * Math.log(p) + (1 - y) * Math.log(1 - p));

/** Share of the pairs of a positive and a negative that are in the right order, ties half. */
function naiveAuc(labels: readonly number[], logits: readonly number[]): number | null {
  const of = (label: number): readonly number[] => logits.filter((_, i) => labels[i] === label);
  const pairs = of(1).flatMap((p) => of(0).map((n) => (p > n ? 1 : p === n ? 0.5 : 0)));
  return pairs.length === 0 ? null : mean(pairs);
}

function naiveGroupedAuc({ users, labels, logits }: Columns): number {
  let [sum, weight] = [0, 0];
  for (const user of new Set(users)) {
    const own = users.flatMap((other, i) => (other === user ? [i] : []));
    const take = (column: readonly number[]): number[] => own.map((i) => column[i] ?? Number.NaN);
    const auc = naiveAuc(take(labels), take(logits));
    if (auc !== null) [sum, weight] = [sum + auc * own.length, weight + own.length];
  }
  return sum / weight;
}

/** The metrics as their definitions say, from probabilities. */
function naiveMetrics(columns: Columns) {
  const { labels, logits, users } = columns;
  const probabilities = logits.map((z) => 1 / (1 + Math.exp(-z)));
  const rate = mean(labels);
  const logLoss = mean(labels.map((y, i) => crossEntropy(y, probabilities[i] ?? Number.NaN)));
  return {
    examples: labels.length,
    users: new Set(users).size,
    baseRate: rate,
    logLoss,
    normalizedEntropy: logLoss / crossEntropy(rate, rate),
    auc: naiveAuc(labels, logits),
    groupedAuc: naiveGroupedAuc(columns),
    calibration: mean(probabilities) / rate,
  };
}

function close(metrics: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(metrics).map(([key, value]) => [key, expect.closeTo(value, 9)]));
}

describe("an evaluation", () => {
  it.each(RUNS.flatMap((run) => OBJECTIVES.map((objective) => ({ run, objective }))))(
    "of $run says of $objective what its predictions say",
    ({ run, objective }) => {
      const found = evaluation.runs.find((candidate) => candidate.run === run)?.objectives[objective];
      const columns = readPredictions(run, objective);
      expect(columns.labels.length).toBeGreaterThan(50);
      expect(found?.overall).toEqual(close(naiveMetrics(columns)));
      for (const { surface, examples, logLoss } of found?.bySurface ?? []) {
        const own = columns.surfaces.flatMap((other, i) => (other === surface ? [i] : []));
        const take = (column: readonly number[]): number[] => own.map((i) => column[i] ?? Number.NaN);
        const { logits, labels, users, rows, surfaces } = columns;
        const naive = naiveMetrics({
          ...{ logits: take(logits), labels: take(labels), users: take(users) },
          ...{ rows: take(rows), surfaces: take(surfaces) },
        });
        expect({ examples, logLoss }).toEqual(close({ examples: naive.examples, logLoss: naive.logLoss }));
      }
    },
  );

  it("scores every example of the window whose label is known, once, with the label of the log", () => {
    const store = EventStore.open(project.store);
    const { validationUntilMs, testUntilMs } = timesOf(project);
    const window = Array.from({ length: store.numEvents }, (_, row) => row).filter((row) => {
      const time = store.timeOf(row);
      return time >= validationUntilMs && time < testUntilMs;
    });
    const labels = new Map(window.map((row) => [row, store.column("click").at(row) - 1]));
    store.close();
    const { rows, labels: scored } = readPredictions("previous", "click");
    expect(rows.toSorted((a, b) => a - b)).toEqual(window);
    expect(scored).toEqual(rows.map((row) => labels.get(row)));
  });

  it("compares with the baseline: the first run, or another one", async () => {
    expect(evaluation).toMatchObject({ split: "test", baseline: "baseRate" });
    expect(evaluation.runs.map(({ run, differences }) => [run, differences === null])).toEqual([
      ["baseRate", true],
      ["previous", false],
      ["foundation", false],
    ]);
    const entropyOf = (run: string) =>
      naiveMetrics(readPredictions(run, "click")).normalizedEntropy -
      naiveMetrics(readPredictions("baseRate", "click")).normalizedEntropy;
    for (const { run, differences } of evaluation.runs.slice(1)) {
      const { difference, low, high } = differences?.["click"]?.normalizedEntropy ?? {};
      expect(difference).toBeCloseTo(entropyOf(run), 9);
      expect(low).toBeLessThanOrEqual(difference ?? Number.NaN);
      expect(high).toBeGreaterThanOrEqual(difference ?? Number.NaN);
    }
    const other = await evaluateRuns(project, { runs: RUNS, split: "test", baseline: "previous" });
    expect(other.runs.map(({ differences }) => differences === null)).toEqual([false, true, false]);
    const alone = await evaluateRuns(project, { runs: ["previous"], split: "test" });
    expect(alone).toMatchObject({ baseline: null, runs: [{ differences: null }] });
    expect(alone.runs[0]?.objectives).toEqual(evaluation.runs[1]?.objectives);
  });

  it("names the surfaces, and takes a run's path for its name", async () => {
    expect(Object.values(evaluation.surfaces).toSorted()).toEqual(["feed", "stories"]);
    using elsewhere = temporaryFolder();
    const copy = join(elsewhere.path, "copy");
    cpSync(join(project.runs, "previous"), copy, { recursive: true });
    const { runs } = await evaluateRuns(project, { runs: [copy], split: "test" });
    expect(runs[0]?.objectives).toEqual(evaluation.runs[1]?.objectives);
  });

  it("gives the validation that training found", async () => {
    const { runs } = await evaluateRuns(project, { runs: ["foundation"], split: "validation" });
    const { summary, objectives } = runs[0]!;
    const entropies = OBJECTIVES.map((name) => objectives[name]?.overall.normalizedEntropy ?? Number.NaN);
    expect(summary?.best?.normalizedEntropy).toBeCloseTo(mean(entropies), 12);
  });
});

describe("what cannot be evaluated", () => {
  it("is a run that has not ended, or that there is not", async () => {
    await trainUntil(project, { model: "previous", run: "stopped" }, 3);
    const evaluate = (run: string) => evaluateRuns(project, { runs: ["previous", run], split: "test" });
    await expect(evaluate("stopped")).rejects.toMatchObject({
      code: "RUN_UNFINISHED",
      got: "a run that has not ended",
    });
    await expect(evaluate("absent")).rejects.toMatchObject({ code: "RUN_UNFINISHED", got: "no such folder" });
    expect(() => trainingCurve(project, "absent")).toThrow(expect.objectContaining({ code: "RUN_UNFINISHED" }));
  });

  it("is an empty window", async () => {
    const split = { ...SPLIT, validationUntil: "2025-03-04T00:00:01Z" };
    const narrow = projectIn(folder.path, { split });
    await trainAlone(narrow, { model: "previous", run: "narrow" });
    const evaluated = evaluateRuns(narrow, { runs: ["narrow"], split: "validation" });
    await expect(evaluated).rejects.toMatchObject({ code: "TRAIN_WINDOW", where: "validation window" });
  });

  it("is a run on events that are no longer in the store", async () => {
    using other = temporaryFolder();
    const own = await makeStore(other.path);
    await trainAlone(own, { model: "previous" });
    // The same log, written again at another time, holds the same events.
    utimesSync(join(other.path, "events.csv"), 0, 0);
    await ingest(own.events, { store: own.store, force: true, threads: 1 });
    await evaluateRuns(own, { runs: ["previous"], split: "validation" });
    await makeStore(other.path, (_, index) => index % 2 === 0);
    const evaluated = evaluateRuns(own, { runs: ["previous"], split: "test" });
    await expect(evaluated).rejects.toMatchObject({ code: "RUN_CHANGED", where: join(own.runs, "previous") });
    expect(existsSync(join(own.runs, "previous", "predictions", "test.safetensors"))).toBe(false);
  });
});

describe("the report", () => {
  it("has the difference on each surface, of that surface's examples alone", () => {
    const entropyOf = ({ labels, logits }: Pick<Columns, "labels" | "logits">): number => {
      const losses = labels.map((y, i) => crossEntropy(y, 1 / (1 + Math.exp(-(logits[i] ?? 0)))));
      return mean(losses) / mean(labels.map((y) => crossEntropy(y, mean(labels))));
    };
    const onSurface = (run: string, surface: number): number => {
      const columns = readPredictions(run, "click");
      const at = columns.surfaces.flatMap((own, i) => (own === surface ? [i] : []));
      return entropyOf({ labels: at.map((i) => columns.labels[i]!), logits: at.map((i) => columns.logits[i]!) });
    };
    const found = evaluation.runs[2]?.differences?.["click"]?.bySurface ?? [];
    expect(found.map(({ surface }) => evaluation.surfaces[surface])).toEqual(Object.values(evaluation.surfaces));
    for (const { surface, difference, low, high } of found) {
      expect(difference).toBeCloseTo(onSurface("foundation", surface) - onSurface("baseRate", surface), 10);
      expect(low).toBeLessThanOrEqual(difference ?? Number.NaN);
      expect(high).toBeGreaterThanOrEqual(difference ?? Number.NaN);
    }
  });

  it("counts the examples of each objective", () => {
    const counted = OBJECTIVES.map((objective) => {
      const { labels, users } = readPredictions("previous", objective);
      const positives = labels.filter((label) => label === 1).length;
      return [objective, labels.length, new Set(users).size, positives, positives / labels.length];
    });
    expect(countTable(evaluation).rows).toEqual(counted);
  });

  it("has every run and objective in its tables, and a dash for no difference", () => {
    const { columns, rows } = resultTable(evaluation);
    expect(rows.map((row) => row.slice(0, 2))).toEqual(OBJECTIVES.flatMap((name) => RUNS.map((run) => [name, run])));
    expect(rows.every((row) => row.length === columns.length)).toBe(true);
    expect(rows.map((row) => row.at(-1) === null)).toEqual([true, false, false, true, false, false]);
    expect(rows[1]?.at(-1)).toMatch(/^[+−]\d\.\d{4} \[[+−]\d\.\d{4}, [+−]\d\.\d{4}\]$/);
    expect(costTable(evaluation).rows.map(([run, dense]) => [run, dense])).toEqual([
      ["baseRate", 0],
      ["previous", 4734],
      ["foundation", evaluation.runs[2]?.summary?.denseParameters],
    ]);
    const [untrained, ...trained] = costTable(evaluation).rows.map((row) => row.at(-1));
    expect(untrained).toBeNull();
    expect(trained).toEqual(evaluation.runs.slice(1).map(({ summary }) => summary?.utilization?.mfu));
  });

  it("shows lengths of histories where there are any", () => {
    const page = (of: Evaluation): string => htmlPage(evaluationPage(of, { root: folder.path, notes: [], curves: {} }));
    expect(page(evaluation)).toContain("By length of the history");
    const runs = evaluation.runs.map((run) => {
      const entries = Object.entries(run.objectives).map(([name, own]) => {
        return [name, { ...own, byHistoryLength: own.byHistoryLength.filter(({ from }) => from === 0) }] as const;
      });
      return { ...run, objectives: Object.fromEntries(entries) };
    });
    expect(page({ ...evaluation, runs })).not.toMatch(/length of the history|past events/);
  });

  it("is one page of HTML that loads nothing", () => {
    const curves = Object.fromEntries(RUNS.map((run) => [run, trainingCurve(project, run)]));
    expect(curves["previous"]?.filter((record) => "loss" in record)).toHaveLength(36);
    const html = htmlPage(evaluationPage(evaluation, { root: folder.path, notes: ["<Note> & more"], curves }));
    for (const name of [...RUNS, ...OBJECTIVES, "feed", "stories"]) expect(html).toContain(`>${name}<`);
    expect(html).toMatch(/^<!doctype html>\n<html lang="en">.*<\/html>\n$/s);
    expect(html).toContain("<title>baseRate, previous and foundation</title>");
    expect(html).toContain("&lt;Note&gt; &amp; more");
    expect(html).toContain(">runs/previous/predictions/test.safetensors<");
    expect(html).not.toMatch(/<script|<link|<img|<iframe|@import|\b(?:src|href)="(?!#)|url\((?!#)/);
    expect(html).not.toContain("NaN");
    expect(html.match(/<svg/g)?.length).toBeGreaterThanOrEqual(2 * OBJECTIVES.length + 3);
  });
});
