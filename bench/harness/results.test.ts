import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import type { BenchReport } from "../registry.ts";
import { describeMachine, RESULTS, ROOT } from "./machine.ts";

// Plain JavaScript, as all scripts are: its types are stated here.
interface Results {
  readArguments(words: readonly string[]): { readonly names: readonly string[]; readonly options: readonly string[] };
  keepRun(report: BenchReport, folder: string, options: readonly string[]): string;
}
const script = pathToFileURL(join(ROOT, "scripts", "bench", "results.mjs")).href;
const { keepRun, readArguments } = (await import(script)) as Results;

const folder = mkdtempSync(join(tmpdir(), "lapidary-results-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const REPORT: BenchReport = {
  bench: "dispatch",
  date: "2026-11-30T12:00:00.000Z",
  loadBefore: 0.25,
  machine: describeMachine(),
  peer: { python: "3.11.2", torch: "1.13.1", numpy: "1.24.2" },
  commit: "0123abc",
  results: [
    { case: "add-2x2", ours: 1, peer: 2, unit: "µs", oursMin: 1, oursMax: 1, peerMin: 2, peerMax: 3, ratio: 2 },
    { case: "mlp", ours: 5, peer: null, unit: "µs" },
  ],
};

describe("a kept run", () => {
  test("is what was reported, one case per line, in place of the run before", () => {
    const path = keepRun({ ...REPORT, results: [] }, join(folder, "new"), []);
    expect(keepRun(REPORT, join(folder, "new"), [])).toBe(path);
    expect(basename(path)).toBe("dispatch.json");
    const text = readFileSync(path, "utf8");
    expect(JSON.parse(text)).toEqual(REPORT);
    expect(text.split("\n").filter((line) => line.includes('"case"'))).toHaveLength(2);
    expect(REPORT.machine.instructionSet).toMatch(/^(plain|avx2|avx512)/);
  });

  test("has the peer's torch in its name if its Python was chosen", () => {
    const peer = { python: "3.12.1", torch: "2.6.0+cpu" };
    const name = (options: readonly string[]) => basename(keepRun({ ...REPORT, peer }, folder, options));
    expect(name(["--python", "/opt/python"])).toBe("dispatch.torch-2.6.0.json");
    expect(name(["--pairs=5", "--python=/opt/python"])).toBe("dispatch.torch-2.6.0.json");
    expect(name(["--pairs", "5"])).toBe("dispatch.json");
    expect(basename(keepRun({ ...REPORT, peer: null }, folder, ["--python", "/opt/python"]))).toBe("dispatch.json");
  });

  test("is of a whole benchmark", () => {
    expect(readArguments(["step", "half", "--pairs", "9"])).toEqual({
      names: ["step", "half"],
      options: ["--pairs", "9"],
    });
    expect(readArguments([])).toEqual({ names: [], options: [] });
    for (const words of [["step", "--cases", "a"], ["step", "--cases=a"], ["--no-peer"]]) {
      expect(() => readArguments(words)).toThrow(/only whole benchmarks are kept/);
    }
  });
});

/** Files of the runs that are kept in the checkout. */
function keptRuns(): readonly string[] {
  const kept = join(ROOT, RESULTS);
  return existsSync(kept) ? readdirSync(kept) : [];
}

test("kept runs have all that a report must say", () => {
  const facts = ["bench", "date", "loadBefore", "machine", "peer", "commit", "results"];
  for (const name of keptRuns()) {
    const kept = JSON.parse(readFileSync(join(ROOT, RESULTS, name), "utf8")) as BenchReport;
    expect(Object.keys(kept).sort(), name).toEqual([...facts].sort());
    expect(kept.results.length, name).toBeGreaterThan(0);
    expect(name.startsWith(`${kept.bench}.`), name).toBe(true);
    expect(kept.commit, name).toMatch(/^[0-9a-f]{40}$/);
  }
});
