/** libtorch for TypeScript. Knows nothing of recommendation. */
export { type GradOptions, grad, gradientOf, noGrad, setGradient } from "./autograd.ts";
export { FileLock } from "./files/file-lock.ts";
export {
  arange,
  cat,
  embedding,
  fromFile,
  full,
  layerNorm,
  linear,
  ones,
  rand,
  randn,
  stack,
  Tensor,
  where,
  zeros,
} from "./generated/tensor.ts";
export {
  isDistributed,
  type ProcessEnvironment,
  readProcessEnvironment,
  type Variables,
} from "./process/process-environment.ts";
export { type Gathered, type GroupOptions, ProcessGroup, type Reduction } from "./process/process-group.ts";
export { type WaitOptions, Work } from "./process/work.ts";
export { buildInfo, countFlops, countMemory, type MemoryUse, setThreads, threads } from "./runtime.ts";
export { chained, liveTensors, Scope, scoped } from "./scope.ts";
export type { DType, TensorArray } from "./tensor/dtype.ts";
export { type FromArrayOptions, fromArray, tensor } from "./tensor/from-array.ts";
export { RandomGenerator } from "./tensor/random.ts";
export {
  outsideTensor,
  type TensorId,
  type TensorOrigin,
  type Trace,
  type TracedArgument,
  type TracedCall,
  type TracedData,
  type TracedTensor,
  timeCalls,
  trace,
} from "./trace.ts";
