/** What a teacher has made of a user at past events, as one input of a model: the same mean offline and online. */

/** Newest past embeddings of a user that are averaged. */
export const PAST_LENGTH = 64;

/** Mean of the rows of `values`, in their order; zeros without any. @shape values [n, E] → [E] */
export function meanEmbedding(values: ArrayLike<number>, dim: number): Float32Array {
  const mean = new Float32Array(dim);
  const rows = values.length / dim;
  for (let i = 0; i < values.length; i++) mean[i % dim]! += values[i]! / rows;
  return mean;
}
