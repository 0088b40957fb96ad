import { contentArrays, graphInputs, type IdsAxis, isIdsAxis, type UserRows } from "../bundle/graph-inputs.ts";
import { contentOf, isEmptyContent, vectorWidth } from "../features/content.ts";
import type { Batch, CategoryFeature, CodeColumns, ContentColumns, FeatureSpec } from "../features/spec.ts";
import { isSplit, type Model } from "../model/index.ts";
import { fromArray, type Tensor, type TensorArray, trace } from "../torch/index.ts";
import { type Graph, generalize } from "./generalize.ts";
import { type Point, TracePoints } from "./sizes.ts";

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
  const userRows = userRowsOf(model);
  const axes = graphInputs(spec, userRows).map(({ shape: [axis] }) => axis);
  const points = new TracePoints(axes.filter((axis): axis is IdsAxis => typeof axis === "string" && isIdsAxis(axis)));
  const runs = points.points.map((point) => {
    const probe = probeOf(spec, userRows === "request" ? point : { ...point, R: point.B });
    return { trace: trace(() => logitsOf(model, probe)), names: namesOf(probe) };
  });
  return generalize(runs, points);
}

/** @shape → [B, W] */
function logitsOf(model: Model, { batch, requests }: Probe): Tensor {
  if (!isSplit(model)) return model.logits(batch);
  const users = model.user(batch).indexSelect(0, fromArray(requests, [requests.length], { share: true })); // [B, H]
  return model.score(users, batch);
}

function namesOf({ batch, requests }: Probe): ReadonlyMap<TensorArray, string> {
  const { contextual, candidate, numbers, content, history, knowledge } = batch;
  const named = (kind: string, columns: CodeColumns): [TensorArray, string][] =>
    Object.entries(columns).map(([name, codes]) => [codes, `${kind}.${name}`]);
  return new Map<TensorArray, string>([
    ...named("contextual", contextual),
    ...named("candidate", candidate),
    ...named("history", history.codes),
    [numbers, "numbers"],
    [history.offsets, "offsets"],
    ...[...contentArrays("candidate", content), ...contentArrays("history", history.content)].map(
      ([name, array]): [TensorArray, string] => [array, name],
    ),
    [requests, "requests"],
    ...(knowledge === undefined ? [] : [[knowledge.past, "past"] as const]),
  ]);
}

/** A batch of the given size whose codes say nothing; its histories grow, and the first is empty. */
function probeOf(spec: FeatureSpec, point: Point): Probe {
  const { B, R, L } = point;
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
    ...probeContent(spec, { kind: "candidate", rows: B, point }),
    history: {
      ...probeContent(spec, { kind: "history", rows: L, point }),
      offsets: Int32Array.from({ length: R + 1 }, (_, r) => Math.floor(L * (r / R) ** 2)),
      codes: codes(spec.history, L),
    },
    labels,
    labelMask: labels,
    knowledge: { logits: labels, mask: labels, past: waves(R * (spec.pastEmbeddings ?? 0)) },
  };
  return { batch, requests: Int32Array.from({ length: B }, (_, i) => i % R) };
}

/** Vectors that say nothing, and as many ids as the point asks for, growing lists of them. */
function probeContent(
  spec: FeatureSpec,
  { kind, rows, point }: { readonly kind: "candidate" | "history"; readonly rows: number; readonly point: Point },
): { readonly content?: ContentColumns } {
  const { vectors, lists } = contentOf(spec);
  if (isEmptyContent({ vectors, lists })) return {};
  const vectorOf = (width: number): Float32Array => Float32Array.from({ length: rows * width }, (_, i) => Math.cos(i));
  const listOf = ({ name, cardinality }: CategoryFeature) => {
    const ids = point[`|${kind}.${name}|`] ?? 0;
    const offsets = Int32Array.from({ length: rows + 1 }, (_, row) => Math.floor(ids * (row / rows) ** 2));
    return { offsets, codes: Int32Array.from({ length: ids }, (_, i) => (31 * i + rows) % cardinality) };
  };
  return {
    content: {
      vectors: Object.fromEntries(vectors.map((feature) => [feature.name, vectorOf(vectorWidth(feature))])),
      lists: Object.fromEntries(lists.map((feature) => [feature.name, listOf(feature)])),
    },
  };
}
