#!/usr/bin/env node
// `npm run test:node -- 24 [filters]`: set-up and `npm test` under another version of Node, which the registry has as a
// package. It is kept in the user's cache folder. Ends with what `npm test` ends with.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cacheFolder } from "./setup/native-cache.mjs";
import { ROOT, run, SetupError } from "./setup/run.mjs";
import { stage } from "./setup/stage.mjs";

/** Folder that holds `node` of this version (`24`, `22.4.1`); installed from the registry alone. */
async function nodeOf(version) {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = join(cacheFolder(), "node", version);
  const bin = join(folder, "node_modules", name, "bin");
  if (existsSync(join(bin, "node"))) return bin;
  await stage(`Node ${version}`, async () => {
    mkdirSync(folder, { recursive: true });
    // The package is nothing but Node: what its scripts would do is not needed.
    const args = ["--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", "--no-save"];
    await run("npm", ["install", ...args, `${name}@${version}`]);
  });
  return bin;
}

const [version, ...filters] = process.argv.slice(2);
try {
  if (!/^\d+(\.\d+)*$/.test(version ?? "")) throw new SetupError("which Node? `npm run test:node -- 24`");
  const bin = await nodeOf(version);
  // What tests start as `node` is this one too.
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` };
  for (const args of [["setup.mjs"], ["check.mjs", ...filters]]) {
    const [script, ...rest] = args;
    const path = join(ROOT, "scripts", script);
    const { status } = spawnSync(join(bin, "node"), [path, ...rest], { cwd: ROOT, env, stdio: "inherit" });
    process.exitCode = status ?? 1;
    if (status !== 0) break;
  }
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
