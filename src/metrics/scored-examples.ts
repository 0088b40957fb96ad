import { LapidaryError } from "../base/errors.ts";
import type { AmountKind } from "../config/events/objective-kinds.ts";
import { type ColumnParts, type Columns, columnsForm } from "./columns.ts";
import type { Column, UserPredictions } from "./metric.ts";
import { checkLengths, checkPredictions } from "./predictions.ts";

const KEYS = ["rows", "logits", "labels", "users", "surfaces", "historyLengths"] as const;

/** What one batch says of one objective; examples with `mask` 0 have no known label and are left out. */
export interface ScoredBatch extends UserPredictions {
  /** Row of each example's event in the event store: its identity. */
  readonly rows: Column;
  /** Code of each example's surface. */
  readonly surfaces: Column;
  /** Number of events in each example's history. */
  readonly historyLengths: Column;
  readonly mask: Column;
}

/** The scored examples of one objective with a known label, and all that metrics read of them. */
export interface ScoredExamples extends Columns<(typeof KEYS)[number]> {
  /** @default labels are 0 or 1, and scores logits */
  readonly kind?: AmountKind | undefined;
}

/** Names of the columns of {@link ScoredExamples}. */
export const SCORED_COLUMNS: readonly (typeof KEYS)[number][] = KEYS;

/** {@link ScoredExamples} as they are collected batch by batch and process by process. */
export type ScoredExamplesState = ColumnParts<(typeof KEYS)[number]>;

/** The form of {@link ScoredExamplesState}: how processes serialise and merge their parts. @internal */
export const scoredExamplesForm = columnsForm(KEYS);

/**
 * One objective's column of a row-major matrix.
 * @shape values [B, T] → [B]
 */
export function objectiveColumn(
  values: Column,
  { index, numObjectives }: { readonly index: number; readonly numObjectives: number },
): Float64Array {
  const column = new Float64Array(values.length / numObjectives);
  for (let i = 0; i < column.length; i++) column[i] = values[i * numObjectives + index]!;
  return column;
}

/**
 * The state with the examples of `batch` whose label is known.
 * @throws {LapidaryError} METRIC_COLUMNS, METRIC_NON_FINITE or METRIC_LABEL
 */
export function addScoredBatch(state: ScoredExamplesState, batch: ScoredBatch): ScoredExamplesState {
  const { mask, kind, ...columns } = batch;
  checkLengths("evaluation", { mask, ...columns });
  const known: number[] = [];
  for (let i = 0; i < mask.length; i++) if (mask[i] !== 0) known.push(i);
  const examples = takeRows(columns, known);
  checkPredictions("evaluation", { ...examples, kind });
  return scoredExamplesForm.append(state, examples);
}

/** The examples at the given positions, in that order. @internal */
export function takeRows(
  columns: Readonly<Record<(typeof KEYS)[number], Column>> & Pick<ScoredExamples, "kind">,
  at: ArrayLike<number>,
): ScoredExamples {
  const { kind } = columns;
  const take = (column: Column): Float64Array => {
    // A loop is several times as fast as `from` with a function.
    const values = new Float64Array(at.length);
    for (let i = 0; i < values.length; i++) values[i] = column[at[i]!]!;
    return values;
  };
  const taken = Object.fromEntries(KEYS.map((key) => [key, take(columns[key])])) as Columns<(typeof KEYS)[number]>;
  return kind === undefined ? taken : { ...taken, kind };
}

function isSame(a: Float64Array, b: Float64Array): boolean {
  return a === b || (a.length === b.length && a.every((value, i) => value === b[i]));
}

/**
 * `candidate` in the order of `baseline`, so that the same position of both is the same example.
 * @throws {LapidaryError} METRIC_COLUMNS unless both scored the same examples, each once, with the same labels
 */
export function alignExamples(baseline: ScoredExamples, candidate: ScoredExamples): ScoredExamples {
  if (isSame(baseline.rows, candidate.rows) && isSame(baseline.labels, candidate.labels)) {
    // Scored in one order, as models of one project are: there is nothing to look up.
    if (new Set(baseline.rows).size === baseline.rows.length) return candidate;
  }
  const position = new Map(Array.from(candidate.rows, (row, i) => [row, i] as const));
  const at = Float64Array.from(baseline.rows, (row) => position.get(row) ?? Number.NaN);
  const aligned = takeRows(candidate, at);
  const sizes = [candidate.rows.length, position.size, new Set(baseline.rows).size];
  const sameSize = sizes.every((size) => size === baseline.rows.length);
  const differs = baseline.rows.findIndex(
    (row, i) => row !== aligned.rows[i] || baseline.labels[i] !== aligned.labels[i],
  );
  if (sameSize && differs === -1) return aligned;
  throw new LapidaryError({
    code: "METRIC_COLUMNS",
    where: "paired comparison",
    expected: `the same ${baseline.rows.length} labelled examples from both models, each once`,
    got: sameSize ? `a difference at example ${baseline.rows[differs]}` : `${candidate.rows.length} examples`,
    hint: "Evaluate both models on the same split with the same objective.",
  });
}
