import { join } from "node:path";
import type { TrainingProgress } from "../../train/index.ts";
import { defineCommand } from "../command.ts";
import { flag, text } from "../option.ts";
import { describe, updateOf } from "./train.ts";

/** `lapidary transfer NAME`: trains a model with its teacher's knowledge, or continues where it was stopped. */
export const transfer = defineCommand({
  name: "transfer",
  summary: "trains a model with the knowledge of its teacher",
  description:
    "Trains a model of the configuration with what `lapidary generate` has written of its teacher, by the " +
    "technique that its `transfer` names: distill, auxiliary, adapter, representations or full. Examples that the " +
    "teacher has not scored are learned from their labels alone. What is served is a model of the same shape as one " +
    "that has learned alone (`lapidary train NAME`).",
  args: [{ name: "NAME", description: "model to train, with a `teacher` in the configuration", required: true }],
  options: {
    run: text("NAME", "name of the run's folder (default: NAME-TECHNIQUE)"),
    fresh: flag("moves an earlier run of this name aside and starts over"),
  },
  readsProject: true,
  example: "lapidary transfer vertical --set models.vertical.transfer.technique=full",
  resume: "Run the same command again, without --fresh: it goes on from its last checkpoint.",
  run: async ({ args: [model = ""], options, signal, loadProject, progress, say }) => {
    const { run, fresh } = options;
    const project = await loadProject();
    const { transfer: start, transferRun } = await import("../../transfer/index.ts");
    const { ProcessMesh } = await import("../../distributed/index.ts");
    using mesh = ProcessMesh.single();
    const name = run ?? transferRun(project, model);
    const shown = progress({ label: `transfer ${name}`, total: null, unit: "steps" });
    const onProgress = (at: TrainingProgress): void => shown.update(updateOf(at));
    const outcome = await start(project, { model, run: name, fresh, mesh, signal, onProgress, onNotice: say });
    shown.finish("");
    const folder = join(project.runs, name);
    const described = describe(outcome, { folder, again: "the same command without --fresh" });
    if (outcome.kind === "finished") return { result: { run: folder, ...outcome.summary }, text: described };
    return { result: { stopped: true, step: outcome.step, run: folder }, text: described, status: "stopped" };
  },
});
