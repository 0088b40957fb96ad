import { LapidaryError } from "../base/errors.ts";
import type { TrainingConfig } from "../config/model/training.ts";
import { TRAINING_DEFAULTS } from "../config/model/training.ts";
import { FULL_PRECISION, type PrecisionPolicy, withPrecision } from "../nn/index.ts";

/**
 * The model as training computes it: the same tensors, each layer by the policy that the configuration gives it.
 *
 * @throws {LapidaryError} CONFIG_INVALID if a part that is to stay in full precision is none of the model's
 */
export function inPrecision<M extends object>(
  model: M,
  training: Pick<TrainingConfig, "precision" | "activations" | "fullPrecision">,
): M {
  const { precision, activations, fullPrecision } = training;
  const policy: PrecisionPolicy = { half: precision === "bfloat16", float8: activations === "float8" };
  if (!policy.half && !policy.float8) return model;
  const paths: string[] = [];
  const found = new Set<string>();
  const result = withPrecision(model, (path) => {
    paths.push(path);
    const exempt = fullPrecision.filter((part) => path === part || path.startsWith(`${part}.`));
    for (const part of exempt) found.add(part);
    return exempt.length > 0 ? FULL_PRECISION : policy;
  });
  // The defaults name parts that only some kinds of models have.
  const unknown = fullPrecision.filter((part) => !found.has(part) && !TRAINING_DEFAULTS.fullPrecision.includes(part));
  if (unknown.length > 0) throw unknownPart(unknown, paths);
  return result;
}

function unknownPart(unknown: readonly string[], paths: readonly string[]): LapidaryError {
  return new LapidaryError({
    code: "CONFIG_INVALID",
    where: "training.fullPrecision",
    expected: `parts among ${paths.join(", ")}, or what these lie in`,
    got: unknown.join(", "),
    hint: "Correct the path, or remove it.",
  });
}
