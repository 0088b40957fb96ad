// What the machine must have: a Node that is new enough, Debian's packages, and a BLAS that is OpenBLAS.
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { capture, ROOT, run, SetupError } from "./run.mjs";
import { stage } from "./stage.mjs";

const TOOLS = ["g++", "cmake", "make", "libgloo-dev"];
// The tests start it themselves, on a port of their own; an installed package has no tests.
const FOR_TESTS = existsSync(join(ROOT, "test")) ? ["redis-server"] : [];
const OPENBLAS = "libopenblas0-pthread";
const APT = ["-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"];

/** @throws {SetupError} if `version` (as in `process.versions.node`) is older than 20.19. */
export function checkNode(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new SetupError(`lapidary needs Node 20.19 or newer; this is ${version}`);
}

/** Debian packages that a build needs; a libtorch of the user's own brings its own BLAS. */
export function neededPackages(libtorch) {
  return [...TOOLS, ...FOR_TESTS, ...(libtorch ? [] : ["libtorch-dev", OPENBLAS])];
}

/** Those of `packages` that `dpkg-query` does not list as installed (`ii`, or `hi` when held). */
export function missingPackages(packages, listing) {
  const installed = new Set();
  for (const line of listing.split("\n")) {
    const [name = "", status = ""] = line.trim().split(/\s+/);
    if (/^.i$/.test(status)) installed.add(name);
  }
  return packages.filter((name) => !installed.has(name));
}

const isRoot = () => process.getuid?.() === 0;

async function installPackages(missing) {
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  let updateFailure = "";
  try {
    await run("apt-get", ["update"], { env, lines: 10 });
  } catch (error) {
    // One broken source among many fails the update although the packages may be there: installing decides.
    updateFailure = `${error.message}\n`;
  }
  try {
    await run("apt-get", ["install", ...APT, ...missing], { env });
  } catch (error) {
    throw new SetupError(`${updateFailure}${error.message}`);
  }
}

/** Installs the Debian packages that are missing. @throws {SetupError} with the command to run, if it may not. */
export async function ensurePackages(libtorch) {
  const packages = neededPackages(libtorch);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholders are dpkg-query's.
  const listing = capture("dpkg-query", ["-W", "-f", "${Package} ${db:Status-Abbrev}\n", ...packages]);
  const missing = missingPackages(packages, listing ?? "");
  if (missing.length === 0) return;
  const command = `apt-get update && apt-get install -y --no-install-recommends ${missing.join(" ")}`;
  if (listing === null) return ensureTools(libtorch, command);
  if (!isRoot())
    throw new SetupError(`these packages are missing; run this, then try again:\n\n  sudo sh -c '${command}'\n`);
  await stage(`Debian packages (${missing.join(", ")})`, () => installPackages(missing));
}

/** Without dpkg the tools can only be tried, and libtorch must be given. */
function ensureTools(libtorch, command) {
  const absent = ["g++", "cmake", "make"].filter((tool) => capture(tool, ["--version"]) === null);
  if (absent.length === 0 && libtorch) return;
  const what = [...absent, ...(libtorch ? [] : ["LIBTORCH=/path/to/libtorch (1.13.1 or newer)"])].join(", ");
  throw new SetupError(
    `this is not Debian, so nothing can be installed here. Missing: ${what}.\nOn Debian 12 it would be:\n\n  ${command}\n`,
  );
}

/** The command that makes `name` OpenBLAS's, or null if the file it resolves to already is. */
export function alternativeCommand(name, triplet, actual) {
  if (/\/openblas-(pthread|openmp)\//.test(actual)) return null;
  return ["update-alternatives", "--set", `${name}-${triplet}`, `/usr/lib/${triplet}/openblas-pthread/${name}`];
}

/** Any BLAS satisfies Debian's libtorch, and the reference one is some twenty times slower: make sure of OpenBLAS. */
export async function ensureOpenBlas() {
  const triplet = capture("g++", ["-print-multiarch"])?.trim();
  if (!triplet) return;
  for (const name of ["libblas.so.3", "liblapack.so.3"]) {
    const link = `/usr/lib/${triplet}/${name}`;
    const actual = existsSync(link) ? realpathSync(link) : "absent";
    const command = alternativeCommand(name, triplet, actual);
    if (command === null) continue;
    if (!isRoot())
      throw new SetupError(`${name} is ${actual}, not OpenBLAS; run this:\n\n  sudo ${command.join(" ")}\n`);
    await stage(`${name} → OpenBLAS`, () => run(command[0], command.slice(1)));
  }
}
