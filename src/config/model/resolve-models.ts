import { isPlainObject, join, type Problem, show } from "../../base/check.ts";
import { fillIn } from "../defaults.ts";
import { isModulePath } from "../module-path.ts";
import type { UserConfig } from "../schema.ts";
import { ARCHITECTURE_SCHEMA } from "./architecture.ts";
import {
  DIALS_SCHEMA,
  isOfOwn,
  KIND_KEYS,
  type KindConfig,
  type KindKey,
  kindsWith,
  type ModelConfig,
  TEACHER_KINDS,
} from "./model.ts";
import { type TeachingConfig, TRANSFER_DEFAULTS, TRANSFER_SCHEMA, type TransferTechnique } from "./transfer.ts";

/** What a user writes of one model. */
export type UserModel = UserConfig["models"][string];
/** Takes what is wrong. */
export type Report = (problem: Problem) => void;
/** What is wrong with a model, by its own keys. */
type ModelProblem = Omit<Problem, "code">;

/** Techniques whose student adapter must meet each label once, when it is fresh. */
const ONE_PASS: readonly TransferTechnique[] = ["adapter", "full"];

/** The models, every default filled in. */
export function resolveModels(user: UserConfig, report: Report): Readonly<Record<string, ModelConfig>> {
  checkTeachersEnd(user, report);
  return Object.fromEntries(
    Object.entries(user.models).map(([name, model]) => [
      name,
      resolveModel(model, user, { path: join("models", name), report }),
    ]),
  );
}

/** From whom models learn, and how: by model, of those that have a teacher. */
export function resolveTeaching({ models }: UserConfig): Readonly<Record<string, TeachingConfig>> {
  const taught = Object.entries(models).flatMap(([name, { teacher, transfer = {} }]) =>
    teacher === undefined ? [] : [[name, { teacher, transfer: fillIn(TRANSFER_SCHEMA, transfer) }] as const],
  );
  return Object.fromEntries(taught);
}

/** A model's teacher, that one's teacher and so on: it must end, for knowledge is made from the first one down. */
function checkTeachersEnd({ models }: UserConfig, report: Report): void {
  for (const name of Object.keys(models)) {
    const chain = [name];
    for (;;) {
      const next = models[chain.at(-1) ?? ""]?.teacher;
      if (next === undefined || (next !== name && chain.includes(next))) break;
      chain.push(next);
      if (next !== name) continue;
      const hint = "One of them must learn alone.";
      const facts = { expected: "a teacher that has not learned from this model", got: chain.join(" ← "), hint };
      report({ code: "CONFIG_INVALID", path: join(join("models", name), "teacher"), ...facts });
      break;
    }
  }
}

/** One model, every default filled in; what is wrong with it is reported below `path`. */
export function resolveModel(
  model: UserModel,
  user: UserConfig,
  { path, report }: { readonly path: string; readonly report: Report },
): ModelConfig {
  const resolved = withDefaults(model, user);
  for (const problem of problemsOf(resolved, model, user)) {
    report({ code: "CONFIG_INVALID", ...problem, path: join(path, problem.path) });
  }
  return resolved;
}

function withDefaults(model: UserModel, user: UserConfig): ModelConfig {
  const dials = fillIn(DIALS_SCHEMA, { ...model, training: { ...user.training, ...model.training } });
  return { ...ofKind(model), ...dials };
}

function ofKind({ kind, architecture = {}, options = {} }: UserModel): KindConfig {
  if (isModulePath(kind)) return { kind, options };
  return kind === "foundation" ? { kind, architecture: fillIn(ARCHITECTURE_SCHEMA, architecture) } : { kind };
}

/** What is wrong with a model beyond the types of its values. */
function problemsOf(model: ModelConfig, written: UserModel, user: UserConfig): readonly ModelProblem[] {
  const problems = [
    ...misplaced(written),
    ...objectiveProblems(model, user),
    ...layerProblems(written),
    ...counterProblems(model, user),
    ...optionProblems(written),
  ];
  if (problems.length > 0) return problems;
  return [...teacherProblems(written, user), ...passProblems(model, techniqueOf(written))];
}

/** The way in which a model learns from its teacher. */
export function techniqueOf({ transfer = {} }: UserModel): TransferTechnique {
  return transfer.technique ?? TRANSFER_DEFAULTS.technique;
}

