/** The thread of the test of several threads: trains, fails or goes on for ever, as it is told to. */
import { parentPort, workerData } from "node:worker_threads";
import { LapidaryError } from "../base/errors.ts";
import { liveTensors, ones } from "../torch/index.ts";
import { train, trainForever } from "./training.test.support.ts";

/** What the thread is started with. */
export type Task = { readonly kind: "train" | "fail"; readonly seed: number } | { readonly kind: "forever" };

/** What it answers: the trained numbers and the tensors left, the code of its error, or that it has begun. */
export type Answer =
  | { readonly kind: "trained"; readonly numbers: readonly number[]; readonly live: number }
  | { readonly kind: "failed"; readonly code: string }
  | { readonly kind: "running" };

function answer(message: Answer): void {
  parentPort?.postMessage(message);
}

function perform(task: Task): void {
  if (task.kind === "forever") {
    trainForever(() => answer({ kind: "running" }));
    return;
  }
  if (task.kind === "fail") ones([2, 3]).mm(ones([2, 3]));
  answer({ kind: "trained", numbers: train(task.seed), live: liveTensors() });
}

try {
  perform(workerData as Task);
} catch (error) {
  answer({ kind: "failed", code: error instanceof LapidaryError ? error.code : String(error) });
}
