/** What the tests of training share: projects over a small log, and what their runs left on the disk. */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SMALL_SAMPLE } from "../../src/cli/sample/sample-log.test.support.ts";
import { sampleLog } from "../../src/cli/sample/sample-log.ts";
import type { ModelConfig } from "../../src/config/model/model.ts";
import type { ProjectConfig } from "../../src/config/project.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { UserConfig } from "../../src/config/schema.ts";
import { EventStore, ingest, timeSplitOf } from "../../src/data/index.ts";
import { ProcessMesh } from "../../src/distributed/index.ts";
import { type CurveRecord, readCurve } from "../../src/report/jsonl.ts";
import { type OpenedRun, openRun, type TrainingOutcome, type TrainOptions, train } from "../../src/train/index.ts";
import { TrainingInputs } from "../../src/train/inputs.ts";

/** A folder that is removed when `using` ends. */
export function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "lapidary-train-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** The configuration of the tests: the sample log, one model of every kind, each as small as it goes. */
export const USER_CONFIG = {
  events: {
    from: "events.csv",
    id: "event_id",
    user: "user_id",
    item: "ad_id",
    time: { from: "time", unit: "iso" },
    action: { value: "impression" },
    surface: "surface",
    origin: "origin",
    attributes: { category: "category", price: "number" },
  },
  objectives: { click: { from: "clicked", delay: "10m" }, conversion: { from: "converted", delay: "1d" } },
  split: { trainUntil: "2025-03-04", validationUntil: "2025-03-05", testUntil: "2025-03-06" },
  training: { globalBatchSize: 36, epochs: 3, threads: 1, checkpointEverySteps: 5 },
  models: {
    baseRate: { kind: "baseRate" },
    logistic: { kind: "logistic" },
    previous: { kind: "previous", size: "tiny", dim: 4, history: 8 },
    foundation: { kind: "foundation", size: "tiny", dim: 4, history: 8 },
    vertical: {
      kind: "vertical",
      size: "tiny",
      dim: 4,
      history: 8,
      teacher: "foundation",
      transfer: { technique: "full", labelScale: 1.5, gradientScale: 2, lossWeight: 0.5 },
      training: { epochs: 1, order: "time" },
    },
  },
} as const satisfies UserConfig;

/** The project in a folder; parts of {@link USER_CONFIG} can be given anew. */
export function projectIn(folder: string, changes: Partial<UserConfig> = {}): ProjectConfig {
  return resolveConfig({ ...USER_CONFIG, ...changes }, join(folder, "lapidary.config.json"));
}

/** The inputs of a model, fitted to what the project's store holds. */
export function inputsOf(project: ProjectConfig, model: ModelConfig): TrainingInputs {
  using store = EventStore.open(project.store);
  return TrainingInputs.fit(store, { ...project, model });
}

/** A finished run, for what needs its store no longer: its readers open it themselves. */
export function openedRun(project: ProjectConfig, run: string): OpenedRun {
  using store = EventStore.open(project.store);
  return openRun(project, run, { store });
}

/** Like {@link projectIn}, with other training options for all models. */
export function trainingIn(folder: string, training: UserConfig["training"]): ProjectConfig {
  return projectIn(folder, { training: { ...USER_CONFIG.training, ...training } });
}

/** The times of the project's split. */
export function timesOf({ split }: Pick<ProjectConfig, "split">) {
  return timeSplitOf(split, "a test");
}

/** Writes the log into a folder and ingests it; `keep` chooses its rows. */
export async function makeStore(folder: string, keep: (row: string, index: number) => boolean = () => true) {
  const [fields, ...rows] = sampleLog(SMALL_SAMPLE).trimEnd().split("\n");
  writeFileSync(join(folder, "events.csv"), `${[fields, ...rows.filter(keep)].join("\n")}\n`);
  const project = projectIn(folder);
  await ingest(project.events, { store: project.store, threads: 1 });
  return project;
}

/** Trains in this process alone. */
export function trainAlone(project: ProjectConfig, options: Omit<TrainOptions, "mesh">): Promise<TrainingOutcome> {
  return train(project, { ...options, mesh: ProcessMesh.single() });
}

/** Trains until `updates` were made in all, then stops as Ctrl-C does. */
export function trainUntil(project: ProjectConfig, options: Omit<TrainOptions, "mesh">, updates: number) {
  const stop = new AbortController();
  const onProgress = ({ step }: { readonly step: number }): void => {
    if (step >= updates) stop.abort();
  };
  return trainAlone(project, { ...options, signal: stop.signal, onProgress });
}

/** What must not depend on how often a run was stopped: its checkpoints' tensors, and its curve without timings. */
export function resultOf(run: string): {
  readonly tensors: Readonly<Record<string, string>>;
  readonly curve: readonly CurveRecord[];
} {
  const tensors = checkpointsOf(run).map((name) => [name, digest(tensorsFile(run, name))] as const);
  const curve = readCurve(join(run, "metrics.jsonl")).map(({ examplesPerSecond, ...record }) => record);
  return { tensors: Object.fromEntries(tensors), curve };
}

/** Names of the checkpoints of a run, hidden ones and all. */
export function checkpointsOf(run: string): readonly string[] {
  const folder = join(run, "checkpoints");
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

/** File of a checkpoint's tensors. */
export function tensorsFile(run: string, checkpoint: string): string {
  return join(run, "checkpoints", checkpoint, "tensors.safetensors");
}

function digest(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
