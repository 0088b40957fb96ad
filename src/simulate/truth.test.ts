import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { trainAlone } from "../../test/train/project.ts";
import type { ProjectConfig } from "../config/project.ts";
import { resolveConfig } from "../config/resolve.ts";
import { EventStore, ingest } from "../data/index.ts";
import { costTable, type Evaluation, evaluateRuns, resultTable, surfaceTable } from "../evaluate/index.ts";
import { labelledExamples } from "../evaluate/labelled-examples.ts";
import type { ScoredExamples } from "../metrics/scored-examples.ts";
import { readPredictions } from "../train/predict.ts";
import { RunFolder } from "../train/run/run-folder.ts";
import { simulate } from "./simulate.ts";
import { trueScores } from "./truth.ts";
import { play, projectOf, type WholeColumns } from "./world.test.support.ts";

const OBJECTIVES = { click: "trueClick", conversion: "trueConversion", like: "trueLike" } as const;

let folder = "";
let project: ProjectConfig;
let played: WholeColumns;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lapidary-truth-"));
  const often = { adLoad: 0.5, clickRate: 0.1, conversionRate: 0.5 };
  const surfaces = { feed: often, stories: often };
  project = resolveConfig(projectOf({ users: 150, days: 7, surfaces }), join(folder, "lapidary.config.json"));
  await simulate(project.world!);
  await ingest(project.events, { store: project.store, threads: 1 });
  played = play(project.world!);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Examples of some rows, as a run scores them, with useless logits. */
function examplesOf(rows: readonly number[]): ScoredExamples {
  const zeros = new Float64Array(rows.length);
  const rest = { logits: zeros, labels: zeros, users: zeros, surfaces: zeros, historyLengths: zeros };
  return { rows: Float64Array.from(rows), ...rest };
}

/** Rows of the store in the order of the log: by time, then by user. */
function rowsByEvent(): readonly number[] {
  const store = EventStore.open(project.store);
  const users = store.dictionary("user");
  const rowOf = new Map<string, number>();
  for (let user = 1; user <= store.numUsers; user++) {
    const { start, end } = store.userRange(user);
    for (const [i, time] of store.timesOf(start, end, user).entries())
      rowOf.set(`${users?.id(user)} ${time}`, start + i);
  }
  store.close();
  return played.event.map((_, i) => rowOf.get(`${played.user[i]} ${played.time[i]}`) ?? -1);
}

describe("true scores", () => {
  it("are the logits of each event's own probabilities", async () => {
    const rows = rowsByEvent();
    const at = played.event.flatMap((_, i) => (played.isAd[i] === 1 && i % 7 < 3 ? [i] : [])).reverse();
    const examples = examplesOf(at.map((i) => rows[i]!));
    using store = EventStore.open(project.store);
    const predictions = { click: examples, conversion: examples, like: examples, unheardOf: examples };
    const [truth, ...others] = await trueScores(project.world!, project).score(predictions, store);
    expect([truth?.name, others]).toEqual(["truth", []]);
    const scored = truth!.scores;
    expect(Object.keys(scored)).toEqual(["click", "conversion", "like"]);
    for (const [objective, column] of Object.entries(OBJECTIVES)) {
      const odd = at.filter((i, position) => {
        const p = played[column][i]!;
        const error = scored[objective]!.logits[position]! - Math.log(p / (1 - p));
        return !(Math.abs(error) < 1e-9);
      });
      expect(odd).toEqual([]);
    }
    expect(scored["click"]?.labels).toBe(examples.labels);
  });

  it("are none of an event that the truth does not know", async () => {
    const rows = rowsByEvent();
    const post = played.isAd.indexOf(0);
    using store = EventStore.open(project.store);
    const scores = trueScores(project.world!, project).score({ click: examplesOf([rows[post]!]) }, store);
    await expect(scores).rejects.toMatchObject({ code: "WORLD_TRUTH" });
  });

  it("are none without a truth", async () => {
    const { folder: world } = project.world!;
    renameSync(join(world, "truth"), join(world, "hidden"));
    using store = EventStore.open(project.store);
    const scores = trueScores(project.world!, project).score({ click: examplesOf([0]) }, store);
    await expect(scores).rejects.toMatchObject({ code: "WORLD_TRUTH", got: "no such folder" });
    renameSync(join(world, "hidden"), join(world, "truth"));
  });
});

describe("an evaluation of a world", () => {
  let evaluation: Evaluation;
  beforeAll(async () => {
    for (const model of ["baseRate", "logistic"]) await trainAlone(project, { model });
    const known = trueScores(project.world!, project);
    evaluation = await evaluateRuns(project, { runs: ["baseRate", "logistic"], split: "test", known });
  });

  it("shows the truth as one more run: better than every model, calibrated, of the same examples", () => {
    const [base, logistic, truth] = evaluation.runs;
    expect(truth).toMatchObject({ run: "truth", summary: null });
    for (const objective of Object.keys(OBJECTIVES)) {
      const metrics = truth?.objectives[objective]?.overall;
      expect(metrics?.examples).toBe(base?.objectives[objective]?.overall.examples);
      for (const { objectives } of [base!, logistic!]) {
        expect(metrics?.normalizedEntropy).toBeLessThan(objectives[objective]?.overall.normalizedEntropy ?? 0);
      }
      expect(Math.abs((metrics?.calibration ?? 0) - 1)).toBeLessThan(0.2);
      expect(truth?.differences?.[objective]?.normalizedEntropy.difference).toBeLessThan(0);
    }
  });

  it("can be of what is known alone: of the examples that a run is scored on", async () => {
    const known = trueScores(project.world!, project);
    const alone = await evaluateRuns(project, { runs: [], split: "test", known });
    expect(alone.runs.map(({ run }) => run)).toEqual(["truth"]);
    expect(alone.baseline).toBeNull();
    using store = EventStore.open(project.store);
    const byRow = (examples: ScoredExamples): readonly (readonly number[])[] => {
      const { rows, labels, users, surfaces, historyLengths } = examples;
      const all = Array.from(rows, (row, i) => [row, labels[i]!, users[i]!, surfaces[i]!, historyLengths[i]!]);
      return all.sort((a, b) => a[0]! - b[0]!);
    };
    const scored = readPredictions(RunFolder.at(join(project.runs, "logistic")).predictions("test"));
    const labelled = labelledExamples(project, store, "test");
    expect(Object.keys(labelled).sort()).toEqual(Object.keys(scored).sort());
    for (const [objective, examples] of Object.entries(scored)) {
      expect(byRow(labelled[objective]!)).toEqual(byRow(examples));
      const [entropy, other] = [alone.runs[0], evaluation.runs[2]].map(
        (run) => run?.objectives[objective]?.overall.normalizedEntropy,
      );
      expect(entropy).toBeCloseTo(other!, 12);
    }
  });

  it("has a table by surface and objective with all of them, and no cost of the truth", () => {
    const models = ["baseRate", "logistic", "truth"];
    const rows = surfaceTable(evaluation)?.rows ?? [];
    expect(rows.map(([surface, objective, model]) => `${surface} ${objective} ${model}`)).toEqual(
      ["feed", "stories"].flatMap((surface) =>
        Object.keys(OBJECTIVES).flatMap((objective) => models.map((model) => `${surface} ${objective} ${model}`)),
      ),
    );
    expect(resultTable(evaluation).rows.filter(([, model]) => model === "truth")).toHaveLength(3);
    expect(costTable(evaluation).rows.map(([model]) => model)).toEqual(["baseRate", "logistic"]);
  });
});
