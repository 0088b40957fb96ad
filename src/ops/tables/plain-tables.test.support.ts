import { arange, cat, linear, stack, type Tensor, zeros } from "../../torch/index.ts";
import { segmentSum } from "../jagged/generated.ts";
import type { AdagradTables, FeatureIds, Lookup, TablesAttention, TablesMap } from "./tables.ts";

/**
 * What `poolTables` computes, as a composition of plain operators: the reference of the kernel, in any float type.
 *
 * @shape → [B_f, D] per feature
 */
export function poolTablesPlainly({ tables, features, mean = false }: Lookup): Tensor[] {
  return features.map((feature) => {
    const rows = tableOf(tables, feature).indexSelect(0, feature.codes);
    const weighted = feature.weights === undefined ? rows : rows.mul(feature.weights.unsqueeze(1));
    if (feature.offsets === undefined) return weighted;
    const sums = segmentSum(weighted, feature.offsets);
    return mean ? sums.div(lengthsOf(feature.offsets, sums).clamp(1)) : sums;
  });
}

/** What `mapTables` computes, with all rows written out. @shape → [L, E] */
export function mapTablesPlainly(lookup: Lookup, { weight, bias, eps = null }: TablesMap): Tensor {
  const rows = poolTablesPlainly(lookup).map((x) => (eps === null ? x : normed(x, eps)));
  return linear(cat(rows, 1), weight, bias);
}

/** What `attendTables` computes, head by head, with keys and values of all rows written out. @shape → [B, V·F] */
export function attendTablesPlainly(
  lookup: Lookup,
  { query, valuesAndBias, prior, offsets, scale, eps }: TablesAttention,
): Tensor {
  const [size = 0, heads = 1] = query.shape;
  const width = (valuesAndBias.shape[1] ?? 0) / heads - 1;
  const values = valuesAndBias.slice(1, 0, heads * width);
  const biases = valuesAndBias.slice(1, heads * width);
  const bounds = offsets.toNumbers();
  const rows = poolTablesPlainly(lookup).map((x) => normed(x, eps));
  const head = (b: number, f: number): Tensor => {
    const [begin = 0, end = 0] = bounds.slice(b, b + 2);
    const segment = (x: Tensor): Tensor => x.slice(0, begin, end);
    const queryRow = query.select(0, b).select(0, f).unsqueeze(1);
    const products = segment(rows[f] as Tensor)
      .matmul(queryRow)
      .select(1, 0);
    const s = cat([prior.score.slice(0, f, f + 1), products.add(segment(biases).select(1, f))], 0).mul(scale);
    const all = cat([prior.value.unsqueeze(0), segment(values)], 0)
      .reshape([-1, width, heads])
      .select(2, f);
    return s.softmax(0).unsqueeze(0).matmul(all).select(0, 0);
  };
  const segments = Array.from({ length: size }, (_, b) =>
    stack(
      Array.from({ length: heads }, (__, f) => head(b, f)),
      1,
    ).flatten(),
  );
  return segments.length === 0 ? zeros([0, heads * width], { dtype: query.dtype }) : stack(segments, 0);
}

/** `x / √(mean(x²) + ε)` @shape [..., D] → [..., D] */
function normed(x: Tensor, eps: number): Tensor {
  return x.mul(x.square().mean([-1], true).add(eps).rsqrt());
}

/** What `stepTablesAdagrad` does, with the gradient of every row of a table written out. In place. */
export function stepTablesAdagradPlainly(
  at: { readonly lookup: Lookup; readonly gradients: readonly Tensor[] },
  { moments }: AdagradTables,
  { learningRate, eps = 1e-8 }: { learningRate: number; eps?: number },
): void {
  for (const [t, table] of at.lookup.tables.entries()) {
    const gradient = tableGradient(at, t);
    const moment = (moments[t] as Tensor).add_(gradient.square().mean([1]));
    const deviation = moment.sqrt().add(eps);
    table.add_(gradient.div(deviation.unsqueeze(1)), { alpha: -learningRate });
  }
}

const tableOf = (tables: readonly Tensor[], { table }: FeatureIds): Tensor => tables[table] as Tensor;

/** Ids per bag. @shape → [B, 1] of the type of `like` */
function lengthsOf(offsets: Tensor, like: Tensor): Tensor {
  return offsets.diff().to({ dtype: like.dtype }).unsqueeze(1);
}

/**
 * The gradient of a whole table, `Σ_i weight_i · gradient of i's bag` in the rows of the ids i.
 *
 * @shape → [V, D]
 */
function tableGradient(
  { lookup, gradients }: { readonly lookup: Lookup; readonly gradients: readonly Tensor[] },
  t: number,
): Tensor {
  const table = lookup.tables[t] as Tensor;
  const like = { dtype: table.dtype, device: table.device };
  let gradient = zeros(table.shape, like);
  for (const [f, feature] of lookup.features.entries()) {
    if (feature.table !== t) continue;
    gradient = gradient.indexAdd(0, feature.codes, idGradients(feature, gradients[f] as Tensor, lookup.mean ?? false));
  }
  return gradient;
}

/** @shape gradient [B, D] → [N, D] */
function idGradients({ offsets, weights }: FeatureIds, gradient: Tensor, mean: boolean): Tensor {
  const scaled = mean && offsets !== undefined ? gradient.div(lengthsOf(offsets, gradient).clamp(1)) : gradient;
  const [bags = 0] = gradient.shape;
  const bagOf = offsets === undefined ? null : arange(0, bags, 1, { dtype: "int64" }).repeatInterleave(offsets.diff());
  const perId = bagOf === null ? scaled : scaled.indexSelect(0, bagOf);
  return weights === undefined ? perId : perId.mul(weights.unsqueeze(1));
}
