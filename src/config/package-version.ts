import { readFileSync } from "node:fs";

/** The version of the package. */
export function packageVersion(): string {
  // This file runs as dist/src/config/package-version.js.
  const manifest = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { readonly version: string }).version;
}
