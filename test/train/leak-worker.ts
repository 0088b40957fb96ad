/**
 * Makes `argv[2]` updates of a tiny model and writes, at a fifth of them and at their end, a line of JSON: the tensors
 * that are alive and the resident memory. With `argv[3]` it keeps a tensor of so many elements from every update.
 */

import { TRAINING_DEFAULTS } from "../../src/config/model/training.ts";
import { ProcessMesh } from "../../src/distributed/index.ts";
import { buildModel } from "../../src/model/index.ts";
import { TINY_SPEC, tinyBatch, tinyConfig } from "../../src/model/testing.ts";
import { Initializer } from "../../src/nn/index.ts";
import { liveTensors, RandomGenerator, setThreads, type Tensor, zeros } from "../../src/torch/index.ts";
import { Learner } from "../../src/train/learner.ts";

const [updates = 0, leak = 0] = process.argv.slice(2).map(Number);
setThreads(1);
const initial = new Initializer(RandomGenerator.seeded(1));
const learner = Learner.of(buildModel(tinyConfig("previous"), { spec: TINY_SPEC, rates: [0.1, 0.3], initial }));
const context = { mesh: ProcessMesh.single(), schedule: () => 1 };
// Each update has another length of its histories, as in life.
const batches = Array.from({ length: 7 }, (_, i) => tinyBatch([i % 4, (3 * i) % 5, 0], 1 + i));
const kept: Tensor[] = [];
for (let i = 1; i <= updates; i++) {
  learner.update(batches[i % batches.length]!, TRAINING_DEFAULTS, context);
  if (leak > 0) kept.push(zeros([leak]));
  if (i !== updates / 5 && i !== updates) continue;
  // Twice, with a turn of the event loop between: finalizers run in one of their own.
  for (let round = 0; round < 2; round++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  process.stdout.write(`${JSON.stringify({ tensors: liveTensors(), residentBytes: process.memoryUsage.rss() })}\n`);
}
