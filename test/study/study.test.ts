import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { UserConfig } from "../../src/config/schema.ts";
import type { KnownScores } from "../../src/evaluate/index.ts";
import { metricRow } from "../../src/metrics/evaluation.ts";
import { runStudy, type StudyReport, studyTables } from "../../src/study/index.ts";
import type { RunSummary } from "../../src/train/index.ts";
import { type Ended, lapidary, lastLine, start } from "../cli/lapidary.ts";
import { makeStore, temporaryFolder, USER_CONFIG } from "../train/project.ts";

const TINY = { size: "tiny", history: 8 } as const;
const CONFIG = {
  ...USER_CONFIG,
  training: { globalBatchSize: 36, threads: 1, checkpointEverySteps: 5 },
  models: { previous: { kind: "previous", ...TINY }, foundation: { kind: "foundation", ...TINY } },
  studies: {
    scaling: {
      kind: "scaling",
      models: ["previous", "foundation"],
      sizes: ["tiny", "small"],
      data: [0.5, 1],
      seeds: [1],
    },
    ablation: {
      kind: "ablation",
      model: "foundation",
      seeds: [1],
      variants: {
        noGates: { architecture: { gates: "none" } },
        short: { history: 2 },
        apart: { apart: true },
      },
    },
    light: { kind: "lightweight", of: "ablation", light: { dim: 4 } },
    target: { kind: "target", model: "previous", every: "12h", objective: "click", seeds: [1, 2] },
  },
} as const satisfies UserConfig;

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(async () => {
  folder = temporaryFolder();
  await makeStore(folder.path);
  writeFileSync(join(folder.path, "lapidary.config.json"), JSON.stringify(CONFIG));
});
afterAll(() => folder[Symbol.dispose]());

type Result<K> = StudyReport & {
  readonly result: Extract<StudyReport["result"], { readonly kind: K }>;
  readonly page: string;
};

const scale = (...args: readonly string[]) => lapidary(["scale", ...args, "--json"], { cwd: folder.path });
const at = (...path: readonly string[]): string => join(folder.path, "runs", "studies", ...path);
/** Files of a study's rows, in the project's own folder. */
const rowsOf = (study: string): readonly string[] => readdirSync(join(folder.path, "studies", study)).toSorted();
const runsOf = (study: string): readonly string[] =>
  readdirSync(at(study)).filter((name) => !name.startsWith("study."));
function reportOf<K extends StudyReport["result"]["kind"]>(ended: Ended, study: string): Result<K> {
  expect(ended).toMatchObject({ code: 0 });
  return lastLine<{ readonly studies: Readonly<Record<string, Result<K>>> }>(ended).studies[study] as Result<K>;
}
const summaryOf = (run: string) => JSON.parse(readFileSync(join(run, "summary.json"), "utf8")) as RunSummary;
/** What a study found, without what differs from time to time. */
function withoutSeconds(study: string): unknown {
  const isTime = (key: string, value: unknown): boolean =>
    ["seconds", "secondsRatio"].includes(key) || (value as { readonly cost?: unknown } | null)?.cost === "seconds";
  return JSON.parse(readFileSync(at(study, "study.json"), "utf8"), (key, value) => (isTime(key, value) ? 0 : value));
}

interface Evaluated {
  readonly overall: { readonly normalizedEntropy: number };
  readonly bySurface: readonly { readonly surface: number; readonly normalizedEntropy: number | null }[];
}

/** What the first model says of clicks, as if it were the truth, and something worse as what could be learned of it. */
function knownOfClicks() {
  const calls: string[] = [];
  let entropy = Number.NaN;
  const known: KnownScores = {
    score: async ({ click }) => {
      calls.push("asked");
      if (click === undefined) return [];
      const less = { ...click, logits: click.logits.map((z) => z - 0.05) };
      entropy = metricRow(less).normalizedEntropy ?? Number.NaN;
      return [
        { name: "truth", isMeasure: true, scores: { click } },
        { name: "without taste", isMeasure: false, scores: {} },
        { name: "learnable", isMeasure: true, scores: { click: less } },
      ];
    },
  };
  return { known, calls, learnable: () => entropy };
}

