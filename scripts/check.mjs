#!/usr/bin/env node
// What `npm test` runs once set-up is done: style, dead code, the package, then every test as compiled. The last line
// is `N passed, N failed`, over tests and checks alike; the one before says which instruction set the kernels ran on, which
// ATEN_CPU_CAPABILITY can limit. With arguments, only the tests whose file name contains one.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { countsOf } from "./check/counts.mjs";
import { instructionSetOf, limited } from "./check/processors.mjs";
import { ROOT } from "./setup/run.mjs";

const CHECKS = [
  ["biome", "ci", "--colors=off", "--max-diagnostics=100", "."],
  ["knip", "--no-progress", "--no-config-hints"],
  // What only tests use is dead too: with their entries left out, it has none that calls it.
  ["knip", "--production", "--no-progress", "--no-config-hints", "--no-tag-hints"],
  ["publint", "--strict"],
];

const env = limited(process.env);

const tool = (name, args, stdio) =>
  spawnSync(process.execPath, [join(ROOT, "node_modules", ".bin", name), ...args], {
    cwd: ROOT,
    env,
    encoding: "utf8",
    stdio,
  });

/** Runs one check; its output is shown only if it fails. */
function check([name, ...args]) {
  const { status, stdout, stderr } = tool(name, args, ["ignore", "pipe", "pipe"]);
  const passed = status === 0;
  process.stdout.write(passed ? `${name}: passed\n` : `${stdout}${stderr}${name}: failed\n`);
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1 };
}

function test(filters) {
  const folder = mkdtempSync(join(tmpdir(), "lapidary-check-"));
  const report = join(folder, "report.json");
  try {
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const { status } = tool("vitest", ["run", ...reporters, ...filters], "inherit");
    const { passed, failed } = countsOf(JSON.parse(readFileSync(report, "utf8")));
    // Errors outside any test, and runs that found no test, show only in the exit code.
    return { passed, failed: status === 0 ? failed : Math.max(failed, 1) };
  } catch (error) {
    process.stdout.write(`vitest: ${error.message}\n`);
    return { passed: 0, failed: 1 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const filters = process.argv.slice(2);
const counts = [...(filters.length === 0 ? CHECKS.map(check) : []), test(filters)];
const sum = (key) => counts.reduce((total, count) => total + count[key], 0);
const limit = env.ATEN_CPU_CAPABILITY;
const why = limit === undefined ? "all that this processor has" : `limited by ATEN_CPU_CAPABILITY=${limit}`;
process.stdout.write(`instruction set: ${instructionSetOf(env)}, ${why}\n`);
process.stdout.write(`${sum("passed")} passed, ${sum("failed")} failed\n`);
process.exitCode = sum("failed") === 0 ? 0 : 1;
