/** The page of a scaling study: what it found, and its plots. */
import { onLine } from "../../metrics/log-line.ts";
import type { Section } from "../../report/html.ts";
import type { Point } from "../../report/svg/line-chart.ts";
import { type ScatterSeries, scatterChart } from "../../report/svg/scatter-chart.ts";
import type { StudyPoint } from "../point.ts";
import type { ScalingResult } from "../scaling.ts";
import { COSTS, type Cost, costOfPoint, type Family, type FamilyLine, placeOf } from "./family.ts";
import { differenceTable, efficiencyTable, levelTable, lineTable, scalingTable } from "./tables.ts";

/** What an axis says below a plot. */
const AXES: Readonly<Record<Cost, string>> = {
  compute: "FLOP",
  seconds: "seconds in updates",
  bytes: "bytes of rows gathered",
};

const TITLES: Readonly<Record<Cost, string>> = { compute: "FLOP", seconds: "seconds", bytes: "bytes" };

/** Sections of a scaling study, the one that answers it first. */
export function scalingSections(result: ScalingResult): readonly Section[] {
  const { families } = result;
  const costs = COSTS.filter((cost) =>
    families.every(({ points }) => points.every((point) => costOfPoint(point, cost) !== null)),
  );
  return [
    ...answers(result),
    heading("One amount of data, more sizes"),
    ...costs.map((cost) => chartBySize(families, cost)),
    ...(hasAmounts(families) ? [heading("One size, more data"), chartByData(families)] : []),
    heading("Cost of the whole training, all models"),
    ...costs.map((cost) => chartOfTrainings(families, cost)),
    heading("All models"),
    table("NE averaged over objectives, and of each; means over seeds", scalingTable(result)),
  ];
}

/** Whether any family has a line, without which nothing is to be said of other costs than its own. */
export function hasLine({ families }: ScalingResult): boolean {
  return families.some(({ lines }) => lines.length > 0);
}

function answers(result: ScalingResult): readonly Section[] {
  const baseline = result.families[0]?.name ?? "";
  const lines =
    "NE gained per tenfold cost of an example, by least squares through the sizes that learned from the most data; and per " +
    "tenfold examples, through the amounts of one size. A line falls if the interval of its slope is above zero.";
  const needs =
    `Cost at which ${baseline} reaches the same NE ÷ the cost of the family's own training. Costs are interpolated, in ` +
    `their logarithm, between the neighbours on ${baseline}'s own curve, and never beyond it; an end of an interval that ` +
    `lies beyond it is a dash. "More than": with that much, and all less that was tried, ${baseline} is worse, by paired ` +
    `95% intervals clear of zero, while its line falls. Where that line may be level, no amount would be an answer.`;
  const levels = "Cost of the training with which each family reaches an NE that all of them reach, on its own curve";
  const differences =
    `Difference in NE to ${baseline}, seed by seed and on the same draws of users, most data: below zero, the family is ` +
    `better. FLOP: of ${baseline}'s training ÷ the family's.`;
  return [
    heading("Scaling"),
    ...(hasLine(result) ? [table(lines, lineTable(result))] : []),
    ...(hasLine(result) && result.efficiency.length > 0 ? [table(needs, efficiencyTable(result))] : []),
    ...(result.levels.length > 0 ? [table(levels, levelTable(result))] : []),
    ...(result.differences.length === 0 ? [] : [table(differences, differenceTable(result))]),
  ];
}

function chartBySize(families: readonly Family[], cost: Cost): Section {
  const series = families.map(({ name, points, lines }): ScatterSeries => {
    const most = Math.max(...points.map(({ share }) => share));
    // Models that learned from less are no fair points beside these.
    const shown = points.filter(({ share }) => share === most);
    const x = (point: StudyPoint): number => placeOf(point, cost);
    const line = lines.find(({ axis }) => axis === cost);
    return { name, points: seedPoints(shown, x), line: line === undefined ? [] : fitted(line, points) };
  });
  return chartOf(`NE against ${TITLES[cost]} per example`, `${AXES[cost]} per example trained`, series);
}

function chartByData(families: readonly Family[]): Section {
  const series = families.flatMap(({ name, points, lines }): readonly ScatterSeries[] => {
    const line = lines.find(({ axis }) => axis === "examples");
    if (line === undefined) return [];
    const shown = line.points.map((at) => points[at]!);
    const x = (point: StudyPoint): number => placeOf(point, "examples");
    return [{ name: `${name}, ${line.size}`, points: seedPoints(shown, x), line: fitted(line, points) }];
  });
  return chartOf("NE against examples, one size each", "examples learned from", series);
}

/** Against the whole training, the line of each family goes through its frontier. */
function chartOfTrainings(families: readonly Family[], cost: Cost): Section {
  const x = (point: StudyPoint): number => costOfPoint(point, cost) ?? Number.NaN;
  const series = families.map(({ name, points, frontier }): ScatterSeries => {
    const line = frontier[cost].map((at) => ({
      x: x(points[at]!),
      y: points[at]!.normalizedEntropy.mean ?? Number.NaN,
    }));
    return { name, points: seedPoints(points, x), line };
  });
  return chartOf(`NE against ${TITLES[cost]} of the training`, `${AXES[cost]} of the whole training`, series);
}

function hasAmounts(families: readonly Family[]): boolean {
  return families.some(({ lines }) => lines.some(({ axis }) => axis === "examples"));
}

function seedPoints(points: readonly StudyPoint[], x: (point: StudyPoint) => number): readonly Point[] {
  return points.flatMap((point) =>
    point.normalizedEntropy.bySeed.flatMap((y) => (y === null ? [] : [{ x: x(point), y }])),
  );
}

function fitted(
  { slope, intercept, axis, points: through }: FamilyLine,
  points: readonly StudyPoint[],
): readonly Point[] {
  const line = { slope: slope.mean ?? Number.NaN, intercept: intercept.mean ?? Number.NaN };
  const places = through.map((at) => placeOf(points[at]!, axis));
  return [Math.min(...places), Math.max(...places)].map((x) => ({ x, y: onLine(line, x) }));
}

function chartOf(title: string, label: string, series: readonly ScatterSeries[]): Section {
  return {
    kind: "figure",
    chart: scatterChart({ title, x: { label, scale: "log" }, y: { label: "mean NE" }, series }),
  };
}

function heading(text: string): Section {
  return { kind: "heading", text };
}

function table(caption: string, { columns, rows }: ReturnType<typeof lineTable>): Section {
  return { kind: "table", caption, columns, rows };
}
