import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it } from "vitest";
import { LapidaryError } from "../base/errors.ts";
import { type LaunchOptions, launch, type OutputLine } from "./launch.ts";

const PLACES = `const { RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR, EXTRA } = process.env;`;
/** Lives, and fails when it is told to; says its pid once it can be told. */
const LIVE = `setInterval(() => {}, 1000); process.on("SIGUSR2", () => process.exit(7)); console.log(process.pid);`;
/** Says "ready" when it can be asked to stop. */
const SAVE = `${LIVE} let asked = 0; for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => { asked++;
  setTimeout(() => { console.log("saved after " + asked + " " + name); process.exit(130); }, 300); }); console.log("ready");`;
const STUBBORN = `${LIVE} for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => console.log("asked")); console.log("ready");`;

interface Launched {
  readonly lines: readonly OutputLine[];
  /** What {@link launch} returned, or the error it threw. */
  readonly outcome: Promise<string | LapidaryError>;
  /** Resolves when that many lines say so. */
  until(text: string, count: number): Promise<void>;
  /** The processes by rank, once they have said them. */
  pids(): Promise<number[]>;
}

function launchScript(script: string, options: Partial<LaunchOptions> = {}): Launched {
  const lines: OutputLine[] = [];
  const onLine = (line: OutputLine): void => void lines.push(line);
  const outcome = launch({ processes: 3, command: process.execPath, args: ["-e", script], onLine, ...options }).catch(
    (error: unknown) => {
      if (error instanceof LapidaryError) return error;
      throw error;
    },
  );
  return {
    lines,
    outcome,
    async until(text, count) {
      while (lines.filter((line) => line.text === text).length < count) await new Promise((r) => setTimeout(r, 5));
    },
    async pids() {
      const said = () => lines.filter(({ text }) => /^\d+$/.test(text));
      while (said().length < 3) await new Promise((r) => setTimeout(r, 5));
      return said()
        .toSorted((a, b) => a.rank - b.rank)
        .map(({ text }) => Number(text));
    },
  };
}

