import type { BuildInfo } from "../../torch/native.ts";

/** What came of loading the native addon. */
export type TorchReport =
  | ({ readonly kind: "loaded" /** Path of libtorch; empty if unknown. */; readonly path: string } & BuildInfo)
  | { readonly kind: "unavailable"; readonly reason: string };