describe("a scaling study", () => {
  const least = ["sizes=[tiny]", "data=[1]", "seeds=[1,2]"].flatMap((part) => ["--set", `studies.scaling.${part}`]);

  it("trains every size, amount and seed once, and fits them", async () => {
    const report = reportOf<"scaling">(await scale("scaling"), "scaling");
    expect(runsOf("scaling")).toHaveLength(2 * 2 * 2);
    const { families, efficiency, slopeRatios } = report.result;
    expect(families.map(({ name, points }) => [name, points.length])).toEqual([
      ["previous", 4],
      ["foundation", 4],
    ]);
    for (const { points } of families) {
      const [tinyHalf, tiny, smallHalf, small] = points.map(({ cost }) => cost);
      // Whole batches of 36 of the 441 examples, and of the newest half of them.
      expect([tiny?.examples, small?.examples]).toEqual([432, 432]);
      expect([tinyHalf?.examples, smallHalf?.examples]).toEqual([216, 216]);
      expect(small?.flopsPerExample).toBeGreaterThan(tiny?.flopsPerExample ?? 0);
      expect(tiny?.compute).toBeCloseTo((tiny?.flopsPerExample ?? 0) * 432, 0);
    }
    const costs = ["compute", "seconds", "bytes"] as const;
    expect(efficiency.map(({ size, cost }) => [size, cost])).toEqual([
      ...costs.map((cost) => ["tiny", cost]),
      ...costs.map((cost) => ["small", cost]),
    ]);
    expect(slopeRatios.map(({ family, axis }) => [family, axis])).toEqual(
      [...costs, "examples"].map((axis) => ["foundation", axis]),
    );
    const html = readFileSync(report.page, "utf8");
    const plots = ["FLOP of the whole training", "bytes of rows gathered per example trained", "examples learned from"];
    for (const text of ["Scaling", "previous", "foundation", ...plots, "<svg"]) expect(html).toContain(text);
  });

  it("scores as `evaluate` does", async () => {
    const path = at("scaling", "foundation-tiny-1-s1");
    const ended = await lapidary(["evaluate", path, "--json"], { cwd: folder.path });
    const { runs, surfaces } = lastLine<{
      readonly runs: readonly {
        readonly objectives: Readonly<Record<string, Evaluated>>;
      }[];
      readonly surfaces: Readonly<Record<number, string>>;
    }>(ended);
    const { result } = JSON.parse(readFileSync(at("scaling", "study.json"), "utf8")) as Result<"scaling">;
    const point = result.families[1]?.points.find(({ size, share }) => size === "tiny" && share === 1);
    for (const [name, { overall, bySurface }] of Object.entries(runs[0]?.objectives ?? {})) {
      expect(point?.byObjective[name]?.bySeed[0]).toBeCloseTo(overall.normalizedEntropy, 12);
      expect(bySurface).toHaveLength(2);
      for (const { surface, normalizedEntropy } of bySurface) {
        const own = point?.bySurface[surfaces[surface] ?? ""]?.[name];
        expect(own?.bySeed[0] ?? null).toEqual(
          normalizedEntropy === null ? null : expect.closeTo(normalizedEntropy, 12),
        );
      }
    }
  });

  it("says how much of what could be known the models know", async () => {
    const project = resolveConfig(CONFIG, join(folder.path, "lapidary.config.json"));
    const { known, calls, learnable } = knownOfClicks();
    const signal = new AbortController().signal;
    const options = { study: "scaling", parallel: 1, fresh: false, signal, onProgress: () => {} };
    const outcome = await runStudy(project, { ...options, known });
    if (outcome.kind !== "finished" || outcome.report.result.kind !== "scaling") throw new Error("not finished");
    expect(calls).toEqual(["asked"]);
    const { report } = outcome;
    const points = outcome.report.result.families.flatMap((family) => family.points);
    const least = points[0]?.byObjective["click"]?.mean ?? Number.NaN;
    expect(report.best).toEqual({ click: least });
    for (const { byObjective, gapClosed, learnableClosed } of points) {
      const gap = 1 - (byObjective["click"]?.mean ?? 0);
      expect(gapClosed).toEqual({ click: expect.objectContaining({ mean: expect.closeTo(gap / (1 - least), 9) }) });
      const mean = expect.closeTo(gap / (1 - learnable()), 9);
      expect(learnableClosed).toEqual({ click: expect.objectContaining({ mean }) });
    }
    expect(points[0]?.learnableClosed["click"]?.mean).not.toBe(1);
    expect(points[0]?.gapClosed["click"]).toMatchObject({ mean: 1, low: 1, high: 1 });
    for (const [surface, reached] of Object.entries(report.bestBySurface)) {
      const first = points[0]?.bySurface[surface]?.["click"]?.mean;
      if (first !== undefined) expect(reached["click"]).toBeCloseTo(first ?? Number.NaN, 12);
    }
    expect(Object.keys(report.bestBySurface).toSorted()).toEqual(["feed", "stories"]);
    const bySurface = studyTables(report).at(-1);
    expect(bySurface?.rows.map(([model]) => model).filter((model) => model === "best possible")).toHaveLength(2);
    const [, gaps] = studyTables(report);
    expect(gaps?.rows).toHaveLength(points.length);
    expect(gaps?.rows[0]?.at(-2)).toBe("100.0% [100.0%, 100.0%]");
    expect(gaps?.columns.slice(-2).map(({ label }) => label)).toEqual([
      "click [95%]",
      "click, of what could be learned [95%]",
    ]);
  });

  it("leaves out what lines would say where there are none", async () => {
    const { bestBySurface, result } = reportOf<"scaling">(await scale("scaling"), "scaling");
    const labels = (of: typeof result): readonly (string | undefined)[] =>
      studyTables({ bestBySurface, result: of }).map(({ columns }) => columns.at(-1)?.label);
    const single = {
      ...result,
      families: result.families.map((one) => ({ ...one, lines: [] })),
      levels: [],
    };
    expect(labels(result)).toEqual(expect.arrayContaining([expect.stringMatching(/^slope/)]));
    expect(labels(single)).toEqual(labels(result).filter((label) => !/needs|slope|gathered \[/.test(label ?? "")));
  });

  it("trains nothing again, and only what is new", async () => {
    const before = runsOf("scaling").map((run) => summaryOf(at("scaling", run)));
    expect(reportOf<"scaling">(await scale("scaling", ...least), "scaling").seeds).toEqual([1, 2]);
    // One more of each model.
    expect(runsOf("scaling")).toHaveLength(2 * 2 * 2 + 2);
    const after = runsOf("scaling")
      .filter((run) => !run.endsWith("s2"))
      .map((run) => summaryOf(at("scaling", run)));
    expect(after).toEqual(before);
  });

  it("stands beside the same study of another world", async () => {
    const { overWorlds } = reportOf<"scaling">(await scale("scaling", ...least, "--worlds", folder.path), "scaling");
    const [own, other] = [0, 1].map((world) => overWorlds?.map(({ byWorld }) => byWorld[world]));
    expect(own?.length).toBeGreaterThan(0);
    expect(other).toEqual(own);
    const refused = await scale("scaling", ...least, "--worlds", at());
    expect(lastLine(refused)).toMatchObject({ error: { code: "STUDY_WORLD", where: at() } });
  });

  it("goes on from its rows where all runs are gone", async () => {
    expect((await scale("scaling", ...least)).code).toBe(0);
    const expected = withoutSeconds("scaling");
    // All that were trained above, and what was known of clicks.
    expect(rowsOf("scaling")).toHaveLength(2 * 2 * 2 + 2 + 1);
    renameSync(at("scaling"), at("elsewhere"));
    rmSync(join(folder.path, "studies", "scaling", "previous-tiny-1-s1.json"));
    expect((await scale("scaling", ...least)).code).toBe(0);
    // The one without a row; with those of the others it makes the same pairs as before.
    expect(runsOf("scaling")).toEqual(["previous-tiny-1-s1"]);
    expect(withoutSeconds("scaling")).toEqual(expected);
    rmSync(at("scaling"), { recursive: true });
    renameSync(at("elsewhere"), at("scaling"));
  });

  it("notices a changed configuration before it trains, and starts over when it is told to", async () => {
    const fewer = ["--set", "studies.scaling.data=[1]", "--set", "studies.scaling.sizes=[tiny]"];
    const change = ["--set", "models.previous.history=4", ...fewer];
    const refused = await scale("scaling", ...change);
    expect(refused.code).toBe(1);
    const where = join(folder.path, "studies", "scaling", "previous-tiny-1-s1.json");
    expect(lastLine(refused)).toMatchObject({
      error: { code: "RUN_CHANGED", where, got: "others, for 1 of its 2 runs" },
    });
    reportOf<"scaling">(await scale("scaling", ...change, "--fresh", "--parallel", "2"), "scaling");
    expect(runsOf("scaling")).toHaveLength(2);
    for (const studies of [at(), join(folder.path, "studies")])
      expect(readdirSync(studies).filter((name) => name.startsWith("scaling."))).toHaveLength(1);
  });

  it("names the studies that there are", async () => {
    const ended = await scale("scalling");
    expect(lastLine(ended)).toMatchObject({ error: { code: "STUDY_UNKNOWN", hint: "Did you mean scaling?" } });
  });

  it("ends with the error of a run that fails, and lets the others stop well", async () => {
    const ended = await scale("ablation", "--set", "models.foundation.training.globalBatchSize=400");
    expect(ended.code).toBe(1);
    // A surface has fewer examples than that.
    expect(lastLine(ended)).toMatchObject({
      error: { code: "TRAIN_WINDOW", where: expect.stringContaining("apart-1-s") },
    });
  });
});

describe("a study of a light variant", () => {
  it("compares the changes with those of the full model, which it trains if need be", async () => {
    for (const studies of [at(), join(folder.path, "studies")])
      rmSync(join(studies, "ablation"), { recursive: true, force: true });
    const { result } = reportOf<"lightweight">(await scale("light"), "light");
    expect(runsOf("ablation")).toHaveLength(5);
    expect(runsOf("light")).toHaveLength(5);
    expect(result.changes).toBe(3);
    expect(result.rankCorrelation.value).not.toBeNull();
    expect(result.costRatio).toBeGreaterThan(1);
    for (const { variants } of [result.full, result.light]) {
      expect(variants.map(({ variant }) => variant)).toEqual(["unchanged", "noGates", "short", "apart"]);
    }
    // Two models of one surface each learn together from what one learns from, but for what fills no batch.
    const apart = result.full.variants.find(({ variant }) => variant === "apart");
    expect(apart?.cost.examples).toBeGreaterThan(441 - 2 * 36);
    expect(Object.keys(apart?.bySurface ?? {}).toSorted()).toEqual(["feed", "stories"]);
  });
});

describe("a study of the way to a target", () => {
  it("scores each window before it learns from it, and keeps what it has", async () => {
    const { result, seeds } = reportOf<"target">(await scale("target"), "target");
    expect(seeds).toEqual([1, 2]);
    const begins = result.windows.map(({ fromMs }) => new Date(fromMs).toISOString());
    expect(begins.length).toBeGreaterThan(2);
    // The last window is the first of the days that follow the training window; none is of the test days.
    expect(begins.at(-1)).toBe("2025-03-04T00:00:00.000Z");
    // As `evaluate` says of the run, of the events up to the next one.
    const last =
      runsOf("target")
        .filter((run) => run.startsWith("previous-s1@"))
        .at(-1) ?? "";
    const until = [
      "--set",
      "split.testUntil=2025-03-04T12:00:00Z",
      "--set",
      "split.validationUntil=2025-03-04T06:00:00Z",
    ];
    const ended = await lapidary(["evaluate", at("target", last), "--split", "test", "--json", ...until], {
      cwd: folder.path,
    });
    const { runs } = lastLine<{
      readonly runs: readonly { readonly objectives: Readonly<Record<string, Evaluated>> }[];
    }>(ended);
    const entropy = runs[0]?.objectives["click"]?.overall.normalizedEntropy ?? Number.NaN;
    expect(result.windows.at(-1)?.normalizedEntropy.bySeed[0]).toBeCloseTo(entropy, 12);
    expect(result.seeds.map(({ isReached }) => isReached)).toEqual([null, null]);

    // Runs that are gone are not missed, and a target is told of what is kept.
    rmSync(at("target"), { recursive: true });
    const entropies = result.windows.map(({ normalizedEntropy }) => Math.max(...normalizedEntropy.bySeed.map(Number)));
    const target = (entropies[1] ?? 0) + 1e-9;
    const told = reportOf<"target">(await scale("target", "--set", `studies.target.target=${target}`), "target").result;
    expect(runsOf("target")).toEqual([]);
    for (const seed of told.seeds) expect(seed).toMatchObject({ isReached: true });
    expect(Math.max(...told.seeds.map(({ windows }) => windows))).toBeLessThanOrEqual(2);
    expect(told.toTarget?.examples.mean).toBeGreaterThan(0);

    const changed = await scale("target", "--set", "models.previous.history=4");
    expect(lastLine(changed)).toMatchObject({ error: { code: "RUN_CHANGED", got: "others, for 2 of its 2 runs" } });
  });
});

/** Processes that a process has started and that are not gone. */
const childrenOf = (pid: number): readonly number[] =>
  existsSync(`/proc/${pid}`)
    ? readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number)
    : [];

