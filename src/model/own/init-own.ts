import { outputWidth } from "../../features/objectives.ts";
import type { Batch, FeatureSpec } from "../../features/spec.ts";
import type { Initializer } from "../../nn/index.ts";
import { noGrad, Scope, Tensor } from "../../torch/index.ts";
import { blankBatch } from "../cost/blank-batch.ts";
import { isSplit, isStudent, isTeacher, type Model } from "../model.ts";
import type { ModelModule, OwnModelConfig } from "./model-module.ts";
import { kindOf, resultOf, wrongResult } from "./module-result.ts";

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
  const model = resultOf(where, "init", () => module.init(spec, config, initial));
  if (typeof model?.logits !== "function") {
    throw wrongResult(`${where}, init`, { expected: "a model: an object with `logits(batch)`", got: kindOf(model) });
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
    const result = resultOf(where, name, make);
    const shape = `a tensor [${size}, ${columns ?? "any"}], one row per example`;
    const isShaped = result instanceof Tensor && result.shape.length === 2 && result.shape[0] === size;
    if (!isShaped || (columns !== null && result.shape[1] !== columns)) {
      throw wrongResult(`${where}, ${name}`, { expected: shape, got: kindOf(result) });
    }
    if (result.isfinite().all().item() === 1) return result;
    throw wrongResult(`${where}, ${name}`, { expected: "finite numbers before training", got: "NaN or infinite ones" });
  };
  const logits = checked("logits", () => model.logits(batch), width);
  const same = (name: string, make: () => Tensor): void => {
    const other = checked(name, make, width);
    const distance = other.sub(logits).abs().amax().item() / (1 + logits.abs().amax().item());
    if (distance <= TOLERANCE) return;
    throw wrongResult(`${where}, ${name}`, {
      expected: "what `logits` gives",
      got: `a relative difference of ${distance}`,
    });
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
