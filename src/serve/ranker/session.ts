/** One session of ONNX Runtime, as every thread that scores has it. */
import { InferenceSession, Tensor } from "onnxruntime-node";
import { GRAPH_OUTPUT } from "../../bundle/graph-inputs.ts";
import type { Feeds } from "./feeds.ts";
import type { Scores } from "./messages.ts";

/** Loads a graph. Rejects with what ONNX Runtime says if it cannot. */
export function openSession(graph: Uint8Array): Promise<InferenceSession> {
  // More threads than one per session make the slowest requests twenty times slower on few cores.
  const options = {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: "sequential",
    logSeverityLevel: 4,
  } as const;
  // The binding takes no shared memory, and copies what it is given.
  return InferenceSession.create(graph.slice(), options);
}

/** Runs a graph; the thread is blocked meanwhile. Rejects with what ONNX Runtime says if it cannot. */
export async function scoreWith(session: InferenceSession, feeds: Feeds): Promise<Scores> {
  // A graph keeps only the inputs that it reads.
  const read: Record<string, Tensor> = {};
  for (const name of session.inputNames) {
    const feed = feeds[name];
    if (feed === undefined) throw new Error(`no input ${name}`);
    read[name] =
      feed.data instanceof Int32Array
        ? new Tensor("int32", feed.data, feed.dims)
        : new Tensor("float32", feed.data, feed.dims);
  }
  const outputs = await session.run(read, [GRAPH_OUTPUT]);
  const logits = outputs[GRAPH_OUTPUT];
  if (logits === undefined || !(logits.data instanceof Float32Array)) {
    throw new Error(`no float32 output ${GRAPH_OUTPUT}`);
  }
  // The session's memory is not ours to give away.
  return { logits: new Float32Array(logits.data), dims: [...logits.dims] };
}
