import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProjectConfig } from "../../src/config/project.ts";
import { drawKillPoints, killedAt, killPointsOf } from "../../src/files/kill-points.test.support.ts";
import { checkpointsOf, makeStore, resultOf, temporaryFolder, trainAlone, trainingIn } from "./project.ts";
import type { WorkerTask } from "./worker-task.ts";

const KILLS = 25;
const UPDATES = 3 * 22;
const MODEL = "previous";
const WORKER = fileURLToPath(new URL("./train-worker.js", import.meta.url));

let folder: ReturnType<typeof temporaryFolder>;
let project: ProjectConfig;
beforeAll(async () => {
  folder = temporaryFolder();
  await makeStore(folder.path);
  // 22 = 11 × 2: an epoch's last update has a checkpoint of its own, before the validation.
  project = trainingIn(folder.path, { globalBatchSize: 20, checkpointEverySteps: 2 });
});
afterAll(() => folder[Symbol.dispose]());

const at = (run: string): string => join(project.runs, run);

/** A process that can train at once, and dies at a point of its work; all that it writes is in `output`. */
class Trainee {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  output = "";

  constructor(killAt: number) {
    this.child = spawn(process.execPath, [WORKER], { stdio: ["pipe", "pipe", "inherit"], env: killedAt(killAt) });
    this.ended = once(this.child, "close");
  }

  /** Lets it train. */
  begin(run: string): void {
    const say = Array.from({ length: UPDATES }, (_, index) => index + 1);
    const task: WorkerTask = { project, model: MODEL, run, say };
    this.child.stdout?.setEncoding("utf8").on("data", (text) => {
      this.output += text;
    });
    this.child.stdin?.end(JSON.stringify(task));
  }

  /** Returns once it has made an update. */
  async learn(): Promise<void> {
    while (!this.output.includes("update") && this.child.stdout) await once(this.child.stdout, "data");
  }
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
    const trainee = new Trainee(Number.POSITIVE_INFINITY);
    trainee.begin("taken");
    await trainee.learn();
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
  it(`ends with the bits of one that is not, after ${KILLS} kills at random points`, async () => {
    const seed = Date.now() % 2 ** 31;
    const undisturbed = new Trainee(Number.POSITIVE_INFINITY);
    undisturbed.begin("whole");
    await undisturbed.ended;
    const whole = resultOf(at("whole"));
    expect(whole.curve).toHaveLength(UPDATES + 3);
    // Less than half of a run: only those that go on from a checkpoint come to the end.
    const points = drawKillPoints(0.4 * killPointsOf(undisturbed.output), KILLS, seed);
    // 11 and 25 have no common factor: long and short lives take turns.
    const nextTrainee = (attempt: number): Trainee => new Trainee(points[(attempt * 11) % KILLS] ?? 1);
    let [killed, runs] = [0, 0];
    let next = nextTrainee(0);
    for (let attempt = 1; killed < KILLS; attempt++) {
      const [run, trainee] = [`run-${runs}`, next];
      trainee.begin(run);
      // The next process loads while this one trains.
      next = nextTrainee(attempt);
      await trainee.ended;
      expectWhole(run);
      // A crash damages nothing that can be seen.
      expect(trainee.output, `seed ${seed}`).not.toContain("notice");
      if (trainee.child.signalCode === "SIGKILL") {
        killed += 1;
        continue;
      }
      expect(trainee.child.exitCode).toBe(0);
      expect(resultOf(at(run)), `seed ${seed}`).toEqual(whole);
      runs += 1;
    }
    next.child.kill("SIGKILL");
    await next.ended;
    await trainAlone(project, { model: MODEL, run: `run-${runs}` });
    expect(resultOf(at(`run-${runs}`)), `seed ${seed}`).toEqual(whole);
    expect(runs).toBeGreaterThan(0);
  }, 600_000);
});
