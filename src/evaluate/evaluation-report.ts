import { dirname, join, relative } from "node:path";
import type { PairedDifference } from "../metrics/comparison/paired-bootstrap.ts";
import type { Cell, Page, Section, TableColumn } from "../report/html.ts";
import type { CurveRecord } from "../report/jsonl.ts";
import { calibrationPlot } from "../report/svg/calibration-plot.ts";
import { intervalChart } from "../report/svg/interval-chart.ts";
import { lineChart, type Point } from "../report/svg/line-chart.ts";
import type { Evaluation, RunEvaluation } from "./evaluation.ts";
import { evaluationName, objectivesOf, ratioName, signed, verdictsOf } from "./evaluation-verdict.ts";
import { gapTable } from "./gap-table.ts";
import type { ResultTable } from "./result-table.ts";
import { SETTINGS_CAPTION, settingsTable } from "./settings-table.ts";

/** What {@link evaluationPage} shows. */
export interface EvaluationPageOptions {
  /** Folder that names of files are relative to. */
  readonly root: string;
  /** What the reader must know of the data before the numbers. @default nothing */
  readonly notes?: readonly string[];
  /** The training curves of each run, by its name. */
  readonly curves: Readonly<Record<string, readonly CurveRecord[]>>;
}

/** Columns of {@link metricCells}; those of amounts and counts stand there if some objective is one. */
function metricColumns(evaluation: Pick<ResultRows, "runs">): readonly TableColumn[] {
  const hasAmounts = withAmounts(evaluation);
  return [
    { label: ratioLabel(evaluation), digits: 4 },
    { label: "log loss", digits: 4 },
    { label: "AUC", digits: 4 },
    { label: "gAUC", digits: 4 },
    { label: "calibration", digits: 3 },
    ...(hasAmounts
      ? [
          { label: "Gini", digits: 4 },
          { label: "mean abs. error", digits: 4 },
        ]
      : []),
  ];
}

function withAmounts(evaluation: Pick<ResultRows, "runs">): boolean {
  return objectivesOf(evaluation).some((objective) => ratioName(evaluation, objective) === "ND");
}

/** What the column of NE holds. */
function ratioLabel(evaluation: Pick<ResultRows, "runs">): string {
  const names = objectivesOf(evaluation).map((objective) => ratioName(evaluation, objective));
  return [...new Set(names)].join(", ") || "NE";
}

/** What {@link resultTable} shows. */
export interface ResultRows {
  readonly baseline: string | null;
  readonly runs: readonly Pick<RunEvaluation, "run" | "objectives" | "differences">[];
}

/** One row per objective and run: its metrics, and its difference to the baseline with its 95% interval. */
export function resultTable(evaluation: ResultRows): ResultTable {
  const against = againstColumns(evaluation);
  const hasAmounts = withAmounts(evaluation);
  const rows = objectivesOf(evaluation).flatMap((objective) =>
    evaluation.runs.map((run) => [
      ...[objective, run.run],
      ...metricCells(run.objectives[objective]?.overall, hasAmounts),
      ...against.map(() => differenceText(run.differences?.[objective]?.normalizedEntropy)),
    ]),
  );
  return { columns: [{ label: "objective" }, { label: "model" }, ...metricColumns(evaluation), ...against], rows };
}

function againstColumns(evaluation: ResultRows): readonly TableColumn[] {
  const { baseline } = evaluation;
  return baseline === null ? [] : [{ label: `Δ${ratioLabel(evaluation)} to ${baseline} [95%]` }];
}

/** One row per transfer: its ratio of each objective; null without one. */
export function transferTable(evaluation: Pick<Evaluation, "transfers" | "runs">): ResultTable | null {
  const { transfers } = evaluation;
  if (transfers.length === 0) return null;
  const objectives = objectivesOf(evaluation);
  const columns = objectives.map((label) => ({ label, digits: 2 }));
  return {
    columns: [{ label: "transfer ratio" }, { label: "alone" }, { label: "teacher" }, ...columns],
    rows: transfers.map(({ run, alone, teacher, ratios }) => [
      ...[run, alone, teacher],
      ...objectives.map((objective) => ratios[objective] ?? null),
    ]),
  };
}

