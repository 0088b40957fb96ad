import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProjectConfig } from "../../src/config/types.ts";
import { checkpointsOf, makeStore, resultOf, temporaryFolder, trainAlone, trainingIn } from "./project.ts";
import type { WorkerTask } from "./worker-task.ts";

const KILLS = 50;
const UPDATES = 3 * 88;
const MODEL = "previous";
const WORKER = fileURLToPath(new URL("./train-worker.js", import.meta.url));

let folder: ReturnType<typeof temporaryFolder>;
let project: ProjectConfig;
beforeAll(async () => {
  folder = temporaryFolder();
  await makeStore(folder.path);
  // 88 = 8 × 11: an epoch's last update has a checkpoint of its own, before the validation.
  project = trainingIn(folder.path, { globalBatchSize: 5, checkpointEverySteps: 11 });
});
afterAll(() => folder[Symbol.dispose]());

const at = (run: string): string => join(project.runs, run);

/** A process that can train at once; all that it writes is in `output`. */
class Trainee {
  readonly child: ChildProcess = spawn(process.execPath, [WORKER], { stdio: ["pipe", "pipe", "inherit"] });
  readonly ended: Promise<unknown> = once(this.child, "close");
  output = "";

  /** Returns once training has begun. */
  async begin(run: string): Promise<void> {
    const say = Array.from({ length: UPDATES }, (_, index) => index + 1);
    const task: WorkerTask = { project, model: MODEL, run, say };
    this.child.stdin?.end(JSON.stringify(task));
    this.child.stdout?.setEncoding("utf8").on("data", (text) => {
      this.output += text;
    });
    if (this.child.stdout) await once(this.child.stdout, "data");
  }

  /** Returns after as many more updates, or when there are no more. */
  async learn(updates: number): Promise<void> {
    const enough = (): boolean => this.output.split("update").length > updates;
    let over = false;
    const ended = this.ended.then(() => {
      over = true;
    });
    while (!enough() && !over && this.child.stdout) await Promise.race([ended, once(this.child.stdout, "data")]);
  }
}

/** How long a run takes from its beginning to its end. */
async function timeOne(run: string): Promise<number> {
  const trainee = new Trainee();
  await trainee.begin(run);
  const from = performance.now();
  await trainee.ended;
  expect(trainee.child.exitCode).toBe(0);
  return performance.now() - from;
}

/** Every checkpoint that can be seen has both of its files. */
function expectWhole(run: string): void {
  for (const name of checkpointsOf(at(run)).filter((name) => !name.startsWith("."))) {
    const files = ["manifest.json", "tensors.safetensors"].map((file) => join(at(run), "checkpoints", name, file));
    expect(files.filter((file) => !existsSync(file))).toEqual([]);
  }
}

describe("a training under way", () => {
  it("is not joined by another process, and goes on undisturbed; once it has ended, it is anyone's", async () => {
    await trainAlone(project, { model: MODEL, run: "alone" });
    const trainee = new Trainee();
    await trainee.begin("taken");
    await trainee.learn(1);
    // Stopped in the midst of training; the kernel keeps what it holds.
    trainee.child.kill("SIGSTOP");
    for (const fresh of [false, true]) {
      const attempt = trainAlone(project, { model: MODEL, run: "taken", fresh });
      await expect(attempt).rejects.toMatchObject({ code: "RUN_BUSY", where: at("taken") });
    }
    trainee.child.kill("SIGCONT");
    await trainee.ended;
    expect(trainee.child.exitCode).toBe(0);
    expect(resultOf(at("taken"))).toEqual(resultOf(at("alone")));
    expect(await trainAlone(project, { model: MODEL, run: "taken" })).toMatchObject({ kind: "finished" });
  });
});

describe("a run folder that cannot be locked", () => {
  it("is refused as the system refuses it", async () => {
    mkdirSync(join(at("odd"), "lock"), { recursive: true });
    await expect(trainAlone(project, { model: MODEL, run: "odd" })).rejects.toMatchObject({ code: "EISDIR" });
  });
});

describe("a training that is killed", () => {
  it(`ends with the bits of one that is not, after ${KILLS} kills at random moments`, async () => {
    const updateMs = (await timeOne("whole")) / UPDATES;
    const whole = resultOf(at("whole"));
    expect(whole.curve).toHaveLength(UPDATES + 3);
    let [killed, runs] = [0, 0];
    let next = new Trainee();
    while (killed < KILLS) {
      const [run, trainee] = [`run-${runs}`, next];
      await trainee.begin(run);
      // The next process loads while this one trains.
      next = new Trainee();
      // Less than half of a run: only those that go on from a checkpoint come to the end. Counted in updates, so that
      // a machine that becomes slower still comes to one.
      await trainee.learn(Math.floor(0.4 * UPDATES * ((killed * 0.618_034) % 1)));
      // And somewhere in what follows: an update, a checkpoint, a validation.
      const waitMs = 4 * updateMs * ((killed * 0.754_878) % 1);
      await Promise.race([trainee.ended, new Promise((resolve) => setTimeout(resolve, waitMs))]);
      trainee.child.kill("SIGKILL");
      await trainee.ended;
      expectWhole(run);
      // A crash damages nothing that can be seen.
      expect(trainee.output).not.toContain("notice");
      if (trainee.child.signalCode === "SIGKILL") {
        killed += 1;
        continue;
      }
      expect(trainee.child.exitCode).toBe(0);
      expect(resultOf(at(run))).toEqual(whole);
      runs += 1;
    }
    next.child.kill("SIGKILL");
    await next.ended;
    await trainAlone(project, { model: MODEL, run: `run-${runs}` });
    expect(resultOf(at(`run-${runs}`))).toEqual(whole);
    expect(runs).toBeGreaterThan(0);
  }, 300_000);
});
