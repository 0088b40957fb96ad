import type { ResultTable } from "../evaluate/index.ts";
import type { SeedInterval } from "../metrics/comparison/seed-interval.ts";
import type { Cell as TableCell } from "../report/html.ts";
import type { AblationResult } from "./ablation.ts";
import { changePairs, type LightweightResult } from "./lightweight.ts";
import type { BySurface } from "./measure.ts";
import type { StudyPoint } from "./point.ts";
import type { Efficiency, OverallEfficiency, ScalingResult } from "./scaling.ts";

/** How numbers become the text of a cell. */
type Format = (value: number) => string;

const entropy: Format = (value) => value.toFixed(4);
const difference: Format = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(4)}`;
const ratio: Format = (value) => value.toPrecision(3);

const FLOP_UNITS = ["", "k", "M", "G", "T", "P", "E"] as const;

/** FLOPs in the largest unit that leaves at least 1: `1.23 GFLOP`. */
export function flopsText(flops: number): string {
  const power = Math.min(FLOP_UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, flops)) / 3)));
  return `${(flops / 1000 ** power).toPrecision(3)} ${FLOP_UNITS[power]}FLOP`;
}

/** A mean and its interval: `+0.0012 [−0.0001, +0.0025]`. */
export function intervalText({ mean, low, high }: SeedInterval, format: Format = entropy): string {
  const text = (value: number | null): string => (value === null ? "–" : format(value));
  return mean === null ? "–" : `${text(mean)} [${text(low)}, ${text(high)}]`;
}

/** An efficiency as it may be said: what was measured plainly, and what was not as bounds with the guess beside them. */
export function efficiencyText({ ratio: guess, reach, ...bounds }: Efficiency): string {
  if (reach === "measured" && guess.mean !== null) return intervalText(guess, ratio);
  return `${boundsText(bounds)} (extrapolated: ${guessText(guess)})`;
}

/** What a line says beyond its points. Without an interval it is as good as level, and what it says without sense. */
function guessText(guess: SeedInterval): string {
  if (guess.mean === null) return "its line does not fall";
  return guess.low === null || guess.high === null ? "its line hardly falls" : intervalText(guess, ratio);
}

function boundsText({ moreThan, lessThan }: Pick<Efficiency, "moreThan" | "lessThan">): string {
  if (moreThan !== null && lessThan !== null) return `between ${ratio(moreThan)} and ${ratio(lessThan)}`;
  if (moreThan !== null) return `more than ${ratio(moreThan)}`;
  return lessThan === null ? "not bounded" : `less than ${ratio(lessThan)}`;
}

/** A family's efficiency in one number, and whether all of it was measured. */
export function overallText({ ratio: mean, reach }: OverallEfficiency): string {
  if (reach === "measured") return intervalText(mean, ratio);
  return mean.low === null ? guessText(mean) : `${intervalText(mean, ratio)}, in part extrapolated`;
}

const POINT_COLUMNS = [
  { label: "training FLOP/example" },
  { label: "training FLOP" },
  { label: "dense parameters" },
  { label: "s in updates", digits: 1 },
  { label: "NE [95%]" },
] as const;

function pointCells({ cost, normalizedEntropy }: StudyPoint): readonly TableCell[] {
  const { flopsPerExample, compute, denseParameters, seconds } = cost;
  return [flopsText(flopsPerExample), flopsText(compute), denseParameters, seconds, intervalText(normalizedEntropy)];
}

/** One row per family, size and amount of data. */
export function scalingTable({ families }: ScalingResult): ResultTable {
  const points = families.flatMap((family) => family.points.map((point, at) => ({ family, point, at })));
  const objectives = Object.keys(points[0]?.point.byObjective ?? {});
  return {
    columns: [
      ...[{ label: "family" }, { label: "size" }, { label: "data", digits: 2 }],
      ...POINT_COLUMNS,
      ...objectives.map((label) => ({ label, digits: 4 })),
      { label: "on the frontier" },
    ],
    rows: points.map(({ family, point, at }) => [
      ...[family.name, point.size, point.share],
      ...pointCells(point),
      ...objectives.map((name) => point.byObjective[name]?.mean ?? null),
      family.frontier?.points.includes(at) ? "yes" : "",
    ]),
  };
}

/** One row per family and kind of compute: the line through its points. */
export function lineTable({ families }: ScalingResult): ResultTable {
  const rows = families.flatMap(({ name, perExample, frontier }) =>
    [
      { against: "FLOP/example, most data", line: perExample },
      { against: "FLOP of training, frontier", line: frontier },
    ].map(({ against, line }) =>
      line === null
        ? [name, against, "fewer than two points", null]
        : [name, against, intervalText(line.slope, difference), line.points.length],
    ),
  );
  return {
    columns: [{ label: "family" }, { label: "against" }, { label: "NE per tenfold [95%]" }, { label: "points" }],
    rows,
  };
}

/** One row per level of NE: what each family needs for it. */
export function levelTable({ families, levels }: ScalingResult): ResultTable {
  return {
    columns: [{ label: "NE", digits: 4 }, ...families.map(({ name }) => ({ label: `${name} needs [95%]` }))],
    rows: levels.map(({ normalizedEntropy, compute }) => [
      normalizedEntropy,
      ...families.map(({ name }) => {
        const need = compute[name];
        if (need === undefined || need.flops.mean === null) return null;
        if (need.reach === "measured") return intervalText(need.flops, flopsText);
        return need.flops.low === null ? null : `${intervalText(need.flops, flopsText)}, extrapolated`;
      }),
    ]),
  };
}

/** One row per other family and size: how much more the baseline needs. */
export function efficiencyTable({ families, efficiency, overall }: ScalingResult): ResultTable {
  const baseline = families[0]?.name ?? "";
  const sizes = efficiency.map((one): readonly TableCell[] => [
    ...[one.family, one.size, one.normalizedEntropy, flopsText(one.compute), efficiencyText(one), null],
  ]);
  const means = overall.map((one): readonly TableCell[] => {
    const slopes = one.slopeRatio.mean === null ? null : intervalText(one.slopeRatio, ratio);
    return [one.family, "all sizes", null, null, overallText(one), slopes];
  });
  return {
    columns: [
      { label: "family" },
      { label: "size" },
      { label: "NE", digits: 4 },
      { label: "training FLOP" },
      { label: `${baseline} needs so many times that [95%]` },
      { label: `slope ÷ that of ${baseline} [95%]` },
    ],
    rows: [...sizes, ...means],
  };
}

/** One row per size of another family and size of the baseline: their difference, and their compute. */
export function differenceTable({ families, differences }: ScalingResult): ResultTable {
  const baseline = families[0]?.name ?? "";
  const objectives = Object.keys(differences[0]?.differenceByObjective ?? {});
  return {
    columns: [
      ...[{ label: "family" }, { label: "size" }, { label: `${baseline}'s size` }],
      { label: `FLOP, ${baseline} ÷ family`, digits: 2 },
      ...[{ label: "ΔNE [95%]" }, ...objectives.map((name) => ({ label: `Δ ${name} [95%]` }))],
    ],
    rows: differences.map((one) => [
      ...[one.family, one.size, one.baselineSize, one.computeRatio, intervalText(one.difference, difference)],
      ...objectives.map((name) => {
        const value = one.differenceByObjective[name];
        return value === undefined ? null : intervalText(value, difference);
      }),
    ]),
  };
}