/** One row per run: how large it is and what it cost. FLOPs are those of matrix products, counted as they ran. */
export function costTable({ runs }: Pick<Evaluation, "runs">): ResultTable {
  const columns = [
    { label: "model" },
    { label: "dense parameters" },
    { label: "table parameters" },
    { label: "kFLOP/example, forward", digits: 1 },
    { label: "kFLOP/example, training", digits: 1 },
    { label: "updates" },
    { label: "best epoch" },
    { label: "s in updates", digits: 1 },
    { label: "MFU", digits: 3 },
  ];
  const rows = runs.flatMap(({ run, summary }): Cell[][] => {
    if (summary === null) return [];
    const { denseParameters, tableParameters, forwardFlopsPerExample, trainingFlopsPerExample } = summary;
    const flops = [forwardFlopsPerExample / 1e3, trainingFlopsPerExample / 1e3];
    const best = summary.best === null ? null : summary.best.epoch + 1;
    const { steps, trainSeconds, utilization } = summary;
    return [[run, denseParameters, tableParameters, ...flops, steps, best, trainSeconds, utilization?.mfu ?? null]];
  });
  return { columns, rows };
}

/**
 * The whole evaluation as a page: the verdict, tables, differences, calibration, history lengths, training curves, and
 * what each run was made with.
 */
export function evaluationPage(evaluation: Evaluation, { root, notes = [], curves }: EvaluationPageOptions): Page {
  const { split, surface } = evaluation;
  return {
    title: evaluationName(evaluation).title,
    subtitle: `${split} window${surface === null ? "" : `, surface ${surface}`}`,
    sections: [
      ...notes.map((text): Section => ({ kind: "paragraph", text })),
      { kind: "heading", text: "Verdict" },
      ...verdictsOf(evaluation).map((text): Section => ({ kind: "paragraph", text })),
      { kind: "heading", text: "Results" },
      { kind: "table", caption: captionOf(evaluation), ...resultTable(evaluation) },
      { kind: "table", caption: "Examples with a known label", ...countTable(evaluation) },
      ...gapSections(evaluation),
      ...differenceCharts(evaluation),
      ...transferSections(evaluation),
      ...calibrationSections(evaluation),
      ...historySections(evaluation),
      ...daySections(evaluation),
      ...surfaceSections(evaluation),
      { kind: "heading", text: "Training" },
      { kind: "table", caption: "Size and cost", ...costTable(evaluation) },
      ...trainingCharts(curves),
      { kind: "heading", text: "Settings" },
      { kind: "table", caption: SETTINGS_CAPTION, ...settingsTable(evaluation.runs) },
      { kind: "heading", text: "Sources" },
      { kind: "table", caption: "Files that the numbers come from", ...sourceTable(evaluation, root) },
    ],
  };
}

/** One row per objective: how many examples have a known label, of whom, how many are positive, and the mean label. */
export function countTable(evaluation: Evaluation): ResultTable {
  const rows = objectivesOf(evaluation).map((objective): Cell[] => {
    const found = evaluation.runs.find(({ objectives }) => objectives[objective] !== undefined);
    const { examples = 0, users = 0, baseRate = null } = found?.objectives[objective]?.overall ?? {};
    const isBinary = ratioName(evaluation, objective) === "NE";
    return [objective, examples, users, isBinary ? Math.round(examples * (baseRate ?? 0)) : null, baseRate];
  });
  const counts = [{ label: "objective" }, { label: "examples" }, { label: "users" }, { label: "positives" }];
  return { columns: [...counts, { label: rateLabel(evaluation), digits: 4 }], rows };
}

/** What the column of the mean label holds. */
function rateLabel(evaluation: Pick<ResultRows, "runs">): string {
  return withAmounts(evaluation) ? "base rate, mean" : "base rate";
}

/** Where each run's numbers come from, relative to `root`. */
function sourceTable({ runs }: Evaluation, root: string): ResultTable {
  const rows = runs.flatMap(({ run, predictions }): Cell[][] => {
    if (predictions === null) return [];
    // Below the run's folder, as its other files are.
    const folder = join(dirname(predictions), "..");
    const files = [predictions, join(folder, "metrics.jsonl"), join(folder, "summary.json")];
    return [[run, ...files.map((file) => relative(root, file))]];
  });
  return { columns: ["model", "scores", "curves", "size and cost"].map((label) => ({ label })), rows };
}

function captionOf(evaluation: Evaluation): string {
  const { split, baseline, negatives } = evaluation;
  const ratio = ratioLabel(evaluation);
  const difference =
    baseline === null ? "" : ` Δ${ratio} below zero is better than ${baseline}; intervals resample users.`;
  const drawn = negatives === null ? "" : ` Negatives are drawn, always the same ones. ${negatives}.`;
  const amounts = withAmounts(evaluation) ? ` ${DEVIANCES}` : "";
  return `Metrics on the ${split} window; NE against the base rate of the same examples.${amounts}${difference}${drawn}`;
}

/** What ND is. */
const DEVIANCES =
  "ND, the normalized deviance, is its like of counts (Poisson) and amounts (Tweedie, power 1.5): against their mean.";

