/** A thread with one session of ONNX Runtime, which blocks its thread while it runs: hence a thread. */
import { parentPort, workerData } from "node:worker_threads";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { GRAPH_OUTPUT } from "../../bundle/graph-inputs.ts";
import { type Feeds, type PackedFeeds, unpackFeeds } from "./feeds.ts";
import type { Reply, Scores, SessionData } from "./messages.ts";

const { graph, inputs } = workerData as SessionData;

function tensorsOf(feeds: Feeds): Record<string, Tensor> {
  const entries = Object.entries(feeds).map(([name, { data, dims }]): [string, Tensor] => [
    name,
    data instanceof Int32Array ? new Tensor("int32", data, dims) : new Tensor("float32", data, dims),
  ]);
  return Object.fromEntries(entries);
}

async function score(session: InferenceSession, feeds: Feeds): Promise<Scores> {
  // A graph keeps only the inputs that it reads.
  const read = Object.fromEntries(session.inputNames.map((name) => [name, feeds[name]]));
  const outputs = await session.run(tensorsOf(read as Feeds), [GRAPH_OUTPUT]);
  const logits = outputs[GRAPH_OUTPUT];
  if (logits === undefined || !(logits.data instanceof Float32Array))
    throw new Error(`no float32 output ${GRAPH_OUTPUT}`);
  // The session's memory is not ours to give away.
  return { logits: new Float32Array(logits.data), dims: [...logits.dims] };
}

async function reply(work: Promise<Reply>): Promise<void> {
  const answer = await work.catch((error: unknown): Reply => {
    return { kind: "failed", message: error instanceof Error ? error.message : String(error) };
  });
  const transfer = answer.kind === "scores" ? [answer.scores.logits.buffer as ArrayBuffer] : [];
  parentPort?.postMessage(answer, transfer);
}

async function start(): Promise<Reply> {
  // More threads than one per session make the slowest requests twenty times slower on few cores.
  const options = {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: "sequential",
    logSeverityLevel: 4,
  } as const;
  // The binding takes no shared memory, and copies what it is given.
  const session = await InferenceSession.create(graph.slice(), options);
  parentPort?.on("message", (packed: PackedFeeds | null) => {
    if (packed === null) {
      void session.release().finally(() => parentPort?.close());
      return;
    }
    void reply(score(session, unpackFeeds(packed, inputs)).then((scores) => ({ kind: "scores", scores })));
  });
  return { kind: "ready" };
}

// A thread whose start failed has nothing to listen to, and ends by itself.
await reply(start());
