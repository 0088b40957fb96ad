import { LapidaryError } from "../../base/errors.ts";
import { outputWidth } from "../../features/objectives.ts";
import type { Batch, FeatureSpec } from "../../features/spec.ts";
import type { Initializer } from "../../nn/index.ts";
import { noGrad, Scope, Tensor } from "../../torch/index.ts";
import { blankBatch } from "../cost/blank-batch.ts";
import { isSplit, isStudent, isTeacher, type Model } from "../model.ts";
import type { ModelModule, OwnModelConfig } from "./model-module.ts";

/** A module, and the path that errors name. */
export interface NamedModule {
  readonly where: string;
  readonly module: ModelModule;
}

/** Histories of the examples that a model is tried on. */
const TRIED = [3, 0, 1] as const;
/** Largest relative difference between two ways to the same logits. */
const TOLERANCE = 1e-4;

/**
 * A fresh model of a module of the project's own, tried on a batch that says nothing.
 *
 * @throws {LapidaryError} MODULE_RESULT if it throws, or something that it gives is not of the shape that is promised, not
 *   finite, or not the same on two ways
 */
export function initOwn(
  { where, module }: NamedModule,
  spec: FeatureSpec,
  { initial, ...config }: OwnModelConfig & { readonly initial: Initializer },
): Model {
  const model = called(where, "init", () => module.init(spec, config, initial));
  if (typeof model?.logits !== "function") {
    throw result(`${where}, init`, { expected: "a model: an object with `logits(batch)`", got: describe(model) });
  }
  using _scope = new Scope();
  noGrad(() => tryOut(model, { where, spec, batch: blankBatch({ spec, historyLengths: TRIED }) }));
  return model;
}

interface Trial {
  readonly where: string;
  readonly spec: FeatureSpec;
  readonly batch: Batch;
}

function tryOut(model: Model, { where, spec, batch }: Trial): void {
  const width = outputWidth(spec);
  const size = batch.size;
  const checked = (name: string, make: () => Tensor, columns: number | null): Tensor => {
    const made = called(where, name, make);
    const shape = `a tensor [${size}, ${columns ?? "any"}], one row per example`;
    const isShaped = made instanceof Tensor && made.shape.length === 2 && made.shape[0] === size;
    if (!isShaped || (columns !== null && made.shape[1] !== columns)) {
      throw result(`${where}, ${name}`, { expected: shape, got: describe(made) });
    }
    if (made.isfinite().all().item() === 1) return made;
    throw result(`${where}, ${name}`, { expected: "finite numbers before training", got: "NaN or infinite ones" });
  };
  const logits = checked("logits", () => model.logits(batch), width);
  const same = (name: string, make: () => Tensor): void => {
    const other = checked(name, make, width);
    const distance = other.sub(logits).abs().amax().item() / (1 + logits.abs().amax().item());
    if (distance <= TOLERANCE) return;
    throw result(`${where}, ${name}`, { expected: "what `logits` gives", got: `a relative difference of ${distance}` });
  };
  if (isStudent(model)) {
    const backbone = checked("backbone", () => model.backbone(batch), null);
    same("outputs", () => model.outputs(backbone, batch));
  }
  if (isTeacher(model)) {
    same("represent", () => model.represent(batch).logits);
    checked("represent", () => model.represent(batch).embedding, null);
  }
  if (isSplit(model)) {
    const user = checked("user", () => model.user(batch), null);
    same("score", () => model.score(user, batch));
  }
}

/** What a function of a module gives. @throws {LapidaryError} MODULE_RESULT with what it threw */
function called<T>(where: string, name: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw result(`${where}, ${name}`, { expected: `\`${name}\` to return`, got: thrown(cause, where) }, cause);
  }
}

/** What was thrown, and the line of the module where that can be told. */
function thrown(cause: unknown, where: string): string {
  if (!(cause instanceof Error)) return `a throw of ${String(cause)}`;
  const place = cause.stack?.split(`${where}:`)[1]?.match(/^\d+/)?.[0];
  return `${cause.name}: ${cause.message.split("\n")[0]}${place === undefined ? "" : ` (line ${place})`}`;
}

function describe(value: unknown): string {
  if (value instanceof Tensor) return `a tensor [${value.shape.join(", ")}]`;
  return value === null ? "null" : typeof value;
}

function result(where: string, facts: { readonly expected: string; readonly got: string }, cause?: unknown) {
  const hint = "Correct the module; `ModelModule` of lapidary/model says what each function gives.";
  return new LapidaryError({ code: "MODULE_RESULT", where, ...facts, hint }, { cause });
}
