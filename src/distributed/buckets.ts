import { cat, type DType, noGrad, Scope, type Tensor, type Work } from "../torch/index.ts";

/** Collectives on buckets of this size: large enough to fill the network, small enough to overlap with the copies. */
const BUCKET_BYTES = 4 << 20;

const BYTES: Readonly<Record<DType, number>> = {
  ...{ float64: 8, int64: 8, float32: 4, int32: 4, float16: 2, bfloat16: 2, int16: 2, int8: 1, uint8: 1, bool: 1 },
};

const sizeBytes = (tensor: Tensor): number => tensor.numel * BYTES[tensor.dtype];

/**
 * Groups tensors, in their order, into buckets of one dtype and device of at most 4 MB, or of one larger tensor; tensors
 * without elements are left out. It depends on shapes and order only, so that all processes make the same buckets.
 */
export function bucketsOf(tensors: readonly Tensor[], maxBytes = BUCKET_BYTES): Tensor[][] {
  const buckets: Tensor[][] = [];
  const open = new Map<string, { bucket: Tensor[]; bytes: number }>();
  for (const tensor of tensors) {
    const bytes = sizeBytes(tensor);
    if (bytes === 0) continue;
    const kind = `${tensor.dtype} ${tensor.device}`;
    let last = open.get(kind);
    if (last === undefined || last.bytes + bytes > maxBytes) {
      last = { bucket: [], bytes: 0 };
      open.set(kind, last);
      buckets.push(last.bucket);
    }
    last.bucket.push(tensor);
    last.bytes += bytes;
  }
  return buckets;
}

/** One contiguous tensor of a bucket's elements: the tensor's own memory where the bucket is one contiguous tensor. */
function flatten(bucket: readonly Tensor[]): Tensor {
  const parts = bucket.map((tensor) => tensor.detach().reshape([-1]));
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : cat(parts);
}

function unflatten(bucket: readonly Tensor[], flat: Tensor): void {
  const parts = flat.splitWithSizes(bucket.map((tensor) => tensor.numel));
  bucket.forEach((tensor, i) => {
    const part = parts[i];
    const inPlace = bucket.length === 1 && tensor.isContiguous;
    if (part !== undefined && !inPlace) tensor.copy_(part.reshape(tensor.shape));
  });
}

/** Starts an in-place collective on a flat tensor. */
type Start = (flat: Tensor) => Pick<Work<Tensor>, "wait">;

/** Applies an in-place collective to tensors, bucket by bucket; the next bucket is filled while the last one travels. */
export function throughBuckets(tensors: readonly Tensor[], start: Start, maxBytes?: number): void {
  using _scope = new Scope();
  noGrad(() => {
    const running = bucketsOf(tensors, maxBytes).map((bucket) => ({ bucket, work: start(flatten(bucket)) }));
    for (const { bucket, work } of running) unflatten(bucket, work.wait());
  });
}
