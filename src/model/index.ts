/** Embeddings, interaction and sequence archs, models and their sizes. */

export { type Objective, objectivesOf, outputWidth, outputWidths } from "../features/objectives.ts";
export type { Batch, FeatureSpec } from "../features/spec.ts";
export { BaseRate } from "./baselines/base-rate.ts";
export { BaselineModel } from "./baselines/baseline-model.ts";
export { initPrevious } from "./baselines/families.ts";
export { Logistic } from "./baselines/logistic.ts";
export { buildModel, type ModelInputs, startAtConstants } from "./build.ts";
export { blankBatch, type Workload } from "./cost/blank-batch.ts";
export { costOf, type ModelCost } from "./cost/model-cost.ts";
export { timeParts } from "./cost/part-times.ts";
export type { PartCost } from "./cost/trace-cost.ts";
export { Foundation } from "./foundation/foundation.ts";
export { toDevice } from "./inputs/content-maps.ts";
export { Embeddings } from "./inputs/embeddings.ts";
export { FactorizationMachineBlock, LinearCompressionBlock, WukongLayer } from "./interaction/wukong.ts";
export {
  isSplit,
  isStudent,
  isTeacher,
  type Model,
  type Representation,
  type SplitModel,
  type Student,
  type Teacher,
} from "./model.ts";
export type { NamedModule } from "./own/init-own.ts";
export type { ModelModule, OwnModelConfig } from "./own/model-module.ts";
export { DinPooling } from "./sequence/din-pooling.ts";
export { type Sizes, sizesOf } from "./sizes.ts";
export { Vertical } from "./vertical.ts";
