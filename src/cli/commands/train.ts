import { join } from "node:path";
import type { OutputLine } from "../../distributed/index.ts";
import type { RunSummary, TrainingOutcome, TrainingProgress, Validation } from "../../train/index.ts";
import { defineCommand, type Invocation, type Outcome } from "../command.ts";
import { flag, integer, text } from "../option.ts";
import type { Progress } from "../screen/progress.ts";
import { formatCount, formatDuration } from "../screen/progress-line.ts";
import { formatPairs } from "../screen/table.ts";

const OPTIONS = {
  run: text("NAME", "name of the run's folder (default: the model's name)"),
  from: text("RUN", "goes on from what that run has learned, with the days since its end"),
  fresh: flag("moves an earlier run of this name aside and starts over"),
  processes: integer("N", "trains in that many processes of this machine", { minimum: 1, fallback: 1 }),
};

/** `lapidary train NAME`: trains a model of the configuration, or continues where it was stopped. */
export const train = defineCommand({
  name: "train",
  summary: "trains a model of the configuration",
  description:
    "Trains a model of the configuration on the training window, and keeps the model that was best on the validation " +
    "window. A run that was stopped, by Ctrl-C or by a crash, continues exactly where its last checkpoint stands; one " +
    "that is finished is left as it is. Under torchrun, Slurm or anything else that sets MASTER_ADDR, MASTER_PORT, RANK " +
    "and WORLD_SIZE, the processes train together.",
  args: [{ name: "NAME", description: "model to train", required: true }],
  options: OPTIONS,
  readsProject: true,
  example: "lapidary train foundation --run wide --set models.foundation.dim=32",
  resume: "Run the same command again, without --fresh: it goes on from its last checkpoint.",
  run: async (invocation) => {
    const { isDistributed } = await import("../../torch/index.ts");
    const many = invocation.options.processes > 1 && !isDistributed();
    return many ? launchAll(invocation.options.processes, invocation.signal) : trainHere(invocation);
  },
});

type Given = Pick<Invocation<typeof OPTIONS>, "args" | "options" | "signal" | "loadProject" | "progress" | "say">;

async function trainHere({ args: [model = ""], options, signal, loadProject, progress, say }: Given): Promise<Outcome> {
  const { run, fresh, from } = options;
  const project = await loadProject();
  const { train: start } = await import("../../train/index.ts");
  const { ProcessMesh } = await import("../../distributed/index.ts");
  using mesh = ProcessMesh.fromEnvironment();
  const shown = mesh.rank === 0 ? progress({ label: `train ${model}`, total: null, unit: "steps" }) : null;
  const onProgress = (at: TrainingProgress): void => shown?.update(updateOf(at));
  const named = { ...(run === null ? {} : { run }), ...(from === null ? {} : { from }) };
  const trainOptions = { model, ...named, fresh, mesh, signal, onProgress, onNotice: say };
  const outcome = await start(project, trainOptions);
  shown?.finish("");
  const folder = join(project.runs, run ?? model);
  const again = fresh ? "the same command without --fresh" : "the same command";
  const text = mesh.rank === 0 ? describe(outcome, { folder, again }) : "";
  if (outcome.kind === "finished") return { result: { run: folder, ...outcome.summary }, text };
  return { result: { stopped: true, step: outcome.step, run: folder }, text, status: "stopped" };
}

/** Starts this very command once per process; the first one's result is the result. */
async function launchAll(processes: number, signal: AbortSignal): Promise<Outcome> {
  const { launch } = await import("../../distributed/index.ts");
  const lines: string[] = [];
  const onLine = ({ rank, stream, text }: OutputLine): void => {
    if (stream === "stderr") process.stderr.write(rank === 0 ? `${text}\n` : `[${rank}] ${text}\n`);
    else if (rank === 0) lines.push(text);
  };
  const args = [...process.execArgv, ...process.argv.slice(1), "--json"];
  const outcome = await launch({ processes, command: process.execPath, args, signal, onLine });
  const result = JSON.parse(lines.at(-1) ?? "{}") as object;
  // What people read was written by the first process already.
  return { result, text: "", status: outcome };
}

/** What a progress bar shows of a training. */
export function updateOf({
  step,
  totalSteps,
  loss,
  examplesPerSecond,
}: TrainingProgress): Parameters<Progress["update"]>[0] {
  const detail = `loss ${loss.toFixed(4)}, ${formatCount(Math.round(examplesPerSecond))} examples/s`;
  return { done: step, total: totalSteps, detail };
}

