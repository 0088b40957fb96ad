/** Ragged tensors and the operations on them. */
export { JaggedTensor } from "./jagged-tensor.ts";
export { maxSegments, meanSegments, softmaxSegments, sumSegments } from "./segments.ts";
