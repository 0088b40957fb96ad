/**
 * One process of a training, as `argv[2]` says in JSON; without it the process loads all it needs and waits for its
 * task on its input. Writes `begin`, a line per notice and per update that is asked for, and in the end a line of JSON:
 * the outcome, or the code of the error.
 */
import { text } from "node:stream/consumers";
import "../../src/files/kill-points.test.support.ts";
import { LapidaryError } from "../../src/base/errors.ts";
import { ProcessMesh } from "../../src/distributed/index.ts";
import { train } from "../../src/train/index.ts";
import type { WorkerTask } from "./worker-task.ts";

const write = (line: string): boolean => process.stdout.write(`${line}\n`);
const task = JSON.parse(process.argv[2] ?? (await text(process.stdin))) as WorkerTask;
const { project, model, run, say = [] } = task;
try {
  using mesh = ProcessMesh.fromEnvironment({ timeoutMs: 3_600_000 });
  write("begin");
  const onProgress = ({ step }: { readonly step: number }): void => {
    if (say.includes(step)) write(`update ${step}`);
  };
  const onNotice = (notice: string) => write(`notice ${notice}`);
  write(JSON.stringify(await train(project, { model, run, mesh, onProgress, onNotice })));
} catch (error) {
  if (!(error instanceof LapidaryError)) throw error;
  write(JSON.stringify({ error: error.code }));
  process.exitCode = 1;
}
