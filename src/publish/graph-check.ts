import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { contentArrays, GRAPH_OUTPUT, type GraphAxis, graphInputs, isIdsAxis, type UserRows } from "../bundle/index.ts";
import { objectivesOf, outputWidth } from "../features/objectives.ts";
import type { Batch, FeatureSpec } from "../features/spec.ts";
import { OUTCOME_FORMS, scoresOf } from "../metrics/outcomes/index.ts";
import type { Model } from "../model/index.ts";
import { scoreBatch } from "../train/index.ts";
import { relativeDifference } from "./difference.ts";

/** What a graph claims to compute, and the examples on which it is tried. */
export interface GraphCheck {
  readonly graph: Uint8Array;
  readonly userRows: UserRows;
  readonly model: Model;
  readonly spec: FeatureSpec;
  readonly batches: readonly Batch[];
}

/**
 * Largest difference of a mean, which is a probability, an expected amount or count, between ONNX Runtime and libtorch,
 * relative to libtorch's: `max |σ(a) − σ(b)| / σ(b)`; infinite if an output of either is not finite.
 *
 * @throws what ONNX Runtime says of a graph that it cannot load or run
 */
export async function scoreDifference({ graph, userRows, model, spec, batches }: GraphCheck): Promise<number> {
  const { InferenceSession: Session, Tensor } = await import("onnxruntime-node");
  const session = await Session.create(graph, { logSeverityLevel: 4 });
  try {
    let worst = 0;
    for (const batch of batches) {
      const names = new Set(session.inputNames);
      const inputs = graphInputs(spec, userRows).filter(({ name }) => names.has(name));
      const feeds = inputs.map(({ name, dtype, shape }) => {
        const data = columnOf(batch, name);
        const sizeAt = (axis: GraphAxis): number => (isIdsAxis(axis) ? data.length : sizeOf(batch, axis));
        const dims = shape.map((axis) => (typeof axis === "number" ? axis : sizeAt(axis)));
        return [name, new Tensor(dtype, data as Float32Array, dims)] as const;
      });
      const actual = await outputsOf(session, Object.fromEntries(feeds));
      worst = Math.max(worst, difference(spec, actual, scoreBatch(model, batch)));
    }
    return worst;
  } finally {
    await session.release();
  }
}

async function outputsOf(session: InferenceSession, feeds: Readonly<Record<string, OrtTensor>>): Promise<Float32Array> {
  const outputs = await session.run({ ...feeds }, [GRAPH_OUTPUT]);
  return new Float32Array(outputs[GRAPH_OUTPUT]?.data as Float32Array);
}

/** An input of the graph: each example is a request of its own. */
function columnOf({ size, contextual, candidate, numbers, content, history, knowledge }: Batch, input: string) {
  const ofContent = [...contentArrays("candidate", content), ...contentArrays("history", history.content)];
  const found = ofContent.find(([name]) => name === input);
  if (found !== undefined) return found[1];
  const [kind = "", name = ""] = input.split(/\.(.*)/s);
  const columns = { contextual, candidate, history: history.codes }[kind];
  if (columns !== undefined) return columns[name] ?? new Int32Array(0);
  if (kind === "numbers") return numbers;
  if (kind === "offsets") return history.offsets;
  if (kind === "past") return knowledge?.past ?? new Float32Array(0);
  return Int32Array.from({ length: size }, (_, i) => i);
}

function sizeOf({ size, history }: Batch, axis: string): number {
  const events = history.offsets.at(-1) ?? 0;
  if (axis.startsWith("L")) return axis === "L" ? events : events + 1;
  return axis.endsWith("+1") ? size + 1 : size;
}

function difference(spec: FeatureSpec, actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  if (!actual.every(Number.isFinite) || !expected.every(Number.isFinite)) return Number.POSITIVE_INFINITY;
  const width = outputWidth(spec);
  const worsts = objectivesOf(spec).map((objective) => {
    const means = (outputs: Float32Array) =>
      scoresOf(outputs, objective, { width }).map(OUTCOME_FORMS[objective.kind].mean);
    const actualMeans = means(actual);
    return means(expected).reduce((worst, mean, i) => Math.max(worst, relativeDifference(actualMeans[i]!, mean)), 0);
  });
  return Math.max(0, ...worsts);
}
