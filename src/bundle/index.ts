/** What export publishes and serving loads: one model, and all that its scores need. */
export {
  contentArrays,
  GRAPH_OUTPUT,
  type GraphAxis,
  type GraphInput,
  graphInputs,
  isIdsAxis,
  offsetsName,
  type UserRows,
} from "./graph-inputs.ts";
export type { BundleFacts, BundleManifest } from "./manifest.ts";
export { type Bundle, type BundleHead, listBundles, readBundle, readBundleHead } from "./read.ts";
export { type BundleContents, writeBundle } from "./write.ts";
