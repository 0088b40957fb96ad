/** libtorch for TypeScript. Knows nothing of recommendation. */
export { type GradOptions, grad, gradientOf, noGrad, setGradient } from "./autograd.ts";
export type { DType, TensorArray } from "./dtype.ts";
export { FileLock } from "./file-lock.ts";
export { type FromArrayOptions, fromArray, tensor } from "./from-array.ts";
export {
  arange,
  biasActivation,
  cat,
  countRows_,
  dense,
  embedding,
  float8Decode,
  fromFile,
  fromRows,
  full,
  gated,
  historyGather_,
  jaggedAttention,
  layerNorm,
  linear,
  maskedLogLoss,
  norm,
  ones,
  rand,
  randn,
  residualNorm,
  segmentMax,
  segmentSum,
  stack,
  Tensor,
  tablesAdagrad_,
  tablesAdam_,
  tablesAttention,
  tablesLinear,
  tablesPool,
  toRows,
  where,
  zeros,
} from "./generated/tensor.ts";
export {
  isDistributed,
  type ProcessEnvironment,
  readProcessEnvironment,
  type Variables,
} from "./process-environment.ts";
export { type Gathered, type GroupOptions, ProcessGroup, type Reduction } from "./process-group.ts";
export { RandomGenerator } from "./random.ts";
export { buildInfo, countFlops, countMemory, type MemoryUse, setThreads, threads } from "./runtime.ts";
export { chained, liveTensors, Scope, scoped } from "./scope.ts";
export {
  outsideTensor,
  type TensorId,
  type TensorOrigin,
  type Trace,
  type TracedArgument,
  type TracedCall,
  type TracedData,
  type TracedTensor,
  trace,
} from "./trace.ts";
export { type WaitOptions, Work } from "./work.ts";
