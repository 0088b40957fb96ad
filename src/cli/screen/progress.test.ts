import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Progress } from "./progress.ts";
import { Screen } from "./screen.ts";

let now = 0;
let written: string[] = [];
beforeEach(() => {
  vi.useFakeTimers();
  now = 0;
  written = [];
});
afterEach(() => {
  vi.useRealTimers();
});

function screen(isInteractive: boolean): Screen {
  return new Screen({ isInteractive, columns: 80, write: (text) => void written.push(text) });
}

const started = (where: Screen) => new Progress({ label: "train", unit: "steps", total: 100 }, where, () => now);

describe("elsewhere than on a terminal", () => {
  it("writes plain lines, the first at once and then one in five seconds at most", () => {
    const progress = started(screen(false));
    for (let step = 0; step <= 100; step++) {
      now = step * 100;
      progress.update({ done: step });
    }
    progress.finish();
    expect(written).toEqual([
      "train: 0/100 steps, 0 ms\n",
      "train: 50/100 steps, 10 steps/s, 5.0 s left\n",
      "train: 100/100 steps, 10 steps/s, 0 ms left\n",
      "train: 100 steps in 10 s\n",
    ]);
  });

  it("shows that time passes while nothing is reported, and stops when it is finished", () => {
    const progress = started(screen(false));
    progress.update({ done: 1, detail: "a long step" });
    now = 20_000;
    vi.advanceTimersByTime(1000);
    expect(written.at(-1)).toBe("train: 1/100 steps, 20 s, a long step\n");
    progress.finish("");
    progress.finish();
    now = 60_000;
    vi.advanceTimersByTime(60_000);
    expect(written).toHaveLength(2);
  });

  it("gives no rate of what is not steady", () => {
    const progress = new Progress({ label: "a", unit: "b", total: 9, isSteady: false }, screen(false), () => now);
    for (now = 0; now <= 6000; now += 1000) progress.update({ done: now / 1000 });
    expect(written).toEqual(["a: 0/9 b, 0 ms\n", "a: 5/9 b, 5.0 s\n"]);
    progress.finish("");
  });

  it("takes no rate from what an earlier run did, and forgets old rates", () => {
    const progress = started(screen(false));
    progress.update({ done: 60 });
    now = 10_000;
    progress.update({ done: 70 });
    expect(written.at(-1)).toContain("70/100 steps, 1 steps/s, 30 s left");
    now = 110_000;
    progress.update({ done: 71 });
    // Ten half-lives later the first ten seconds count for a thousandth.
    expect(written.at(-1)).toMatch(/0\.010\d steps\/s/);
    progress.finish("");
  });
});

describe("on a terminal", () => {
  it("rewrites one line, at most ten times a second, and removes it at the end", () => {
    const progress = started(screen(true));
    for (let step = 0; step < 10; step++) {
      now = step * 50;
      progress.update({ done: step });
    }
    progress.finish("done");
    expect(written).toHaveLength(7);
    expect(written[0]).toMatch(/^train \[ +\] 0\/100 steps/);
    for (const text of written.slice(1, 5)) expect(text.startsWith("\r\x1b[2Ktrain [")).toBe(true);
    expect(written.slice(5)).toEqual(["\r\x1b[2K", "done\n"]);
  });

  it("keeps lines for good above the one that is rewritten", () => {
    const where = screen(true);
    const progress = started(where);
    progress.update({ done: 1 });
    const line = written[0];
    where.say("a notice");
    expect(written.slice(1)).toEqual(["\r\x1b[2K", "a notice\n", line]);
    progress.finish("");
  });
});
