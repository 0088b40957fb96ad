// Running commands for set-up: quiet while all goes well, the command and the end of its output when not.
import { spawn, spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Folder of the checkout. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A set-up that cannot go on, for a reason that a person can act on. */
export class SetupError extends Error {
  name = "SetupError";
}

/** At most `limit` lines of an output, from both its ends: some tools say the reason first, some last. */
export function shorten(output, limit) {
  const lines = output.trimEnd().split("\n");
  if (lines.length <= limit) return lines.join("\n");
  const half = Math.floor(limit / 2);
  return [...lines.slice(0, half), `… (${lines.length - 2 * half} lines)`, ...lines.slice(-half)].join("\n");
}

/**
 * Runs a command; its output is shown only if it fails, and then `lines` lines of it. `onLine` gets each line of its
 * standard output as it comes.
 * @throws {SetupError} with the command, its output and how it ended
 */
export async function run(command, args, { env = {}, lines = 40, onLine = null } = {}) {
  let output = "";
  const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  if (onLine !== null) createInterface({ input: child.stdout }).on("line", onLine);
  const reason = await new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (status, signal) =>
      resolve(signal ? `killed by ${signal}` : status ? `exit code ${status}` : ""),
    );
  });
  if (reason !== "") throw new SetupError(`${[command, ...args].join(" ")}\n${shorten(output, lines)}\n(${reason})`);
}

/** Standard output of a command, or null if it is not there or fails and says nothing. */
export function capture(command, args) {
  const { stdout, error } = spawnSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return error ? null : stdout;
}
