import { writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { LapidaryError } from "../../base/errors.ts";
import type { ResultTable } from "../../evaluate/index.ts";
import { makeFolder } from "../../files/durable-file.ts";
import { defineCommand } from "../command.ts";
import { knownTruth } from "../known-truth.ts";
import { text } from "../option.ts";
import { formatTable } from "../screen/table.ts";
import { splitOption } from "../split-option.ts";

/** `lapidary evaluate RUN…`: metrics of finished runs, compared on the same examples, and a report with plots. */
export const evaluate = defineCommand({
  name: "evaluate",
  summary: "metrics of finished runs, side by side, and a report with plots",
  description:
    "Scores the examples of a window with finished runs: NE (against the base rate of these very examples), log loss, " +
    "AUC, gAUC and calibration, of amounts and counts the normalized deviance (ND), Gini and mean absolute error, per " +
    "surface and objective, and the paired differences to the baseline with 95% " +
    "intervals; of a simulated world the truth and the oracles beside them, and alone if no run is named. Choices are made on the validation window; a test window that was looked at for a choice is none.",
  args: [{ name: "RUN", description: "name of a run, or path of its folder", required: false, many: true }],
  options: {
    split: text("WINDOW", "window of the split: train, validation or test", "validation"),
    baseline: text("RUN", "run that the others are compared with (default: the first)"),
    out: text("FILE", "where the report goes (default: evaluation-WINDOW-RUNS.html beside the runs)"),
  },
  readsProject: true,
  example: "lapidary evaluate previous foundation --split test",
  resume: "Run `lapidary evaluate` again.",
  run: async ({ args: runs, options: { split, baseline, out }, signal, loadProject, progress }) => {
    const project = await loadProject();
    if (runs.length === 0 && project.world === null) throw wrongOption("RUN", "the name of a finished run", "none");
    const evaluate = await import("../../evaluate/index.ts");
    const { htmlPage } = await import("../../report/html.ts");
    const window = splitOption(split);
    if (baseline !== null && !runs.includes(baseline)) {
      throw wrongOption("--baseline", `one of the runs ${runs.join(", ")}`, baseline);
    }
    const { knowledgeFor } = await import("../../transfer/index.ts");
    const shown = progress({ label: "evaluate", total: runs.length, unit: "runs", isSteady: false });
    let scored = 0;
    const onRun = (run: string): void => {
      signal.throwIfAborted();
      scored = runs.indexOf(run);
      shown.update({ done: scored, detail: run });
    };
    const onCounting = (counter: string): void => {
      shown.update({ done: scored, detail: `counting ${counter}, once for these events` });
    };
    const onObjective = async (objective: string): Promise<void> => {
      shown.update({ done: runs.length, detail: `intervals of ${objective}` });
      // A signal has its turn.
      await new Promise(setImmediate);
      signal.throwIfAborted();
    };
    const comparison = baseline === null ? {} : { baseline };
    const unwritten: string[] = [];
    const onUnwritten = (error: Error): void => {
      unwritten.push(`not written: ${error.message}`);
    };
    const evaluation = await evaluate.evaluateRuns(project, {
      runs,
      split: window,
      ...comparison,
      onRun,
      signal,
      onCounting,
      onObjective,
      onUnwritten,
      enrichFor: knowledgeFor(project),
      ...(await knownTruth(project)),
    });
    shown.finish("");
    const curves = Object.fromEntries(runs.map((run) => [run, evaluate.trainingCurve(project, run)]));
    const notes = project.about === null ? [] : [project.about];
    const path = resolve(out ?? join(project.runs, evaluate.evaluationName(evaluation).file));
    const page = htmlPage(evaluate.evaluationPage(evaluation, { root: project.root, notes, curves }));
    // A page that nobody asked for by name is not worth the numbers.
    const report = writePage(path, page, out === null ? onUnwritten : null) ? path : null;
    const transfers = evaluate.transferTable(evaluation);
    const { resultTable, gapTable, countTable, surfaceTable, costTable } = evaluate;
    const cost = runs.length === 0 ? null : costTable(evaluation);
    const results = [resultTable(evaluation), gapTable(evaluation), countTable(evaluation)];
    const shownTables = [...results, surfaceTable(evaluation), transfers, cost];
    const tables = shownTables.filter((table) => table !== null).map(tableText);
    const verdicts = evaluate.verdictsOf(evaluation);
    const end = report === null ? unwritten : [...unwritten, `report: ${report}`];
    const drawn =
      evaluation.negatives === null ? [] : [`drawn negatives, always the same ones: ${evaluation.negatives}`];
    const text = [...tables, ...drawn, verdicts.join("\n"), ...notes, ...end].join("\n\n");
    return { result: { ...evaluation, verdicts, report }, text };
  },
});

/** Whether the page was written; if there is nobody to tell why not, that is thrown. */
function writePage(path: string, page: string, onUnwritten: ((error: Error) => void) | null): boolean {
  try {
    makeFolder(dirname(path));
    writeFileSync(path, page);
    return true;
  } catch (error) {
    if (onUnwritten === null || !(error instanceof Error)) throw error;
    onUnwritten(error);
    return false;
  }
}

/** A table of results as lines. */
export function tableText({ columns, rows }: ResultTable): string {
  const isNumber = columns.map((_, c) => rows.some((row) => typeof row[c] === "number"));
  const cells = rows.map((row) =>
    row.map((cell, c) => {
      if (typeof cell !== "number") return cell ?? "–";
      const digits = columns[c]?.digits;
      return digits === undefined ? cell.toLocaleString("en") : cell.toFixed(digits);
    }),
  );
  return formatTable(
    columns.map(({ label }) => label),
    cells,
    isNumber.map((right) => (right ? "right" : "left")),
  );
}

function wrongOption(where: string, expected: string, got: string): LapidaryError {
  const hint = "Run `lapidary evaluate --help`.";
  return new LapidaryError({ code: "USAGE", where, expected, got, hint });
}
