import { join } from "node:path";
import type { RunSummary, TrainingProgress } from "../../train/index.ts";
import { defineCommand } from "../command.ts";
import { flag, text } from "../option.ts";
import type { Progress } from "../progress.ts";
import { formatCount, formatDuration } from "../progress-line.ts";
import { formatPairs } from "../table.ts";

/** `lapidary train NAME`: trains a model of the configuration, or continues where it was stopped. */
export const train = defineCommand({
  name: "train",
  summary: "trains a model of the configuration",
  description:
    "Trains a model of the configuration on the training window, and keeps the epoch that is best on the validation " +
    "window. A run that was stopped, by Ctrl-C or by a crash, continues exactly where its last checkpoint stands; one " +
    "that is finished is left as it is. Under torchrun, Slurm or anything else that sets MASTER_ADDR, MASTER_PORT, RANK " +
    "and WORLD_SIZE, the processes train together.",
  args: [{ name: "NAME", description: "model to train", required: true }],
  options: {
    run: text("NAME", "name of the run's folder (default: the model's name)"),
    fresh: flag("moves an earlier run of this name aside and starts over"),
  },
  readsProject: true,
  example: "lapidary train foundation --run wide --set models.foundation.dim=32",
  resume: "Run the same command again, without --fresh: it goes on from its last checkpoint.",
  run: async ({ args: [model = ""], options: { run, fresh }, signal, loadProject, progress, say }) => {
    const project = await loadProject();
    const { train: start } = await import("../../train/index.ts");
    const { ProcessMesh } = await import("../../distributed/index.ts");
    using mesh = ProcessMesh.fromEnvironment();
    const shown = mesh.rank === 0 ? progress({ label: `train ${model}`, total: null, unit: "steps" }) : null;
    const onProgress = (at: TrainingProgress): void => shown?.update(updateOf(at));
    const options = { model, ...(run === null ? {} : { run }), fresh, mesh, signal, onProgress, onNotice: say };
    const outcome = await start(project, options);
    shown?.finish("");
    const folder = join(project.runs, run ?? model);
    if (outcome.kind === "stopped") {
      const again = fresh ? "the same command without --fresh" : "the same command";
      const where = `stopped after step ${outcome.step}; ${again} goes on from there`;
      return { result: { stopped: true, step: outcome.step, run: folder }, text: where, status: "stopped" };
    }
    return {
      result: { run: folder, ...outcome.summary },
      text: mesh.rank === 0 ? describe(outcome.summary, folder) : "",
    };
  },
});

function updateOf({ step, totalSteps, loss, examplesPerSecond }: TrainingProgress): Parameters<Progress["update"]>[0] {
  const detail = `loss ${loss.toFixed(4)}, ${formatCount(Math.round(examplesPerSecond))} examples/s`;
  return { done: step, total: totalSteps, detail };
}

function describe(summary: RunSummary, folder: string): string {
  const { steps, trainSeconds, lastLoss, best } = summary;
  return formatPairs([
    ["model", `${summary.model} (${summary.kind})`],
    ["examples", formatCount(summary.examples)],
    ["updates", `${formatCount(steps)} in ${formatDuration(trainSeconds)}`],
    ["dense parameters", formatCount(summary.denseParameters)],
    ["table parameters", formatCount(summary.tableParameters)],
    ["FLOP/example, forward", formatCount(Math.round(summary.forwardFlopsPerExample))],
    ["FLOP/example, training", formatCount(Math.round(summary.trainingFlopsPerExample))],
    ["last loss", lastLoss === null ? "–" : lastLoss.toFixed(4)],
    ["validation NE", best === null ? "–" : `${best.normalizedEntropy.toFixed(4)} (epoch ${best.epoch + 1})`],
    ["run", folder],
  ]);
}
