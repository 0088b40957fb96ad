/** Layers, losses, optimizers, schedules. */
export {
  type Attend,
  type AttentionConfig,
  AttentionPooling,
  MultiHeadAttention,
  QueryKeyNorm,
} from "./attention.ts";
export type {
  AttentionActivation,
  AttentionBias,
  AttentionInputs,
  AttentionMask,
  AttentionOptions,
} from "./attention-options.ts";
export { CrossLayer } from "./cross-layer.ts";
export { EmbeddingTable, type EmbeddingTableConfig } from "./embedding-table.ts";
export { attendInFront } from "./front-attention.ts";
export { Initializer, type Placement } from "./initial.ts";
export { attend, gdpa } from "./jagged-attention.ts";
export { crossEntropiesOf, lossesOf, softLabels } from "./likelihood/index.ts";
export { Linear, type LinearConfig } from "./linear.ts";
export { logLoss, meanOfKnown, multiObjectiveLoss } from "./losses.ts";
export { type HotRows, hotRows, mapTable, type TableFile } from "./mapped-table.ts";
export { Mlp, type MlpConfig } from "./mlp.ts";
export { LayerNorm, NORM_EPS, RmsNorm, SwishRmsNorm } from "./norms.ts";
export { EXACT, type Numerics, withNumerics } from "./numerics.ts";
export {
  type AdamWOptions,
  type AdamWState,
  clipNorm,
  initAdamW,
  stepAdamW,
} from "./optimizers.ts";
export {
  countElements,
  DenseParameters,
  type ModelParameters,
  type NamedTable,
  type NamedTensor,
  parametersOf,
  type RowGradient,
  takeRowGradient,
} from "./parameters.ts";
export {
  type Activation,
  type PlainNorm,
  plainActivation,
  plainDense,
  plainGated,
  plainMultiObjectiveLoss,
  plainNorm,
} from "./plain.ts";
export { countPairs, plainAttention } from "./plain-attention.ts";
export { countValues, fillNormal, type RowLayout, rowBytes, rowWidth } from "./row-formats.ts";
export { type Schedule, warmupStableDecay } from "./schedules.ts";
export {
  type AdagradTables,
  type AdamTables,
  attendTables,
  type FeatureIds,
  initTablesAdagrad,
  initTablesAdam,
  type Lookup,
  mapTables,
  poolTables,
  stepTablesAdagrad,
  stepTablesAdam,
  type TablesAdagradOptions,
  type TablesAdamOptions,
  type TablesAttention,
  type TablesMap,
} from "./tables.ts";
