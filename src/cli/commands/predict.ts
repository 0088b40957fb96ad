import { LapidaryError } from "../../base/errors.ts";
import type { Predicted } from "../../predict/index.ts";
import { defineCommand, type Outcome } from "../command.ts";
import { flag, repeated, text } from "../option.ts";
import { formatCount } from "../screen/progress-line.ts";
import { formatPairs } from "../screen/table.ts";

/** `lapidary predict RUN`: scores the rows of files with a finished run. */
export const predict = defineCommand({
  name: "predict",
  summary: "scores the rows of files with a finished run, as Parquet",
  description:
    "Scores rows with the mapping of the configuration; labels and actions need not be there. A row sees its user's " +
    "events in the event store strictly before its own time, and ids that the store never saw are new. Written are " +
    "event (if it is mapped), user, item, time, surface, file, line and p_OBJECTIVE for each yes/no objective: the run's " +
    "own probability, as `lapidary evaluate` has it, or with --bundle the calibrated one that this bundle serves; " +
    "e_OBJECTIVE, the expected amount or count, of the others. Rows that cannot be used go to FILE.dead-letters.jsonl, each with file, line and reason.",
  args: [{ name: "RUN", description: "name of a finished run, or path of its folder", required: true }],
  options: {
    input: repeated("FILES...", "files with the fields of the log, or globs; RUN stands before them"),
    out: text("FILE", "Parquet file that is written", "predictions.parquet"),
    bundle: text("DIR", "bundle of the run, whose calibration is applied (default: none)"),
    embeddings: flag("adds what the model makes of the user, as a list of numbers"),
    force: flag("replaces a file that is there"),
  },
  readsProject: true,
  example: "lapidary predict foundation --input 'new/*.parquet' --out scores.parquet",
  resume: "Run `lapidary predict` again: nothing was written.",
  run: async ({ args: [run = ""], options, signal, loadProject, progress }): Promise<Outcome> => {
    if (options.input.length === 0) throw withoutInput();
    const project = await loadProject();
    const { predictFiles } = await import("../../predict/index.ts");
    const { knowledgeFor } = await import("../../transfer/index.ts");
    const shown = progress({ label: `predict ${run}`, total: null, unit: "rows" });
    const onProgress = (done: number, total: number): void => shown.update({ done, total });
    const enrichFor = knowledgeFor(project);
    const result = await predictFiles(project, { ...options, run, enrichFor, onProgress, signal });
    shown.finish("");
    return { result: { run, ...result }, text: describe(result), status: result.predicted > 0 ? "done" : "failed" };
  },
});

function withoutInput(): LapidaryError {
  const hint = "Run `lapidary predict --help`.";
  return new LapidaryError({ code: "USAGE", where: "--input", expected: "the files to score", got: "none", hint });
}

function describe({ out, predicted, rejected, rejections, deadLetterFile }: Predicted): string {
  const reasons = Object.entries(rejections).sort(([, a], [, b]) => b - a);
  return formatPairs([
    ["scored", formatCount(predicted)],
    ["rejected", formatCount(rejected)],
    ...reasons.map(([reason, count]): [string, string] => [`  ${reason}`, formatCount(count)]),
    ["predictions", out],
    ...(deadLetterFile === null ? [] : [["rejected rows", deadLetterFile] as const]),
  ]);
}
