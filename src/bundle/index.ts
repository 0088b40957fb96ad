/** What export publishes and serving loads: one model, and all that its scores need. */
export type { BundleFacts, BundleManifest, FileEntry } from "./manifest.ts";
export { type Bundle, readBundle } from "./read.ts";
export { type BundleContents, writeBundle } from "./write.ts";
