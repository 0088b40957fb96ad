import { describe, expect, it } from "vitest";
import type { ModelSize } from "../config/types.ts";
import { analyseAblation } from "./ablation.ts";
import { efficiencyText, lineTable } from "./curves/tables.ts";
import { analyseLightweight } from "./lightweight.ts";
import type { MeasuredCell } from "./measure.ts";
import { cellOf, EXAMPLES, FLOPS, type Given } from "./scaling.test.support.ts";
import { analyseScaling } from "./scaling.ts";

const SIZES = ["tiny", "small", "medium"] as const;
describe("differences of families", () => {
  const cells = [
    ...[-1, 0, 1].map((seed) => cellOf({ variant: "base", seed, normalizedEntropy: 0.9 + seed * 1e-3 })),
    ...[-1, 0, 1].map((seed) =>
      cellOf({ variant: "base", size: "medium", seed, normalizedEntropy: 0.85 + seed * 1e-3 }),
    ),
    ...[-1, 0, 1].map((seed) => cellOf({ variant: "other", seed, normalizedEntropy: 0.88 + seed * 1e-3 })),
  ];

  it("are paired: what all share, by seed and by users, is no part of them", () => {
    const { differences } = analyseScaling({ cells }, ["base", "other"]);
    const facts = differences.map(({ family, size, baselineSize, computeRatio }) => [
      family,
      size,
      baselineSize,
      computeRatio,
    ]);
    expect(facts).toEqual([
      ["other", "small", "small", 1],
      ["other", "small", "medium", 10],
    ]);
    for (const [i, expected] of [-0.02, 0.03].entries()) {
      const { difference, differenceByObjective } = differences[i] as (typeof differences)[number];
      for (const end of [difference.mean, difference.low, difference.high, differenceByObjective["click"]?.mean]) {
        expect(end).toBeCloseTo(expected, 9);
      }
    }
  });

  it("are as wide as the seeds differ", () => {
    const shifted = cells.map((one) =>
      one.cell.variant === "other" && one.cell.seed === 1
        ? cellOf({ variant: "other", seed: 1, normalizedEntropy: 0.9 })
        : one,
    );
    const [first] = analyseScaling({ cells: shifted }, ["base", "other"]).differences;
    expect(first?.difference.high).toBeGreaterThan(0);
    expect(first?.difference.mean).toBeCloseTo((-0.02 - 0.02 - 0.001) / 3, 9);
  });
});

/** A family on the line `a − b log10(FLOP/example)`, its seeds a little off on both sides. */
function family(
  variant: string,
  { a, b, ...rest }: { a: number; b: number } & Partial<Given>,
  sizes: readonly ModelSize[] = SIZES,
): MeasuredCell[] {
  return sizes.flatMap((size) =>
    [-1, 0, 1].map((seed) =>
      cellOf({ ...rest, variant, size, seed, normalizedEntropy: a - b * Math.log10(FLOPS[size]) + seed * 1e-5 }),
    ),
  );
}

