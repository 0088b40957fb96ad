import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inputsOf, makeStore, projectIn, temporaryFolder, USER_CONFIG } from "../../test/train/project.ts";
import type { ProjectConfig } from "../config/project.ts";
import { ProcessMesh } from "../distributed/index.ts";
import type { Batch } from "../features/spec.ts";
import { RunFolder } from "./run/run-folder.ts";
import { initLearner } from "./trainer.ts";

const { previous } = USER_CONFIG.models;
const mesh = ProcessMesh.single();

let folder: ReturnType<typeof temporaryFolder>;
let batch: Batch;

function learnerOf(objectiveWeights: Readonly<Record<string, number>>, objectives: readonly string[] | null = null) {
  const model = { ...previous, training: { objectiveWeights }, ...(objectives ? { objectives: [...objectives] } : {}) };
  const project: ProjectConfig = projectIn(folder.path, { models: { model } });
  const config = project.models["model"]!;
  const inputs = inputsOf(project, config);
  return { inputs, learner: initLearner({ config, inputs, mesh, folder: RunFolder.at(`${folder.path}/nowhere`) }) };
}

const lossOf = (weights: Readonly<Record<string, number>>): number => learnerOf(weights).learner.gradients(batch, mesh);

beforeAll(async () => {
  folder = temporaryFolder();
  await makeStore(folder.path);
  for await (const read of await learnerOf({}).inputs.trainingBatches({ epoch: 0, start: 0, mesh })) {
    batch = read;
    break;
  }
});
afterAll(() => folder[Symbol.dispose]());

describe("objective weights", () => {
  it("count each objective of the configuration by its name, 1 where it is not named", () => {
    const [click, conversion] = [lossOf({ conversion: 0 }), lossOf({ click: 0 })];
    expect(click).not.toBeCloseTo(conversion, 3);
    expect(lossOf({ conversion: 5 })).toBeCloseTo(click + 5 * conversion, 5);
    expect(lossOf({ click: 2, conversion: 0.5 })).toBeCloseTo(2 * click + 0.5 * conversion, 5);
  });

  it("follow the objectives of a model that predicts some of them, in its order", () => {
    const { inputs, learner } = learnerOf({ click: 0, conversion: 7 }, ["conversion"]);
    expect(inputs.spec.objectives).toEqual(["conversion"]);
    const { labels, labelMask } = batch;
    const own = (values: Float32Array): Float32Array => values.filter((_, i) => i % 2 === 1);
    const narrow = { ...batch, labels: own(labels), labelMask: own(labelMask) };
    const plain = learnerOf({}, ["conversion"]).learner.gradients(narrow, mesh);
    expect(learner.gradients(narrow, mesh)).toBeCloseTo(7 * plain, 5);
  });

  it("of one each change no bit", () => {
    const [plain, ones] = [learnerOf({}).learner, learnerOf({ click: 1, conversion: 1 }).learner];
    expect(ones.gradients(batch, mesh)).toBe(plain.gradients(batch, mesh));
    expect(ones.dense.gradient.equal(plain.dense.gradient)).toBe(true);
  });
});
