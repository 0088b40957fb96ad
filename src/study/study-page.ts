import type { ResultTable } from "../evaluate/index.ts";
import type { Page, Section } from "../report/html.ts";
import { intervalChart } from "../report/svg/interval-chart.ts";
import { scatterChart } from "../report/svg/scatter-chart.ts";
import type { AblationResult } from "./ablation.ts";
import { hasLine, scalingSections } from "./curves/sections.ts";
import { differenceTable, efficiencyTable, levelTable, lineTable, scalingTable } from "./curves/tables.ts";
import { changePairs, type LightweightResult } from "./lightweight.ts";
import type { StudyPoint } from "./point.ts";
import type { ScalingResult } from "./scaling.ts";
import type { StudyReport, StudyResult } from "./study-report.ts";
import { ablationTable, agreementTable, gapTable, lightweightTable, surfaceTable } from "./study-tables.ts";
import { targetSections, targetTables } from "./target/sections.ts";
import { worldTables } from "./worlds.ts";

/** How the intervals of a study were made, for its readers. */
const INTERVALS =
  "Intervals are 95% t-intervals of the mean over training seeds; their variance is that between the seeds, divided by " +
  "their number, plus that of drawing other users to evaluate on (400 draws, the same for all models), and their degrees " +
  "of freedom are Welch's and Satterthwaite's. With one seed they are of the users alone. Those of a scaling study's " +
  "lines, and of costs at equal NE, are of joint draws: the same users for all points, and for each point the chance of " +
  "its seeds, whose variance is pooled over all points and as uncertain as their number makes it.";

const CONDITIONS =
  "Every model makes one pass over its training days, one after the other, and is compared with the others on the same " +
  "examples of the days that follow. Less data is the newest share of those days, or a sample of all of them. FLOPs are " +
  "those of matrix products, forward and backward, counted as they ran on batches from all over the pass. Bytes are those " +
  "of the tables' rows that the forward passes gather, each as often as it is looked up. Seconds are those in updates, " +
  "means over seeds, beside whatever else the machine did.";

/** What the models of a page were trained with. */
function originsText(origins: readonly string[]): string {
  const text = `Trained with ${origins.join("; ")}.`;
  return origins.length < 2 ? text : `${text} What differs between the models may be the code's.`;
}

const STREAM =
  "Each seed learns from the windows of the training days in strict order of time, one pass, a rate that never falls, and " +
  "scores each next window before anything of it was learned from. An example is met in the window at whose end all of " +
  "its labels are known. Intervals are of the seeds alone. All numbers of this page stand in study.json beside it.";

/** Where the numbers of a page come from, seen from its folder. */
function sourcesText(window: string): string {
  return (
    "All numbers of this page stand in study.json beside it. They come from the folder of each run: quality from " +
    `predictions/${window}.safetensors, cost from summary.json.`
  );
}

/** A study as a page: what it is, its tables, and its plots. */
export function studyPage(report: StudyReport, notes: readonly string[] = []): Page {
  const { study, window, examples, users, seeds, origins = [] } = report;
  const text = (one: string): Section => ({ kind: "paragraph", text: one });
  const scored = window === null ? `${examples} examples` : `${window} window: ${examples} examples of ${users} users`;
  const method = window === null ? [STREAM] : [CONDITIONS, INTERVALS, sourcesText(window), originsText(origins)];
  return {
    title: `Study ${study}`,
    subtitle: `${scored}; ${seeds.length} seeds (${seeds.join(", ")})`,
    sections: [
      ...notes.map(text),
      ...worldSections(report),
      ...sectionsOf(report),
      ...surfaceTables(report).flatMap((found) => [heading("By surface"), table("NE by surface", found)]),
      ...[heading("Method"), ...method.map(text)],
    ],
  };
}

/** The tables of a study, the one that answers it first. */
export function studyTables(
  report: Pick<StudyReport, "result" | "bestBySurface" | "overWorlds">,
): readonly ResultTable[] {
  return [...answerTables(report.result), ...surfaceTables(report), ...worldTables(report)];
}

function worldSections(report: StudyReport): readonly Section[] {
  const caption =
    "The same study on several worlds. The interval is a t-interval of the mean over worlds, of ratios the geometric one: " +
    "each world is one draw, with its own users and seeds.";
  return worldTables(report).flatMap((found) => [heading("Over worlds"), table(caption, found)]);
}

