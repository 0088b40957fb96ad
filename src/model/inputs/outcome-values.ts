import type { CategoryFeature, CodeColumns, FeatureSpec, Moments } from "../../features/spec.ts";

/** How far from its mean, in deviations, an outcome may be: of one event in a thousand, one would drown a hundred others. */
const FARTHEST = 8;

/** An outcome of past events that rises with its code. */
export type OrderedOutcome = CategoryFeature & { readonly moments: Moments };

/** What came of past events and is no category: flags, numbers, amounts, counts. None where the spec has no moments. */
export function orderedOutcomes({ history }: Pick<FeatureSpec, "history">): readonly OrderedOutcome[] {
  return history.filter((feature): feature is OrderedOutcome => feature.moments !== undefined);
}

/**
 * What came of past events: `(code − mean) / deviation`, at most 8 from 0; 0 of what is not known. A flag's mean over events is
 * how often it was so, against how often it is so at all; a number's code is its logarithm.
 *
 * @shape → [rows, outcomes]
 * @throws {Error} if the batch lacks an outcome
 */
export function outcomeValues(outcomes: readonly OrderedOutcome[], columns: CodeColumns, rows: number): Float32Array {
  const values = new Float32Array(rows * outcomes.length);
  for (const [k, { name, cardinality, moments }] of outcomes.entries()) {
    const codes = columns[name];
    if (codes === undefined) throw new Error(`the batch has no feature ${name}`);
    const table = Float32Array.from({ length: cardinality }, (_, code) =>
      code === 0 ? 0 : standardizedCode(code, moments),
    );
    for (let i = 0; i < rows; i++) values[i * outcomes.length + k] = table[codes[i]!]!;
  }
  return values;
}

function standardizedCode(code: number, { mean, deviation }: Moments): number {
  return Math.max(-FARTHEST, Math.min(FARTHEST, (code - mean) / deviation));
}
