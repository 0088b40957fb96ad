import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeStore, projectIn, temporaryFolder, trainAlone } from "../../test/train/project.ts";
import type { ProjectConfig } from "../config/project.ts";
import { EventStore } from "../data/index.ts";
import { htmlPage } from "../report/html.ts";
import { type Predictions, readPredictions } from "../train/predict.ts";
import { type Evaluation, evaluateRuns } from "./evaluation.ts";
import { dayTable, evaluationPage } from "./evaluation-report.ts";

const DAY_MS = 24 * 3600 * 1000;
/** Noon: days since the end of training are not those of the calendar. */
const SPLIT = { trainUntil: "2025-03-02T12:00:00Z", validationUntil: "2025-03-05", testUntil: "2025-03-06" };
const RUNS = ["baseRate", "previous"];

let folder: ReturnType<typeof temporaryFolder>;
let project: ProjectConfig;
let evaluation: Evaluation;
beforeAll(async () => {
  folder = temporaryFolder();
  await makeStore(folder.path);
  project = projectIn(folder.path, { split: SPLIT });
  for (const model of RUNS) await trainAlone(project, { model });
  evaluation = await evaluateRuns(project, { runs: RUNS, split: "validation" });
});
afterAll(() => folder[Symbol.dispose]());

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const entropy = (y: number, p: number): number => -(y * Math.log(p) + (1 - y) * Math.log(1 - p));

/** NE of clicks on each day, from probabilities. */
function naiveDays(scores: Predictions): Readonly<Record<number, { examples: number; entropy: number }>> {
  using store = EventStore.open(project.store);
  const { rows, labels, logits } = scores["click"]!;
  const days = Array.from(rows, (row) => Math.floor((store.timeOf(row) - Date.parse(SPLIT.trainUntil)) / DAY_MS));
  return Object.fromEntries(
    [...new Set(days)].map((day) => {
      const own = days.flatMap((other, i) => (other === day ? [i] : []));
      const rate = mean(own.map((i) => labels[i]!));
      const loss = mean(own.map((i) => entropy(labels[i]!, 1 / (1 + Math.exp(-logits[i]!)))));
      return [day, { examples: own.length, entropy: loss / entropy(rate, rate) }];
    }),
  );
}

describe("an evaluation by day", () => {
  it("has a row of each day since the end of training, as its predictions say, and its difference", () => {
    const [baseline, naive] = RUNS.map((run) => {
      return naiveDays(readPredictions(join(project.runs, run, "predictions", "validation.safetensors")));
    });
    const found = evaluation.runs[1]?.byDay["click"] ?? [];
    expect(found.map(({ day }) => day)).toEqual([0, 1, 2]);
    for (const { day, examples, normalizedEntropy, difference } of found) {
      const [was, now] = [baseline?.[day], naive?.[day]];
      expect(examples).toBe(now?.examples);
      expect(normalizedEntropy).toBeCloseTo(now?.entropy ?? Number.NaN, 9);
      expect(difference?.difference).toBeCloseTo((now?.entropy ?? Number.NaN) - (was?.entropy ?? Number.NaN), 9);
      expect(difference?.low).toBeLessThan(difference?.high ?? Number.NaN);
    }
    expect(evaluation.runs[0]?.byDay["click"]?.map(({ difference }) => difference)).toEqual([null, null, null]);
  });

  it("shows them in the report", () => {
    const table = dayTable(evaluation);
    expect(table?.rows.filter(([objective]) => objective === "click").map((row) => row.slice(1, 3))).toEqual([
      ...[0, 1, 2].flatMap((day) => RUNS.map((run) => [day, run])),
    ]);
    const page = htmlPage(evaluationPage(evaluation, { root: project.root, curves: {} }));
    expect(page).toContain("By day since training");
  });

  it("shows nothing of a window of one day", async () => {
    const short = { ...SPLIT, testUntil: "2025-03-05T12:00:00Z" };
    const one = await evaluateRuns(projectIn(folder.path, { split: short }), { runs: RUNS, split: "test" });
    expect(one.runs[1]?.byDay).toEqual({ click: [], conversion: [] });
    expect(dayTable(one)).toBeNull();
    const page = htmlPage(evaluationPage(one, { root: project.root, curves: {} }));
    expect(page).not.toContain("By day since training");
  });
});
