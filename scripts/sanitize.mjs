#!/usr/bin/env node
// Runs the tests of the native part against a build with the address and undefined-behaviour sanitizers. With arguments,
// only the tests whose file name contains one. Ends with what vitest ends with; a finding ends the test's process.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { capture, ROOT, run } from "./setup/run.mjs";
import { stage } from "./setup/stage.mjs";

const BUILD = join(ROOT, "native", "build", "sanitize");
const TESTS = ["dist/src/torch", "dist/src/jagged", "dist/src/nn", "dist/src/model"];

const headers = dirname(createRequire(import.meta.url).resolve("node-api-headers/package.json"));
await stage("native with sanitizers", async () => {
  const options = ["-DCMAKE_BUILD_TYPE=Release", "-DLAPIDARY_SANITIZE=address,undefined"];
  await run("cmake", [
    "-S",
    join(ROOT, "native"),
    "-B",
    BUILD,
    `-DNODE_HEADERS=${join(headers, "include")}`,
    ...options,
  ]);
  await run("cmake", ["--build", BUILD, "-j", "2"], { lines: 80 });
});

const libraries = ["libasan.so", "libubsan.so"].map((name) => capture("gcc", [`-print-file-name=${name}`])?.trim());
const env = {
  ...process.env,
  LAPIDARY_ADDON: join(BUILD, "lapidary.node"),
  LD_PRELOAD: libraries.join(":"),
  // Node and libtorch keep what they have until the end; what is too large to allocate is an error that tests ask for.
  ASAN_OPTIONS: "detect_leaks=0:halt_on_error=1:allocator_may_return_null=1",
  UBSAN_OPTIONS: "halt_on_error=1:print_stacktrace=1",
};
const filters = process.argv.slice(2);
const vitest = join(ROOT, "node_modules", ".bin", "vitest");
const args = [vitest, "run", ...(filters.length === 0 ? TESTS : filters)];
const { status } = spawnSync(process.execPath, args, { cwd: ROOT, env, stdio: "inherit" });
process.exitCode = status ?? 1;
