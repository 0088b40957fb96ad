import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Evaluation } from "../../src/evaluate/index.ts";
import { readCurve } from "../../src/report/jsonl.ts";
import type { RunSummary } from "../../src/train/index.ts";
import { type Ended, initSmall, lapidary, lastLine, start, temporaryFolder } from "./lapidary.ts";

const KINDS = ["baseRate", "logistic", "previous", "foundation"] as const;
const SHORT = ["--set", "training.epochs=2", "--set", "training.threads=1"];

let folder: ReturnType<typeof temporaryFolder>;
let project = "";
beforeAll(async () => {
  folder = temporaryFolder();
  project = join(folder.path, "project");
  await initSmall(project);
  await inProject(["ingest"]);
});
afterAll(() => folder[Symbol.dispose]());

const inProject = (args: readonly string[]) => lapidary(args, { cwd: project });
const codeOf = (ended: Ended) => lastLine<{ readonly error: { readonly code: string } }>(ended).error.code;
const at = (...path: readonly string[]): string => join(project, "runs", ...path);

/** A training that gets a Ctrl-C once it has shown its first progress. */
async function interrupted(args: readonly string[]): Promise<Ended> {
  const { child, ended } = start(args, { cwd: project });
  if (child.stderr) await once(child.stderr, "data");
  child.kill("SIGINT");
  return ended;
}

describe("train", () => {
  it.each(KINDS)("trains the %s model, and says of it what its summary says", async (kind) => {
    const ended = await inProject(["train", kind, ...SHORT, "--json"]);
    expect(ended.code).toBe(0);
    expect(ended.stdout.trimEnd()).not.toContain("\n");
    const { run, ...summary } = lastLine<RunSummary & { readonly run: string }>(ended);
    expect(run).toBe(at(kind));
    expect(summary).toEqual(JSON.parse(readFileSync(at(kind, "summary.json"), "utf8")));
    const steps = kind === "baseRate" ? 0 : 2 * Math.floor(1423 / 64);
    expect(summary).toMatchObject({ model: kind, kind, examples: 1423, steps });
    expect(ended.stderr).toMatch(new RegExp(`model +${kind} \\(${kind}\\)`));
  });

  it("leaves a finished run as it is, and refuses another configuration", async () => {
    const again = await inProject(["train", "previous", ...SHORT]);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/updates +44 in .*run +\S*previous\n/s) });
    const changed = await inProject(["train", "previous", "--json"]);
    expect(changed.code).toBe(1);
    expect(lastLine(changed)).toMatchObject({
      error: {
        code: "RUN_CHANGED",
        expected: "what the run was begun with: models.previous.training.epochs 2",
        got: "models.previous.training.epochs 4",
      },
    });
    const unknown = await inProject(["train", "previuos", "--json"]);
    expect(codeOf(unknown)).toBe("MODEL_UNKNOWN");
    expect(unknown.stderr).toContain("Did you mean previous?");
  });

  it("stops at Ctrl-C with a checkpoint, says how to go on, and the same command does", async () => {
    const args = ["train", "previous", "--run", "long", "--set", "training.epochs=15", "--set", "training.threads=1"];
    const stopped = await interrupted([...args, "--json"]);
    expect(stopped.code).toBe(130);
    const { step, ...rest } = lastLine<{ readonly step: number }>(stopped);
    expect(rest).toEqual({ stopped: true, run: at("long") });
    expect(stopped.stderr).toMatch(/stopping; Ctrl-C again.*\nstopped after step \d+; the same command goes on from/s);
    expect(step).toBeGreaterThan(0);
    expect(step).toBeLessThan(15 * 22);
    expect(readdirSync(at("long", "checkpoints"))).toContain(`step-${String(step).padStart(8, "0")}`);
    expect(existsSync(at("long", "summary.json"))).toBe(false);
    expect(codeOf(await inProject(["evaluate", "long", "--json"]))).toBe("RUN_UNFINISHED");

    const next = await inProject([...args, "--json"]);
    expect(next.code).toBe(0);
    expect(next.stderr).toContain(`train previous: ${step + 1}/330 steps`);
    const losses = readCurve(at("long", "metrics.jsonl")).filter((record) => "loss" in record);
    expect(losses.map((record) => record.step)).toEqual(Array.from({ length: 330 }, (_, i) => i + 1));
  });

  it("says that a fresh run goes on without --fresh", async () => {
    const ended = await interrupted(["train", "previous", "--run", "long", "--fresh", "--set", "training.epochs=60"]);
    expect(ended).toMatchObject({ code: 130, stdout: expect.stringContaining("same command without --fresh goes on") });
    expect(readdirSync(at()).filter((name) => name.startsWith("long."))).toHaveLength(1);
  });
});

