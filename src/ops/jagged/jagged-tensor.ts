import { arange, cat, fromArray, type Tensor, zeros } from "../../torch/index.ts";

/**
 * Rows of unequal length, end to end: segment `b` is `values[offsets[b] .. offsets[b+1]]`. Nothing is padded.
 *
 * @shape values [L, D]; offsets [B+1] int64, from 0 to L
 * @example
 * import { JaggedTensor } from "lapidary/ops";
 * import { tensor } from "lapidary/torch";
 *
 * // Histories of 2, 0 and 1 events, end to end.
 * const histories = JaggedTensor.of(tensor([1, 2, 3], [3, 1]), Int32Array.of(0, 2, 2, 3));
 * console.log(histories.size, histories.rows, histories.length(1)); // 3 3 0
 * console.log(histories.toPadded().shape, histories.toPadded().flatten());
 * // [ 3, 2, 1 ] Tensor float32 [6] = [1, 2, 0, 0, 3, 0]
 */
export class JaggedTensor {
  readonly values: Tensor;
  readonly offsets: Tensor;
  /** The offsets on the host, from which index arithmetic is done without waiting for a device. */
  readonly bounds: Int32Array;

  private constructor(values: Tensor, offsets: Tensor, bounds: Int32Array) {
    this.values = values;
    this.offsets = offsets;
    this.bounds = bounds;
  }

  /** @shape values [L, D]; bounds [B+1], from 0 to L */
  static of(values: Tensor, bounds: Int32Array): JaggedTensor {
    return new JaggedTensor(values, indexTensor(bounds, values.device), bounds);
  }

  /** Number of segments, B. */
  get size(): number {
    return this.bounds.length - 1;
  }

  /** Number of rows, L. */
  get rows(): number {
    return this.bounds[this.size] ?? 0;
  }

  /** Length of the longest segment; 0 if all are empty. */
  get maxLength(): number {
    let longest = 0;
    for (let b = 0; b < this.size; b++) longest = Math.max(longest, this.length(b));
    return longest;
  }

  /** Length of segment `b`. */
  length(b: number): number {
    return (this.bounds[b + 1] ?? 0) - (this.bounds[b] ?? 0);
  }

  /** The same segments with other values. @shape values [L, E] */
  with(values: Tensor): JaggedTensor {
    return new JaggedTensor(values, this.offsets, this.bounds);
  }

  /** The segment that each row belongs to. @shape → [L] int64 */
  segmentIds(): Tensor {
    return arange(0, this.size, 1, { dtype: "int64", device: this.values.device }).repeatInterleave(
      this.offsets.diff(),
      0,
      { outputSize: this.rows },
    );
  }

  /** Repeats row `b` once per row of segment `b`. @shape perSegment [B, …] → [L, …] */
  spread(perSegment: Tensor): Tensor {
    return perSegment.indexSelect(0, this.segmentIds());
  }

  /**
   * The rows side by side, zeros after the end of each segment: for operators that have no jagged form.
   *
   * @shape → [B, N, D], N = `maxLength`
   */
  toPadded(): Tensor {
    const width = this.maxLength;
    const dim = this.values.shape[1] ?? 0;
    const index = new Int32Array(this.size * width).fill(this.rows);
    for (let b = 0; b < this.size; b++) {
      const start = this.bounds[b] ?? 0;
      const length = this.length(b);
      for (let i = 0; i < length; i++) index[b * width + i] = start + i;
    }
    return this.pick(index).reshape([this.size, width, dim]);
  }

  /** The inverse of {@link toPadded}: rows within the segments' lengths. @shape padded [B, N, E] → values [L, E] */
  fromPadded(padded: Tensor): JaggedTensor {
    const [, width = 0, dim = 0] = padded.shape;
    const index = new Int32Array(this.rows);
    for (let b = 0; b < this.size; b++) {
      const start = this.bounds[b] ?? 0;
      const length = this.length(b);
      for (let i = 0; i < length; i++) index[start + i] = b * width + i;
    }
    return this.with(padded.reshape([-1, dim]).indexSelect(0, indexTensor(index, padded.device)));
  }

  /**
   * The newest `count` rows of each segment, oldest first, zeros in front where there are fewer.
   *
   * @param after rows at the front of each segment that are none of them, such as CLS rows
   * @shape → [B, count, D]
   */
  newest(count: number, after = 0): Tensor {
    const dim = this.values.shape[1] ?? 0;
    const index = new Int32Array(this.size * count).fill(this.rows);
    for (let b = 0; b < this.size; b++) {
      const end = this.bounds[b + 1] ?? 0;
      const taken = Math.min(count, this.length(b) - after);
      for (let i = 1; i <= taken; i++) index[b * count + count - i] = end - i;
    }
    return this.pick(index).reshape([this.size, count, dim]);
  }

  /** The first `count` rows of each segment, which all must have. @shape → [B, count, …] */
  first(count: number): Tensor {
    const index = new Int32Array(this.size * count);
    for (let b = 0; b < this.size; b++) {
      for (let i = 0; i < count; i++) index[b * count + i] = (this.bounds[b] ?? 0) + i;
    }
    const { device, shape } = this.values;
    return this.values.indexSelect(0, indexTensor(index, device)).reshape([this.size, count, ...shape.slice(1)]);
  }

  /** Puts the same number of rows in front of each segment. @shape rows [B, K, …] → segments longer by K */
  prepend(rows: Tensor): JaggedTensor {
    return this.joined(rows, true);
  }

  /** Puts the same number of rows behind each segment. @shape rows [B, K, …] → segments longer by K */
  append(rows: Tensor): JaggedTensor {
    return this.joined(rows, false);
  }

  private joined(rows: Tensor, inFront: boolean): JaggedTensor {
    const [, count = 0, ...row] = rows.shape;
    const bounds = this.bounds.map((bound, b) => bound + b * count);
    const index = new Int32Array(this.rows + this.size * count);
    for (let b = 0; b < this.size; b++) {
      const start = bounds[b] ?? 0;
      const length = this.length(b);
      const [first, rest] = inFront ? [start, start + count] : [start + length, start];
      for (let i = 0; i < count; i++) index[first + i] = b * count + i;
      for (let i = 0; i < length; i++) index[rest + i] = this.size * count + (this.bounds[b] ?? 0) + i;
    }
    const all = cat([rows.reshape([-1, ...row]), this.values], 0);
    return JaggedTensor.of(all.indexSelect(0, indexTensor(index, all.device)), bounds);
  }

  /** Rows by index, where index L means a row of zeros. */
  private pick(index: Int32Array): Tensor {
    const { values } = this;
    const blank = zeros([1, values.shape[1] ?? 0], { dtype: values.dtype, device: values.device });
    return cat([values, blank], 0).indexSelect(0, indexTensor(index, values.device));
  }
}

/** Host indices as an int64 tensor on the device. */
function indexTensor(index: Int32Array, device: string): Tensor {
  return fromArray(index, [index.length]).to({ dtype: "int64", device });
}
