/** The version of a teacher's knowledge that the project uses. */
import { join } from "node:path";
import { LapidaryError } from "../base/errors.ts";
import type { ProjectConfig } from "../config/project.ts";
import type { AttachKnowledge, KnowledgeFor } from "../train/index.ts";
import { KnowledgeStore } from "./knowledge-store.ts";

/** Folder of a teacher's knowledge. */
export function knowledgeFolder(project: ProjectConfig, teacher: string): string {
  return join(project.knowledge, teacher);
}

/**
 * The knowledge in use of a teacher.
 *
 * @param events fingerprint of the event store, whose events the knowledge must be of
 * @throws {LapidaryError} KNOWLEDGE_*
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore } from "lapidary/data";
 * import { openKnowledge } from "lapidary/transfer";
 *
 * const project = await loadProject();
 * using store = EventStore.open(project.store);
 * const knowledge = openKnowledge(project, "foundation", store.fingerprint); // of these very events
 * const { teacher, objectives, numExamples } = knowledge.manifest;
 * console.log(teacher, objectives, numExamples); // foundation [ 'click', 'conversion' ] 412
 * knowledge.close();
 */
export function openKnowledge(project: ProjectConfig, teacher: string, events: string): KnowledgeStore {
  const store = KnowledgeStore.open(knowledgeFolder(project, teacher));
  if (store.manifest.events !== events) throw changed(store.folder, events, store.manifest.events);
  return store;
}

/** What a run that learned from this knowledge is recorded with. */
export function distillationIdOf({ manifest }: KnowledgeStore): string {
  return `${manifest.teacher} ${manifest.id}`;
}

/**
 * What evaluation needs to score runs that read their teacher's embeddings: the knowledge in use, which must be that
 * which they have learned with.
 *
 * @throws {LapidaryError} KNOWLEDGE_*
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore } from "lapidary/data";
 * import { examplesOf, openRun } from "lapidary/train";
 * import { knowledgeFor } from "lapidary/transfer";
 *
 * const project = await loadProject();
 * using store = EventStore.open(project.store);
 * const opened = openRun(project, "vertical-distill", { store });
 * let examples = 0;
 * for await (const batch of await examplesOf(opened, "test", knowledgeFor(project))) examples += batch.size;
 * console.log(examples); // 143
 */
export function knowledgeFor(project: ProjectConfig): KnowledgeFor {
  return ({ model, knowledge, events }) => {
    const store = openKnowledge(project, model.teacher ?? "", events);
    const got = distillationIdOf(store);
    if (knowledge !== got) throw changed(store.folder, knowledge ?? "none", got);
    return enrichFrom(store);
  };
}

/** Adds to batches what a store knows of their examples. */
export function enrichFrom(store: KnowledgeStore): AttachKnowledge {
  return (batch, spec) => ({ ...batch, knowledge: store.knowledgeOf(batch, spec) });
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
