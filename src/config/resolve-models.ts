import { isPlainObject, join, type Problem, show } from "../base/check.ts";
import { ARCHITECTURE_DEFAULTS } from "./architecture.ts";
import { MODEL_DEFAULTS, TRAINING_DEFAULTS, TRANSFER_DEFAULTS } from "./defaults.ts";
import { isModulePath } from "./module-path.ts";
import type { UserConfig } from "./schema.ts";
import { type ModelConfig, type ModelKind, STUDENT_KINDS, TEACHER_KINDS, type TransferTechnique } from "./types.ts";

/** What a user writes of one model. */
export type UserModel = UserConfig["models"][string];
/** Takes what is wrong. */
export type Report = (problem: Problem) => void;

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
  return {
    kind: model.kind,
    size: model.size ?? MODEL_DEFAULTS.size,
    history: model.history ?? MODEL_DEFAULTS.history,
    dim: model.dim ?? null,
    layers: model.layers ?? null,
    tableRows: model.tableRows ?? MODEL_DEFAULTS.tableRows,
    tableStorage: model.tableStorage ?? MODEL_DEFAULTS.tableStorage,
    minCount: model.minCount ?? MODEL_DEFAULTS.minCount,
    surface: model.surface ?? null,
    objectives: model.objectives ?? null,
    teacher: model.teacher ?? null,
    transfer: { ...TRANSFER_DEFAULTS, ...model.transfer },
    architecture: { ...ARCHITECTURE_DEFAULTS, ...model.architecture },
    options: model.options ?? {},
    training: { ...TRAINING_DEFAULTS, ...user.training, ...model.training },
  };
}

/** What is wrong with a model beyond the types of its values, by its own keys. */
function problemsOf(model: ModelConfig, written: UserModel, user: UserConfig): readonly Omit<Problem, "code">[] {
  const problems = [...misplaced(model, written), ...objectiveProblems(model, user), ...optionProblems(model)];
  if (problems.length > 0) return problems;
  return [...teacherProblems(model, user), ...passProblems(model)];
}

/** Keys that only some kinds of models have. */
const KEYS_OF_KINDS: readonly { readonly keys: readonly (keyof UserModel)[]; readonly kinds: readonly ModelKind[] }[] =
  [
    { keys: ["teacher", "transfer"], kinds: STUDENT_KINDS },
    { keys: ["architecture"], kinds: ["foundation"] },
    { keys: ["options"], kinds: [] },
  ];

/** Keys that a model of the project's own may have: whether it can be taught is known when it is made. */
const KEYS_OF_OWN: readonly (keyof UserModel)[] = ["teacher", "transfer", "options"];

function misplaced({ kind: own }: ModelConfig, written: UserModel): readonly Omit<Problem, "code">[] {
  const has = (key: keyof UserModel, kinds: readonly string[]): boolean =>
    isModulePath(own) ? KEYS_OF_OWN.includes(key) : kinds.includes(own);
  return KEYS_OF_KINDS.flatMap(({ kinds, keys }) => {
    const isOwn = kinds.length === 0;
    const named = isOwn ? "models of your own" : `${kinds.join(", ")} models`;
    const hint = isOwn ? "Remove it." : `Remove it, or make the model of kind ${kinds.map(show).join(", ")}.`;
    return keys
      .filter((key) => written[key] !== undefined && !has(key, kinds))
      .map((path) => ({ path, expected: `nothing: only ${named} have it`, got: show(written[path]), hint }));
  });
}

/** What is written into a run's configuration must come back from it as it was. */
function optionProblems({ options }: ModelConfig): readonly Omit<Problem, "code">[] {
  const unplain = (value: unknown, path: string): readonly Omit<Problem, "code">[] => {
    if (Array.isArray(value)) return value.flatMap((item, i) => unplain(item, join(path, i)));
    if (isPlainObject(value)) return Object.entries(value).flatMap(([key, item]) => unplain(item, join(path, key)));
    if (value === null || ["string", "boolean"].includes(typeof value) || Number.isFinite(value)) return [];
    const expected = "text, a finite number, true, false, null, a list or an object";
    return [{ path, expected, got: show(value), hint: "Options are plain data: make the rest of them in `init`." }];
  };
  return unplain(options, "options");
}

function objectiveProblems({ objectives, training }: ModelConfig, user: UserConfig): readonly Omit<Problem, "code">[] {
  const names = Object.keys(user.objectives);
  const hint = "Correct the name, or add the objective.";
  const unknown = (path: string, given: readonly string[]): readonly Omit<Problem, "code">[] =>
    given
      .filter((name) => !names.includes(name))
      .map((name) => ({ path, expected: `some of ${names.join(", ")}`, got: show(name), hint }));
  return [
    ...unknown("objectives", objectives ?? []),
    ...unknown("training.objectiveWeights", Object.keys(training.objectiveWeights)),
  ];
}

function teacherProblems({ teacher, transfer }: ModelConfig, user: UserConfig): readonly Omit<Problem, "code">[] {
  if (teacher === null) {
    if (transfer.technique === "none") return [];
    const hint = `Name the model that ${show(transfer.technique)} learns from.`;
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
function passProblems({ transfer, training }: ModelConfig): readonly Omit<Problem, "code">[] {
  if (!ONE_PASS.includes(transfer.technique)) return [];
  const { epochs, order } = training;
  if (epochs === 1 && order === "time") return [];
  const hint = `The student adapter of ${show(transfer.technique)} may meet each label only once, in order of time.`;
  return [{ path: "training", expected: 'epochs 1 and order "time"', got: `${epochs} and ${show(order)}`, hint }];
}
