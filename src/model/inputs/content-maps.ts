import { contentOf, vectorWidth } from "../../features/content.ts";
import type { ContentColumns, FeatureSpec } from "../../features/spec.ts";
import { type Initializer, Linear } from "../../nn/index.ts";
import { fromArray, type Tensor } from "../../torch/index.ts";
import { embedColumns, listsOf, type Tables } from "./embed-columns.ts";

/** The map of each vector to the space of the embeddings, by name: the same for candidates and past events. */
export type VectorMaps = Readonly<Record<string, Linear>>;

/** `y_v = W_v [x_v ∥ is there] + b_v` of every vector of a spec. */
export function initVectorMaps(spec: FeatureSpec, out: number, initial: Initializer): VectorMaps {
  const maps = contentOf(spec).vectors.map(
    (feature) => [feature.name, Linear.init({ in: vectorWidth(feature), out }, initial)] as const,
  );
  return Object.fromEntries(maps);
}

/** Vectors and lists of a spec: as many fields as they are. */
export function numContent(spec: FeatureSpec): number {
  const { vectors, lists } = contentOf(spec);
  return vectors.length + lists.length;
}

/** Moves a batch's plain array to where the model is. */
export function toDevice(array: Float32Array, shape: readonly number[], like: Tensor): Tensor {
  return fromArray(array, shape, { share: true }).to({ device: like.device, dtype: like.dtype });
}

/** What content is embedded with. */
interface ContentParts {
  readonly spec: FeatureSpec;
  readonly tables: Tables;
  readonly vectors: VectorMaps;
}

/**
 * One field per list and vector of some rows: the mean of the ids' rows, then `y_v`.
 *
 * @shape → {@link numContent} times [rows, D]
 * @throws {Error} if the batch lacks one
 */
export function contentFields({ spec, tables, vectors }: ContentParts, content: ContentColumns | undefined): Tensor[] {
  const features = contentOf(spec);
  const projected = features.vectors.map((feature) => {
    const map = vectors[feature.name];
    const inputs = content?.vectors[feature.name];
    if (map === undefined || inputs === undefined) throw new Error(`the batch has no feature ${feature.name}`);
    const width = vectorWidth(feature);
    return map.apply(toDevice(inputs, [inputs.length / width, width], map.weight));
  });
  return [...embedColumns(tables, listsOf(features.lists, content)), ...projected];
}
