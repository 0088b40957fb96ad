#!/usr/bin/env node
// Makes a fresh checkout ready to run: packages, node modules, native and TypeScript code. What is there is not done
// again. `--build-only` leaves the machine's packages alone; LIBTORCH=/path builds against a libtorch of one's own.
// Plain Node only, because it runs before there are node modules.
import { join, resolve } from "node:path";
import { acquireLock } from "./setup/lock.mjs";
import { ensureNative } from "./setup/native.mjs";
import { ensureNodeModules } from "./setup/node-modules.mjs";
import { ROOT, SetupError } from "./setup/run.mjs";
import { checkNode, ensureOpenBlas, ensurePackages } from "./setup/system.mjs";
import { ensureTypeScript } from "./setup/typescript.mjs";

/** Waits for all, also if one fails, so that none is left running; then the first failure is thrown. */
async function together(...works) {
  const results = await Promise.allSettled(works);
  for (const { status, reason } of results) if (status === "rejected") throw reason;
}

async function ensureSystem(libtorch) {
  await ensurePackages(libtorch);
  if (!libtorch) await ensureOpenBlas();
}

async function setUp(buildOnly, libtorch) {
  checkNode(process.versions.node);
  const wait = (pid) => process.stderr.write(`set-up: waiting for the set-up of process ${pid}\n`);
  const release = acquireLock(join(ROOT, ".lapidary", "setup.lock"), wait);
  try {
    await together(buildOnly ? null : ensureSystem(libtorch), ensureNodeModules());
    await together(ensureNative(libtorch), ensureTypeScript());
  } finally {
    release();
  }
}

try {
  await setUp(process.argv.includes("--build-only"), process.env.LIBTORCH ? resolve(process.env.LIBTORCH) : "");
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`set-up: ${error.message}\n`);
  process.exitCode = 1;
}
