import type { RequestInputs } from "../../features/request-inputs.ts";
import type { FeatureSpec } from "../../features/spec.ts";

/** One input of a graph. */
export interface Feed {
  readonly data: Int32Array | Float32Array;
  readonly dims: readonly number[];
}

/** The inputs of a graph by name. */
export type Feeds = Readonly<Record<string, Feed>>;

/** Name of the graph's only output, the logits. @shape [B, T] */
export const OUTPUT = "logits";

/**
 * The inputs of a graph from those of a request. Today's graphs take one history per candidate, so the user's part is
 * repeated here, in the thread that scores and nowhere else: a graph with a row per user would take it as it is.
 *
 * @shape contextual and candidate [B]; numbers [B, N]; history [B·H]; offsets [B+1]
 */
export function feedsOf(inputs: RequestInputs, spec: FeatureSpec): Feeds {
  const { size } = inputs;
  const feeds: Record<string, Feed> = {};
  for (const { name } of spec.contextual) {
    feeds[`contextual.${name}`] = { data: new Int32Array(size).fill(inputs.contextual[name] ?? 0), dims: [size] };
  }
  for (const { name } of spec.candidate) {
    feeds[`candidate.${name}`] = { data: inputs.candidate[name] ?? new Int32Array(size), dims: [size] };
  }
  feeds["numbers"] = { data: inputs.numbers, dims: [size, spec.numbers.length] };
  let length = 0;
  for (const { name } of spec.history) {
    const codes = inputs.history[name] ?? new Int32Array(0);
    length = codes.length;
    const data = new Int32Array(size * length);
    for (let i = 0; i < size; i++) data.set(codes, i * length);
    feeds[`history.${name}`] = { data, dims: [size * length] };
  }
  feeds["offsets"] = { data: Int32Array.from({ length: size + 1 }, (_, i) => i * length), dims: [size + 1] };
  return feeds;
}
