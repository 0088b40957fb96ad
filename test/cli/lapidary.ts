/** What the tests of the command line share: they start it as a user does and read what it writes. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SMALL_SAMPLE } from "../../src/cli/sample/sample-log.test.support.ts";
import { sampleLog } from "../../src/cli/sample/sample-log.ts";

/** The checkout. This file runs as dist/test/cli/lapidary.js. */
export const ROOT: string = join(import.meta.dirname, "..", "..", "..");
const MAIN = join(ROOT, "dist", "src", "cli", "main.js");

/** How a command ended, and all that it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a command runs. */
export interface Place {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The file that is run, of another copy than this checkout's. */
  readonly main?: string;
}

/** A folder that is removed when `using` ends. */
export function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "lapidary-cli-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Starts a command; `ended` settles when it is gone. */
export function start(args: readonly string[], { cwd = ROOT, env = {}, main = MAIN }: Place = {}) {
  const child: ChildProcess = spawn(process.execPath, [main, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text) => {
    texts.stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text) => {
    texts.stderr += text;
  });
  const ended = once(child, "close").then(([code]): Ended => ({ code, ...texts }));
  return { child, ended };
}

/** Runs a command to its end. */
export function lapidary(args: readonly string[], place: Place = {}): Promise<Ended> {
  return start(args, place).ended;
}

/** The project that `lapidary init` makes, over a small log and with the dials that suit it; how `init` ended. */
export async function initSmall(project: string, args: readonly string[] = []): Promise<Ended> {
  const ended = await lapidary(["init", project, ...args]);
  const config = join(project, "lapidary.config.ts");
  const dials = "globalBatchSize: 64, epochs: 4";
  const text = readFileSync(config, "utf8").replace(/globalBatchSize: \d+, epochs: \d+/, dials);
  writeFileSync(config, text.replaceAll(/history: \d+/g, "history: 32"));
  writeFileSync(join(project, "events.csv"), sampleLog(SMALL_SAMPLE));
  return ended;
}

/** Starts `lapidary serve …` on a port that is free, and waits until it says where it listens. */
export async function startServer(args: readonly string[], place: Place = {}) {
  const { child, ended } = start(["serve", "--port", "0", ...args], place);
  const url = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.stderr?.on("data", (chunk: string) => {
      text += chunk;
      const found = /http:\/\/[\d.:]+/.exec(text)?.[0];
      if (found !== undefined) resolve(found);
    });
    void ended.then(({ stderr }) => reject(new Error(stderr)));
  });
  return { child, ended, url };
}

/** The JSON of the last line of stdout. */
export function lastLine<T>({ stdout }: Ended): T {
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as T;
}
