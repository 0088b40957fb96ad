import { basename, join } from "node:path";
import { LapidaryError } from "../base/errors.ts";
import { messageOf } from "../base/message.ts";
import { packageVersion } from "../base/version.ts";
import { type BundleFacts, type UserRows, writeBundle } from "../bundle/index.ts";
import type { ProjectConfig } from "../config/project.ts";
import { EventStore } from "../data/index.ts";
import { ProcessMesh } from "../distributed/index.ts";
import { exportGraph, OPSET, userRowsOf } from "../export/index.ts";
import { eventRulesOf } from "../features/events/event-facts.ts";
import { type Objective, objectivesOf, outputWidth } from "../features/objectives.ts";
import { hasHistories } from "../features/schema.ts";
import type { Batch } from "../features/spec.ts";
import { fitCalibration } from "../metrics/calibration/fit-calibration.ts";
import { fitValueCalibration, type ValueOutputs } from "../metrics/calibration/fit-value-calibration.ts";
import { metricRow } from "../metrics/evaluation.ts";
import { examplesOf, type OpenedRun, openRun, predict, scoreBatch } from "../train/index.ts";
import { knowledgeFor } from "../transfer/index.ts";
import { codingFiles } from "./coding-files.ts";
import { type GraphCheck, scoreDifference } from "./graph-check.ts";

/** Largest relative difference of a probability, or an expected amount or count, with which a graph is published. */
export const MAX_DIFFERENCE = 1e-5;

/** Examples of the validation window that a graph is tried on, the earliest. */
const MAX_RECORDED = 20_000;
const GRAPH_FILE = "model.onnx";

/** What to publish, and where. */
export interface PublishOptions {
  /** Name of a finished run, or path of its folder. */
  readonly run: string;
  /** Folder of the bundle. @default the model's name, below the project's bundles */
  readonly dir?: string;
}

/** What was published. */
export interface Published extends Judgement {
  /** Folder of the bundle, and of the version in it. */
  readonly bundle: string;
  readonly folder: string;
  readonly model: string;
  readonly graphBytes: number;
  readonly userRows: UserRows;
  /** Recorded examples that the graph was tried on, and the largest difference found: {@link scoreDifference}. */
  readonly examples: number;
  readonly difference: number;
}

/** How good a model is on the recorded examples, and how its outputs are calibrated: served probabilities are honest. */
type Judgement = Pick<BundleFacts, "metrics" | "calibration">;

/**
 * Publishes the best model of a finished run as a bundle: traced into a graph, tried on recorded examples beside
 * libtorch, with all that serving needs to code requests. Nothing is published if the two do not agree.
 *
 * @throws {LapidaryError} EXPORT_MISMATCH, EXPORT_UNSUPPORTED, EXPORT_COUNTERS, RUN_*, CHECKPOINT_*, KNOWLEDGE_*, TRAIN_WINDOW
 */
export async function publishRun(project: ProjectConfig, { run, dir }: PublishOptions): Promise<Published> {
  using store = EventStore.open(project.store);
  const opened = openRun(project, run, { store });
  const { model, inputs, config } = opened;
  const { spec } = inputs;
  checkCounters(opened, run);
  const userRows = userRowsOf(model);
  const graph = exportGraph(model, spec, packageVersion());
  const batches = await recordedBatches(project, opened);
  const difference = await differenceOf({ graph, userRows, model, spec, batches }, run);
  const judgement = await judge(opened, batches);
  const { files, ...coding } = codingFiles(opened);
  const facts: BundleFacts = {
    model: { name: config.name, kind: config.model.kind, surface: config.model.surface },
    spec,
    ...coding,
    events: eventRulesOf(project.events),
    history: config.model.history,
    graph: { file: GRAPH_FILE, opset: OPSET, userRows },
    ...judgement,
    lineage: lineageOf(opened, run),
  };
  const bundle = dir ?? join(project.bundles, config.name);
  const folder = writeBundle(bundle, { facts, files: { ...files, [GRAPH_FILE]: graph } });
  const examples = batches.reduce((sum, { size }) => sum + size, 0);
  return {
    ...{ bundle, folder, model: config.name, graphBytes: graph.byteLength, userRows },
    ...{ examples, difference, ...judgement },
  };
}

