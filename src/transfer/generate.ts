import { join } from "node:path";
import { LapidaryError } from "../base/errors.ts";
import { TEACHER_KINDS } from "../config/model/model.ts";
import type { ProjectConfig } from "../config/project.ts";
import { EventStore, timeSplitOf } from "../data/index.ts";
import { ProcessMesh } from "../distributed/index.ts";
import type { Batch } from "../features/spec.ts";
import { sha256 } from "../files/digest.ts";
import { isTeacher, type Teacher } from "../model/index.ts";
import { noGrad, Scope, type Tensor } from "../torch/index.ts";
import { enrichmentOf, mapBatches, openRun, RunFolder } from "../train/index.ts";
import type { Snapshot } from "./knowledge-format.ts";
import { knowledgeFolder, knowledgeFor } from "./knowledge-in-use.ts";
import { KnowledgeStore } from "./knowledge-store.ts";
import { KnowledgeWriter, type ScoredChunk, scoredInSample } from "./knowledge-writer.ts";

/** Examples that a finished run scores. */
export interface ScoringPart {
  /** Name of the run, below the project's runs. */
  readonly run: string;
  /** @unit ms since 1970, UTC */
  readonly fromMs: number;
  /** @unit ms since 1970, UTC */
  readonly untilMs: number;
}

/** How to generate knowledge. */
export interface GenerateOptions {
  /** Name of the teacher in the configuration: its knowledge is found under it. */
  readonly teacher: string;
  /** Windows that do not overlap. */
  readonly parts: readonly ScoringPart[];
  /** Told of the examples scored so far. @default nobody is told */
  readonly onProgress?: (examples: number) => void;
  /** Ends the generation between two batches; nothing is published then. @default never */
  readonly signal?: AbortSignal;
}

/** What a generation did. */
export interface Generated {
  /** Folder of the version in use. */
  readonly folder: string;
  /** Examples of the version. */
  readonly examples: number;
  /** Examples that this call scored: none if the version was there already. */
  readonly scored: number;
  readonly snapshots: readonly Snapshot[];
}

/**
 * One forward pass of each run over the examples of its part, published as one version of the teacher's knowledge. A
 * version of the same runs over the same examples is left as it is, so that any number of students costs one pass. A
 * teacher that was taught itself reads what its own teacher knew of the past, as it did when it learned.
 *
 * @throws {LapidaryError} KNOWLEDGE_IN_SAMPLE before anything is scored, RUN_UNFINISHED, RUN_CHANGED, TRANSFER_TEACHER, KNOWLEDGE_CHANGED
 * @example
 * import { loadProject } from "lapidary";
 * import { windowOf } from "lapidary/data";
 * import { generate } from "lapidary/transfer";
 *
 * const project = { ...(await loadProject()), knowledge: "knowledge-after-training" }; // a folder of its own
 * const { untilMs: fromMs } = windowOf(project.split, "train"); // what the run has not learned from
 * const { untilMs } = windowOf(project.split, "test");
 * const parts = [{ run: "foundation", fromMs, untilMs }];
 * const { scored, examples } = await generate(project, { teacher: "foundation", parts });
 * console.log(scored, examples); // 269 269
 */
export async function generate(project: ProjectConfig, options: GenerateOptions): Promise<Generated> {
  const { teacher, parts, onProgress = () => {}, signal } = options;
  const snapshots = parts.map((part) => snapshotOf(project, part));
  using store = EventStore.open(project.store);
  const events = store.fingerprint;
  const id = sha256(JSON.stringify({ teacher, events, snapshots }));
  const dir = knowledgeFolder(project, teacher);
  const present = KnowledgeStore.manifestOf(dir);
  if (present?.id === id) return describe(dir, 0);
  const teachers = parts.map(({ run }) => openTeacher(project, run, store));
  const { objectives = [], objectiveKinds } = teachers[0]?.inputs.spec ?? {};
  const kinds = objectiveKinds === undefined ? {} : { objectiveKinds };
  using writer = new KnowledgeWriter(dir, { id, teacher, events, objectives, ...kinds, snapshots });
  let scored = 0;
  for (const [snapshot, { model, inputs, enrich }] of teachers.entries()) {
    const { fromMs, untilMs } = parts[snapshot]!;
    for await (const batch of mapBatches(await inputs.batchesOf({ fromMs, untilMs }, ProcessMesh.single()), enrich)) {
      signal?.throwIfAborted();
      writer.add(score(model, batch, snapshot));
      scored += batch.size;
      onProgress(scored);
    }
  }
  writer.publish();
  return describe(dir, scored);
}

function describe(dir: string, scored: number): Generated {
  const store = KnowledgeStore.open(dir);
  const { folder, manifest } = store;
  store.close();
  return { folder, examples: manifest.numExamples, scored, snapshots: manifest.snapshots };
}

function snapshotOf(project: ProjectConfig, { run, fromMs, untilMs }: ScoringPart): Snapshot {
  const { folder } = RunFolder.finished(join(project.runs, run));
  const horizonMs = timeSplitOf(folder.config.split, "a teacher's knowledge").trainUntilMs;
  if (fromMs < horizonMs) throw scoredInSample(run, horizonMs, fromMs);
  return { run, checkpoint: folder.checkpoints.bestDigest(), horizonMs, fromMs, untilMs };
}

function openTeacher(project: ProjectConfig, run: string, store: EventStore) {
  const opened = openRun(project, run, { store });
  const { folder, config, model, inputs } = opened;
  if (isTeacher(model)) return { model, inputs, enrich: enrichmentOf(opened, knowledgeFor(project)) };
  throw new LapidaryError({
    code: "TRANSFER_TEACHER",
    where: folder.path,
    expected: `a model with \`represent\`, or of one of the kinds ${TEACHER_KINDS.join(", ")}`,
    got: config.model.kind,
    hint: "Other models make no embedding of a user.",
  });
}

function score(model: Teacher, batch: Batch, snapshot: number): ScoredChunk {
  using _scope = new Scope();
  const { logits, embedding } = noGrad(() => model.represent(batch));
  const host = (tensor: Tensor): Float32Array =>
    tensor.to({ dtype: "float32", device: "cpu" }).contiguous().float32().slice();
  return {
    snapshot,
    rows: batch.rows,
    users: batch.groups.users,
    times: batch.times,
    logits: host(logits),
    embeddings: host(embedding),
  };
}
