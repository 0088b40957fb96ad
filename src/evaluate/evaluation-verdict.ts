import { basename } from "node:path";
import { sha256 } from "../files/digest.ts";
import type { Evaluation, RunEvaluation } from "./evaluation.ts";

/** Longest list of runs in the name of a file, in characters. */
const NAMED = 100;

/** The objectives of an evaluation's runs. */
export function objectivesOf({
  runs,
}: {
  readonly runs: readonly Pick<RunEvaluation, "objectives">[];
}): readonly string[] {
  return [...new Set(runs.flatMap(({ objectives }) => Object.keys(objectives)))];
}

/** What the ratio to the deviance of a constant is called: of yes/no objectives NE, of amounts and counts ND. */
export function ratioName(
  { runs }: { readonly runs: readonly Pick<RunEvaluation, "objectives">[] },
  objective: string,
): "NE" | "ND" {
  return runs.some(({ objectives }) => objectives[objective]?.kind !== undefined) ? "ND" : "NE";
}

/** A difference with its sign, as tables and sentences have it. */
export function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(4)}`;
}

/** What an evaluation is called, after its runs: the title of its page, and the name of its file. */
export function evaluationName({ runs, split }: Pick<Evaluation, "runs" | "split">): {
  readonly title: string;
  readonly file: string;
} {
  const trained = runs.filter(({ summary }) => summary !== null).map(({ run }) => basename(run));
  const names = trained.length === 0 ? ["what is known"] : trained;
  const last = names.at(-1) ?? "";
  const title = names.length < 2 ? last : `${names.slice(0, -1).join(", ")} and ${last}`;
  const whole = names.map((name) => name.replaceAll(/[^\w.-]/g, "_")).join("+");
  const digest = sha256(whole).slice(0, 8);
  const short = `${whole.slice(0, NAMED)}…${digest}`;
  return { title, file: `evaluation-${split}-${whole.length <= NAMED ? whole : short}.html` };
}

/** One sentence per objective and run: whether it is better than the baseline, or the only run than the base rate. */
export function verdictsOf(evaluation: Evaluation): readonly string[] {
  const { runs, baseline } = evaluation;
  const trained = runs.filter(({ summary }) => summary !== null);
  return objectivesOf(evaluation).flatMap((objective) =>
    trained
      .filter(({ run, objectives }) => run !== baseline && objectives[objective] !== undefined)
      .map((run) => {
        const of = { objective, ratio: ratioName(evaluation, objective) };
        return `${objective}: ${baseline === null ? alone(run, of) : against(run, of, baseline)}`;
      }),
  );
}

/** An objective, and {@link ratioName} of it. */
interface Judged {
  readonly objective: string;
  readonly ratio: string;
}

function against({ run, differences }: RunEvaluation, { objective, ratio }: Judged, baseline: string): string {
  const { difference = null, low = null, high = null } = differences?.[objective]?.normalizedEntropy ?? {};
  if (difference === null || low === null || high === null) {
    return `${run} and ${baseline} cannot be told apart: too few users or labels for an interval.`;
  }
  const found = `Δ${ratio} ${signed(difference)}, 95% interval ${signed(low)} to ${signed(high)}`;
  if (high < 0) return `${run} is better than ${baseline} (${found}).`;
  if (low > 0) return `${run} is worse than ${baseline} (${found}).`;
  return `${run} and ${baseline} cannot be told apart (${found}, which holds zero).`;
}

function alone({ run, objectives }: RunEvaluation, { objective, ratio }: Judged): string {
  const entropy = objectives[objective]?.overall.normalizedEntropy ?? null;
  if (entropy === null) return `the ${ratio} of ${run} is not defined, because the labels do not vary.`;
  const than = `than always answering the ${ratio === "NE" ? "base rate" : "mean"} of these examples`;
  return `${run} is ${entropy < 1 ? "better" : "no better"} ${than} (${ratio} ${entropy.toFixed(4)}).`;
}
