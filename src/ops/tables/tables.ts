import { fromArray, noGrad, type Tensor, zeros } from "../../torch/index.ts";
import { tablesAdagrad_, tablesAttention, tablesLinear, tablesPool } from "./generated.ts";

/** The ids of one feature. */
export interface FeatureIds {
  /** Place of its table among the tables. */
  readonly table: number;
  /** @shape [N] int32 or int64 */
  readonly codes: Tensor;
  /** The bags that ids are pooled in; without, every id is one of its own. @shape [B+1] int64, from 0 to N */
  readonly offsets?: Tensor;
  /** What each id counts in its bag; one if left out. @shape [N] of the sums' type */
  readonly weights?: Tensor;
}

/**
 * What a batch looks up, in any number of tables at once. Rows are float64, float32, float16, bfloat16, or int8 as
 * `toRows` writes it; sums are float64 over float64 rows and float32 over the others.
 */
export interface Lookup {
  /** All of one width. @shape [V_t, D]; of int8 [V_t, D + 8] uint8 */
  readonly tables: readonly Tensor[];
  readonly features: readonly FeatureIds[];
  /** What the gradient of each table flows to: rows of 16 bits or less have none of their own. @default the tables */
  readonly leaves?: readonly Tensor[];
  /** The mean of a bag instead of its sum; of an empty one zero. @default false */
  readonly mean?: boolean;
}

/** What a fused update changes beside the rows. One entry per table. */
export interface AdagradTables {
  /** @shape [V_t] of the sums' type */
  readonly moments: readonly Tensor[];
}

/** Constants of {@link stepTablesAdagrad}. */
export interface TablesAdagradOptions {
  readonly learningRate: number;
  /** @default 1e-8 */
  readonly eps?: number;
  /** Key of the noise that rounds narrow rows, beside {@link step}. @default 0 */
  readonly seed?: number;
  /** @default 0 */
  readonly step?: number;
}

/** The lists that operators take: an empty tensor where a feature has no offsets or weights, no list where none has. */
function listsOf({ tables, features }: Lookup) {
  const column = (get: (feature: FeatureIds) => Tensor | undefined): Tensor[] => {
    if (features.every((feature) => get(feature) === undefined)) return [];
    const none = fromArray(new BigInt64Array(0), [0]).to({ device: tables[0]?.device ?? "cpu" });
    return features.map((feature) => get(feature) ?? none);
  };
  return {
    of: features.map(({ table }) => table),
    codes: features.map(({ codes }) => codes),
    offsets: column(({ offsets }) => offsets),
    weights: column(({ weights }) => weights),
  };
}

/**
 * Looks up all features in one call: `y_fb = Σ_{i ∈ bag b of f} weight_i · row_{code_i}`.
 *
 * @shape → [B_f, D] per feature
 * @throws {LapidaryError} TORCH_OPERATOR if a code is not a row of its table
 * @example
 * import { poolTables } from "lapidary/ops";
 * import { fromArray, tensor } from "lapidary/torch";
 *
 * const table = tensor([0, 0, 1, 2, 3, 4], [3, 2]);
 * const codes = fromArray(Int32Array.of(1, 2, 2), [3]);
 * const offsets = fromArray(BigInt64Array.of(0n, 2n, 3n), [3]); // 2 bags: of ids 1 and 2, and of id 2
 * const [pooled] = poolTables({ tables: [table], features: [{ table: 0, codes, offsets }] });
 * console.log(pooled); // Tensor float32 [2, 2] = [4, 6, 3, 4]
 */
export function poolTables(lookup: Lookup): Tensor[] {
  const { of, codes, offsets, weights } = listsOf(lookup);
  return tablesPool(lookup.tables, of, codes, offsets, weights, lookup.mean ?? false, lookup.leaves ?? []);
}

/** What {@link mapTables} reads beside the rows. */
export interface TablesMap {
  /** W @shape [E, F·D] */
  readonly weight: Tensor;
  /** b @shape [E] */
  readonly bias: Tensor | null;
  /** ε of n, or null to map the rows as they are. @default null */
  readonly eps?: number | null;
}

/**
 * A linear map of the features' rows side by side, none of which are written out: `y_l = W [n(row_1l) ∥ … ∥ n(row_Fl)] + b`
 * with `n(x) = x / √(mean(x²) + ε)`, or `n(x) = x` without ε. A row that the lookup repeats is multiplied once.
 *
 * @shape every feature [L], without bags → [L, E]
 * @throws {LapidaryError} TORCH_OPERATOR if a code is not a row of its table
 * @example
 * import { mapTables } from "lapidary/ops";
 * import { fromArray, tensor } from "lapidary/torch";
 *
 * const users = tensor([0, 1, 2], [3, 1]); // 3 rows of width 1
 * const items = tensor([0, 10, 20], [3, 1]);
 * const ids = (...codes: number[]) => fromArray(Int32Array.from(codes), [codes.length]);
 * const features = [
 *   { table: 0, codes: ids(1, 2) },
 *   { table: 1, codes: ids(2, 1) },
 * ];
 * // The rows of both features side by side, times W.
 * console.log(mapTables({ tables: [users, items], features }, { weight: tensor([1, 1], [1, 2]), bias: null }));
 * // Tensor float32 [2, 1] = [21, 12]
 */
