import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Evaluation } from "../../src/evaluate/index.ts";
import type { RunSummary } from "../../src/train/index.ts";
import type { Generated } from "../../src/transfer/index.ts";
import { type Ended, initSmall, lapidary, lastLine, temporaryFolder } from "./lapidary.ts";

const SHORT = ["--set", "training.epochs=1", "--set", "training.threads=1"];

let folder: ReturnType<typeof temporaryFolder>;
let project = "";
const inProject = (args: readonly string[]) => lapidary([...args, ...SHORT], { cwd: project });
const errorOf = (ended: Ended) => lastLine<{ readonly error: { readonly code: string } }>(ended).error;

beforeAll(async () => {
  folder = temporaryFolder();
  project = join(folder.path, "project");
  await initSmall(project);
  await inProject(["ingest"]);
});
afterAll(() => folder[Symbol.dispose]());

describe("generate and transfer", () => {
  it("say what is missing before there is any knowledge", async () => {
    const early = await inProject(["transfer", "vertical", "--json"]);
    expect(early.code).toBe(1);
    expect(errorOf(early)).toMatchObject({ code: "KNOWLEDGE_NOT_FOUND", hint: expect.stringContaining("generate") });
    const untrained = await inProject(["generate", "foundation", "--json"]);
    expect(errorOf(untrained)).toMatchObject({ code: "RUN_UNFINISHED" });
  });

  it.each([
    [["--slices", "week"], "--slices"],
    [["--slices", "day", "--run", "a"], "--slices"],
    [["--from", "yesterday"], "--from"],
  ])("refuse %j as a usage error", async (args, where) => {
    const ended = await inProject(["generate", "foundation", ...args, "--json"]);
    expect(ended.code).toBe(2);
    expect(errorOf(ended)).toMatchObject({ code: "USAGE", where });
  });

  it("train slice by slice, score each once, and leave what is there", async () => {
    const ended = await inProject(["generate", "foundation", "--slices", "day", "--json"]);
    expect(ended.code).toBe(0);
    expect(ended.stdout.trimEnd()).not.toContain("\n");
    const generated = lastLine<Generated>(ended);
    expect(generated.scored).toBe(generated.examples);
    expect(generated.snapshots.length).toBeGreaterThan(5);
    for (const { run, horizonMs, fromMs } of generated.snapshots) {
      expect(fromMs).toBe(horizonMs);
      expect(existsSync(join(project, "runs", run, "summary.json"))).toBe(true);
    }
    expect(readdirSync(join(project, ".lapidary", "knowledge", "foundation"))).toHaveLength(2);
    const again = await inProject(["generate", "foundation", "--slices", "day", "--json"]);
    expect(lastLine<Generated>(again)).toEqual({ ...generated, scored: 0 });
  });

  it("refuse to score what the run has learned from", async () => {
    await inProject(["train", "foundation"]);
    const ended = await inProject(["generate", "foundation", "--from", "2025-03-05", "--json"]);
    expect(ended.code).toBe(1);
    expect(errorOf(ended)).toMatchObject({ code: "KNOWLEDGE_IN_SAMPLE", where: "foundation" });
  });

  it("train the vertical model with its teacher, and evaluate says what it was worth", async () => {
    expect((await inProject(["train", "vertical"])).code).toBe(0);
    const ended = await inProject(["transfer", "vertical", "--json"]);
    expect(ended.code).toBe(0);
    const summary = lastLine<RunSummary & { readonly run: string }>(ended);
    expect(summary).toMatchObject({
      model: "vertical",
      kind: "vertical",
      run: join(project, "runs", "vertical-distill"),
    });
    const evaluated = await inProject(["evaluate", "vertical", "foundation", "vertical-distill", "--json"]);
    expect(evaluated.code).toBe(0);
    expect(lastLine<Evaluation>(evaluated).transfers).toMatchObject([
      { run: "vertical-distill", alone: "vertical", teacher: "foundation" },
    ]);
    expect(evaluated.stderr).toMatch(/^transfer ratio +alone +teacher +click +conversion$/m);
  });
});
