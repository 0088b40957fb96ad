// The native part: configured afresh when what it is built against changes, built when its sources change.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ROOT, run, SetupError, stage } from "./run.mjs";
import { hashOf, listFiles, readStamp } from "./stamp.mjs";

const SOURCE = join(ROOT, "native");
const BUILD = join(SOURCE, "build");
const STAMP = join(BUILD, ".stamp");

/** Folder of `node_api.h`, and the version of the package that it comes from. */
function nodeHeaders() {
  const manifest = createRequire(import.meta.url).resolve("node-api-headers/package.json");
  return { include: join(dirname(manifest), "include"), version: JSON.parse(readFileSync(manifest, "utf8")).version };
}

function checkLibtorch(libtorch) {
  if (!libtorch || (existsSync(join(libtorch, "include")) && existsSync(join(libtorch, "lib")))) return;
  throw new SetupError(`LIBTORCH=${libtorch}: expected a folder that holds include/ and lib/ of libtorch`);
}

/** Builds `native/` if its sources, its libtorch or Node changed. */
export function ensureNative(libtorch) {
  if (!existsSync(join(SOURCE, "CMakeLists.txt"))) {
    process.stderr.write("set-up: native skipped, there is no native/CMakeLists.txt\n");
    return;
  }
  checkLibtorch(libtorch);
  const headers = nodeHeaders();
  const configuration = hashOf([], { root: ROOT, libtorch, node: process.version, headers: headers.version });
  const sources = hashOf(
    listFiles(SOURCE, (name, isFolder) => !(isFolder && name === "build")),
    {},
  );
  const stamp = `${configuration}\n${sources}\n`;
  const previous = readStamp(STAMP);
  if (previous === stamp) return;
  stage(`native${libtorch ? ` against ${libtorch}` : ""}`, () => {
    // CMake's cache remembers paths, so another libtorch or another checkout needs a new one.
    if (!previous.startsWith(configuration)) rmSync(BUILD, { recursive: true, force: true });
    rmSync(STAMP, { force: true });
    const options = ["-DCMAKE_BUILD_TYPE=Release", `-DNODE_HEADERS=${headers.include}`];
    if (libtorch) options.push(`-DLIBTORCH=${libtorch}`);
    run("cmake", ["-S", SOURCE, "-B", BUILD, ...options]);
    run("cmake", ["--build", BUILD, "-j", "2"], { lines: 80 });
    writeFileSync(STAMP, stamp);
  });
}
