import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { liveTensors, noGrad, setThreads, tensor } from "../torch/index.ts";
import { collect } from "../torch/memory.test.support.ts";
import { train } from "./training.test.support.ts";
import type { Answer, Task } from "./training.test.support-worker.ts";

function start(task: Task): Worker {
  return new Worker(new URL("./training.test.support-worker.js", import.meta.url), { workerData: task });
}

/** What the thread answers first, once it has ended by itself. */
async function run(task: Task): Promise<Answer> {
  const worker = start(task);
  const [[answer], [code]] = await Promise.all([once(worker, "message"), once(worker, "exit")]);
  expect(code).toBe(0);
  return answer as Answer;
}

describe("several threads at once", () => {
  test("train what the main thread trains, bit by bit, and leave nothing", async () => {
    await collect();
    const live = liveTensors();
    const seeds = [1, 2, 3, 4];
    const running = seeds.map((seed) => run({ kind: "train", seed }));
    // The main thread is one of them.
    const expected = seeds.map((seed): Answer => ({ kind: "trained", numbers: train(seed), live: 0 }));
    expect(new Set(expected.map((answer) => JSON.stringify(answer))).size).toBe(seeds.length);
    expect(await Promise.all(running)).toEqual(expected);
    expect(liveTensors()).toBe(live);
  });

  test("do not see each other's errors", async () => {
    const tasks: Task[] = [
      { kind: "train", seed: 1 },
      { kind: "fail", seed: 1 },
      { kind: "train", seed: 1 },
    ];
    const [first, failed, last] = await Promise.all(tasks.map(run));
    expect(failed).toEqual({ kind: "failed", code: "TORCH_OPERATOR" });
    expect([first, last]).toEqual(new Array(2).fill({ kind: "trained", numbers: train(1), live: 0 }));
  });

  test("have their own switch for gradients", async () => {
    const worker = run({ kind: "train", seed: 2 });
    const x = tensor([1]);
    x.requiresGrad = true;
    expect(noGrad(() => x.mul(2).requiresGrad)).toBe(false);
    expect(await worker).toMatchObject({ kind: "trained" });
  });
});

describe("a thread that is ended in the middle", () => {
  test("takes nothing with it", async () => {
    setThreads(1);
    const expected = train(5);
    for (let i = 0; i < 3; i++) {
      const workers = [start({ kind: "forever" }), start({ kind: "forever" })];
      const begun = await Promise.all(workers.map((worker) => once(worker, "message")));
      expect(begun).toEqual([[{ kind: "running" }], [{ kind: "running" }]]);
      const other = run({ kind: "train", seed: 5 });
      await Promise.all(workers.map((worker) => worker.terminate()));
      expect(await other).toMatchObject({ kind: "trained", numbers: expected });
    }
    await collect();
    expect(train(5)).toEqual(expected);
  });

  test("before it has begun to train, or while it loads", async () => {
    for (const event of [null, "online", "message"]) {
      const worker = start({ kind: "forever" });
      if (event !== null) await once(worker, event);
      await worker.terminate();
    }
    expect(await run({ kind: "train", seed: 1 })).toMatchObject({ kind: "trained" });
  });
});
