import type { ResultTable } from "../evaluate/index.ts";
import type { Interval } from "../metrics/comparison/seed-interval.ts";
import type { Cell as TableCell } from "../report/html.ts";
import type { AblationResult } from "./ablation.ts";
import { changePairs, type LightweightResult } from "./lightweight.ts";
import type { StudyPoint } from "./point.ts";
import type { BySurface } from "./rows/estimates.ts";

/** How numbers become the text of a cell. */
export type Format = (value: number) => string;

const entropy: Format = (value) => value.toFixed(4);
/** A difference, with its sign. */
export const difference: Format = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(4)}`;

const UNITS = ["", "k", "M", "G", "T", "P", "E"] as const;

function inUnits(value: number, unit: string): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  return `${(value / 1000 ** power).toPrecision(3)} ${UNITS[power]}${unit}`;
}

/** FLOPs in the largest unit that leaves at least 1: `1.23 GFLOP`. */
export function flopsText(flops: number): string {
  return inUnits(flops, "FLOP");
}

/** Bytes, as {@link flopsText}: `1.23 GB` are 1.23·10⁹. */
export function bytesText(bytes: number): string {
  return inUnits(bytes, "B");
}

/** A mean and its interval: `+0.0012 [−0.0001, +0.0025]`. */
export function intervalText({ mean, low, high }: Interval, format: Format = entropy): string {
  const text = (value: number | null): string => (value === null ? "–" : format(value));
  return mean === null ? "–" : `${text(mean)} [${text(low)}, ${text(high)}]`;
}

/** Columns of a point: what it cost, and how good it is. */
export const POINT_COLUMNS = [
  { label: "training FLOP/example" },
  { label: "training FLOP" },
  { label: "gathered/example" },
  { label: "dense parameters" },
  { label: "s in updates", digits: 1 },
  { label: "NE [95%]" },
] as const;

/** Cells of {@link POINT_COLUMNS}. */
export function pointCells({ cost, normalizedEntropy }: StudyPoint): readonly TableCell[] {
  const { flopsPerExample, compute, denseParameters, seconds, bytes, examples } = cost;
  const gathered = bytes === null ? null : bytesText(bytes / examples);
  const work = [flopsText(flopsPerExample), flopsText(compute), gathered];
  return [...work, denseParameters, seconds, intervalText(normalizedEntropy)];
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
        intervalText({ mean: value, low, high }, (number) => number.toFixed(2)),
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
