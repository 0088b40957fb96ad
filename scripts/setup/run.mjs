// Running commands for set-up: quiet while all goes well, the command and the end of its output when not.
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";

/** Folder of the checkout. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A set-up that cannot go on, for a reason that a person can act on. */
export class SetupError extends Error {
  name = "SetupError";
}

/** Runs one stage and writes one line with its seconds. Standard output stays free for the job that follows. */
export function stage(name, work) {
  process.stderr.write(`set-up: ${name} … `);
  const start = performance.now();
  try {
    work();
  } catch (error) {
    process.stderr.write("failed\n");
    throw error;
  }
  process.stderr.write(`${((performance.now() - start) / 1000).toFixed(1)} s\n`);
}

/** At most `limit` lines of an output, from both its ends: some tools say the reason first, some last. */
export function shorten(output, limit) {
  const lines = output.trimEnd().split("\n");
  if (lines.length <= limit) return lines.join("\n");
  const half = Math.floor(limit / 2);
  return [...lines.slice(0, half), `… (${lines.length - 2 * half} lines)`, ...lines.slice(-half)].join("\n");
}

/** Runs a command; its output is shown only if it fails, and then `lines` lines of it. */
export function run(command, args, { env = {}, lines = 40 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "lapidary-setup-"));
  const log = join(folder, "output");
  try {
    // One file for both streams keeps the order in which the lines were written.
    const file = openSync(log, "w");
    const options = { cwd: ROOT, env: { ...process.env, ...env }, stdio: ["ignore", file, file] };
    const { status, signal, error } = spawnSync(command, args, options);
    closeSync(file);
    if (status === 0) return;
    const reason = error ? error.message : signal ? `killed by ${signal}` : `exit code ${status}`;
    const output = shorten(readFileSync(log, "utf8"), lines);
    throw new SetupError(`${[command, ...args].join(" ")}\n${output}\n(${reason})`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Standard output of a command, or null if it is not there or fails and says nothing. */
export function capture(command, args) {
  const { stdout, error } = spawnSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return error ? null : stdout;
}
