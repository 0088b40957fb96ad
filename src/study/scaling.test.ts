import { describe, expect, it } from "vitest";
import type { ModelSize } from "../config/types.ts";
import { combine, type Estimate } from "../metrics/comparison/seed-interval.ts";
import { analyseAblation } from "./ablation.ts";
import { analyseLightweight } from "./lightweight.ts";
import type { MeasuredCell } from "./measure.ts";
import { analyseScaling } from "./scaling.ts";
import { efficiencyText } from "./study-tables.ts";

const SIZES = ["tiny", "small", "medium"] as const;
const FLOPS = { tiny: 1e6, small: 1e7, medium: 1e8, large: 1e9, xlarge: 1e10 } as const;
const EXAMPLES = 1e5;

interface Given {
  readonly variant: string;
  readonly size?: ModelSize;
  readonly seed?: number;
  readonly normalizedEntropy: number;
  readonly flopsPerExample?: number;
}

function cellOf({
  variant,
  size = "small",
  seed = 1,
  normalizedEntropy,
  flopsPerExample = FLOPS[size],
}: Given): MeasuredCell {
  const mean: Estimate = {
    value: normalizedEntropy,
    resampled: Float64Array.from([-1e-4, 0, 1e-4], (shift) => normalizedEntropy + shift),
  };
  const cost = {
    flopsPerExample,
    compute: flopsPerExample * EXAMPLES,
    examples: EXAMPLES,
    seconds: flopsPerExample / 1e6,
  };
  return {
    cell: { variant, model: variant, size, share: 1, newest: 1, seed, window: "validation", runs: [] },
    cost: { ...cost, denseParameters: 10, tableParameters: 20 },
    mean,
    byObjective: { click: combine([mean], ([value = 0]) => value) },
    gapClosed: {},
    learnableClosed: {},
    bySurface: {},
  };
}

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
  { a, b }: { a: number; b: number },
  sizes: readonly ModelSize[] = SIZES,
): MeasuredCell[] {
  return sizes.flatMap((size) =>
    [-1, 0, 1].map((seed) =>
      cellOf({ variant, size, seed, normalizedEntropy: a - b * Math.log10(FLOPS[size]) + seed * 1e-5 }),
    ),
  );
}