export function mapTables({ tables, features, leaves = [] }: Lookup, { weight, bias, eps = null }: TablesMap): Tensor {
  const { of, codes } = listsOf({ tables, features });
  return tablesLinear(tables, of, codes, weight, bias, eps, leaves);
}

/** What {@link attendTables} reads beside the rows. V columns of values per feature. */
export interface TablesAttention {
  /** q: one row per segment and feature. @shape [B, F, D] */
  readonly query: Tensor;
  /** v, the first numbers of all features before the second ones, then u, what is added to the products. @shape [L, V·F + F] */
  readonly valuesAndBias: Tensor;
  /** A row before every segment, p and r. @shape score [F], value [V·F] */
  readonly prior: { readonly score: Tensor; readonly value: Tensor };
  /** @shape [B+1] int64, from 0 to L */
  readonly offsets: Tensor;
  readonly scale: number;
  /** ε of n. */
  readonly eps: number;
}

/**
 * Attention to ragged rows, a head per feature, whose keys are rows of tables: with `n(x) = x / √(mean(x²) + ε)`,
 * `s_fl = scale · (q_bf · n(row_fl) + u_fl)`, `y_bf = Σ_l softmax(s_f)_l v_fl` over the rows of segment b and one before
 * them with score `scale · p_f` and value `r_f`. Keys are never written out.
 *
 * @shape every feature [L], without bags → [B, V·F]
 * @throws {LapidaryError} TORCH_OPERATOR if a code is not a row of its table
 * @example
 * import { attendTables } from "lapidary/ops";
 * import { fromArray, tensor, zeros } from "lapidary/torch";
 *
 * // One segment of 2 rows of one feature, and the prior; all scores are 0.
 * const codes = fromArray(Int32Array.of(0, 1), [2]);
 * const valuesAndBias = tensor([3, 0, 6, 0], [2, 2]); // of each row its value, and what is added to its score
 * const prior = { score: tensor([0]), value: tensor([0]) };
 * const offsets = fromArray(BigInt64Array.of(0n, 2n), [2]);
 * const inputs = { query: zeros([1, 1, 4]), valuesAndBias, prior, offsets, scale: 0.5, eps: 1e-6 };
 * console.log(attendTables({ tables: [zeros([2, 4])], features: [{ table: 0, codes }] }, inputs));
 * // Tensor float32 [1, 1] = [3]
 */
export function attendTables({ tables, features, leaves = [] }: Lookup, inputs: TablesAttention): Tensor {
  const { of, codes } = listsOf({ tables, features });
  const { prior, ...rest } = inputs;
  const options = { ...rest, prior: prior.score, priorValues: prior.value, leaves };
  return tablesAttention(tables, of, codes, options);
}

/**
 * Moments before the first update.
 *
 * @shape tables [V_t, …] → [V_t]
 * @example
 * import { initTablesAdagrad } from "lapidary/ops";
 * import { zeros } from "lapidary/torch";
 *
 * const { moments } = initTablesAdagrad([zeros([10, 4]), zeros([3, 4])]);
 * console.log(moments.map(({ shape }) => shape)); // [ [ 10 ], [ 3 ] ]
 */
export function initTablesAdagrad(tables: readonly Tensor[]): AdagradTables {
  return { moments: tables.map((table) => zeros([table.shape[0] ?? 0], memoryOf(table))) };
}

const memoryOf = ({ dtype, device }: Tensor) =>
  ({ dtype: dtype === "float64" ? "float64" : "float32", device }) as const;

/**
 * The backward of a lookup and the update of the rows it touched, in one: from the gradient of the lookup's result,
 * `g_r = Σ_{ids of row r} weight · gradient of their bag`, `v_r ← v_r + mean_j g_rj²`, `w_r ← w_r − η g_r / (√v_r + ε)`.
 * In place; no gradient per id is made.
 *
 * @shape gradients [B_f, D] per feature
 * @see torchrec/optim/rowwise_adagrad.py
 * @example
 * import { initTablesAdagrad, stepTablesAdagrad } from "lapidary/ops";
 * import { fromArray, tensor } from "lapidary/torch";
 *
 * const table = tensor([1, 1, 1, 1], [2, 2]);
 * const lookup = { tables: [table], features: [{ table: 0, codes: fromArray(Int32Array.of(1), [1]) }] };
 * const gradients = [tensor([2, 2], [1, 2])]; // of what the lookup gave
 * stepTablesAdagrad({ lookup, gradients }, initTablesAdagrad([table]), { learningRate: 0.5 });
 * console.log(table); // Tensor float32 [2, 2] = [1, 1, 0.5, 0.5]
 */
export function stepTablesAdagrad(
  at: { readonly lookup: Lookup; readonly gradients: readonly Tensor[] },
  { moments }: AdagradTables,
  { learningRate: lr, eps = 1e-8, seed = 0, step = 0 }: TablesAdagradOptions,
): void {
  const { tables, mean = false } = at.lookup;
  const { of, codes, offsets, weights } = listsOf(at.lookup);
  const options = { lr, eps, seed, step };
  noGrad(() => tablesAdagrad_(tables, moments, of, codes, offsets, weights, mean, at.gradients, options));
}
