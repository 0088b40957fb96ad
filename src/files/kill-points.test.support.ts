/**
 * Kills a process at a counted point of its work, never by the clock: what a crash leaves is decided between two changes
 * of the disk, or in the midst of one, so these are the points. A process that imports this counts its calls of node:fs
 * that change something (and what else it calls `killPoint` for), and if `KILL_AT` says so, it dies at one of them: at n
 * before the n-th, at n + ½ with the n-th half done.
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";

/** Calls that can be half done: half of the bytes are there. */
const WRITES = ["writeSync", "writeFileSync", "appendFileSync"] as const;
/**
 * Calls that the file system does as a whole; removing a tree is many of them, and half done one entry is gone. What only
 * makes durable changes nothing that a process which dies could miss.
 */
const CHANGES = [
  "openSync",
  "ftruncateSync",
  "mkdirSync",
  "renameSync",
  "rmSync",
  "rmdirSync",
  "unlinkSync",
  "copyFileSync",
  "symlinkSync",
  "linkSync",
] as const;

type Call = (...args: unknown[]) => unknown;
const VARIABLE = "KILL_AT";
const at = Number(process.env[VARIABLE] ?? Number.NaN);
let count = 0;
const halves: number[] = [];

/** Counts one point; at the one that was drawn, does half of it if it is to be half done and can be, and dies. */
export function killPoint(half: (() => void) | null): void {
  count += 1;
  if (half !== null) halves.push(count);
  if (count !== Math.floor(at)) return;
  try {
    if (count < at) half?.();
  } finally {
    process.kill(process.pid, "SIGKILL");
  }
}

function halfOf(data: unknown): unknown {
  if (typeof data === "string") return data.slice(0, data.length >> 1);
  const view = data as NodeJS.ArrayBufferView;
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength >> 1);
}

/** What does half of a call; null if it is done as a whole. */
function halfDone(name: string, args: readonly unknown[], original: Call): (() => void) | null {
  if ((WRITES as readonly string[]).includes(name)) return () => void original(args[0], halfOf(args[1]));
  const path = String(args[0]);
  if (name !== "rmSync" || !fs.statSync(path, { throwIfNoEntry: false })?.isDirectory()) return null;
  return () => {
    const last = fs.readdirSync(path).sort().at(-1);
    if (last !== undefined) original(join(path, last), { recursive: true });
  };
}

function watchFiles(): void {
  const calls = fs as unknown as Record<string, Call>;
  for (const name of [...WRITES, ...CHANGES]) {
    const original = calls[name] as Call;
    calls[name] = (...args) => {
      if (name !== "openSync" || args[1] !== "r") killPoint(halfDone(name, args, original));
      return original(...args);
    };
  }
  syncBuiltinESMExports();
}

if (VARIABLE in process.env) {
  const write = fs.writeSync;
  watchFiles();
  if (at === Number.POSITIVE_INFINITY)
    process.once("exit", () => write(1, `\nkill points: ${count}, of them half: ${halves.join(" ")}\n`));
}

/** The environment of a process that dies at `point`; at Infinity it lives, and says in the end how many there were. */
export function killedAt(point: number): NodeJS.ProcessEnv {
  return { ...process.env, [VARIABLE]: String(point) };
}

/** How many points a process that lived had, from what it said. */
export function killPointsOf(output: string): number {
  return Number(/kill points: (\d+)/.exec(output)?.[1] ?? Number.NaN);
}

/** All of them: before each change, and in the midst of those that can be half done. */
export function allKillPoints(output: string): readonly number[] {
  const [, half = ""] = /of them half: ([\d ]*)/.exec(output) ?? [];
  const whole = Array.from({ length: killPointsOf(output) }, (_, i) => i + 1);
  return [
    ...whole,
    ...half
      .split(" ")
      .filter(Boolean)
      .map((point) => Number(point) + 0.5),
  ];
}

/**
 * A point in each of `count` equal parts of 1 to `total`, in order, drawn by a seed that goes into the messages of what is
 * expected afterwards. Every other one is half done.
 */
export function drawKillPoints(total: number, count: number, seed: number): readonly number[] {
  const share = (i: number): number => createHash("sha256").update(`${seed} ${i}`).digest().readUInt16BE(0) / 2 ** 16;
  return Array.from({ length: count }, (_, i) => 1 + Math.floor((total * (i + share(i))) / count) + (i % 2) / 2);
}
