import type { UserRows } from "../bundle/graph-inputs.ts";
import type { Batch, CategoryFeature, CodeColumns, FeatureSpec } from "../features/spec.ts";
import { isSplit, type Model } from "../model/index.ts";
import { fromArray, type Tensor, type TensorArray, trace } from "../torch/index.ts";
import { type Graph, generalize } from "./generalize.ts";
import { POINTS, type Point } from "./sizes.ts";

/** A batch of one size, and which request each of its candidates belongs to. */
interface Probe {
  readonly batch: Batch;
  readonly requests: Int32Array;
}

/** Whose rows the user's part of a model's graph has. */
export function userRowsOf(model: Model): UserRows {
  return isSplit(model) ? "request" : "candidate";
}

/**
 * What a model computes from a batch of any size. Its inputs are those of `graphInputs`: of a model that is split, the
 * user's part is computed once per request.
 *
 * @throws {LapidaryError} EXPORT_UNSUPPORTED if it makes something of a batch that its operators do not show
 */
export function traceModel(model: Model, spec: FeatureSpec): Graph {
  const runs = POINTS.map((point) => {
    const probe = probeOf(spec, userRowsOf(model) === "request" ? point : { ...point, R: point.B });
    return { trace: trace(() => logitsOf(model, probe)), names: namesOf(probe) };
  });
  return generalize(runs);
}

/** @shape → [B, T] */
function logitsOf(model: Model, { batch, requests }: Probe): Tensor {
  if (!isSplit(model)) return model.logits(batch);
  const users = model.user(batch).indexSelect(0, fromArray(requests, [requests.length], { share: true })); // [B, H]
  return model.score(users, batch);
}

function namesOf({ batch, requests }: Probe): ReadonlyMap<TensorArray, string> {
  const { contextual, candidate, numbers, history, knowledge } = batch;
  const named = (kind: string, columns: CodeColumns): [TensorArray, string][] =>
    Object.entries(columns).map(([name, codes]) => [codes, `${kind}.${name}`]);
  return new Map<TensorArray, string>([
    ...named("contextual", contextual),
    ...named("candidate", candidate),
    ...named("history", history.codes),
    [numbers, "numbers"],
    [history.offsets, "offsets"],
    [requests, "requests"],
    ...(knowledge === undefined ? [] : [[knowledge.past, "past"] as const]),
  ]);
}

/** A batch of the given size whose codes say nothing; its histories grow, and the first is empty. */
function probeOf(spec: FeatureSpec, { B, R, L }: Point): Probe {
  const codes = (features: readonly CategoryFeature[], count: number): CodeColumns =>
    Object.fromEntries(
      features.map(({ name, cardinality }, f) => [
        name,
        Int32Array.from({ length: count }, (_, i) => (31 * i + 7 * f + B) % cardinality),
      ]),
    );
  const waves = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(i + L));
  const labels = new Float32Array(B * spec.objectives.length);
  const batch: Batch = {
    size: B,
    rows: new Float64Array(B),
    times: new Float64Array(B),
    groups: { users: new Int32Array(B), surfaces: new Int32Array(B), pastEvents: new Int32Array(B) },
    contextual: codes(spec.contextual, R),
    candidate: codes(spec.candidate, B),
    numbers: waves(B * spec.numbers.length),
    history: {
      offsets: Int32Array.from({ length: R + 1 }, (_, r) => Math.floor(L * (r / R) ** 2)),
      codes: codes(spec.history, L),
    },
    labels,
    labelMask: labels,
    knowledge: { logits: labels, mask: labels, past: waves(R * (spec.pastEmbeddings ?? 0)) },
  };
  return { batch, requests: Int32Array.from({ length: B }, (_, i) => i % R) };
}
