/**
 * One process of updates in float64, or in float32 where rows are narrower: `argv[2]` is JSON of the project, the model,
 * and the file for what was learned. Processes but the first write theirs beside it, `FILE.RANK`.
 */
import { ProcessMesh } from "../../src/distributed/index.ts";
import { buildModel } from "../../src/model/index.ts";
import { Initializer } from "../../src/nn/index.ts";
import { initial64 } from "../../src/nn/testing.ts";
import { writeSafetensors } from "../../src/torch/files/safetensors.ts";
import { RandomGenerator, setThreads } from "../../src/torch/index.ts";
import { Learner } from "../../src/train/learner.ts";
import { inputsOf } from "./project.ts";
import type { LearnerTask } from "./worker-task.ts";

const { project, model, file } = JSON.parse(process.argv[2] ?? "") as LearnerTask;
setThreads(1);
using mesh = ProcessMesh.fromEnvironment();
const config = project.models[model];
if (config === undefined) throw new Error(`no model ${model}`);
const inputs = inputsOf(project, config);
const { spec, rates } = inputs;
const { tableRows: rows } = config;
const initial = rows === "float32" ? initial64(1) : new Initializer(RandomGenerator.seeded(1), { rows });
const learner = Learner.of(buildModel(config, { spec, rates, initial }));
for await (const batch of await inputs.trainingBatches({ epoch: 0, start: 0, mesh })) {
  learner.update(batch, config.training, { mesh, schedule: () => 1 });
}
writeSafetensors(mesh.rank === 0 ? file : `${file}.${mesh.rank}`, learner.tensors());
mesh.barrier();
