// Node modules: installed exactly as locked, and only if what is there differs from the lock.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, run, SetupError } from "./run.mjs";
import { stage } from "./stage.mjs";

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

function missing() {
  const locked = packagesOf(join(ROOT, "package-lock.json"));
  // npm writes its record last, so an interrupted installation does not have it.
  return locked !== null && !isInstalled(locked, packagesOf(join(ROOT, "node_modules", ".package-lock.json")));
}

/** Installs the locked node modules if what is there differs. @throws {SetupError} if it still differs then. */
export async function ensureNodeModules() {
  if (!missing()) return;
  await stage("node modules", async () => {
    // onnxruntime-node's install script would otherwise reach for a host that is not a registry.
    const env = { ONNXRUNTIME_NODE_INSTALL: "skip" };
    // Not `npm ci`: it refuses a lock without the optional builds for other platforms, which a registry mirror may
    // lack. This installs the same locked versions, and leaves the lock alone.
    await run("npm", ["install", "--no-save", "--include=dev", "--no-audit", "--no-fund"], { env });
    if (missing()) throw new SetupError("npm installed something else than package-lock.json says: is it up to date?");
  });
}
