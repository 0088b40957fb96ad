/** The seeds of a study of the way to a target, each as a task of its own. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ModelConfig } from "../../config/model/model.ts";
import type { ProjectConfig } from "../../config/project.ts";
import type { TargetStudy } from "../../config/study/studies.ts";
import { type EventStore, timeSplitOf } from "../../data/index.ts";
import { sha256 } from "../../files/digest.ts";
import { modelOf, runConfigOf } from "../../train/index.ts";
import { settingsDigest } from "../../train/run/run-changes.ts";
import { type SliceRun, slicesOf } from "../../train/slices.ts";
import type { CellTask } from "../cell-task.ts";
import { studyFolder } from "../plan.ts";
import { readKept } from "../rows/kept-file.ts";
import { reachedAt, type SeedRow } from "./seed-row.ts";
import type { Stream } from "./stream.ts";

/** One seed: what it is to do, and where it stands. */
export interface SeedTask {
  readonly seed: number;
  readonly task: CellTask & { readonly stream: Stream };
  readonly standing: "open" | "done" | "changed";
}

/** The seeds of a study. Their row lies in `studies/STUDY/` of the project's folder. */
export function seedTasks(
  project: ProjectConfig,
  { name, study, store }: { readonly name: string; readonly study: TargetStudy; readonly store: EventStore },
): readonly SeedTask[] {
  const { model, everyMs, metric, target, objective } = study;
  const { trainUntilMs, validationUntilMs } = timeSplitOf(project.split, "a study of the way to a target");
  const untilMs = Math.min(trainUntilMs + everyMs, validationUntilMs);
  return study.seeds.map((seed) => {
    const models = { ...project.models, [model]: streaming(modelOf(project, model), seed) };
    const own = { ...project, models };
    const run = join(studyFolder(name), `${model}-s${seed}`);
    const slices = slicesOf(own, { model, name: run, sliceMs: everyMs });
    const file = join(project.root, `${run}.json`);
    const settings = digestOf(own, { model, slices, untilMs, store });
    const stream = { slices, untilMs, file, settings, metric, target, objective };
    const task = { project: own, model, run, share: 1, window: "validation", stream } as const;
    return { seed, task, standing: standingOf(stream) };
  });
}

function standingOf(stream: Stream): SeedTask["standing"] {
  if (!existsSync(stream.file)) return "open";
  const row = readKept<SeedRow>(stream.file);
  if (row?.settings !== stream.settings) return "changed";
  const isDone = row.windows.length === stream.slices.length || reachedAt(row.windows, stream) >= 0;
  return isDone ? "done" : "open";
}

/** Of all that decides what a seed's windows are and what is learned from them; not of where it may stop. */
function digestOf(
  project: ProjectConfig,
  {
    model,
    slices,
    untilMs,
    store,
  }: {
    readonly model: string;
    readonly slices: readonly SliceRun[];
    readonly untilMs: number;
    readonly store: EventStore;
  },
): string {
  const [first] = slices;
  const config = runConfigOf(project, store, { model, ...(first === undefined ? {} : { slice: first.slice }) });
  return sha256(JSON.stringify([settingsDigest(config), slices.map(({ slice }) => slice.untilMs), untilMs]));
}

/** One pass on one thread; the rate never falls, as nobody knows when the target is reached. */
function streaming(model: ModelConfig, seed: number): ModelConfig {
  return { ...model, training: { ...model.training, seed, epochs: 1, decayRatio: 0, threads: 1 } };
}
