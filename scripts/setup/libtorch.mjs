// Which libtorch the native part is built against.
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { capture, SetupError } from "./run.mjs";

const VERSION = join("include", "torch", "csrc", "api", "include", "torch", "version.h");
/** Headers that are a package of their own; with them there are process groups. */
const BACKENDS = ["/usr/include/gloo/algorithm.h", "/usr/include/nccl.h"];

function checkLibtorch(libtorch) {
  if (!libtorch || (existsSync(join(libtorch, "include")) && existsSync(join(libtorch, "lib")))) return;
  throw new SetupError(`LIBTORCH=${libtorch}: expected a folder that holds include/ and lib/ of libtorch`);
}

/** The library's file, with what tells it from another of the same name. */
function fileOf(folder) {
  const path = ["libtorch_cpu.so", "libtorch_cpu.dylib"].map((name) => join(folder, name)).find(existsSync);
  if (path === undefined) return null;
  const real = realpathSync(path);
  const { size, mtimeMs } = statSync(real);
  return { path: real, size, mtimeMs };
}

/**
 * What tells one libtorch from another: its path, its version and its file. Empty stands for the system's.
 * @throws {SetupError} if `libtorch` is no folder of libtorch
 */
export function libtorchOf(libtorch) {
  checkLibtorch(libtorch);
  const triplet = capture("c++", ["-print-multiarch"])?.trim() ?? "";
  const folder = libtorch ? join(libtorch, "lib") : join("/usr/lib", triplet);
  const header = join(libtorch || "/usr", VERSION);
  const version = existsSync(header) ? readFileSync(header, "utf8").match(/VERSION_[A-Z]+ \d+/g) : null;
  return { libtorch, version, file: fileOf(folder), backends: BACKENDS.filter(existsSync) };
}
