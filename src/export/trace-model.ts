import type { Batch, CategoryFeature, CodeColumns, FeatureSpec } from "../features/spec.ts";
import type { Model } from "../model/index.ts";
import { type TensorArray, trace } from "../torch/index.ts";
import { type Graph, generalize } from "./generalize.ts";
import { POINTS, type Point } from "./sizes.ts";

/**
 * What a model computes from a batch of any size. Its inputs are `contextual.F`, `candidate.F`, `numbers`,
 * `history.F` and `offsets`.
 *
 * @throws {LapidaryError} EXPORT_UNSUPPORTED if it makes something of a batch that its operators do not show
 */
export function traceModel(model: Model, spec: FeatureSpec): Graph {
  const runs = POINTS.map((point) => {
    const batch = probeBatch(spec, point);
    return { trace: trace(() => model.logits(batch)), names: namesOf(batch) };
  });
  return generalize(runs);
}

function namesOf({ contextual, candidate, numbers, history }: Batch): ReadonlyMap<TensorArray, string> {
  const named = (kind: string, columns: CodeColumns): [TensorArray, string][] =>
    Object.entries(columns).map(([name, codes]) => [codes, `${kind}.${name}`]);
  return new Map<TensorArray, string>([
    ...named("contextual", contextual),
    ...named("candidate", candidate),
    ...named("history", history.codes),
    [numbers, "numbers"],
    [history.offsets, "offsets"],
  ]);
}

/** A batch of the given size whose codes say nothing; its histories grow, and the first is empty. */
function probeBatch(spec: FeatureSpec, { B, L }: Point): Batch {
  const codes = (features: readonly CategoryFeature[], count: number): CodeColumns =>
    Object.fromEntries(
      features.map(({ name, cardinality }, f) => [
        name,
        Int32Array.from({ length: count }, (_, i) => (31 * i + 7 * f + B) % cardinality),
      ]),
    );
  const labels = new Float32Array(B * spec.objectives.length);
  return {
    size: B,
    rows: new Float64Array(B),
    times: new Float64Array(B),
    groups: { users: new Int32Array(B), surfaces: new Int32Array(B), pastEvents: new Int32Array(B) },
    contextual: codes(spec.contextual, B),
    candidate: codes(spec.candidate, B),
    numbers: Float32Array.from({ length: B * spec.numbers.length }, (_, i) => Math.sin(i + L)),
    history: {
      offsets: Int32Array.from({ length: B + 1 }, (_, b) => Math.floor(L * (b / B) ** 2)),
      codes: codes(spec.history, L),
    },
    labels,
    labelMask: labels,
  };
}
