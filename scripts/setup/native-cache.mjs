// Finished addons below the user's cache folder, by the hash of all that they depend on: a second checkout, or one that has
// moved, builds nothing.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { hashOf } from "./stamp.mjs";

/** Those of the last few branches and libtorches; each is 4 MB. */
const KEPT = 8;
const WHOLE = ".sha256";

/** Where what can be made again is kept. */
export const cacheFolder = () => join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "lapidary");

const folder = () => join(cacheFolder(), "native");
const sumOf = (path) => hashOf([], { addon: readFileSync(join(path, "lapidary.node"), "base64") });

/** The folder of the addon with this key, or null if there is none whose bytes are all there. */
export function findKept(key) {
  const path = join(folder(), key);
  try {
    if (readFileSync(join(path, WHOLE), "utf8") !== sumOf(path)) return null;
    const now = new Date();
    utimesSync(path, now, now);
    return path;
  } catch {
    return null;
  }
}

/** Keeps `lapidary.node` and `unused/` of a build, and only the last few. Where nothing can be written, nothing is kept. */
export function keep(key, build) {
  const fresh = join(folder(), `${key}.${process.pid}`);
  try {
    mkdirSync(fresh, { recursive: true });
    for (const name of ["lapidary.node", "unused"].filter((name) => existsSync(join(build, name)))) {
      cpSync(join(build, name), join(fresh, name), { recursive: true });
    }
    writeFileSync(join(fresh, WHOLE), sumOf(fresh));
    // What is there under this name did not have all its bytes, or another process has just put the same there.
    rmSync(join(folder(), key), { recursive: true, force: true });
    renameSync(fresh, join(folder(), key));
    forgetOldest();
  } catch (error) {
    process.stderr.write(`set-up: the addon is not kept for the next checkout: ${error.message}\n`);
    rmSync(fresh, { recursive: true, force: true });
  }
}

function forgetOldest() {
  const all = readdirSync(folder()).map((name) => ({ name, used: statSync(join(folder(), name)).mtimeMs }));
  const old = all.sort((a, b) => b.used - a.used).slice(KEPT);
  for (const { name } of old) rmSync(join(folder(), name), { recursive: true, force: true });
}
