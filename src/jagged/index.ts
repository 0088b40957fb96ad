/** Ragged tensors and the operations on them. */
export { evenly, neighbours, withoutFirst } from "./cuts.ts";
export { JaggedTensor } from "./jagged-tensor.ts";
export { maxSegments, meanSegments, softmaxSegments, sumSegments } from "./segments.ts";
