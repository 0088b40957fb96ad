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
 * {@link toRows} writes it; sums are float64 over float64 rows and float32 over the others.
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
 */
export function attendTables({ tables, features, leaves = [] }: Lookup, inputs: TablesAttention): Tensor {
  const { of, codes } = listsOf({ tables, features });
  const { prior, ...rest } = inputs;
  const options = { ...rest, prior: prior.score, priorValues: prior.value, leaves };
  return tablesAttention(tables, of, codes, options);
}

/** Moments before the first update. @shape tables [V_t, …] → [V_t] */
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
