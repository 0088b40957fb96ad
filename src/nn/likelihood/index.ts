/** How outcomes of each kind are distributed given the outputs of a model. */
import type { ObjectiveKind } from "../../config/events/objective-kinds.ts";
import type { Objective } from "../../features/objectives.ts";
import { cat, type Tensor } from "../../torch/index.ts";
import { BINARY } from "./binary.ts";
import { COUNT } from "./count.ts";
import type { Likelihood } from "./likelihood.ts";
import { VALUE } from "./value.ts";

export { softLabels } from "./binary.ts";

/** The likelihood of each kind: leaving one out does not compile. */
export const LIKELIHOODS: Readonly<Record<ObjectiveKind, Likelihood>> = { binary: BINARY, count: COUNT, value: VALUE };

/**
 * Losses of all objectives.
 *
 * @shape outputs [B, W], labels [B, T] → [B, T]
 * @unit nats
 * @example
 * import { lossesOf } from "lapidary/nn";
 * import { tensor } from "lapidary/torch";
 *
 * const objectives = [
 *   { name: "click", kind: "binary", from: 0, to: 1 },
 *   { name: "views", kind: "count", from: 1, to: 2 },
 * ] as const;
 * // One example: logit 0 and a click; log rate 0, so a rate of 1, and 3 views.
 * console.log(lossesOf(objectives, tensor([0, 0], [1, 2]), tensor([1, 3], [1, 2])));
 * // Tensor float32 [1, 2] = [0.693147, 1]
 */
export function lossesOf(objectives: readonly Objective[], outputs: Tensor, labels: Tensor): Tensor {
  return byObjective(objectives, ({ kind, from, to }, t) =>
    LIKELIHOODS[kind].loss(outputs.slice(1, from, to), labels.slice(1, t, t + 1)),
  );
}

/**
 * Cross entropies of all objectives with what a teacher says of them.
 *
 * @shape outputs, teacher [B, W] → [B, T]
 * @unit nats
 * @example
 * import { crossEntropiesOf } from "lapidary/nn";
 * import { tensor } from "lapidary/torch";
 *
 * const objectives = [{ name: "click", kind: "binary", from: 0, to: 1 }] as const;
 * // The teacher says 1/2, and so does the model: what is left is the entropy of a fair coin, ln 2.
 * const told = { teacher: tensor([0], [1, 1]), labelScale: 1 };
 * console.log(crossEntropiesOf(objectives, tensor([0], [1, 1]), told).item().toFixed(4)); // 0.6931
 */
export function crossEntropiesOf(
  objectives: readonly Objective[],
  outputs: Tensor,
  { teacher, labelScale }: { readonly teacher: Tensor; readonly labelScale: number },
): Tensor {
  return byObjective(objectives, ({ kind, from, to }) =>
    LIKELIHOODS[kind].crossEntropy(outputs.slice(1, from, to), teacher.slice(1, from, to), labelScale),
  );
}

function byObjective(objectives: readonly Objective[], lossOf: (objective: Objective, task: number) => Tensor): Tensor {
  return cat(objectives.map(lossOf), 1);
}
