#!/usr/bin/env node
// What `npm run test:processors` runs once set-up is done: `npm test` with the instruction set limited to each that this
// processor has, from the least on. Ends with what each ended with, and all together. Arguments are those of `npm test`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { instructionSetOf, LIMITS } from "./check/processors.mjs";
import { ROOT } from "./setup/run.mjs";

const CHECK = join(ROOT, "scripts", "check.mjs");

/** Runs all checks under a limit, shows what they say, and returns their counts. */
async function check(env, filters) {
  const child = spawn(process.execPath, [CHECK, ...filters], { env, stdio: ["inherit", "pipe", "inherit"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    said += text;
    process.stdout.write(text);
  });
  await once(child, "close");
  const line = said.trimEnd().split("\n").at(-1) ?? "";
  const [, passed = 0, failed = 1] = /^(\d+) passed, (\d+) failed$/.exec(line) ?? [];
  return { line, passed: Number(passed), failed: Number(failed) };
}

const results = [];
for (const [name, limit] of Object.entries(LIMITS)) {
  const env = { ...process.env, ...limit };
  const has = instructionSetOf(env) === name;
  const none = { line: "not what this processor has", passed: 0, failed: 0 };
  results.push({ name, ...(has ? await check(env, process.argv.slice(2)) : none) });
}
const sum = (key) => results.reduce((total, result) => total + result[key], 0);
for (const { name, line } of results) process.stdout.write(`${name}: ${line}\n`);
process.stdout.write(`${sum("passed")} passed, ${sum("failed")} failed\n`);
process.exitCode = sum("failed") === 0 && sum("passed") > 0 ? 0 : 1;