type Metrics = RunEvaluation["objectives"][string]["overall"];

function metricCells(metrics: Metrics | undefined, hasAmounts: boolean): readonly Cell[] {
  const { normalizedEntropy = null, logLoss = null, auc = null, groupedAuc = null, calibration = null } = metrics ?? {};
  const { gini = null, meanAbsoluteError = null } = metrics?.amounts ?? {};
  return [normalizedEntropy, logLoss, auc, groupedAuc, calibration, ...(hasAmounts ? [gini, meanAbsoluteError] : [])];
}

function differenceText(difference: PairedDifference | undefined): Cell {
  if (difference === undefined || difference.difference === null) return null;
  const text = (value: number | null): string => (value === null ? "–" : signed(value));
  return `${text(difference.difference)} [${text(difference.low)}, ${text(difference.high)}]`;
}

function differenceCharts({ runs, baseline, ...rest }: Evaluation): readonly Section[] {
  if (baseline === null) return [];
  const compared = runs.filter(({ differences }) => differences !== null);
  return objectivesOf({ ...rest, runs }).map((objective): Section => {
    const rows = compared.map(({ run, differences }) => {
      const { difference = null, low = null, high = null } = differences?.[objective]?.normalizedEntropy ?? {};
      return { label: run, value: difference, low, high };
    });
    const x = { label: `Δ${ratioName({ runs }, objective)} to ${baseline}` };
    return { kind: "figure", chart: intervalChart({ title: objective, x, rows, reference: 0 }) };
  });
}

function calibrationSections(evaluation: Evaluation): readonly Section[] {
  const plots = calibrationPlots(evaluation);
  return plots.length === 0 ? [] : [{ kind: "heading", text: "Calibration" }, ...plots];
}

function calibrationPlots(evaluation: Evaluation): readonly Section[] {
  const binary = objectivesOf(evaluation).filter((objective) => ratioName(evaluation, objective) === "NE");
  return binary.map((objective): Section => {
    const series = evaluation.runs.map(({ run, objectives }) => ({
      name: run,
      points: objectives[objective]?.calibrationCurve ?? [],
    }));
    return { kind: "figure", chart: calibrationPlot({ title: objective, series }) };
  });
}

/** Nothing of a log whose events have no past. */
function historySections(evaluation: Evaluation): readonly Section[] {
  const lengths = evaluation.runs.flatMap(({ objectives }) =>
    Object.values(objectives).flatMap(({ byHistoryLength }) => byHistoryLength.filter(({ examples }) => examples > 0)),
  );
  if (lengths.every(({ from }) => from === 0)) return [];
  return [{ kind: "heading", text: "By length of the history" }, ...historyCharts(evaluation)];
}

function historyCharts(evaluation: Evaluation): readonly Section[] {
  return objectivesOf(evaluation).map((objective): Section => {
    const series = evaluation.runs.map(({ run, objectives }) => ({
      name: run,
      points: (objectives[objective]?.byHistoryLength ?? []).flatMap(({ from, normalizedEntropy }): Point[] =>
        // No history has a place of its own on the log axis, left of one event.
        normalizedEntropy === null ? [] : [{ x: from === 0 ? 0.5 : from, y: normalizedEntropy }],
      ),
    }));
    const hasNone = series.some(({ points }) => points.some((point) => point.x < 1));
    const x = { label: `past events, at least${hasNone ? " (leftmost: none)" : ""}`, scale: "log" } as const;
    return {
      kind: "figure",
      chart: lineChart({ title: objective, x, y: { label: ratioName(evaluation, objective) }, series }),
    };
  });
}

function transferSections(evaluation: Evaluation): readonly Section[] {
  const table = transferTable(evaluation);
  if (table === null) return [];
  const caption =
    "Student's gain in NE over the vertical model alone ÷ the teacher's gain; a dash where the teacher has none.";
  return [
    { kind: "heading", text: "Transfer" },
    { kind: "table", caption, ...table },
  ];
}

function gapSections(evaluation: Evaluation): readonly Section[] {
  const table = gapTable(evaluation);
  const caption = "How much of what could be known each knows: (1 − NE) ÷ (1 − NE of who knows), in %";
  return table === null ? [] : [{ kind: "table", caption, ...table }];
}

function surfaceSections(evaluation: Evaluation): readonly Section[] {
  const table = surfaceTable(evaluation);
  if (table === null) return [];
  return [
    { kind: "heading", text: "By surface" },
    { kind: "table", caption: "Metrics by surface", ...table },
  ];
}

