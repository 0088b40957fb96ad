/** A thread with one session of ONNX Runtime, which blocks its thread while it runs: hence a thread. */
import { parentPort, workerData } from "node:worker_threads";
import { messageOf } from "../../base/message.ts";
import { type PackedFeeds, unpackFeeds } from "./feeds.ts";
import type { Reply, SessionData } from "./messages.ts";
import { openSession, scoreWith } from "./session.ts";

const { graph, inputs } = workerData as SessionData;

async function reply(work: Promise<Reply>): Promise<void> {
  const answer = await work.catch((error: unknown): Reply => {
    return { kind: "failed", message: messageOf(error) };
  });
  const transfer = answer.kind === "scores" ? [answer.scores.logits.buffer as ArrayBuffer] : [];
  parentPort?.postMessage(answer, transfer);
}

async function start(): Promise<Reply> {
  const session = await openSession(graph);
  parentPort?.on("message", (packed: PackedFeeds | null) => {
    if (packed === null) {
      void session.release().finally(() => parentPort?.close());
      return;
    }
    void reply(scoreWith(session, unpackFeeds(packed, inputs)).then((scores) => ({ kind: "scores", scores })));
  });
  return { kind: "ready" };
}

// A thread whose start failed has nothing to listen to, and ends by itself.
await reply(start());
