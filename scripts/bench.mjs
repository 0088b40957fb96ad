#!/usr/bin/env node
// What `npm run bench` runs once set-up is done: whole benchmarks beside their peers, one after the other, each in a process of
// its own. What each found is kept in bench/results. Arguments: names (default: all), then options of `lapidary bench`, such as
// --python. Nothing else should run on the machine meanwhile.
import { spawnSync } from "node:child_process";
import { join, relative } from "node:path";
import { keepRun, readArguments } from "./bench/results.mjs";
import { ROOT } from "./setup/run.mjs";

const FOLDER = join(ROOT, "bench", "results");
const MAIN = join(ROOT, "dist", "src", "cli", "main.js");

/** What `lapidary bench …` prints as JSON, its progress shown; null if it failed. */
function bench(words) {
  const child = { cwd: ROOT, encoding: "utf8", stdio: ["inherit", "pipe", "inherit"] };
  const { status, stdout } = spawnSync(process.execPath, [MAIN, "bench", ...words, "--json"], child);
  if (status === 0) return JSON.parse(stdout.trimEnd().split("\n").at(-1));
  process.stdout.write(stdout);
  return null;
}

const { names, options } = readArguments(process.argv.slice(2));
const chosen = names.length > 0 ? names : Object.keys(bench([]).benches);
for (const name of chosen) {
  const report = bench([name, ...options]);
  if (report === null) process.exitCode = 1;
  else process.stdout.write(`${relative(ROOT, keepRun(report, FOLDER, options))}\n`);
}
