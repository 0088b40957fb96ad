// The addon as a package of its own, built before: @lapidary/native-linux-x64 and the like.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ROOT } from "./run.mjs";

/** Name of the package for a platform; `src/torch/addon.ts` looks for the same. */
export const PREBUILT = `@lapidary/native-${process.platform}-${process.arch}`;

/** The manifest of a package folder. */
export const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/** Folder of the installed package of this version, or null if there is none or this machine cannot load what it has. */
export function findPrebuilt() {
  try {
    const addon = createRequire(join(ROOT, "package.json")).resolve(PREBUILT);
    if (manifestOf(dirname(addon)).version !== manifestOf(ROOT).version) return null;
    const { status } = spawnSync(process.execPath, ["-e", `require(${JSON.stringify(addon)})`], { stdio: "ignore" });
    return status === 0 ? dirname(addon) : null;
  } catch {
    return null;
  }
}
