import { LapidaryError } from "../base/errors.ts";
import { TRAINING_DEFAULTS } from "../config/defaults.ts";
import type { TrainingConfig } from "../config/types.ts";
import { EXACT, type Numerics, withNumerics } from "../nn/index.ts";

/**
 * The model as training computes it: the same tensors, each layer with the numerics that the configuration gives it.
 *
 * @throws {LapidaryError} CONFIG_INVALID if a part that is to stay in full precision is none of the model's
 */
export function inPrecision<M extends object>(
  model: M,
  training: Pick<TrainingConfig, "precision" | "activations" | "fullPrecision">,
): M {
  const { precision, activations, fullPrecision } = training;
  const numerics: Numerics = { half: precision === "bfloat16", float8: activations === "float8" };
  if (!numerics.half && !numerics.float8) return model;
  const paths: string[] = [];
  const found = new Set<string>();
  const result = withNumerics(model, (path) => {
    paths.push(path);
    const exempt = fullPrecision.filter((part) => path === part || path.startsWith(`${part}.`));
    for (const part of exempt) found.add(part);
    return exempt.length > 0 ? EXACT : numerics;
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
