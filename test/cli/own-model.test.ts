import { appendFileSync, copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ended, initSmall, lapidary, lastLine, ROOT, temporaryFolder } from "./lapidary.ts";

let folder: ReturnType<typeof temporaryFolder>;
let project = "";
const DIALS = ["training.epochs=1", "training.threads=1"];
const MINE = ['models.mine={kind: "./my-model.ts", size: tiny, history: 16, options: {width: 24}}'];
const sets = (...values: readonly string[]) => values.flatMap((value) => ["--set", value]);
const inProject = (args: readonly string[], ...more: readonly string[]) =>
  lapidary([...args, ...sets(...DIALS, ...MINE, ...more), "--json"], { cwd: project });
const errorOf = (ended: Ended) =>
  lastLine<{ readonly error: Readonly<Record<"code" | "where" | "expected" | "got" | "hint", string>> }>(ended).error;
const at = (name: string): string => join(project, name);

beforeAll(async () => {
  folder = temporaryFolder();
  project = join(folder.path, "project");
  await initSmall(project);
  copyFileSync(join(ROOT, "examples/own-model/my-model.ts"), at("my-model.ts"));
  await inProject(["ingest"]);
});
afterAll(() => folder[Symbol.dispose]());

describe("a model of one's own", () => {
  it("is trained, evaluated, exported and predicted with, as a built-in one", async () => {
    const trained = await inProject(["train", "mine"]);
    expect(trained.code, trained.stderr).toBe(0);
    expect(lastLine(trained)).toMatchObject({ model: "mine", kind: "./my-model.ts" });
    const { model, modules } = JSON.parse(readFileSync(at("runs/mine/config.json"), "utf8"));
    expect(model).toMatchObject({ kind: "./my-model.ts", options: { width: 24 } });
    expect(modules).toEqual({ "./my-model.ts": expect.stringMatching(/^[0-9a-f]{64}$/) });
    for (const command of [
      ["evaluate", "mine"],
      ["export", "mine"],
      ["predict", "mine", "--input", "events.csv", "--out", "p.parquet", "--embeddings"],
    ]) {
      const ended = await inProject(command);
      expect(ended.code, ended.stdout).toBe(0);
    }
    expect(existsSync(at("p.parquet"))).toBe(true);
    expect(existsSync(at("bundles/mine/CURRENT"))).toBe(true);
  });

  it("gives in two processes what it gives in one", async () => {
    const two = await inProject(["train", "mine", "--run", "two", "--processes", "2"]);
    expect(two.code, two.stdout).toBe(0);
    const loss = (run: string): number => JSON.parse(readFileSync(at(`runs/${run}/summary.json`), "utf8")).lastLoss;
    expect(loss("two")).toBeCloseTo(loss("mine"), 3);
  });

  it("learns from a teacher, and teaches", async () => {
    const mine = ["models.mine.teacher=foundation", "models.mine.transfer.technique=auxiliary"];
    const slices = ["--slices", "day"];
    expect((await inProject(["generate", "mine", ...slices], ...mine)).stdout).toContain("KNOWLEDGE_NOT_FOUND");
    const taught = await inProject(["generate", "foundation", ...slices], "training.globalBatchSize=512");
    expect(taught.code, taught.stdout).toBe(0);
    const generated = await inProject(["generate", "mine", ...slices], ...mine);
    expect(generated.code, generated.stdout).toBe(0);
    const bare =
      "export const init = (spec, config, initial) => ({ bias: initial.zeros([2]), logits(batch) { return this.bias.expand([batch.size, 2]); } });";
    writeFileSync(at("bare.ts"), bare);
    const taughtBare = ["models.bare={kind: ./bare.ts, teacher: foundation, transfer: {technique: auxiliary}}"];
    expect(errorOf(await inProject(["transfer", "bare"], ...taughtBare)).code).toBe("TRANSFER_STUDENT");
    const alone = ["models.bare={kind: ./bare.ts}"];
    expect((await inProject(["train", "bare"], ...alone)).code).toBe(0);
    expect(errorOf(await inProject(["generate", "bare"], ...alone)).code).toBe("TRANSFER_TEACHER");
    const student = ["models.vertical.teacher=mine", "models.vertical.transfer.technique=distill"];
    const ended = await inProject(["transfer", "vertical"], ...mine, ...student);
    expect(ended.code, ended.stdout).toBe(0);
  });

  it("learns by a loss of one's own", async () => {
    copyFileSync(join(ROOT, "examples/own-loss/focal.ts"), at("focal.ts"));
    const ended = await inProject(["train", "mine", "--run", "focal"], "objectives.click.loss=./focal.ts");
    expect(ended.code, ended.stdout).toBe(0);
    const { losses, modules } = JSON.parse(readFileSync(at("runs/focal/config.json"), "utf8"));
    expect(losses).toEqual({ click: "./focal.ts" });
    expect(Object.keys(modules)).toEqual(["./my-model.ts", "./focal.ts"]);
    // What a run is scored with is its model: the loss may be gone.
    rmSync(at("focal.ts"));
    expect((await inProject(["evaluate", "focal"])).code).toBe(0);
  });

  it("that has changed since is told", async () => {
    const whole = readFileSync(at("my-model.ts"), "utf8");
    appendFileSync(at("my-model.ts"), "\n// Another one.\n");
    for (const command of [
      ["train", "mine"],
      ["evaluate", "mine"],
      ["export", "mine"],
    ]) {
      const refused = errorOf(await inProject(command));
      expect(refused).toMatchObject({ code: "RUN_CHANGED", expected: expect.stringContaining("my-model.ts") });
    }
    writeFileSync(at("my-model.ts"), whole);
    expect((await inProject(["evaluate", "mine"])).code).toBe(0);
  });
});
