import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { makeStore, projectIn, resultOf, temporaryFolder, trainAlone, USER_CONFIG } from "../../test/train/project.ts";
import type { TransferTechnique } from "../config/model/transfer.ts";
import type { ProjectConfig } from "../config/project.ts";
import { ProcessMesh } from "../distributed/index.ts";
import { evaluateRuns } from "../evaluate/index.ts";
import { sha256 } from "../files/digest.ts";
import { Foundation } from "../model/index.ts";
import { readSafetensors } from "../torch/files/safetensors.ts";
import { Scope } from "../torch/index.ts";
import { knowledgeFor } from "./knowledge-in-use.ts";
import { generateSliced } from "./slices.ts";
import { type TransferOptions, transfer } from "./transfer.ts";

const UPDATES = 12;

let folder: ReturnType<typeof temporaryFolder>;
let project: ProjectConfig;
const mesh = ProcessMesh.single();
beforeAll(async () => {
  folder = temporaryFolder();
  project = await makeStore(folder.path);
  await generateSliced(project, { teacher: "foundation", mesh });
});
afterAll(() => folder[Symbol.dispose]());

const at = (run: string): string => join(project.runs, run);

/** The project with another technique, and a second vertical model beside the first. */
function withTechnique(technique: TransferTechnique): ProjectConfig {
  const { vertical } = USER_CONFIG.models;
  const changed = { ...vertical, transfer: { ...vertical.transfer, technique } };
  const second = { ...changed, objectives: ["conversion"] };
  return projectIn(folder.path, { models: { ...USER_CONFIG.models, vertical: changed, second } });
}

const run = (of: ProjectConfig, options: Omit<TransferOptions, "mesh">) => transfer(of, { ...options, mesh });

function stopAfter(updates: number): Pick<TransferOptions, "signal" | "onProgress"> {
  const stop = new AbortController();
  return { signal: stop.signal, onProgress: ({ step }) => (step >= updates ? stop.abort() : undefined) };
}

describe.each(["distill", "auxiliary", "adapter", "representations", "full"] as const)(
  "transfer by %s",
  (technique) => {
    it("serves with a model of the same shape as one alone, and is scored", async () => {
      const of = withTechnique(technique);
      await trainAlone(of, { model: "vertical" });
      await run(of, { model: "vertical" });
      const name = `vertical-${technique}`;
      const shapes = (of: string) => {
        using _ = new Scope();
        const { tensors } = readSafetensors(join(at(of), "checkpoints", "best", "tensors.safetensors"));
        const model = Object.entries(tensors).filter(([tensor]) => tensor.startsWith("model."));
        return Object.fromEntries(model.map(([tensor, { shape }]) => [tensor, shape]));
      };
      const isWider = technique === "representations" || technique === "full";
      const expected = shapes("vertical");
      const [width, inputs] = expected["model.userMap.weight"] ?? [];
      if (isWider) expected["model.userMap.weight"] = [width ?? 0, (inputs ?? 0) + 4];
      expect(shapes(name)).toEqual(expected);
      const enrichFor = knowledgeFor(of);
      const runs = ["vertical", name];
      const { transfers, runs: scored } = await evaluateRuns(of, { runs, split: "test", enrichFor });
      expect(transfers).toEqual([]);
      expect(scored[1]?.summary?.denseParameters).toBe(
        (scored[0]?.summary?.denseParameters ?? 0) + (isWider ? 4 * 16 : 0),
      );
    });

    it.each([5, UPDATES])("that is stopped after %i updates ends with the bits of one that is not", async (updates) => {
      const of = withTechnique(technique);
      const name = `stopped-${technique}-${updates}`;
      const stopped = await run(of, { model: "vertical", run: name, ...stopAfter(updates) });
      expect(stopped).toEqual({ kind: "stopped", step: updates });
      await run(of, { model: "vertical", run: name });
      const [once, twice] = [resultOf(at(`vertical-${technique}`)), resultOf(at(name))];
      expect(twice.curve).toEqual(once.curve);
      expect(twice.tensors["best"]).toBe(once.tensors["best"]);
    });
  },
);

describe("transfer", () => {
  it("of two vertical models costs the teacher one pass", async () => {
    const represent = vi.spyOn(Foundation.prototype, "represent");
    const of = withTechnique("full");
    const generated = await generateSliced(of, { teacher: "foundation", mesh });
    expect(generated).toMatchObject({ kind: "finished", generated: { scored: 0 } });
    await run(of, { model: "vertical", run: "first-of-two" });
    await run(of, { model: "second", run: "second-of-two" });
    expect(represent).not.toHaveBeenCalled();
    represent.mockRestore();
    const { runs } = await evaluateRuns(of, { runs: ["second-of-two"], split: "test", enrichFor: knowledgeFor(of) });
    expect(Object.keys(runs[0]?.objectives ?? {})).toEqual(["conversion"]);
  });

  it("by no technique, and training alone, read nothing of a teacher", async () => {
    const of = { ...withTechnique("none"), knowledge: join(folder.path, "absent") };
    await run(of, { model: "vertical", run: "by-none" });
    await trainAlone({ ...withTechnique("full"), knowledge: of.knowledge }, { model: "vertical", run: "alone" });
    expect(resultOf(at("by-none"))).toEqual(resultOf(at("alone")));
  });

  it("reports the ratio of what it was worth", async () => {
    const of = withTechnique("full");
    await trainAlone(of, { model: "foundation" });
    const runs = ["vertical-full", "foundation", "vertical"];
    const evaluation = await evaluateRuns(of, { runs, split: "test", enrichFor: knowledgeFor(of) });
    const click = (name: string) =>
      evaluation.runs.find((scored) => scored.run === name)?.objectives["click"]?.overall.normalizedEntropy ?? 0;
    const gain = click("vertical") - click("foundation");
    const expected = gain > 0 ? (click("vertical") - click("vertical-full")) / gain : null;
    const [only] = evaluation.transfers;
    expect(only).toMatchObject({ run: "vertical-full", alone: "vertical", teacher: "foundation" });
    expect(only?.ratios["click"]).toBe(expected);
  });

  it("refuses a model without a teacher, absent knowledge, and that of other events", async () => {
    const full = withTechnique("full");
    await expect(run(full, { model: "previous" })).resolves.toMatchObject({ kind: "finished" });
    const absent = { ...full, knowledge: join(folder.path, "absent") };
    await expect(run(absent, { model: "vertical", run: "a" })).rejects.toMatchObject({ code: "KNOWLEDGE_NOT_FOUND" });
    const current = join(project.knowledge, "foundation", "CURRENT");
    const pointer = readFileSync(current, "utf8");
    const manifest = join(project.knowledge, "foundation", pointer.split(" ")[0] ?? "", "manifest.json");
    const whole = readFileSync(manifest, "utf8");
    const forge = (facts: Readonly<Record<string, string>>): void => {
      const text = JSON.stringify({ ...JSON.parse(whole), ...facts });
      writeFileSync(manifest, text);
      writeFileSync(current, pointer.replace(/[0-9a-f]{64}/, sha256(text)));
    };
    forge({ events: "others" });
    await expect(run(full, { model: "vertical", run: "b" })).rejects.toMatchObject({ code: "KNOWLEDGE_CHANGED" });
    forge({ id: "another" });
    const scored = evaluateRuns(full, { runs: ["vertical-full"], split: "test", enrichFor: knowledgeFor(full) });
    await expect(scored).rejects.toMatchObject({ code: "KNOWLEDGE_CHANGED" });
    writeFileSync(manifest, whole);
    writeFileSync(current, pointer);
  });
});