/** Zombies count as alive. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const listeners = () => ["SIGINT", "SIGTERM", "exit"].map((name) => process.listenerCount(name));
const failedWith = (rank: number, got: string) =>
  expect.objectContaining({ code: "PROCESS_FAILED", where: expect.stringContaining(`rank ${rank} of 3`), got });

describe("launch", () => {
  it("gives each process its place and the environment, and every line of output with its rank", async () => {
    const before = listeners();
    const script = `${PLACES} console.log(RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR, EXTRA);
      process.stdout.write("no new line at the end"); console.error("ä".repeat(10));`;
    const { lines, outcome } = launchScript(script, { env: { EXTRA: "x", RANK: "7" } });
    expect(await outcome).toBe("done");
    for (const rank of [0, 1, 2]) {
      const texts = (stream: string) => lines.filter((l) => l.rank === rank && l.stream === stream).map((l) => l.text);
      expect(texts("stdout")).toEqual([`${rank} 3 ${rank} 3 127.0.0.1 x`, "no new line at the end"]);
      expect(texts("stderr")).toEqual(["ä".repeat(10)]);
    }
    expect(listeners()).toEqual(before);
  });

  it.each([
    ["exit code 7", "SIGUSR2"],
    ["signal SIGINT", "SIGINT"],
    ["signal SIGKILL", "SIGKILL"],
  ])("ends the others when one fails, and names it: %s", async (got, signal) => {
    const failing = launchScript(LIVE);
    const pids = await failing.pids();
    process.kill(pids[1] ?? 0, signal);
    expect(await failing.outcome).toEqual(failedWith(1, got));
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it("lets the others end by themselves when one fails, asked once", async () => {
    const saving = launchScript(SAVE);
    await saving.until("ready", 3);
    process.kill((await saving.pids())[0] ?? 0, "SIGUSR2");
    expect(await saving.outcome).toEqual(failedWith(0, "exit code 7"));
    expect(saving.lines.filter(({ text }) => text === "saved after 1 SIGTERM")).toHaveLength(2);
  });

  it("kills what does not end within the grace time", async () => {
    const stubborn = launchScript(STUBBORN, { graceMs: 300 });
    await stubborn.until("ready", 3);
    const pids = await stubborn.pids();
    process.kill(pids[2] ?? 0, "SIGUSR2");
    expect(await stubborn.outcome).toEqual(failedWith(2, "exit code 7"));
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it("says which command cannot be started", async () => {
    const { outcome } = launchScript("", { command: "/no/such/command" });
    expect(await outcome).toEqual(failedWith(0, expect.stringContaining("ENOENT") as unknown as string));
  });

  it("asked to stop by a signal object, lets all save what they have", async () => {
    const controller = new AbortController();
    const saving = launchScript(SAVE, { signal: controller.signal });
    await saving.until("ready", 3);
    controller.abort();
    expect(await saving.outcome).toBe("stopped");
    expect(saving.lines.filter(({ text }) => text === "saved after 1 SIGINT")).toHaveLength(3);
    expect((await saving.pids()).filter(isAlive)).toEqual([]);
  });

  it("stops programs that have nothing to save, and starts nothing that lasts once it is asked", async () => {
    const controller = new AbortController();
    const plain = launchScript(LIVE, { signal: controller.signal });
    await plain.pids();
    controller.abort();
    expect(await plain.outcome).toBe("stopped");
    expect(await launchScript(LIVE, { signal: controller.signal }).outcome).toBe("stopped");
  });

  it("fails when a process does not stop though asked, and has killed it", async () => {
    const controller = new AbortController();
    const stubborn = launchScript(STUBBORN, { signal: controller.signal, graceMs: 300 });
    await stubborn.until("ready", 3);
    controller.abort();
    expect(await stubborn.outcome).toMatchObject({ code: "PROCESS_FAILED", got: "signal SIGKILL" });
    expect((await stubborn.pids()).filter(isAlive)).toEqual([]);
  });
});

describe("a program that launches itself", () => {
  const launcher = new URL("./launch.js", import.meta.url);
  const started: { readonly pid: number; pids(): number[] }[] = [];

  afterEach(() => {
    for (const pid of started.flatMap((outer) => [outer.pid, ...outer.pids()])) {
      if (isAlive(pid)) process.kill(pid, "SIGKILL");
    }
    started.length = 0;
  });

  /** The outer process, in a process group of its own as a shell makes it, and its lines. */
  function startOuter(script: string) {
    const body = `import { launch } from ${JSON.stringify(launcher.href)};
      const signal = new AbortController();
      if (process.env.WATCH) process.on("SIGINT", () => process.env.WATCH === "exit" ? process.exit() : signal.abort());
      const outcome = await launch({ processes: 2, command: process.execPath, args: ["-e", process.env.SCRIPT],
        signal: signal.signal }).catch((error) => error.code);
      console.log(outcome);`;
    const env = { ...process.env, SCRIPT: script };
    return (watch: string) => {
      const child = spawn(process.execPath, ["--input-type=module", "-e", body], {
        env: { ...env, WATCH: watch },
        stdio: ["ignore", "pipe", "inherit"],
        detached: true,
      });
      const lines: string[] = [];
      createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
      const until = async (count: number, pattern: RegExp): Promise<void> => {
        while (lines.filter((line) => pattern.test(line)).length < count) await new Promise((r) => setTimeout(r, 5));
      };
      const pids = () => lines.flatMap((line) => /^\[\d\] (\d+)$/.exec(line)?.[1] ?? []).map(Number);
      const outer = { child, lines, until, pids, pid: child.pid ?? 0 };
      started.push(outer);
      return outer;
    };
  }

  it.each(["", "yes"])(
    "passes Ctrl-C on once, with lines of output by rank; watched by itself too: %j",
    async (watch) => {
      const { child, lines, until, pid } = startOuter(SAVE)(watch);
      await until(2, /ready/);
      // To the whole process group, as a terminal does.
      process.kill(-pid, "SIGINT");
      const [code] = await once(child, "close");
      expect([code, lines.at(-1)]).toEqual([0, "stopped"]);
      expect(lines.filter((line) => /^\[[01]\] saved after 1 SIGINT$/.test(line))).toHaveLength(2);
    },
  );

  it("kills at the second Ctrl-C", async () => {
    const { child, lines, until, pids, pid } = startOuter(STUBBORN)("");
    await until(2, /ready/);
    process.kill(pid, "SIGINT");
    // Two signals that are pending at once are one: the first has come once it was passed on.
    await until(2, /asked/);
    process.kill(pid, "SIGINT");
    await once(child, "close");
    expect(lines.at(-1)).toBe("PROCESS_FAILED");
    expect(pids().filter(isAlive)).toEqual([]);
  });

  it("takes its processes with it when it exits", async () => {
    const { child, until, pids, pid } = startOuter(STUBBORN)("exit");
    await until(2, /ready/);
    process.kill(pid, "SIGINT");
    await once(child, "close");
    while (pids().some(isAlive)) await new Promise((r) => setTimeout(r, 5));
  });
});
