/** One process of a study: trains one run, or continues it, and scores the study's window with it. */

import { join } from "node:path";
import { LapidaryError } from "../base/errors.ts";
import { EventStore } from "../data/index.ts";
import { ProcessMesh } from "../distributed/index.ts";
import { scoreRun } from "../evaluate/index.ts";
import { openRun, train } from "../train/index.ts";
import type { CellReport, CellRequest, CellTask } from "./cell-task.ts";
import { runStream } from "./target/stream.ts";

const controller = new AbortController();

process.on("message", (request: CellRequest) => {
  if (request.kind === "stop") controller.abort();
  else void answer(request.task);
});
// Whoever started it is gone, perhaps killed: two processes must not go on with one run.
process.on("disconnect", () => process.exit(1));

async function answer(task: CellTask): Promise<void> {
  const report = await work(task).catch(failure);
  process.send?.(report satisfies CellReport, () => process.exit(0));
}

async function work({ project, model, run, share, window, stream }: CellTask): Promise<CellReport> {
  using mesh = ProcessMesh.single();
  const tell = (report: CellReport): unknown => process.send?.(report);
  if (stream !== undefined) {
    const onTrained = (done: number): unknown => tell({ kind: "trained", share: done });
    const ended = await runStream(stream, { project, model, mesh, signal: controller.signal, onTrained });
    return ended === "stopped" ? { kind: "stopped" } : scored();
  }
  const onProgress = ({ step, totalSteps }: { readonly step: number; readonly totalSteps: number }): unknown =>
    tell({ kind: "trained", share: totalSteps === 0 ? 1 : step / totalSteps });
  // There is one epoch, and whoever compares the runs scores the window.
  const how = { share, mesh, signal: controller.signal, onProgress, validates: false };
  const outcome = await train(project, { model, run, ...how });
  if (outcome.kind === "stopped" || controller.signal.aborted) return { kind: "stopped" };
  using store = EventStore.open(project.store);
  await scoreRun(openRun(project, join(project.runs, run), { store }), { split: window });
  return scored();
}

function scored(): CellReport {
  // Of the whole life of the process, in KiB.
  return { kind: "scored", peakBytes: process.resourceUsage().maxRSS * 1024 };
}

function failure(cause: unknown): CellReport {
  if (cause instanceof LapidaryError) {
    const { code, where, expected, got, hint } = cause;
    return { kind: "failed", error: { code, where, expected, got, hint } };
  }
  const got = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  const error = { code: "INTERNAL", where: "study", expected: "no exception", got, hint: "Report this." } as const;
  return { kind: "failed", error };
}