/** What a model counts must be counted where it serves, of events that are reported as their users'. */
function checkCounters({ inputs, store }: OpenedRun, run: string): void {
  const { counters = [] } = inputs.spec;
  if (counters.length === 0 || hasHistories(store.manifest.schema)) return;
  throw new LapidaryError({
    code: "EXPORT_COUNTERS",
    where: run,
    expected: "a model that reads no counters: an online store keeps the events of users",
    got: `one that reads ${counters.map(({ name }) => name).join(", ")}, of a log that tells no users`,
    hint: "Name the field of the user in events.user, or train it with `counters: []` to serve it.",
  });
}

async function recordedBatches(project: ProjectConfig, opened: OpenedRun): Promise<readonly Batch[]> {
  const recorded: Batch[] = [];
  let examples = 0;
  for await (const batch of await examplesOf(opened, "validation", knowledgeFor(project))) {
    recorded.push(batch);
    examples += batch.size;
    if (examples >= MAX_RECORDED) break;
  }
  return recorded;
}

async function differenceOf(check: GraphCheck, run: string): Promise<number> {
  const expected = `probabilities and expectations within ${MAX_DIFFERENCE} of libtorch's, relative`;
  const hint = "Nothing was published. Report this with the model's configuration.";
  const refused = (got: string, cause?: unknown) =>
    new LapidaryError({ code: "EXPORT_MISMATCH", where: run, expected, got, hint }, { cause });
  const difference = await scoreDifference(check).catch((error: unknown) => {
    throw refused(messageOf(error), error);
  });
  if (difference <= MAX_DIFFERENCE) return difference;
  throw refused(`${difference}`);
}

/** NE, AUC and calibration of each objective on the recorded examples, and what calibrates its outputs there. */
async function judge(opened: OpenedRun, batches: readonly Batch[]): Promise<Judgement> {
  const { model, inputs } = opened;
  const { spec } = inputs;
  const { objectives } = spec;
  const predictions = await predict(model, batches, { spec, mesh: ProcessMesh.single() });
  const metrics = objectives.flatMap((name) => {
    const { normalizedEntropy, auc, calibration, amounts } = metricRow(predictions[name]!);
    const metrics = Object.entries({ normalizedEntropy, ...(amounts === undefined ? { auc } : amounts), calibration });
    return metrics.map(([metric, value]) => [`validation/${name}/${metric}`, value] as const);
  });
  const calibration = objectivesOf(spec).map((objective, task) => {
    if (objective.kind !== "value") return fitCalibration(predictions[objective.name]!);
    return fitValueCalibration(valueOutputs(opened, { batches, objective, task }));
  });
  return { metrics: Object.fromEntries(metrics), calibration };
}

/** The outputs of an objective where its label is known: their score does not tell them apart. */
function valueOutputs(
  { model, inputs: { spec } }: OpenedRun,
  {
    batches,
    objective,
    task,
  }: { readonly batches: readonly Batch[]; readonly objective: Objective; readonly task: number },
): ValueOutputs {
  const [width, tasks] = [outputWidth(spec), spec.objectives.length];
  const outputs: number[] = [];
  const labels: number[] = [];
  for (const batch of batches) {
    const scored = scoreBatch(model, batch);
    for (let b = 0; b < batch.size; b++) {
      if (batch.labelMask[b * tasks + task] === 0) continue;
      outputs.push(...scored.subarray(b * width + objective.from, b * width + objective.to));
      labels.push(batch.labels[b * tasks + task]!);
    }
  }
  return { outputs: Float32Array.from(outputs), labels };
}

function lineageOf({ folder, config }: OpenedRun, run: string): BundleFacts["lineage"] {
  const { split } = config;
  return {
    run: basename(run),
    checkpoint: folder.checkpoints.bestDigest(),
    events: config.events,
    ...(split.kind === "time" ? { trainedUntil: new Date(split.trainUntilMs).toISOString() } : { split: split.kind }),
    technique: config.model.transfer?.technique ?? "none",
    ...(config.knowledge === undefined ? {} : { knowledge: config.knowledge }),
    lapidary: packageVersion(),
  };
}
