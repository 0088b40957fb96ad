/** Tables and page of a study of the way to a target. */
import { DAY_MS } from "../../base/units.ts";
import type { ResultTable } from "../../evaluate/index.ts";
import type { Section } from "../../report/html.ts";
import { scatterChart } from "../../report/svg/scatter-chart.ts";
import { flopsText, intervalText } from "../study-tables.ts";
import type { Spread, TargetResult } from "./target.ts";

const HOUR_MS = DAY_MS / 24;

/** What each seed needed, and all of them together. */
export function seedTable({ seeds, toTarget, metric, target, evaluationRatio }: TargetResult): ResultTable {
  const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
  const rows = seeds.map((one) => [
    ...[`seed ${one.seed}`, one.windows, one.examples, one.trainSeconds, one.evaluationSeconds],
    percent(one.evaluationSeconds / (one.evaluationSeconds + one.trainSeconds)),
    one.isReached === null ? null : one.isReached ? "reached" : "not reached",
  ]);
  const reached = seeds.filter(({ isReached }) => isReached === true).length;
  const summary = (f: (spread: Spread) => number | string | null, label: string): ResultTable["rows"] =>
    toTarget === null
      ? []
      : [[label, null, f(toTarget.examples), f(toTarget.trainSeconds), f(toTarget.evaluationSeconds), null, null]];
  const verdict = target === null ? "no target" : `${reached} of ${seeds.length} reached`;
  return {
    columns: [
      ...[{ label: "seed" }, { label: "windows" }, { label: "samples" }, { label: "s training", digits: 1 }],
      ...[{ label: "s evaluating", digits: 1 }, { label: "of the time" }],
      { label: target === null ? "target" : metric === "auc" ? `AUC ≥ ${target}` : `NE ≤ ${target}` },
    ],
    rows: [
      ...rows,
      ...summary(({ mean }) => Math.round(10 * mean) / 10, "mean"),
      ...summary(({ cv }) => (cv === null ? null : percent(cv)), "CV"),
      ["all", null, null, null, null, percent(evaluationRatio), verdict],
    ],
  };
}

/** One row per window, predicted before it was learned from. */
export function windowTable({ windows, objective }: TargetResult): ResultTable {
  return {
    columns: [
      { label: "window from" },
      ...[{ label: "samples before" }, { label: "samples scored" }, { label: "seeds" }],
      ...["NE", "AUC"].map((name) => ({ label: `${name} of ${objective ?? "all objectives"} [95%]` })),
    ],
    rows: windows.map(({ fromMs, examples, scored, seeds, normalizedEntropy, auc }) => [
      new Date(fromMs).toISOString().replace("T00:00:00.000Z", "").replace(".000Z", "Z"),
      ...[examples, scored, seeds, intervalText(normalizedEntropy), intervalText(auc)],
    ]),
  };
}

/** What an example costs, by two ways of counting. */
export function flopTable({ model, flopsPerExample, mlperfFlopsPerExample }: TargetResult): ResultTable {
  return {
    columns: [
      { label: "model" },
      { label: "FLOP/sample, as run" },
      { label: "FLOP/sample, MLPerf's HSTU of its size" },
    ],
    rows: [[model, flopsText(flopsPerExample), flopsText(mlperfFlopsPerExample)]],
  };
}

/** The tables of the study. */
export function targetTables(result: TargetResult): readonly ResultTable[] {
  return [seedTable(result), windowTable(result), flopTable(result)];
}

/** The sections of its page. */
export function targetSections(result: TargetResult): readonly Section[] {
  const { windows, objective, everyMs } = result;
  const series = windows.flatMap(({ fromMs, normalizedEntropy }) =>
    normalizedEntropy.bySeed.flatMap((y) => (y === null ? [] : [{ x: (fromMs - windows[0]!.fromMs) / DAY_MS, y }])),
  );
  const line = windows.map(({ fromMs, normalizedEntropy }) => ({
    x: (fromMs - windows[0]!.fromMs) / DAY_MS,
    y: normalizedEntropy.mean ?? Number.NaN,
  }));
  const chart = scatterChart({
    title: "NE of the next window",
    x: { label: "days since the first window was learned from" },
    y: { label: `NE of ${objective ?? "all objectives"}` },
    series: [{ name: result.model, points: series, line }],
  });
  const seeds =
    "What each seed learned from before it predicted the next window well enough; CV is the standard deviation between " +
    "seeds ÷ their mean. Time is that of updates and of waiting for batches, and of scoring.";
  const next = `Windows of ${everyMs / HOUR_MS} h in strict order: each is scored before anything of it was learned from.`;
  const flops =
    "Ours are the matrix products as they ran, with the lengths that histories have. MLPerf Training counts its HSTU: all " +
    "histories of full length, half of the causal square, and attention once more in backward.";
  return [
    { kind: "heading", text: "To the target" },
    { kind: "table", caption: seeds, ...seedTable(result) },
    { kind: "heading", text: "Predicted before learned from" },
    { kind: "figure", chart },
    { kind: "table", caption: next, ...windowTable(result) },
    { kind: "table", caption: flops, ...flopTable(result) },
  ];
}