function answerTables(result: StudyResult): readonly ResultTable[] {
  switch (result.kind) {
    case "scaling":
      return [
        scalingTable(result),
        ...gaps(pointsIn(result)),
        ...(hasLine(result) ? [lineTable(result), efficiencyTable(result)] : []),
        ...(result.levels.length > 0 ? [levelTable(result)] : []),
        differenceTable(result),
      ];
    case "ablation":
      return [ablationTable(result), ...gaps(result.variants)];
    case "lightweight":
      return [lightweightTable(result), agreementTable(result)];
    case "target":
      return targetTables(result);
  }
}

function gaps(points: readonly StudyPoint[]): readonly ResultTable[] {
  const gapRows = gapTable(points);
  return gapRows === null ? [] : [gapRows];
}

function pointsIn({ families }: ScalingResult): readonly StudyPoint[] {
  return families.flatMap(({ points }) => points);
}

function gapSections(points: readonly StudyPoint[]): readonly Section[] {
  const caption =
    "Share of the way from the window's base rate (NE 1) to the NE of the true probabilities, which know what no model can: " +
    "(1 − NE) / (1 − true NE)";
  return gaps(points).map((rows) => table(caption, rows));
}

function sectionsOf({ result }: StudyReport): readonly Section[] {
  switch (result.kind) {
    case "scaling":
      return [...scalingSections(result), ...gapSections(pointsIn(result))];
    case "ablation":
      return ablationSections(result);
    case "lightweight":
      return lightweightSections(result);
    case "target":
      return targetSections(result);
  }
}

function heading(text: string): Section {
  return { kind: "heading", text };
}

function ablationSections(result: AblationResult): readonly Section[] {
  const changed = result.variants.filter(({ difference }) => difference !== null);
  const rows = changed.map(({ variant, difference }) => ({
    label: variant,
    value: difference?.mean ?? null,
    low: difference?.low ?? null,
    high: difference?.high ?? null,
  }));
  const caption = `Difference in NE to the unchanged ${result.model}, seed by seed: above zero, the change is worse. Cost: FLOP per example ÷ unchanged.`;
  return [
    heading("Changes"),
    figure(
      intervalChart({
        title: `ΔNE to ${result.model}, 95%`,
        x: { label: "ΔNE, mean over objectives" },
        rows,
        reference: 0,
      }),
    ),
    table(caption, ablationTable(result)),
    ...gapSections(result.variants),
  ];
}

function lightweightSections(result: LightweightResult): readonly Section[] {
  const points = changePairs(result.full, result.light).map(({ variant, full, light }) => ({
    x: full,
    y: light,
    label: variant,
  }));
  const { value } = result.rankCorrelation;
  const title = `ΔNE of each change, rank correlation ${value === null ? "–" : value.toFixed(2)}`;
  const chart = scatterChart({
    ...{ title, width: 640, height: 440, zeros: true, series: [{ name: "changes", points }] },
    x: { label: "full model: ΔNE" },
    y: { label: "light model: ΔNE" },
  });
  return [
    heading("Does the light model rank changes as the full one does?"),
    table(
      "Spearman's rank correlation, its interval by Fisher's transformation over the changes",
      agreementTable(result),
    ),
    figure(chart),
    table("Difference in NE to the unchanged model of the same weight", lightweightTable(result)),
    heading("Full model"),
    table(`Changes of ${result.full.model}`, ablationTable(result.full)),
    heading("Light model"),
    table(`Changes of the light ${result.light.model}`, ablationTable(result.light)),
  ];
}

/** None where there is one surface, and of a lightweight study, which is about differences. */
function surfaceTables({
  result,
  bestBySurface,
}: Pick<StudyReport, "result" | "bestBySurface">): readonly ResultTable[] {
  if (result.kind === "lightweight" || result.kind === "target") return [];
  const found = surfaceTable(result.kind === "scaling" ? pointsIn(result) : result.variants, bestBySurface);
  return found === null ? [] : [found];
}

function table(caption: string, { columns, rows }: ResultTable): Section {
  return { kind: "table", caption, columns, rows };
}

function figure(chart: Extract<Section, { readonly kind: "figure" }>["chart"]): Section {
  return { kind: "figure", chart };
}