/** A training's end for people. */
export function describe(outcome: TrainingOutcome, { folder, again }: { folder: string; again: string }): string {
  if (outcome.kind === "stopped") return `stopped after step ${outcome.step}; ${again} goes on from there`;
  const { summary } = outcome;
  const { steps, trainSeconds, lastLoss, best, warnings } = summary;
  const facts = formatPairs([
    ["model", `${summary.model} (${summary.kind})`],
    ["examples", formatCount(summary.examples)],
    ["updates", `${formatCount(steps)} in ${formatDuration(trainSeconds)}`],
    ["dense parameters", formatCount(summary.denseParameters)],
    ["table parameters", formatCount(summary.tableParameters)],
    ["FLOP/example, forward", formatCount(Math.round(summary.forwardFlopsPerExample))],
    ["FLOP/example, training", formatCount(Math.round(summary.trainingFlopsPerExample))],
    ["… by part", partsOf(summary)],
    ["activations/example", `${(summary.activationBytesPerExample / 1024).toFixed(1)} KiB`],
    ...(summary.gatheredBytesPerExample === undefined
      ? []
      : [["rows gathered/example", `${(summary.gatheredBytesPerExample / 1024).toFixed(1)} KiB`] as const]),
    ...useOf(summary),
    ["last loss", lastLoss === null ? "–" : lastLoss.toFixed(4)],
    ["validation NE", best === null ? "–" : `${best.normalizedEntropy.toFixed(4)} (${placeOf(best)})`],
    ...(summary.ended === "patience" ? [["ended", "no validation was better any more (patience)"] as const] : []),
    ["run", folder],
  ]);
  return [facts, ...warnings.map(({ text }) => `warning: ${text}`)].join("\n");
}

/** How the machine was used. */
function useOf({ utilization }: Pick<RunSummary, "utilization">): readonly (readonly [string, string])[] {
  if (!utilization) return [];
  const { mfu, updateMfu, peakFlops, phases, waitRatio, validationRatio, batchBytesPerSecond, forwardParts } =
    utilization;
  const parts = Object.entries(forwardParts).toSorted(([, a], [, b]) => b.timeRatio - a.timeRatio);
  const shown = parts.filter(([, { timeRatio }]) => timeRatio >= 0.005);
  const peak = `${(peakFlops / 1e9).toFixed(0)} GFLOP/s (a large matrix product)`;
  return [
    ["MFU", `${percent(mfu)} of ${peak}; of updates alone ${percent(updateMfu)}`],
    ["… forward, by part", shown.map(([name, use]) => `${name} ${percent(use.mfu)}`).join(", ") || "–"],
    [
      "time of updates",
      Object.entries(phases)
        .map(([name, share]) => `${name} ${percent(share)}`)
        .join(", "),
    ],
    ["… forward, by part", shown.map(([name, use]) => `${name} ${percent(use.timeRatio)}`).join(", ") || "–"],
    [
      "waiting for data",
      `${percent(waitRatio)} of the time; ${(batchBytesPerSecond / 1e6).toFixed(1)} MB/s of batches`,
    ],
    ["validation", `${percent(validationRatio)} of the time`],
  ];
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Where the model that was kept stood. */
function placeOf({ epoch, step }: Validation): string {
  return step === undefined ? `epoch ${epoch + 1}` : `epoch ${epoch + 1}, update ${formatCount(step)}`;
}

/** Where the FLOPs of training go: `sequences 61 %, interaction 20 %, …`; what rounds to no percent is left out. */
function partsOf({ costByPart }: Pick<RunSummary, "costByPart">): string {
  const flops = Object.entries(costByPart).map(
    ([name, { forwardFlops, backwardFlops }]) => [name, forwardFlops + backwardFlops] as const,
  );
  const total = flops.reduce((sum, [, count]) => sum + count, 0);
  const shares = flops.map(([name, count]) => [name, total === 0 ? 0 : Math.round((100 * count) / total)] as const);
  const shown = shares.filter(([, share]) => share > 0).toSorted(([, a], [, b]) => b - a);
  return shown.length === 0 ? "–" : shown.map(([name, share]) => `${name} ${share} %`).join(", ");
}