describe("evaluate", () => {
  it("compares the runs, and writes a report", async () => {
    const ended = await inProject(["evaluate", ...KINDS, "--split", "test", "--json"]);
    expect(ended.code).toBe(0);
    const { report, ...evaluation } = lastLine<Evaluation & { readonly report: string }>(ended);
    expect(evaluation).toMatchObject({ split: "test", baseline: "baseRate", surfaces: expect.anything() });
    expect(Object.values(evaluation.surfaces).toSorted()).toEqual(["feed", "stories"]);
    expect(evaluation.runs.map(({ run }) => run)).toEqual(KINDS);
    for (const { objectives, differences, summary, run } of evaluation.runs) {
      expect(Object.keys(objectives)).toEqual(["click", "conversion"]);
      expect(differences === null ? null : Object.keys(differences)).toEqual(
        run === "baseRate" ? null : ["click", "conversion"],
      );
      expect(summary?.model).toBe(run);
      expect(objectives["click"]?.overall.normalizedEntropy).toBeGreaterThan(0);
    }
    // A model without inputs tells no two examples apart.
    expect(evaluation.runs[0]?.objectives["click"]?.overall.auc).toBe(0.5);
    expect(report).toBe(at("evaluation-test-baseRate+logistic+previous+foundation.html"));
    const html = readFileSync(report, "utf8");
    for (const name of [...KINDS, "click", "conversion"]) expect(html).toContain(name);
    expect(html).toContain(">runs/foundation/predictions/test.safetensors<");
    expect(ended.stderr).toMatch(/^conversion: foundation .*baseRate.*95% interval/m);
    expect(ended.stderr).toMatch(/^objective +model +NE .*^foundation .*report: /ms);
  });

  it("shows its tables where neither page nor predictions can be written, and says so", async () => {
    // What no user can write over, the administrator included.
    const [page, predictions] = [
      at("evaluation-train-logistic.html"),
      at("logistic", "predictions", "train.safetensors"),
    ];
    for (const path of [page, predictions]) mkdirSync(path, { recursive: true });
    const ended = await inProject(["evaluate", "logistic", "--split", "train"]);
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/logistic.*not written: .*EISDIR/s) });
    expect(ended.stdout.match(/not written/g)).toHaveLength(2);
    const evaluated = await inProject(["evaluate", "logistic", "--split", "train", "--out", page, "--json"]);
    expect([evaluated.code, codeOf(evaluated)]).toEqual([1, "FILE_SYSTEM"]);
  });

  it("takes another baseline and another place for the report", async () => {
    const args = ["evaluate", "previous", "logistic", "--baseline", "logistic", "--out", "made/for/it.html"];
    const ended = await inProject(args);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain("ΔNE to logistic [95%]");
    expect(existsSync(join(project, "made", "for", "it.html"))).toBe(true);
  });

  it.each([
    { args: ["--split", "tset"], where: "--split", expected: "one of train, validation, test" },
    { args: ["--baseline", "absent"], where: "--baseline", expected: "one of the runs previous, logistic" },
  ])("refuses $args as a usage error", async ({ args, ...facts }) => {
    const ended = await inProject(["evaluate", "previous", "logistic", ...args, "--json"]);
    expect(ended.code).toBe(2);
    expect(lastLine(ended)).toMatchObject({ error: { code: "USAGE", got: args[1], ...facts } });
  });
});