describe("analyseScaling", () => {
  // The same line, 4 times cheaper in FLOPs: NE 0.9 − 0.02 log10(4 C). A FLOP takes it 8 times as long.
  const better = { a: 0.9 - 0.02 * Math.log10(4), b: 0.02, secondsPerFlop: 8 };
  const previous = family("previous", { a: 0.9, b: 0.02 });
  const compared = analyseScaling({ cells: [...previous, ...family("foundation", better)] }, [
    "previous",
    "foundation",
  ]);

  it("finds the line of each family, against each cost", () => {
    const { families } = analyseScaling({ cells: previous }, ["previous"]);
    const lines = families[0]?.lines ?? [];
    expect(lines.map(({ axis, size, points, falls }) => [axis, size, points, falls])).toEqual([
      ["compute", null, [0, 1, 2], true],
      ["seconds", null, [0, 1, 2], true],
      ["bytes", null, [0, 1, 2], true],
    ]);
    for (const { slope } of lines.slice(0, 2)) expect(slope.mean).toBeCloseTo(0.02, 9);
    expect(lines[0]?.intercept.mean).toBeCloseTo(0.9, 9);
    // Twice the rows for ten times the FLOPs.
    expect(lines[2]?.slope.mean).toBeCloseTo(0.02 / Math.log10(2), 9);
    expect(families[0]?.frontier).toEqual({ compute: [0, 1, 2], seconds: [0, 1, 2], bytes: [0, 1, 2] });
  });

  it("knows what the baseline costs at equal NE, where its curve has that NE", () => {
    const text = (cost: string): readonly string[] =>
      compared.efficiency.filter((one) => one.cost === cost).map((one) => efficiencyText(one, "previous"));
    // A quarter of the FLOPs and twice the seconds; at the largest size the baseline has nothing that is as good.
    const expected = { compute: 4, seconds: 0.5 };
    for (const [cost, ratio] of Object.entries(expected)) {
      const [tiny, small, medium] = compared.efficiency.filter((one) => one.cost === cost);
      for (const one of [tiny, small]) {
        expect(one?.ratio.mean).toBeCloseTo(ratio, 6);
        expect(one?.ratio.low).toBeLessThan(ratio);
        expect(one?.ratio.high).toBeGreaterThan(ratio);
        expect(one?.ratio.high).toBeLessThan(1.1 * ratio);
      }
      expect(medium?.ratio).toEqual({ mean: null, low: null, high: null });
    }
    // Its largest size has 1 times the FLOPs, and an eighth of the seconds.
    expect(text("compute")[2]).toBe("more than 1.00");
    expect(text("seconds")[2]).toBe("more than 0.125");
    expect(text("compute")[0]).toMatch(/^4\.\d\d? \[3\.\d+, 4\.\d+\]$|^4\.00 \[/);
  });

  it("interpolates between neighbours, and not along a line through all", () => {
    // A bent curve: NE 0.8 at 1e6, 0.7 at 1e7, 0.69 at 1e8 FLOP/example; halfway down its first part is 10^6.5.
    const entropies = { tiny: 0.8, small: 0.7, medium: 0.69 } as const;
    const bent = SIZES.flatMap((size) =>
      [-1, 1].map((seed) => cellOf({ variant: "base", size, seed, normalizedEntropy: entropies[size] + seed * 1e-6 })),
    );
    const own = [-1, 1].map((seed) => cellOf({ variant: "other", size: "tiny", seed, normalizedEntropy: 0.75 }));
    const { efficiency, levels } = analyseScaling({ cells: [...bent, ...own] }, ["base", "other"]);
    const of = (cost: string) => efficiency.find((one) => one.cost === cost)?.ratio.mean;
    expect(of("compute")).toBeCloseTo(10 ** 0.5, 3);
    expect(of("bytes")).toBeCloseTo(2 ** 0.5, 3);
    // One point is no curve that overlaps with another.
    expect(levels).toEqual([]);
  });

  it("compares costs at levels of NE that all families reach", () => {
    expect(compared.levels).toHaveLength(5);
    // From the foundation's worst to the baseline's best.
    expect(compared.levels[0]?.normalizedEntropy).toBeCloseTo(better.a - 0.02 * 6, 9);
    expect(compared.levels[4]?.normalizedEntropy).toBeCloseTo(0.9 - 0.02 * 8, 9);
    const ends = [compared.levels[0]?.costs["foundation"], compared.levels[4]?.costs["previous"]];
    for (const end of ends) expect(end?.compute.mean).not.toBeNull();
    for (const { costs } of compared.levels.slice(1, 4)) {
      const ratioOf = (cost: "compute" | "seconds"): number =>
        (costs["previous"]?.[cost].mean ?? 0) / (costs["foundation"]?.[cost].mean ?? 1);
      expect(ratioOf("compute")).toBeCloseTo(4, 5);
      expect(ratioOf("seconds")).toBeCloseTo(0.5, 5);
    }
  });

  it("has the ratio of slopes only where the baseline's line falls", () => {
    const twice = family("foundation", { a: 1, b: 0.04 });
    const { slopeRatios } = analyseScaling({ cells: [...previous, ...twice] }, ["previous", "foundation"]);
    expect(slopeRatios.map(({ axis, ratio }) => [axis, Number(ratio.mean?.toFixed(9))])).toEqual([
      ["compute", 2],
      ["seconds", 2],
      ["bytes", 2],
    ]);
  });

  it("says that nothing can be told of a baseline that may be level", () => {
    // Its largest model is the worst of all, and would make any bound as large as one likes.
    const level = (["tiny", "small", "medium", "large"] as const).flatMap((size, i) =>
      [-1, 0, 1].map((seed) =>
        cellOf({
          variant: "previous",
          size,
          seed,
          normalizedEntropy: 0.8 + [0, -1e-3, -1e-3, 2e-4][i]! + seed * (i - 1) * 3e-4,
        }),
      ),
    );
    const cells = [...level, ...family("foundation", better)];
    const result = analyseScaling({ cells }, ["previous", "foundation"]);
    expect(result.families.map(({ lines }) => lines.every(({ falls }) => falls))).toEqual([false, true]);
    for (const one of result.efficiency) {
      expect(one).toMatchObject({ baselineFalls: false, moreThan: null, ratio: { mean: null, low: null, high: null } });
      if (one.lessThan === null)
        expect(efficiencyText(one, "previous")).toBe("cannot be told: previous may not fall at all");
    }
    expect(result.efficiency.filter(({ lessThan }) => lessThan === null).length).toBeGreaterThan(0);
    const words = lineTable(result).rows.map((row) => [row[0], row.at(-2), row.at(-1)]);
    expect(words[0]).toEqual(["previous", "cannot be told from level", null]);
    expect(words.at(-1)).toEqual(["foundation", "falls", "not told: previous may not fall at all"]);
  });

  it("fits amounts of data of one size, against examples", () => {
    const amounts = [0.25, 0.5, 1].flatMap((share) =>
      (["tiny", "small"] as const).flatMap((size) =>
        [-1, 0, 1].map((seed) => {
          const normalizedEntropy = 0.9 - 0.03 * Math.log10(share * EXAMPLES) - (size === "small" ? 0.01 : 0);
          return cellOf({ variant: "previous", size, share, seed, normalizedEntropy: normalizedEntropy + seed * 1e-5 });
        }),
      ),
    );
    const { families } = analyseScaling({ cells: amounts }, ["previous"]);
    const line = families[0]?.lines.find(({ axis }) => axis === "examples");
    expect(line).toMatchObject({ size: "small", falls: true });
    expect(line?.slope.mean).toBeCloseTo(0.03, 9);
    // Against the costs of one amount, only sizes are compared.
    const compute = families[0]?.lines.find(({ axis }) => axis === "compute");
    expect(compute?.slope.mean).toBeCloseTo(0.01, 9);
  });

  it("leaves out a cost that earlier runs did not count", () => {
    const cells = family("previous", { a: 0.9, b: 0.02 }).map((one) => ({
      ...one,
      cost: { ...one.cost, bytes: null },
    }));
    const { families, efficiency } = analyseScaling({ cells: [...cells, ...family("foundation", better)] }, [
      ...["previous", "foundation"],
    ]);
    expect(families[0]?.lines.map(({ axis }) => axis)).toEqual(["compute", "seconds"]);
    expect(efficiency.map(({ cost }) => cost)).not.toContain("bytes");
  });
});

describe("bounds of an efficiency", () => {
  const foundation = family("foundation", { a: 0.8, b: 0 }, ["tiny"]);
  const boundsOf = (previous: readonly MeasuredCell[]) => {
    const { efficiency } = analyseScaling({ cells: [...previous, ...foundation] }, ["previous", "foundation"]);
    const [first] = efficiency as [(typeof efficiency)[number]];
    return { ...first, text: efficiencyText(first, "previous") };
  };
  const at = (size: ModelSize, means: readonly number[]): MeasuredCell[] =>
    means.map((normalizedEntropy, i) => cellOf({ variant: "previous", size, seed: i - 1, normalizedEntropy }));
  const [worst, worse, unsure, better] = [
    [0.83, 0.831, 0.829],
    [0.81, 0.811, 0.809],
    [0.78, 0.83, 0.82],
    [0.75, 0.751, 0.749],
  ] as const;

  it("reach as far as every cheaper model of a baseline that falls is worse beyond doubt", () => {
    expect(boundsOf([...at("tiny", worst), ...at("small", worse)])).toMatchObject({
      ...{ baselineFalls: true, moreThan: 10, lessThan: null, text: "more than 10.0" },
    });
    expect(boundsOf([...at("tiny", worse), ...at("small", worst)])).toMatchObject({
      ...{ baselineFalls: false, moreThan: null, text: "cannot be told: previous may not fall at all" },
    });
    // Dearer models that are worse say nothing if a cheaper one may be as good.
    expect(boundsOf([...at("tiny", unsure), ...at("small", worse)])).toMatchObject({ moreThan: null, lessThan: null });
  });

  it("stand beside what the curve says, and are said where it says nothing", () => {
    const crossing = boundsOf([...at("tiny", worse), ...at("small", better)]);
    expect(crossing).toMatchObject({ moreThan: 1, lessThan: 10 });
    // NE 0.8 is a sixth of the way from 0.81 to 0.75.
    expect(crossing.ratio.mean).toBeCloseTo(10 ** (1 / 6), 6);
    expect(boundsOf([...at("tiny", better), ...at("small", better)])).toMatchObject({
      ...{ moreThan: null, lessThan: 1, text: "less than 1.00" },
    });
  });
});

describe("analyseAblation", () => {
  it("compares seed by seed with the unchanged model", () => {
    const cells = [
      ...[1, 2].map((seed) => cellOf({ variant: "unchanged", seed, normalizedEntropy: 0.8 + seed })),
      ...[1, 2].map((seed) => cellOf({ variant: "cut", seed, normalizedEntropy: 0.81 + seed, flopsPerExample: 5e6 })),
    ];
    const { variants } = analyseAblation({ cells }, "foundation");
    expect(variants.map(({ variant, difference }) => [variant, difference === null])).toEqual([
      ["unchanged", true],
      ["cut", false],
    ]);
    // The seeds differ by 1, their differences by nothing.
    expect(variants[1]?.difference?.mean).toBeCloseTo(0.01, 12);
    expect(variants[1]?.difference?.high).toBeCloseTo(0.01, 6);
    expect(variants[1]?.differenceByObjective["click"]?.mean).toBeCloseTo(0.01, 12);
    expect(variants[1]?.costRatio).toBe(0.5);
  });
});

describe("analyseLightweight", () => {
  const ablation = (differences: readonly number[], flopsPerExample: number) =>
    analyseAblation(
      {
        cells: [0, ...differences].map((by, i) =>
          cellOf({ variant: i === 0 ? "unchanged" : `v${i}`, normalizedEntropy: 0.8 + by, flopsPerExample }),
        ),
      },
      "foundation",
    );

  it("correlates the differences and compares the costs", () => {
    const result = analyseLightweight(ablation([0.1, 0.2, -0.3, 0.4], 1e7), ablation([0.2, 0.1, -0.1, 0.3], 1e6));
    // Ranks 2 3 1 4 and 3 2 1 4: Σd² = 2.
    expect(result.rankCorrelation.value).toBeCloseTo(1 - 12 / 60, 12);
    expect(result).toMatchObject({ changes: 4, agreeing: 4 });
    expect(result.costRatio).toBeCloseTo(10, 9);
    expect(result.secondsRatio).toBeCloseTo(10, 9);
    expect(analyseLightweight(ablation([0.1, -0.1], 1), ablation([-0.1, -0.1], 1)).agreeing).toBe(1);
  });
});
