/** What models read of a teacher's knowledge: the mean of the user's embeddings at past events. */
import type { Batch, FeatureSpec } from "../../features/spec.ts";
import { type Initializer, Linear } from "../../nn/index.ts";
import type { Tensor } from "../../torch/index.ts";
import { toDevice } from "./content-maps.ts";

/** The map that makes a token of past embeddings; null if the spec has none. */
export function initPast({ pastEmbeddings = 0 }: FeatureSpec, dim: number, initial: Initializer): Linear | null {
  return pastEmbeddings === 0 ? null : Linear.init({ in: pastEmbeddings, out: dim }, initial);
}

/** The past embeddings of a batch; zeros if it has none. @shape → [rows, E] */
export function pastOf({ knowledge }: Batch, shape: readonly [rows: number, width: number], like: Tensor): Tensor {
  return toDevice(knowledge?.past ?? new Float32Array(shape[0] * shape[1]), shape, like);
}

/** The token of a batch's past embeddings, none without a map. @shape → [B, D] each */
export function pastToken(map: Linear | null, batch: Batch): readonly Tensor[] {
  const width = map?.weight.shape[1] ?? 0;
  return map === null ? [] : [map.apply(pastOf(batch, [batch.size, width], map.weight))];
}