/** Keys that its kind of model does not have. */
function misplaced(written: UserModel): readonly ModelProblem[] {
  const { kind } = written;
  const has = (key: KindKey): boolean =>
    isModulePath(kind) ? isOfOwn(key) : kindsWith(key).some((other) => other === kind);
  return KIND_KEYS.filter((key) => written[key] !== undefined && !has(key)).map((path) => {
    const kinds = kindsWith(path);
    const isOwn = kinds.length === 0;
    const expected = `nothing: only ${isOwn ? "models of your own" : `${kinds.join(", ")} models`} have it`;
    const hint = isOwn ? "Remove it." : `Remove it, or make the model of kind ${kinds.map(show).join(", ")}.`;
    return { path, expected, got: show(written[path]), hint };
  });
}

/** What is written into a run's configuration must come back from it as it was. */
function optionProblems({ options = {} }: UserModel): readonly ModelProblem[] {
  const unplain = (value: unknown, path: string): readonly ModelProblem[] => {
    if (Array.isArray(value)) return value.flatMap((item, i) => unplain(item, join(path, i)));
    if (isPlainObject(value)) return Object.entries(value).flatMap(([key, item]) => unplain(item, join(path, key)));
    if (value === null || ["string", "boolean"].includes(typeof value) || Number.isFinite(value)) return [];
    const expected = "text, a finite number, true, false, null, a list or an object";
    return [{ path, expected, got: show(value), hint: "Options are plain data: make the rest of them in `init`." }];
  };
  return unplain(options, "options");
}

function objectiveProblems({ objectives, training }: ModelConfig, user: UserConfig): readonly ModelProblem[] {
  const names = Object.keys(user.objectives);
  const hint = "Correct the name, or add the objective.";
  const unknown = (path: string, given: readonly string[]): readonly ModelProblem[] =>
    given
      .filter((name) => !names.includes(name))
      .map((name) => ({ path, expected: `some of ${names.join(", ")}`, got: show(name), hint }));
  return [
    ...unknown("objectives", objectives ?? []),
    ...unknown("training.objectiveWeights", Object.keys(training.objectiveWeights)),
  ];
}

/** Without layers a foundation model still has what its candidate sees of the history; nothing else is left of the others. */
function layerProblems({ layers, kind }: UserModel): readonly ModelProblem[] {
  if (layers !== 0 || kind === "foundation" || isModulePath(kind)) return [];
  const hint = 'Give it one at least, or make the model of kind "foundation".';
  return [{ path: "layers", expected: `at least 1 of a model of kind ${show(kind)}`, got: "0", hint }];
}

function counterProblems({ counters, kind }: ModelConfig, user: UserConfig): readonly ModelProblem[] {
  const names = Object.keys(user.counters ?? {});
  const has = `There ${names.length === 0 ? "are none" : `are ${names.join(", ")}`}.`;
  const unknown = (counters ?? []).filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    const got = unknown.map(show).join(", ");
    return [{ path: "counters", expected: "names of the project's counters", got, hint: has }];
  }
  if (kind !== "counters" || (counters ?? names).length > 0) return [];
  const hint = 'Define some under `counters` of the project, such as { likes: { of: "like", by: ["user"] } }.';
  return [{ path: "kind", expected: "a project with counters, which this kind reads", got: "none", hint }];
}

function teacherProblems(model: UserModel, user: UserConfig): readonly ModelProblem[] {
  const { teacher } = model;
  if (teacher === undefined) {
    const technique = techniqueOf(model);
    if (technique === "none") return [];
    const hint = `Name the model that ${show(technique)} learns from.`;
    return [{ path: "teacher", expected: "the name of a model", got: "nothing", hint }];
  }
  const kinds: readonly string[] = TEACHER_KINDS;
  const teachers = Object.entries(user.models).filter(([, { kind }]) => kinds.includes(kind) || isModulePath(kind));
  if (teachers.some(([name]) => name === teacher)) return [];
  const expected = `a model of one of the kinds ${TEACHER_KINDS.join(", ")}, or of your own`;
  const hint = `There ${teachers.length === 0 ? "is none" : `are ${teachers.map(([name]) => name).join(", ")}`}.`;
  return [{ path: "teacher", expected, got: show(teacher), hint }];
}

/** @see arXiv 2502.17494 algorithm 1; an adapter that meets a label twice relays it to the student */
function passProblems({ training }: ModelConfig, technique: TransferTechnique): readonly ModelProblem[] {
  if (!ONE_PASS.includes(technique)) return [];
  const { epochs, order } = training;
  if (epochs === 1 && order === "time") return [];
  const hint = `The student adapter of ${show(technique)} may meet each label only once, in order of time.`;
  return [{ path: "training", expected: 'epochs 1 and order "time"', got: `${epochs} and ${show(order)}`, hint }];
}
