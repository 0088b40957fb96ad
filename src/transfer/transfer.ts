import { LapidaryError } from "../base/errors.ts";
import { STUDENT_KINDS } from "../config/model/model.ts";
import type { TeachingConfig } from "../config/model/transfer.ts";
import type { ProjectConfig } from "../config/project.ts";
import { EventStore } from "../data/index.ts";
import { isStudent, type Model, type Student } from "../model/index.ts";
import { modelOf, type TrainingOutcome, type TrainOptions, train } from "../train/index.ts";
import { distillationIdOf, enrichFrom, openKnowledge } from "./knowledge-in-use.ts";
import { distillationOf, TECHNIQUE_PARTS } from "./student.ts";

/** How to train a model with its teacher's knowledge. */
export type TransferOptions = Omit<TrainOptions, "teaching">;

/**
 * Trains a model as its configuration says: with the knowledge that its teacher has left, of which it reads the version
 * in use. What it serves with is a model of the same shape as one that has learned alone.
 *
 * @throws {LapidaryError} TRANSFER_STUDENT, KNOWLEDGE_*, and as `train` does
 * @example
 * import { loadProject } from "lapidary";
 * import { ProcessMesh } from "lapidary/distributed";
 * import { transfer } from "lapidary/transfer";
 *
 * const options = { model: "vertical", run: "student", mesh: ProcessMesh.single() };
 * const outcome = await transfer(await loadProject(), options);
 * if (outcome.kind === "finished") console.log(outcome.summary.kind, outcome.summary.steps); // vertical 12
 */
export async function transfer(project: ProjectConfig, options: TransferOptions): Promise<TrainingOutcome> {
  const { model: name } = options;
  const { kind } = modelOf(project, name);
  const run = options.run ?? transferRun(project, name);
  const teaching = teachingOf(project, name);
  if (teaching === null) return train(project, { ...options, run });
  const { teacher, transfer: config } = teaching;
  const store = openKnowledge(project, teacher, fingerprintOf(project));
  try {
    return await train(project, {
      ...options,
      run,
      distillation: {
        teaching,
        id: distillationIdOf(store),
        pastEmbeddings: TECHNIQUE_PARTS[config.technique].representations ? store.manifest.embeddingDim : 0,
        attach: enrichFrom(store),
        supervise: (model, inputs) => distillationOf(studentOf(model, { name, kind }), config, inputs),
      },
    });
  } finally {
    store.close();
  }
}

function fingerprintOf({ store }: ProjectConfig): string {
  using events = EventStore.open(store);
  return events.fingerprint;
}

/**
 * Name of the run that {@link transfer} makes unless another is given: `NAME-TECHNIQUE`.
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { transferRun } from "lapidary/transfer";
 *
 * console.log(transferRun(await loadProject(), "vertical")); // vertical-distill
 */
export function transferRun(project: ProjectConfig, model: string): string {
  return `${model}-${teachingOf(project, model)?.transfer.technique ?? "none"}`;
}

/**
 * From whom a model learns, and how; null if it learns alone.
 *
 * @throws {LapidaryError} MODEL_UNKNOWN
 * @example
 * import { loadProject } from "lapidary";
 * import { teachingOf } from "lapidary/transfer";
 *
 * const project = await loadProject();
 * const teaching = teachingOf(project, "vertical");
 * console.log(teaching?.teacher, teaching?.transfer.technique); // foundation distill
 * console.log(teachingOf(project, "foundation")); // null
 */
export function teachingOf(project: ProjectConfig, model: string): TeachingConfig | null {
  modelOf(project, model);
  const teaching = project.teaching[model];
  return teaching === undefined || teaching.transfer.technique === "none" ? null : teaching;
}

function studentOf(model: Model, { name, kind }: { readonly name: string; readonly kind: string }): Student {
  if (isStudent(model)) return model;
  throw new LapidaryError({
    code: "TRANSFER_STUDENT",
    where: `models.${name}`,
    expected: `a model with \`backbone\` and \`outputs\`, or of one of the kinds ${STUDENT_KINDS.join(", ")}`,
    got: kind,
    hint: "Heads beside its own have nothing to read: give it a backbone, or train it alone with `lapidary train`.",
  });
}
