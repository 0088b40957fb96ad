import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

/** Folder of the package. This file runs as dist/src/torch/addon.js. */
export const PACKAGE: string = resolve(import.meta.dirname, "..", "..", "..");

/** Where set-up puts the addon that it builds. */
export const BUILT_ADDON: string = join(PACKAGE, "native", "build", "lapidary.node");

/** The package that brings an addon for this platform; `scripts/prebuild.mjs` makes it. */
const PREBUILT = `@lapidary/native-${process.platform}-${process.arch}`;

/**
 * The file of the addon: the one that LAPIDARY_ADDON names (with sanitizers, for example), else the one that was built here,
 * else that of the package; null if there is none.
 */
export function findAddon(): string | null {
  const named = process.env["LAPIDARY_ADDON"];
  if (named !== undefined) return resolve(named);
  if (existsSync(BUILT_ADDON)) return BUILT_ADDON;
  try {
    return createRequire(import.meta.url).resolve(PREBUILT);
  } catch {
    return null;
  }
}
