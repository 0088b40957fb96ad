/** Layers, losses, optimizers, schedules. */

export { logLoss } from "../ops/fused/log-loss.ts";
export { type RowGradient, takeRowGradient } from "../ops/tables/row-gradient.ts";
export {
  type Attend,
  type AttentionConfig,
  AttentionPooling,
  MultiHeadAttention,
  QueryKeyNorm,
} from "./attention.ts";
export { type DropoutPart, type DropoutPass, dropout, inGroups, withDropout } from "./dropout.ts";
export { EmbeddingTable, type EmbeddingTableConfig } from "./embedding-table.ts";
export { Initializer, type Placement } from "./initial.ts";
export { crossEntropiesOf, lossesOf, softLabels } from "./likelihood/index.ts";
export { Linear, type LinearConfig } from "./linear.ts";
export { meanOfKnown, multiObjectiveLoss } from "./losses.ts";
export { Mlp, type MlpConfig } from "./mlp.ts";
export { LayerNorm, NORM_EPS, RmsNorm } from "./norms.ts";
export { keepRates } from "./optimize/keep-rates.ts";
export {
  type AdamWOptions,
  type AdamWState,
  clipNorm,
  initAdamW,
  stepAdamW,
} from "./optimize/optimizers.ts";
export {
  countElements,
  DenseParameters,
  type ModelParameters,
  type NamedTable,
  type NamedTensor,
  parametersOf,
  type RateSpan,
} from "./optimize/parameters.ts";
export { type Schedule, warmupStableDecay } from "./optimize/schedules.ts";
export { FULL_PRECISION, type PrecisionPolicy, withPrecision } from "./precision-policy.ts";
