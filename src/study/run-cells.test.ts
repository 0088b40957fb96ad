import { describe, expect, it } from "vitest";
import { USER_CONFIG } from "../../test/train/project.ts";
import { resolveConfig } from "../config/resolve.ts";
import type { AblationStudy, ScalingStudy } from "../config/study/studies.ts";
import { ablationCells, scalingCells } from "./plan.ts";
import { processesFor } from "./run-cells.ts";

const GIB = 2 ** 30;

describe("processesFor", () => {
  it.each([
    { cores: 8, memoryBytes: 100 * GIB, peakBytes: GIB, expected: 8 },
    { cores: 8, memoryBytes: 5 * GIB, peakBytes: GIB, expected: 4 },
    { cores: 8, memoryBytes: GIB, peakBytes: 10 * GIB, expected: 1 },
    { cores: 1, memoryBytes: 100 * GIB, peakBytes: 0, expected: 1 },
    { cores: 2, memoryBytes: 0, peakBytes: GIB, expected: 1 },
  ])("with $cores cores, $memoryBytes bytes and $peakBytes each is $expected", ({ expected, ...of }) => {
    expect(processesFor(of)).toBe(expected);
  });
});

describe("the cells of a study", () => {
  const models = { previous: { kind: "previous" }, foundation: { kind: "foundation" } } as const;
  const studies = {
    scaling: {
      kind: "scaling",
      models: ["previous", "foundation"],
      sizes: ["tiny", "small"],
      data: [0.5, 1],
      seeds: [1, 2],
    },
    ablation: {
      kind: "ablation",
      model: "foundation",
      variants: { apart: { apart: true } },
      seeds: [3],
      window: "test",
    },
  } as const;
  const project = resolveConfig({ ...USER_CONFIG, models, studies }, "/p/lapidary.config.json");

  it("are every family, size, amount and seed once, each one pass, day after day, on one thread", () => {
    const cells = scalingCells(project, "scaling", project.studies["scaling"] as ScalingStudy);
    const runs = cells.flatMap(({ runs }) => runs);
    expect(new Set(runs.map(({ run }) => run)).size).toBe(16);
    expect(runs[0]?.run).toBe("studies/scaling/previous-tiny-0.5-s1");
    for (const {
      size,
      seed,
      runs: [only, ...others],
    } of cells) {
      expect(others).toEqual([]);
      expect(only?.model).toMatchObject({ size, training: { seed, epochs: 1, order: "days", threads: 1 } });
    }
  });

  it("of samples learn from a part of what their model would, of all days", () => {
    const study = project.studies["scaling"] as ScalingStudy;
    const some = { ...models.previous, training: { sample: 0.4 } };
    const own = resolveConfig(
      { ...USER_CONFIG, models: { ...models, previous: some }, studies },
      "/p/lapidary.config.json",
    );
    const amounts = (dataFrom: "newest" | "sample") =>
      scalingCells(own, "scaling", { ...study, models: ["previous"], seeds: [1], dataFrom }).map((cell) => {
        return [cell.size, cell.share, cell.newest, cell.runs[0]?.model.training.sample];
      });
    expect(amounts("newest")).toEqual([
      ["tiny", 0.5, 0.5, 0.4],
      ["tiny", 1, 1, 0.4],
      ["small", 0.5, 0.5, 0.4],
      ["small", 1, 1, 0.4],
    ]);
    expect(amounts("sample")).toEqual([
      ["tiny", 0.5, 1, 0.2],
      ["tiny", 1, 1, 0.4],
      ["small", 0.5, 1, 0.2],
      ["small", 1, 1, 0.4],
    ]);
  });

  it("are one run per surface where surfaces stand apart", () => {
    const cells = ablationCells("ablation", project.studies["ablation"] as AblationStudy, ["feed", "a/b"]);
    expect(cells.map(({ variant, window }) => [variant, window])).toEqual([
      ["unchanged", "test"],
      ["apart", "test"],
    ]);
    expect(cells[0]?.runs.map(({ model }) => model.surface)).toEqual([null]);
    expect(cells[1]?.runs.map(({ run, model }) => [run, model.surface])).toEqual([
      ["studies/ablation/apart-1-s3@feed", "feed"],
      ["studies/ablation/apart-1-s3@a%2Fb", "a/b"],
    ]);
  });
});