/** One row per variant: what the change did, and what it cost. */
export function ablationTable({ variants }: AblationResult): ResultTable {
  const objectives = Object.keys(variants[0]?.byObjective ?? {});
  return {
    columns: [
      ...[{ label: "variant" }, { label: "ΔNE [95%]" }],
      ...objectives.map((name) => ({ label: `Δ ${name}` })),
      { label: "cost", digits: 2 },
      ...POINT_COLUMNS,
    ],
    rows: variants.map((variant) => [
      ...[variant.variant, variant.difference === null ? null : intervalText(variant.difference, difference)],
      ...objectives.map((name) => {
        const mean = variant.differenceByObjective[name]?.mean ?? null;
        return mean === null ? null : difference(mean);
      }),
      variant.costRatio,
      ...pointCells(variant),
    ]),
  };
}

/** One row per change: its difference on the full and on the light model. */
export function lightweightTable({ full, light }: LightweightResult): ResultTable {
  const differenceOf = ({ variants }: AblationResult, name: string): TableCell => {
    const found = variants.find(({ variant }) => variant === name)?.difference;
    return found ? intervalText(found, difference) : null;
  };
  return {
    columns: [{ label: "variant" }, { label: "full: ΔNE [95%]" }, { label: "light: ΔNE [95%]" }],
    rows: changePairs(full, light).map(({ variant }) => [
      variant,
      differenceOf(full, variant),
      differenceOf(light, variant),
    ]),
  };
}

