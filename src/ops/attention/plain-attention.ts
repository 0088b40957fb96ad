import { arange, fromArray, type Tensor } from "../../torch/index.ts";
import type { JaggedTensor } from "../jagged/jagged-tensor.ts";
import { type AttentionInputs, type AttentionMask, type AttentionOptions, scaleOf } from "./attention-options.ts";
import { rotate } from "./rotary.ts";

/** Per padded row, where it stands and what it sees: keys [low, high) ∪ [0, prefix) ∪ {self}. @shape [B, N] each */
interface VisibleKeys {
  readonly position: Tensor;
  readonly low: Tensor;
  readonly high: Tensor;
  readonly prefix: Tensor;
  readonly self: Tensor;
}

type KeyVisibility = Record<keyof VisibleKeys, number>;

const NOTHING: KeyVisibility = { position: 0, low: 0, high: 0, prefix: 0, self: -1 };

function sightOf(row: number, history: number, mask: AttentionMask): KeyVisibility {
  const self = row >= history && mask.candidates !== undefined ? row : -1;
  const position = self < 0 ? row : history;
  const { window = 0, block = 0 } = mask;
  const limit = mask.causal ? Math.min(history, position + 1) : history;
  const start = block > 0 ? position - (position % block) : 0;
  const low = Math.max(start, window > 0 ? position - window + 1 : 0);
  const end = Math.min(block > 0 ? start + block : limit, window > 0 ? position + window : limit);
  return { position, low, high: Math.min(limit, end), prefix: Math.min(mask.prefix ?? 0, limit), self };
}

function sightsOf(rows: JaggedTensor, keys: JaggedTensor, mask: AttentionMask = {}): VisibleKeys {
  const candidates = mask.candidates?.toNumbers() ?? [];
  const width = rows.maxLength;
  const all = Array.from({ length: rows.size * width }, (_, flat): KeyVisibility => {
    const [b, row] = [Math.floor(flat / width), flat % width];
    return row < rows.length(b) ? sightOf(row, keys.length(b) - (candidates[b] ?? 0), mask) : NOTHING;
  });
  const field = (name: keyof VisibleKeys): Tensor =>
    fromArray(
      Int32Array.from(all, (sight) => sight[name]),
      [rows.size, width],
    ).to({
      dtype: "int64",
      device: rows.values.device,
    });
  return {
    position: field("position"),
    low: field("low"),
    high: field("high"),
    prefix: field("prefix"),
    self: field("self"),
  };
}

/**
 * Pairs of a row and a key that it sees, over all examples: what attention's products are made of.
 *
 * @param lengths rows to attend from and keys of each example
 */
export function countPairs(lengths: { rows: readonly number[]; keys: readonly number[] }, mask: AttentionMask): number {
  let pairs = 0;
  for (const [b, rows] of lengths.rows.entries()) {
    for (let row = 0; row < rows; row++) {
      const { low, high, prefix } = sightOf(row, lengths.keys[b] ?? 0, mask);
      pairs += high - low + prefix - Math.max(0, Math.min(high, prefix) - low);
    }
  }
  return pairs;
}

const not = (x: Tensor): Tensor => x.logicalNot();
const either = (a: Tensor, b: Tensor): Tensor => not(not(a).logicalAnd(not(b)));

/** True where a row sees a key. @shape → [B, 1, N, M] */
function visible(sights: VisibleKeys, numKeys: number): Tensor {
  const column = (x: Tensor): Tensor => x.unsqueeze(2);
  const key = arange(0, numKeys, 1, { dtype: "int64", device: sights.low.device });
  const near = column(sights.low).le(key).logicalAnd(column(sights.high).gt(key));
  return either(either(near, column(sights.prefix).gt(key)), column(sights.self).eq(key)).unsqueeze(1);
}

/** Padded rows by head, each key head once per query head that shares it. @shape values [L, H, d] → [B, H, N, d] */
function byHead(rows: JaggedTensor, values: Tensor, heads: number): Tensor {
  const [, own = 1, dim = 0] = values.shape;
  const padded = rows.with(values.reshape([rows.rows, own * dim])).toPadded();
  const [size = 0, width = 0] = padded.shape;
  const split = padded.reshape([size, width, own, 1, dim]).expand([size, width, own, heads / own, dim]);
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

/** By ⌊ln(max(1, |Δt|)) / 0.301⌋, see {@link AttentionBias}. */
function timeBias(table: Tensor, rows: Tensor, keys: Tensor): Tensor {
  const gap = rows.unsqueeze(2).sub(keys.unsqueeze(1)).abs().clamp(1).to({ dtype: "float64" });
  return lookUp(
    table,
    gap
      .log()
      .div(0.301)
      .to({ dtype: "int64" })
      .clamp(0, (table.shape[1] ?? 1) - 1),
  );
}

function scoresOf(
  inputs: AttentionInputs,
  options: AttentionOptions,
  [rows, keys]: readonly [VisibleKeys, VisibleKeys],
): Tensor {
  const heads = inputs.query.values.shape[1] ?? 1;
  let q = byHead(inputs.query, inputs.query.values, heads);
  let k = byHead(inputs.key, inputs.key.values, heads);
  if (options.rotaryBase !== undefined) {
    const turned = (x: Tensor, { position }: VisibleKeys): Tensor =>
      rotate(x, position.unsqueeze(1).to({ dtype: x.dtype }), options.rotaryBase);
    q = turned(q, rows);
    k = turned(k, keys);
  }
  const scores = q.matmul(k.transpose(-2, -1)).mul(scaleOf(inputs, options)); // [B, H, N, M]
  const { position, time } = options.bias ?? {};
  const placed = position === undefined ? scores : scores.add(positionBias(position, rows.position, keys.position));
  if (time === undefined) return placed;
  const padded = (x: JaggedTensor, times: Tensor): Tensor => x.with(times.unsqueeze(1)).toPadded().select(2, 0);
  return placed.add(timeBias(time.table, padded(inputs.query, time.queries), padded(inputs.key, time.keys)));
}

/**
 * The same as `attend` from libtorch's operators, by padding: for devices that have no kernel of ours, and to
 * compare the kernel with. Stores scores of every pair.
 *
 * @shape → values [Lq, H, e]
 */
export function plainAttention(inputs: AttentionInputs, options: AttentionOptions = {}): JaggedTensor {
  const { query, key, value } = inputs;
  const [heads, valueDim] = [query.values.shape[1] ?? 1, value.shape[2] ?? 0];
  if (query.rows === 0 || key.rows === 0) {
    return query.with(query.values.sum([2], true).mul(0).expand([query.rows, heads, valueDim]));
  }
  const rows = sightsOf(query, key, options.mask);
  const scores = scoresOf(inputs, options, [rows, sightsOf(key, key, options.mask)]);
  const seen = visible(rows, key.maxLength);
  const { activation = "softmax" } = options;
  // A finite stand-in for -∞, so that a row that sees nothing has no NaN to be masked in its gradient.
  const weights = activation === "softmax" ? scores.maskedFill(not(seen), -1e30).softmax(-1) : scores[activation]();
  const mixed = weights
    .maskedFill(not(seen), 0)
    .matmul(byHead(key, value, heads))
    .mul(options.factor ?? 1);
  const flat = query.fromPadded(mixed.transpose(1, 2).flatten(2)).values;
  return query.with(flat.reshape([query.rows, heads, valueDim]));
}