/** Kills as many of a study's processes, one after the other. */
async function killWorkers({ child }: ReturnType<typeof start>, deaths: number): Promise<void> {
  const dead = new Set<number>();
  while (child.exitCode === null && dead.size < deaths) {
    const worker = childrenOf(child.pid ?? 0).find((pid) => !dead.has(pid));
    if (worker !== undefined) {
      process.kill(worker, "SIGKILL");
      dead.add(worker);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const DEATH = /studies\/ablation\/\S+: expected a process that ends well, got signal SIGKILL/;

describe("a study that is killed", () => {
  it("goes on, with a run whose process dies as well, and ends with the report of one that was not", async () => {
    // Of the runs that the light study has trained.
    expect((await scale("ablation")).code).toBe(0);
    const expected = withoutSeconds("ablation");
    for (const doneBefore of [1, 3]) {
      const { child, ended } = start(["scale", "ablation", ...(doneBefore === 1 ? ["--fresh"] : [])], {
        cwd: folder.path,
      });
      const isFar = (): boolean =>
        runsOf("ablation").filter((run) => existsSync(at("ablation", run, "summary.json"))).length >= doneBefore;
      if (child.stderr) await once(child.stderr, "data");
      while (!existsSync(at("ablation")) || !isFar()) await new Promise((resolve) => setTimeout(resolve, 20));
      child.kill("SIGKILL");
      await ended;
    }
    expect(existsSync(at("ablation", "study.json"))).toBe(false);
    const last = start(["scale", "ablation"], { cwd: folder.path });
    await killWorkers(last, 1);
    const { code, stderr } = await last.ended;
    expect(stderr).toMatch(DEATH);
    expect(stderr).toContain("It goes on from its last checkpoint, once.");
    expect(code).toBe(0);
    expect(withoutSeconds("ablation")).toEqual(expected);
  });

  it("gives up when a second process of one run dies", async () => {
    const study = start(["scale", "ablation", "--fresh", "--json", "--parallel", "1"], { cwd: folder.path });
    await killWorkers(study, 2);
    const ended = await study.ended;
    expect(ended.stderr).toMatch(DEATH);
    expect(lastLine(ended)).toMatchObject({ error: { code: "PROCESS_FAILED" } });
  });

  it("stops at Ctrl-C with checkpoints and says how far it is", async () => {
    const { child, ended } = start(["scale", "ablation", "--fresh", "--json"], { cwd: folder.path });
    if (child.stderr) await once(child.stderr, "data");
    child.kill("SIGINT");
    const stopped = await ended;
    expect(stopped.code).toBe(130);
    expect(lastLine(stopped)).toMatchObject({ stopped: true, study: "ablation", total: 5 });
    expect(stopped.stderr).toMatch(
      /stopped with \d+ of 5 models of ablation finished; the same command without --fresh/,
    );
  });
});
