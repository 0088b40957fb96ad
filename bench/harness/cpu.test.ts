import { describe, expect, test } from "vitest";
import { allowedCpus, cpuSecondsOf, parseCpuList } from "./cpu.ts";

describe("CPUs", () => {
  test("are read from the system's list", () => {
    expect(parseCpuList("0")).toEqual([0]);
    expect(parseCpuList("0-2,5,7-8")).toEqual([0, 1, 2, 5, 7, 8]);
    expect(allowedCpus().length).toBeGreaterThan(0);
  });
});

describe("cpuSecondsOf", () => {
  test("is what the process itself is told", () => {
    const seconds = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;
    // Each of the two times is cut to whole hundredths of a second.
    const before = seconds();
    const read = cpuSecondsOf(process.pid);
    expect(read).toBeGreaterThan(before - 0.03);
    expect(read).toBeLessThanOrEqual(seconds() + 0.01);
  });
});
