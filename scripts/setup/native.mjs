// The native part: taken from a package or from the user's cache if it was built before, from these sources and against
// this libtorch; otherwise built.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { libtorchOf } from "./libtorch.mjs";
import { findKept, keep } from "./native-cache.mjs";
import { findPrebuilt } from "./prebuilt.mjs";
import { capture, ROOT, run } from "./run.mjs";
import { stage } from "./stage.mjs";
import { hashOf, listFiles, readStamp } from "./stamp.mjs";

const SOURCE = join(ROOT, "native");
const BUILD = join(SOURCE, "build");
const STAMP = join(BUILD, ".stamp");
/** What only the compiler needs, the precompiled header of 330 MB among it. */
const WORK = join(BUILD, "cmake");
/** What the compiler takes for the largest of our files. */
const BYTES_PER_JOB = 1.5 * 2 ** 30;
/** Variables that CMake reads. */
const VARIABLES = ["CXX", "CXXFLAGS", "CPPFLAGS", "LDFLAGS"];

/** Folder of `node_api.h`, and the version of the package that it comes from. */
function nodeHeaders() {
  const manifest = createRequire(import.meta.url).resolve("node-api-headers/package.json");
  return { include: join(dirname(manifest), "include"), version: JSON.parse(readFileSync(manifest, "utf8")).version };
}

/** Hash of all that the addon depends on. The place of the checkout and the version of Node are not among it. */
function keyOf(libtorch, headers) {
  const sources = listFiles(SOURCE, (name, isFolder) => !(isFolder && name === "build"));
  return hashOf(sources, {
    platform: `${process.platform}-${process.arch}`,
    libtorch: libtorchOf(libtorch),
    headers: headers.version,
    compiler: capture(process.env.CXX ?? "c++", ["--version"]),
    variables: VARIABLES.map((name) => process.env[name] ?? null),
  });
}

/** Puts a finished addon, with the libraries beside it, where it is loaded from: a process that runs keeps the old one. */
function place(from) {
  mkdirSync(join(BUILD, "unused"), { recursive: true });
  const unused = existsSync(join(from, "unused")) ? readdirSync(join(from, "unused")) : [];
  for (const name of [...unused.map((name) => join("unused", name)), "lapidary.node"]) {
    const fresh = join(BUILD, `${name}.${process.pid}`);
    copyFileSync(join(from, name), fresh);
    renameSync(fresh, join(BUILD, name));
  }
}

/** Where there is ccache, it is used, in the way that a precompiled header asks for. */
function withCcache() {
  if (capture("ccache", ["--version"]) === null) return {};
  return {
    CMAKE_CXX_COMPILER_LAUNCHER: "ccache",
    CXXFLAGS: `${process.env.CXXFLAGS ?? ""} -fpch-preprocess`,
    CCACHE_SLOPPINESS: "pch_defines,time_macros,include_file_mtime,include_file_ctime",
    CCACHE_BASEDIR: ROOT,
  };
}

async function compile({ libtorch, headers, progress }) {
  const options = ["-DCMAKE_BUILD_TYPE=Release", `-DNODE_HEADERS=${headers.include}`];
  if (libtorch) options.push(`-DLIBTORCH=${libtorch}`);
  const env = withCcache();
  await run("cmake", ["-S", SOURCE, "-B", WORK, ...options], { env });
  const files = JSON.parse(readFileSync(join(WORK, "compile_commands.json"), "utf8")).length;
  let file = 0;
  const onLine = (line) => {
    if (/Building CXX object/.test(line)) progress(`file ${Math.min(++file, files)} of ${files}`);
  };
  const jobs = Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / BYTES_PER_JOB)));
  await run("cmake", ["--build", WORK, "-j", String(jobs)], { env, lines: 80, onLine });
}

/** Has `native/build/lapidary.node` ready, unless a package brings the addon. */
export async function ensureNative(libtorch) {
  const headers = nodeHeaders();
  const key = keyOf(libtorch, headers);
  const previous = readStamp(STAMP);
  if (previous === key || (previous === "" && !libtorch && findPrebuilt() !== null)) return;
  rmSync(STAMP, { force: true });
  // CMake worked in here before it had a folder of its own.
  if (existsSync(join(BUILD, "CMakeCache.txt"))) rmSync(BUILD, { recursive: true, force: true });
  const kept = findKept(key);
  if (kept !== null) await stage("native, as built before", () => place(kept));
  else
    await stage(`native${libtorch ? ` against ${libtorch}` : ""}`, async (progress) => {
      // CMake remembers paths: another checkout, libtorch or header package needs a folder of its own.
      const from = hashOf([], { root: ROOT, libtorch: libtorchOf(libtorch), headers: headers.include });
      if (readStamp(join(WORK, ".stamp")) !== from) rmSync(WORK, { recursive: true, force: true });
      mkdirSync(WORK, { recursive: true });
      // Before the compiler starts: one that is interrupted goes on where it was.
      writeFileSync(join(WORK, ".stamp"), from);
      await compile({ libtorch, headers, progress });
      place(WORK);
      keep(key, WORK);
      // Who builds a second time works on the native part, and what has not changed need not be compiled again then.
      if (previous === "") rmSync(WORK, { recursive: true, force: true });
    });
  writeFileSync(STAMP, key);
}