/** How models age; nothing where all is of one day. */
function daySections(evaluation: Evaluation): readonly Section[] {
  const table = dayTable(evaluation);
  if (table === null) return [];
  const charts = objectivesOf(evaluation).map((objective): Section => {
    const series = evaluation.runs.map(({ run, byDay }) => ({
      name: run,
      points: (byDay[objective] ?? []).flatMap(({ day, normalizedEntropy: y }): Point[] =>
        y === null ? [] : [{ x: day, y }],
      ),
    }));
    const x = { label: "days since the end of training" };
    const y = { label: ratioName(evaluation, objective) };
    return { kind: "figure", chart: lineChart({ title: objective, x, y, series }) };
  });
  const caption = "Metrics by days since the end of training, each against the base rate of its own day";
  return [{ kind: "heading", text: "By day since training" }, ...charts, { kind: "table", caption, ...table }];
}

/** One row per objective, day and run; null where all is of one day. */
export function dayTable(evaluation: Evaluation): ResultTable | null {
  const against = againstColumns(evaluation);
  const hasAmounts = withAmounts(evaluation);
  const rows = objectivesOf(evaluation).flatMap((objective) => {
    const days = new Set(evaluation.runs.flatMap(({ byDay }) => (byDay[objective] ?? []).map(({ day }) => day)));
    return [...days].flatMap((day) =>
      evaluation.runs.flatMap(({ run, byDay }): Cell[][] => {
        const row = byDay[objective]?.find((other) => other.day === day);
        if (row === undefined) return [];
        const difference = against.map(() => differenceText(row.difference ?? undefined));
        return [[objective, day, run, row.examples, row.baseRate, ...metricCells(row, hasAmounts), ...difference]];
      }),
    );
  });
  if (rows.length === 0) return null;
  const columns = [{ label: "objective" }, { label: "day" }, { label: "model" }, { label: "examples" }];
  const metrics = metricColumns(evaluation);
  return { columns: [...columns, { label: rateLabel(evaluation), digits: 4 }, ...metrics, ...against], rows };
}

/** One row per surface, objective and run; null where there is one surface. */
export function surfaceTable(evaluation: Evaluation): ResultTable | null {
  const names = Object.entries(evaluation.surfaces);
  if (names.length < 2) return null;
  const against = againstColumns(evaluation);
  const hasAmounts = withAmounts(evaluation);
  const rows = names.flatMap(([code, name]) =>
    objectivesOf(evaluation).flatMap((objective) =>
      evaluation.runs.flatMap(({ run, objectives, differences }): Cell[][] => {
        const row = objectives[objective]?.bySurface.find(({ surface }) => surface === Number(code));
        if (row === undefined) return [];
        const found = differences?.[objective]?.bySurface.find(({ surface }) => surface === Number(code));
        const difference = against.map(() => differenceText(found));
        return [[name, objective, run, row.examples, row.baseRate, ...metricCells(row, hasAmounts), ...difference]];
      }),
    ),
  );
  const columns = [{ label: "surface" }, { label: "objective" }, { label: "model" }, { label: "examples" }];
  const metrics = metricColumns(evaluation);
  return { columns: [...columns, { label: rateLabel(evaluation), digits: 4 }, ...metrics, ...against], rows };
}

function trainingCharts(curves: EvaluationPageOptions["curves"]): readonly Section[] {
  const series = (of: (records: readonly CurveRecord[]) => readonly Point[]) =>
    Object.entries(curves).map(([name, records]) => ({ name, points: of(records) }));
  const x = { label: "updates" };
  const loss = { title: "Training loss, running mean", x, y: { label: "loss", unit: "nats" } };
  const validation = { title: "Validation", x, y: { label: "mean NE" } };
  return [
    { kind: "figure", chart: lineChart({ ...loss, series: series((records) => smooth(pointsOf(records, "loss"))) }) },
    {
      kind: "figure",
      chart: lineChart({
        ...validation,
        series: series((records) => pointsOf(records, "validationNormalizedEntropy")),
      }),
    },
  ];
}

function pointsOf(records: readonly CurveRecord[], name: string): readonly Point[] {
  return records.flatMap((record): Point[] => {
    const y = record[name];
    return typeof y === "number" ? [{ x: record.step, y }] : [];
  });
}

/** Share of the mean that a new point makes up. */
const NEW_SHARE = 0.1;

/** Exponential running mean, its first points unbiased. */
function smooth(points: readonly Point[]): readonly Point[] {
  let sum = 0;
  let weight = 0;
  return points.map(({ x, y }) => {
    sum += NEW_SHARE * (y - sum);
    weight += NEW_SHARE * (1 - weight);
    return { x, y: sum / weight };
  });
}
