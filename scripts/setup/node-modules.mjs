// Node modules: installed exactly as locked, and only if what is there differs from the lock.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, run, stage } from "./run.mjs";

function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages ?? {};
  } catch {
    return null;
  }
}

/**
 * Whether npm's record of what it installed has every locked package, at its version and integrity.
 * Optional packages may be absent: they are the builds for other platforms.
 */
export function isInstalled(locked, installed) {
  if (installed === null) return false;
  return Object.entries(locked).every(([path, { version, integrity, optional, devOptional }]) => {
    if (path === "") return true;
    const there = installed[path];
    if (there === undefined) return Boolean(optional || devOptional);
    return there.version === version && there.integrity === integrity;
  });
}

/** Runs `npm ci` when `node_modules` is not what `package-lock.json` says. */
export function ensureNodeModules() {
  const locked = packagesOf(join(ROOT, "package-lock.json"));
  // npm writes this record last, so an interrupted installation does not have it.
  const installed = packagesOf(join(ROOT, "node_modules", ".package-lock.json"));
  if (locked !== null && isInstalled(locked, installed)) return;
  stage("node modules", () => {
    // onnxruntime-node's install script would otherwise reach for a host that is not a registry.
    const env = { ONNXRUNTIME_NODE_INSTALL: "skip" };
    run("npm", ["ci", "--include=dev", "--no-audit", "--no-fund"], { env });
  });
}
