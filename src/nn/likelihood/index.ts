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

/** Losses of all objectives. @shape outputs [B, W], labels [B, T] → [B, T] @unit nats */
export function lossesOf(objectives: readonly Objective[], outputs: Tensor, labels: Tensor): Tensor {
  return byObjective(objectives, ({ kind, from, to }, t) =>
    LIKELIHOODS[kind].loss(outputs.slice(1, from, to), labels.slice(1, t, t + 1)),
  );
}

/** Cross entropies of all objectives with what a teacher says of them. @shape outputs, teacher [B, W] → [B, T] @unit nats */
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
