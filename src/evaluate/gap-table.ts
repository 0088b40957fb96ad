import type { Cell } from "../report/html.ts";
import type { Evaluation, RunEvaluation } from "./evaluation.ts";
import { objectivesOf } from "./evaluation-verdict.ts";
import type { ResultTable } from "./result-table.ts";

/**
 * One row per objective and run: how much of what could be known it knows, `(1 − NE) / (1 − NE of who knows)` in %: of
 * all of a world, and of what is left of it without what no model can know. Null where nothing is known.
 */
export function gapTable({ runs }: Pick<Evaluation, "runs">): ResultTable | null {
  const known = runs.filter(({ isMeasure }) => isMeasure === true);
  if (known.length === 0) return null;
  const columns = known.map(({ run }) => ({ label: `% of ${run}`, digits: 1 }));
  const rows = objectivesOf({ runs: known }).flatMap((objective) =>
    runs.map((run): readonly Cell[] => {
      const shares = known.map((other) => shareOf(run, other, objective));
      return [objective, run.run, run.objectives[objective]?.overall.normalizedEntropy ?? null, ...shares];
    }),
  );
  return { columns: [{ label: "objective" }, { label: "model" }, { label: "NE", digits: 4 }, ...columns], rows };
}

/** In %; null where one of the two has no NE, or who knows is no better than the base rate. */
function shareOf(run: RunEvaluation, known: RunEvaluation, objective: string): number | null {
  const gap = (of: RunEvaluation): number => 1 - (of.objectives[objective]?.overall.normalizedEntropy ?? Number.NaN);
  const share = (100 * gap(run)) / gap(known);
  return gap(known) > 0 && Number.isFinite(share) ? share : null;
}
