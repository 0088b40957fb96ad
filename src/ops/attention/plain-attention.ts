import { arange, fromArray, type Tensor } from "../../torch/index.ts";
import type { JaggedTensor } from "../jagged/jagged-tensor.ts";
import { type AttentionInputs, type AttentionMask, type AttentionOptions, scaleOf } from "./attention-options.ts";
import { rotate } from "./rotary.ts";

/** Keys that a row sees: [low, high) ∪ [0, prefix). */
interface VisibleKeys {
  readonly low: number;
  readonly high: number;
  readonly prefix: number;
}

const NONE: VisibleKeys = { low: 0, high: 0, prefix: 0 };

function visibleKeys(row: number, keys: number, mask: AttentionMask): VisibleKeys {
  const { window = 0, block = 0, globalKeys = 0 } = mask;
  const limit = mask.causal ? Math.min(keys, row + 1) : keys;
  const start = block > 0 ? row - (row % block) : 0;
  const low = Math.max(start, window > 0 ? row - window + 1 : 0);
  const end = Math.min(block > 0 ? start + block : limit, window > 0 ? row + window : limit);
  return { low, high: Math.min(limit, end), prefix: Math.min(globalKeys, limit) };
}

/**
 * Pairs of a row and a key that it sees, over all examples: what attention's products are made of.
 *
 * @param lengths rows to attend from and keys of each example
 * @example
 * import { countPairs } from "lapidary/ops";
 *
 * const lengths = { rows: [3, 1], keys: [3, 1] };
 * console.log(countPairs(lengths, {}), countPairs(lengths, { causal: true })); // 10 7
 */
export function countPairs(lengths: { rows: readonly number[]; keys: readonly number[] }, mask: AttentionMask): number {
  let pairs = 0;
  for (const [b, rows] of lengths.rows.entries()) {
    for (let row = 0; row < rows; row++) {
      const { low, high, prefix } = visibleKeys(row, lengths.keys[b] ?? 0, mask);
      pairs += high - low + prefix - Math.max(0, Math.min(high, prefix) - low);
    }
  }
  return pairs;
}

const not = (x: Tensor): Tensor => x.logicalNot();
const either = (a: Tensor, b: Tensor): Tensor => not(not(a).logicalAnd(not(b)));

/** True where a row sees a key. @shape → [B, 1, N, M] */
function visible(rows: JaggedTensor, keys: JaggedTensor, mask: AttentionMask): Tensor {
  const width = rows.maxLength;
  const ranges = Array.from({ length: rows.size * width }, (_, flat): VisibleKeys => {
    const [b, row] = [Math.floor(flat / width), flat % width];
    return row < rows.length(b) ? visibleKeys(row, keys.length(b), mask) : NONE;
  });
  const { device } = rows.values;
  const column = (name: keyof VisibleKeys): Tensor =>
    fromArray(
      Int32Array.from(ranges, (range) => range[name]),
      [rows.size, width, 1],
    ).to({ dtype: "int64", device });
  const key = arange(0, keys.maxLength, 1, { dtype: "int64", device });
  const near = column("low").le(key).logicalAnd(column("high").gt(key));
  return either(near, column("prefix").gt(key)).unsqueeze(1);
}

/** Where each padded row stands. @shape → [1, N] */
const positionsOf = (rows: JaggedTensor): Tensor =>
  arange(0, rows.maxLength, 1, { dtype: "int64", device: rows.values.device }).unsqueeze(0);

/** Padded rows by head, each key head once per query head that shares it. @shape values [L, H, d] → [B, H, N, d] */
function byHead(rows: JaggedTensor, values: Tensor, heads: number): Tensor {
  const [, keyHeads = 1, dim = 0] = values.shape;
  const padded = rows.with(values.reshape([rows.rows, keyHeads * dim])).toPadded();
  const [size = 0, width = 0] = padded.shape;
  const split = padded.reshape([size, width, keyHeads, 1, dim]).expand([size, width, keyHeads, heads / keyHeads, dim]);
  return split.reshape([size, width, heads, dim]).transpose(1, 2);
}

/** Columns of a bias by index. @shape table [1 or H, C], index [B, N, M] → [B, 1 or H, N, M] */
function lookUp(table: Tensor, index: Tensor): Tensor {
  const [size = 0, rows = 0, keys = 0] = index.shape;
  const columns = table.indexSelect(1, index.reshape([-1])); // [1 or H, B·N·M]
  return columns.reshape([table.shape[0] ?? 1, size, rows, keys]).transpose(0, 1);
}

function positionBias(table: Tensor, rows: Tensor, keys: Tensor): Tensor {
  const reach = ((table.shape[1] ?? 1) - 1) / 2;
  return lookUp(table, rows.unsqueeze(2).sub(keys.unsqueeze(1)).clamp(-reach, reach).add(reach));
}

function scoresOf(inputs: AttentionInputs, options: AttentionOptions): Tensor {
  const heads = inputs.query.values.shape[1] ?? 1;
  const [rows, keys] = [positionsOf(inputs.query), positionsOf(inputs.key)];
  let q = byHead(inputs.query, inputs.query.values, heads);
  let k = byHead(inputs.key, inputs.key.values, heads);
  if (options.rotaryBase !== undefined) {
    const turned = (x: Tensor, positions: Tensor): Tensor =>
      rotate(x, positions.unsqueeze(1).to({ dtype: x.dtype }), options.rotaryBase);
    q = turned(q, rows);
    k = turned(k, keys);
  }
  const scores = q.matmul(k.transpose(-2, -1)).mul(scaleOf(inputs, options)); // [B, H, N, M]
  const table = options.bias?.position;
  return table === undefined ? scores : scores.add(positionBias(table, rows, keys));
}

/**
 * The same as `attend` from libtorch's operators, by padding: for devices that have no kernel of ours, and to
 * compare the kernel with. Stores scores of every pair.
 *
 * @shape → values [Lq, H, e]
 * @example
 * import { attend, JaggedTensor, plainAttention } from "lapidary/ops";
 * import { RandomGenerator, randn } from "lapidary/torch";
 *
 * const generator = RandomGenerator.seeded(1);
 * const rows = JaggedTensor.of(randn([6, 2, 4], { generator }), Int32Array.of(0, 4, 6));
 * const inputs = { query: rows, key: rows, value: rows.values };
 * const difference = attend(inputs).values.sub(plainAttention(inputs).values).abs();
 * console.log(difference.amax().item() < 1e-5); // true
 */
export function plainAttention(inputs: AttentionInputs, options: AttentionOptions = {}): JaggedTensor {
  const { query, key, value } = inputs;
  const [heads, valueDim] = [query.values.shape[1] ?? 1, value.shape[2] ?? 0];
  if (query.rows === 0 || key.rows === 0) {
    return query.with(query.values.sum([2], true).mul(0).expand([query.rows, heads, valueDim]));
  }
  const scores = scoresOf(inputs, options);
  const { activation = "softmax", mask = {} } = options;
  const hidden = not(visible(query, key, mask));
  // A finite stand-in for -∞, so that a row that sees nothing has no NaN to be masked in its gradient.
  const weights = activation === "softmax" ? scores.maskedFill(hidden, -1e30).softmax(-1) : scores[activation]();
  const mixed = weights
    .maskedFill(hidden, 0)
    .matmul(byHead(key, value, heads))
    .mul(options.factor ?? 1);
  const flat = query.fromPadded(mixed.transpose(1, 2).flatten(2)).values;
  return query.with(flat.reshape([query.rows, heads, valueDim]));
}