/** What a light model says of changes, in one row. */
export function agreementTable(result: LightweightResult): ResultTable {
  const { value, low, high } = result.rankCorrelation;
  return {
    columns: [
      { label: "changes" },
      { label: "rank correlation [95%]" },
      { label: "same verdict" },
      { label: "FLOP, full ÷ light", digits: 2 },
      { label: "seconds, full ÷ light", digits: 2 },
    ],
    rows: [
      [
        result.changes,
        intervalText({ mean: value, low, high, bySeed: [] }, (number) => number.toFixed(2)),
        `${result.agreeing} of ${result.changes}`,
        result.costRatio,
        result.secondsRatio,
      ],
    ],
  };
}

/**
 * One row per model: its share of the way from the base rate to all that is to be known, and, where that is known too, to
 * what is left without what no model can know. Null where neither is known.
 */
export function gapTable(points: readonly StudyPoint[]): ResultTable | null {
  const measures = (["gapClosed", "learnableClosed"] as const).flatMap((measure) =>
    Object.keys(points[0]?.[measure] ?? {}).map((name) => ({ measure, name })),
  );
  if (measures.length === 0) return null;
  const percent: Format = (share) => `${(100 * share).toFixed(1)}%`;
  return {
    columns: [
      ...[{ label: "model" }, { label: "size" }, { label: "data", digits: 2 }],
      ...measures.map(({ measure, name }) => ({
        label: measure === "gapClosed" ? `${name} [95%]` : `${name}, of what could be learned [95%]`,
      })),
    ],
    rows: points.map((point) => [
      ...[point.variant, point.size, point.share],
      ...measures.map(({ measure, name }) => {
        const closed = point[measure][name];
        return closed === undefined ? null : intervalText(closed, percent);
      }),
    ]),
  };
}

/** One row per model and surface, and one for the best that could be known of each; null if there is one surface. */
export function surfaceTable(points: readonly StudyPoint[], best: BySurface<number>): ResultTable | null {
  const surfaces = Object.keys(points[0]?.bySurface ?? {});
  if (surfaces.length < 2) return null;
  const objectives = Object.keys(points[0]?.byObjective ?? {});
  return {
    columns: [
      ...[{ label: "model" }, { label: "size" }, { label: "data", digits: 2 }, { label: "surface" }],
      ...objectives.map((name) => ({ label: `${name} [95%]`, digits: 4 })),
    ],
    rows: surfaces.flatMap((surface): readonly (readonly TableCell[])[] => {
      const known = best[surface];
      const reached = points.map(({ variant, size, share, bySurface }) => [
        ...[variant, size, share, surface],
        ...objectives.map((name) => {
          const value = bySurface[surface]?.[name];
          return value === undefined ? null : intervalText(value);
        }),
      ]);
      const possible = ["best possible", null, null, surface, ...objectives.map((name) => known?.[name] ?? null)];
      return known === undefined ? reached : [...reached, possible];
    }),
  };
}
