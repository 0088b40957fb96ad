/** Embeddings, interaction and sequence archs, models and their sizes. */
export { BaseRate } from "./base-rate.ts";
export { buildModel, type ModelInputs } from "./build.ts";
export { toDevice } from "./content-maps.ts";
export type { Workload } from "./cost/blank-batch.ts";
export { costOf, describeCost, type ModelCost } from "./cost/model-cost.ts";
export type { PartCost } from "./cost/trace-cost.ts";
export { DinPooling } from "./din-pooling.ts";
export { Embeddings } from "./embeddings.ts";
export { Foundation } from "./foundation.ts";
export { Logistic } from "./logistic.ts";
export { isSplit, isTeacher, type Model, type Representation, type SplitModel, type Teacher } from "./model.ts";
export { Ranker } from "./ranker.ts";
export { initPrevious } from "./rankers.ts";
export { type Sizes, sizesOf } from "./sizes.ts";
export { Vertical } from "./vertical.ts";
export { FactorizationMachineBlock, LinearCompressionBlock, WukongLayer } from "./wukong.ts";