describe("analyseScaling", () => {
  // The same line, 4 times cheaper: NE 0.9 − 0.02 log10(4 C).
  const better = { a: 0.9 - 0.02 * Math.log10(4), b: 0.02 };
  const previous = family("previous", { a: 0.9, b: 0.02 });

  it("finds the line of each family", () => {
    const { families } = analyseScaling({ cells: previous }, ["previous"]);
    expect(families[0]?.perExample?.slope.mean).toBeCloseTo(0.02, 9);
    expect(families[0]?.perExample?.intercept.mean).toBeCloseTo(0.9, 9);
    expect(families[0]?.frontier?.slope.mean).toBeCloseTo(0.02, 9);
    expect(families[0]?.frontier?.points).toEqual([0, 1, 2]);
  });

  it("finds that a family is four times as efficient, where that was measured and where it was not", () => {
    const { efficiency, overall, levels } = analyseScaling({ cells: [...previous, ...family("foundation", better)] }, [
      "previous",
      "foundation",
    ]);
    for (const { ratio } of efficiency) {
      expect(ratio.mean).toBeCloseTo(4, 6);
      expect(ratio.low).toBeLessThan(4);
      expect(ratio.high).toBeGreaterThan(4);
    }
    expect(efficiency.map(({ reach }) => reach)).toEqual(["measured", "measured", "extrapolated"]);
    // The baseline is worse at the same compute, and better at ten times that where it has any.
    expect(efficiency.map(({ moreThan }) => moreThan)).toEqual([1, 1, 1]);
    expect(efficiency.map(({ lessThan }) => lessThan)).toEqual([10, 10, null]);
    expect(efficiencyText(efficiency[2] as (typeof efficiency)[number])).toMatch(
      /^more than 1\.00 \(extrapolated: 4\.00 \[/,
    );
    expect(efficiencyText(efficiency[0] as (typeof efficiency)[number])).toMatch(/^4\.00 \[/);
    expect(overall[0]).toMatchObject({ family: "foundation", reach: "extrapolated" });
    expect(overall[0]?.ratio.mean).toBeCloseTo(4, 6);
    expect(overall[0]?.slopeRatio.mean).toBeCloseTo(1, 6);
    for (const { compute } of levels) {
      expect((compute["previous"]?.flops.mean ?? 0) / (compute["foundation"]?.flops.mean ?? 1)).toBeCloseTo(4, 6);
    }
  });

  it("tells a family that is worse than all of the baseline's as such", () => {
    const worse = family("foundation", { a: 0.95, b: 0.001 }, ["tiny"]);
    const { efficiency } = analyseScaling({ cells: [...previous, ...worse] }, ["previous", "foundation"]);
    expect(efficiency[0]).toMatchObject({ reach: "extrapolated", moreThan: null, lessThan: 1 });
    expect(efficiencyText(efficiency[0] as (typeof efficiency)[number])).toMatch(/^less than 1\.00/);
  });

  it("never pretends that a baseline that gets no better would get there", () => {
    const flat = family("previous", { a: 0.8, b: 0 });
    const { efficiency, families } = analyseScaling({ cells: [...flat, ...family("foundation", better)] }, [
      "previous",
      "foundation",
    ]);
    expect(families[0]?.frontier).toBeNull();
    const last = efficiency[2] as (typeof efficiency)[number];
    expect(last.ratio).toMatchObject({ mean: null, low: null, high: null });
    expect(efficiencyText(last)).toBe("more than 1.00 (extrapolated: its line does not fall)");
    const senseless = { mean: 2.6e38, low: null, high: null, bySeed: [1e20, 1e39] };
    expect(efficiencyText({ ...last, ratio: senseless })).toBe("more than 1.00 (extrapolated: its line hardly falls)");
  });
});

describe("bounds of an efficiency", () => {
  const foundation = family("foundation", { a: 0.8, b: 0 }, ["tiny"]);
  const boundsOf = (previous: readonly MeasuredCell[]) => {
    const { efficiency } = analyseScaling({ cells: [...previous, ...foundation] }, ["previous", "foundation"]);
    const { moreThan, lessThan, reach } = efficiency[0] as (typeof efficiency)[number];
    return { moreThan, lessThan, reach, text: efficiencyText(efficiency[0] as (typeof efficiency)[number]) };
  };
  const at = (size: ModelSize, means: readonly number[]): MeasuredCell[] =>
    means.map((normalizedEntropy, i) => cellOf({ variant: "previous", size, seed: i - 1, normalizedEntropy }));

  it("reach as far as every cheaper model of the baseline is worse beyond doubt", () => {
    const [worse, unsure, better] = [
      [0.81, 0.811, 0.809],
      [0.78, 0.83, 0.82],
      [0.75, 0.751, 0.749],
    ] as const;
    const none = { moreThan: null, lessThan: null };
    expect(boundsOf([...at("tiny", worse), ...at("small", worse)])).toMatchObject({ moreThan: 10, lessThan: null });
    // Dearer models that are worse say nothing if a cheaper one may be as good.
    expect(boundsOf([...at("tiny", unsure), ...at("small", worse)])).toMatchObject(none);
    expect(boundsOf([...at("tiny", worse), ...at("small", unsure), ...at("medium", better)])).toMatchObject({
      ...{ moreThan: 1, lessThan: 100, reach: "measured" },
    });
    expect(boundsOf([...at("tiny", better), ...at("small", better)])).toMatchObject({ moreThan: null, lessThan: 1 });
  });

  it("are said plainly where there are none", () => {
    const { text, reach } = boundsOf([...at("tiny", [0.78, 0.83, 0.82]), ...at("small", [0.79, 0.83, 0.81])]);
    expect(reach).toBe("extrapolated");
    expect(text).toMatch(/^not bounded/);
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
