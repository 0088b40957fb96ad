import type { Objective } from "../../features/objectives.ts";
import { kindOf, resultOf, wrongResult } from "../../model/own/module-result.ts";
import { lossesOf } from "../../nn/index.ts";
import { cat, fromArray, grad, Scope, Tensor } from "../../torch/index.ts";

/** What a module of a loss of one's own exports: `loss: "./focal.ts"` of an objective in the configuration names it. */
export interface LossModule {
  /**
   * What each example costs, in place of the negative log likelihood. Examples whose label is not known are left out of the
   * mean by the trainer, and `objectiveWeights` weighs it against the other objectives.
   *
   * @shape outputs [B], logits of a yes/no objective or logarithms of a count's rate; [B, 3] of an amount; labels [B] → [B]
   * @unit nats
   */
  loss(outputs: Tensor, labels: Tensor): Tensor;
}

/** A module of a loss, and the path that errors name. */
export interface NamedLoss {
  readonly where: string;
  readonly module: LossModule;
}

/** Losses of the project's own, by the names of their objectives. */
export type OwnLosses = Readonly<Record<string, NamedLoss>>;

/** Losses of all objectives, of some by the project's own. @shape outputs [B, W], labels [B, T] → [B, T] */
export function lossesWith(
  ownLosses: OwnLosses,
  objectives: readonly Objective[],
  { outputs, labels }: { readonly outputs: Tensor; readonly labels: Tensor },
): Tensor {
  const columns = objectives.map((objective, t) => {
    const { from, to, name } = objective;
    const [column, label] = [outputs.slice(1, from, to), labels.slice(1, t, t + 1)];
    const named = Object.hasOwn(ownLosses, name) ? ownLosses[name] : undefined;
    if (named === undefined) return lossesOf([{ ...objective, from: 0, to: to - from }], column, label);
    return lossOf(named, to - from === 1 ? column.squeeze(1) : column, label.squeeze(1)).unsqueeze(1);
  });
  return cat(columns, 1);
}

/** @throws {LapidaryError} MODULE_RESULT unless it gives one number per example */
function lossOf({ where, module }: NamedLoss, outputs: Tensor, labels: Tensor): Tensor {
  const [size = 0] = labels.shape;
  const losses = resultOf(where, "loss", () => module.loss(outputs, labels));
  if (losses instanceof Tensor && losses.shape.length === 1 && losses.shape[0] === size) return losses;
  const expected = `a tensor [${size}], one number per example`;
  throw wrongResult(`${where}, loss`, { expected, got: kindOf(losses) });
}

/** What a loss is tried on: outputs and labels, every one with every other. */
const TRIED = { outputs: [-8, -1, 0, 1, 8], labels: [0, 1] } as const;

/**
 * Tries each loss before anything is learned by it.
 *
 * @throws {LapidaryError} MODULE_RESULT if it throws, gives another shape, is not finite, or has no finite gradient
 */
export function tryLosses(ownLosses: OwnLosses, objectives: readonly Objective[]): void {
  for (const { name, from, to } of objectives) {
    const named = Object.hasOwn(ownLosses, name) ? ownLosses[name] : undefined;
    if (named === undefined) continue;
    using _scope = new Scope();
    const pairs = TRIED.outputs.flatMap((output) => TRIED.labels.map((label) => [output, label] as const));
    const values = pairs.flatMap(([output]) => Array.from({ length: to - from }, () => output));
    const shape = to - from === 1 ? [pairs.length] : [pairs.length, to - from];
    const outputs = fromArray(Float32Array.from(values), shape);
    outputs.requiresGrad = true;
    const labels = fromArray(
      Float32Array.from(pairs, ([, label]) => label),
      [pairs.length],
    );
    const losses = lossOf(named, outputs, labels);
    const where = `${named.where}, loss`;
    if (!hasNumbers(losses)) throw wrongResult(where, { expected: "finite losses", got: "NaN or infinite ones" });
    if (!losses.requiresGrad) throw wrongResult(where, { expected: "losses of the outputs", got: "constants" });
    const [gradient] = grad([losses.sum()], [outputs]);
    if (gradient && hasNumbers(gradient)) continue;
    throw wrongResult(where, { expected: "a finite gradient", got: "NaN, an infinite one or none" });
  }
}

function hasNumbers(x: Tensor): boolean {
  return x.isfinite().all().item() === 1;
}
