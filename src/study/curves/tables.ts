/** The tables of a scaling study. */
import type { ResultTable } from "../../evaluate/index.ts";
import type { Cell as TableCell } from "../../report/html.ts";
import type { ScalingResult } from "../scaling.ts";
import {
  bytesText,
  difference,
  type Format,
  flopsText,
  intervalText,
  POINT_COLUMNS,
  pointCells,
} from "../study-tables.ts";
import type { Efficiency } from "./equal-quality.ts";
import { COSTS, type Cost, type FamilyLine, type LineAxis } from "./family.ts";

const ratio: Format = (value) => value.toPrecision(3).replace("-", "−");

/** What each cost is called, and how its numbers are written. */
export const COST_TEXTS: Readonly<Record<Cost, { readonly name: string; readonly text: Format }>> = {
  compute: { name: "FLOP", text: flopsText },
  seconds: { name: "seconds", text: (seconds) => `${Number(seconds.toPrecision(3))} s` },
  bytes: { name: "bytes gathered", text: bytesText },
};

/** What the axis of a line is called. */
export function axisText(axis: LineAxis): string {
  return axis === "examples" ? "examples, one size" : `${COST_TEXTS[axis].name}/example, most data`;
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
      { label: "on the frontier of" },
    ],
    rows: points.map(({ family, point, at }) => [
      ...[family.name, point.size, point.share],
      ...pointCells(point),
      ...objectives.map((name) => point.byObjective[name]?.mean ?? null),
      COSTS.filter((cost) => family.frontier[cost].includes(at))
        .map((cost) => COST_TEXTS[cost].name)
        .join(", "),
    ]),
  };
}

/** One row per family and axis: the line through its points, and what may be said of it. */
export function lineTable({ families, slopeRatios }: ScalingResult): ResultTable {
  const baseline = families[0]?.name ?? "";
  const ratioText = (family: string, axis: LineAxis): TableCell => {
    const found = slopeRatios.find((one) => one.family === family && one.axis === axis);
    if (found === undefined) return null;
    return found.baselineFalls ? intervalText(found.ratio, ratio) : `not told: ${baseline} may not fall at all`;
  };
  return {
    columns: [
      ...[{ label: "family" }, { label: "against" }, { label: "points" }, { label: "NE per tenfold [95%]" }],
      ...[{ label: "NE" }, { label: `slope ÷ that of ${baseline} [95%]` }],
    ],
    rows: families.flatMap(({ name, lines }) =>
      lines.map((line) => [
        ...[name, line.size === null ? axisText(line.axis) : `examples, ${line.size}`, line.points.length],
        ...[intervalText(line.slope, difference), verdictOf(line), ratioText(name, line.axis)],
      ]),
    ),
  };
}

function verdictOf({ slope, falls }: FamilyLine): string {
  if (falls) return "falls";
  return slope.high !== null && slope.high < 0 ? "rises" : "cannot be told from level";
}

/** One row per level of NE that all families reach, and family: what its training costs there. */
export function levelTable({ families, levels }: ScalingResult): ResultTable {
  return {
    columns: [
      ...[{ label: "NE", digits: 4 }, { label: "family" }],
      ...COSTS.map((cost) => ({ label: `${COST_TEXTS[cost].name} [95%]` })),
    ],
    rows: levels.flatMap(({ normalizedEntropy, costs }) =>
      families.map(({ name }) => [
        ...[normalizedEntropy, name],
        ...COSTS.map((cost) => {
          const needed = costs[name]?.[cost];
          return needed === undefined || needed.mean === null ? null : intervalText(needed, COST_TEXTS[cost].text);
        }),
      ]),
    ),
  };
}

/** One row per other family, size and cost: how much more the baseline needs. */
export function efficiencyTable({ families, efficiency }: ScalingResult): ResultTable {
  const baseline = families[0]?.name ?? "";
  return {
    columns: [
      ...[{ label: "family" }, { label: "size" }, { label: "NE", digits: 4 }, { label: "its training" }],
      { label: `${baseline} needs so many times that [95%]` },
    ],
    rows: efficiency.map((one): readonly TableCell[] => [
      ...[one.family, one.size, one.normalizedEntropy, `${COST_TEXTS[one.cost].text(one.spent)}${gatheredText(one)}`],
      efficiencyText(one, baseline),
    ]),
  };
}

function gatheredText({ cost }: Efficiency): string {
  return cost === "bytes" ? " gathered" : "";
}

/** An efficiency as it may be said: what was measured, what is bounded, or that nothing can be told. */
export function efficiencyText({ ratio: measured, baselineFalls, ...bounds }: Efficiency, baseline: string): string {
  if (measured.mean !== null) return intervalText(measured, ratio);
  const { moreThan, lessThan } = bounds;
  if (moreThan !== null && lessThan !== null) return `between ${ratio(moreThan)} and ${ratio(lessThan)}`;
  if (moreThan !== null) return `more than ${ratio(moreThan)}`;
  if (lessThan !== null) return `less than ${ratio(lessThan)}`;
  return baselineFalls ? "not bounded" : `cannot be told: ${baseline} may not fall at all`;
}

/** One row per size of another family and size of the baseline: their difference, and their compute. */
export function differenceTable({ families, differences }: ScalingResult): ResultTable {
  const baseline = families[0]?.name ?? "";
  const objectives = Object.keys(differences[0]?.differenceByObjective ?? {});
  return {
    columns: [
      ...[{ label: "family" }, { label: "size" }, { label: `${baseline}'s size` }],
      { label: `FLOP, ${baseline} ÷ family` },
      ...[{ label: "ΔNE [95%]" }, ...objectives.map((name) => ({ label: `Δ ${name} [95%]` }))],
    ],
    rows: differences.map((one) => [
      ...[one.family, one.size, one.baselineSize, ratio(one.computeRatio), intervalText(one.difference, difference)],
      ...objectives.map((name) => {
        const value = one.differenceByObjective[name];
        return value === undefined ? null : intervalText(value, difference);
      }),
    ]),
  };
}
