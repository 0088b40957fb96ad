import { LapidaryError } from "../base/errors.ts";
import type { ProjectConfig } from "../config/project.ts";
import { Vertical } from "../model/index.ts";
import {
  type Enrich,
  type EnrichFor,
  modelOf,
  type TrainingOutcome,
  type TrainOptions,
  train,
} from "../train/index.ts";
import { fingerprintOf, knowledgeFolder } from "./generate.ts";
import { KnowledgeStore } from "./knowledge-store.ts";
import { lessonOf, TECHNIQUE_PARTS } from "./student.ts";

/** How to train a vertical model with its teacher's knowledge. */
export type TransferOptions = Omit<TrainOptions, "slice" | "teaching">;

/**
 * Trains a vertical model as its configuration says: with the knowledge that its teacher has left, of which it reads
 * the version in use. What it serves with is a model of the same shape as one that has learned alone.
 *
 * @throws {LapidaryError} TRANSFER_TEACHER, KNOWLEDGE_*, and as `train` does
 */
export async function transfer(project: ProjectConfig, options: TransferOptions): Promise<TrainingOutcome> {
  const { model: name } = options;
  const { teacher, transfer: config } = modelOf(project, name);
  const run = options.run ?? transferRun(project, name);
  if (config.technique === "none") return train(project, { ...options, run });
  if (teacher === null) throw withoutTeacher(name);
  const store = openKnowledge(project, teacher);
  const { id, embeddingDim } = store.manifest;
  try {
    return await train(project, {
      ...options,
      run,
      teaching: {
        id: `${teacher} ${id}`,
        pastEmbeddings: TECHNIQUE_PARTS[config.technique].representations ? embeddingDim : 0,
        enrich: enrichFrom(store),
        teach: (model, inputs) => {
          if (model instanceof Vertical) return lessonOf(model, config, inputs);
          throw withoutTeacher(name);
        },
      },
    });
  } finally {
    store.close();
  }
}

/** Name of the run that {@link transfer} makes unless another is given: `NAME-TECHNIQUE`. */
export function transferRun(project: ProjectConfig, model: string): string {
  return `${model}-${modelOf(project, model).transfer.technique}`;
}

/**
 * What evaluation needs to score runs that read their teacher's embeddings: the knowledge in use, which must be that
 * which they have learned with.
 *
 * @throws {LapidaryError} KNOWLEDGE_*
 */
export function knowledgeFor(project: ProjectConfig): EnrichFor {
  return ({ model, lesson }) => {
    const store = openKnowledge(project, model.teacher ?? "");
    const got = `${model.teacher} ${store.manifest.id}`;
    if (lesson !== got) throw changed(store.folder, lesson ?? "none", got);
    return enrichFrom(store);
  };
}

function enrichFrom(store: KnowledgeStore): Enrich {
  return (batch, spec) => ({ ...batch, knowledge: store.knowledgeOf(batch, spec) });
}

/**
 * The knowledge in use of a teacher, which must be of the events in the store.
 *
 * @throws {LapidaryError} KNOWLEDGE_*
 */
export function openKnowledge(project: ProjectConfig, teacher: string): KnowledgeStore {
  const store = KnowledgeStore.open(knowledgeFolder(project, teacher));
  const events = fingerprintOf(project);
  if (store.manifest.events !== events) throw changed(store.folder, events, store.manifest.events);
  return store;
}

function changed(where: string, expected: string, got: string): LapidaryError {
  const short = (text: string): string => text.replace(/[0-9a-f]{64}/, (digest) => digest.slice(0, 12));
  return new LapidaryError({
    code: "KNOWLEDGE_CHANGED",
    where,
    expected: `knowledge of ${short(expected)}`,
    got: short(got),
    hint: "Run `lapidary generate` again, then train the model again with --fresh.",
  });
}

function withoutTeacher(model: string): LapidaryError {
  return new LapidaryError({
    code: "TRANSFER_TEACHER",
    where: `models.${model}`,
    expected: "a vertical model with a teacher",
    got: "one without",
    hint: 'Make it of kind "vertical", and name its `teacher`.',
  });
}
