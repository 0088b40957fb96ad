/**
 * Operators of recommendation: ragged rows, attention over them, embedding tables, fused layers. Each wing holds the entries of
 * its kernels, their references and their tests.
 */
export type {
  AttentionActivation,
  AttentionBias,
  AttentionInputs,
  AttentionMask,
  AttentionOptions,
} from "./attention/attention-options.ts";
export { attendWithCls } from "./attention/cls-attention.ts";
export { attend } from "./attention/jagged-attention.ts";
export { countPairs, plainAttention } from "./attention/plain-attention.ts";
export type { Activation } from "./fused/activation.ts";
export { dropFirst, groupNeighbours, uniformJagged } from "./jagged/cuts.ts";
export { JaggedTensor } from "./jagged/jagged-tensor.ts";
export { maxSegments, meanSegments, softmaxSegments, sumSegments } from "./jagged/segments.ts";
export { countValues, fillNormal, type RowLayout, rowBytes, rowWidth } from "./tables/row-formats.ts";
export {
  type AdagradTables,
  attendTables,
  type FeatureIds,
  initTablesAdagrad,
  type Lookup,
  mapTables,
  poolTables,
  stepTablesAdagrad,
  type TablesAdagradOptions,
  type TablesAttention,
  type TablesMap,
} from "./tables/tables.ts";
