import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeStore, projectIn, temporaryFolder, trainAlone, USER_CONFIG } from "../../../test/train/project.ts";
import type { ProjectConfig } from "../../config/project.ts";
import { ProcessMesh } from "../../distributed/index.ts";
import { objectivesOf } from "../../features/objectives.ts";
import { fromArray, type Tensor } from "../../torch/index.ts";
import { checkGrads, toBeClose } from "../../torch/testing.ts";
import { maskedLoss } from "../learner.ts";
import { loadModule } from "./load-module.ts";
import { type LossModule, type OwnLosses, tryLosses } from "./own-losses.ts";

const FOCAL = join(import.meta.dirname, "../../../../examples/own-loss/focal.ts");

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(async () => {
  folder = temporaryFolder();
  await makeStore(folder.path);
  copyFileSync(FOCAL, join(folder.path, "focal.ts"));
});
afterAll(() => folder[Symbol.dispose]());

const load = (path: `./${string}`): LossModule =>
  loadModule(folder.path, path, "loss").exports as unknown as LossModule;
const numbers = (...values: readonly number[]): Tensor => fromArray(Float64Array.from(values), [values.length]);
const focal = (z: number, y: number): number => {
  const p = y === 1 ? 1 / (1 + Math.exp(-z)) : 1 - 1 / (1 + Math.exp(-z));
  return -((1 - p) ** 2) * Math.log(p);
};

describe("the loss of examples/own-loss", () => {
  const [logits, labels] = [
    [-9, -1.5, 0, 0.3, 4, 9],
    [0, 1, 1, 0, 1, 1],
  ];

  it("is the formula of the paper", () => {
    const actual = load("./focal.ts").loss(numbers(...logits), numbers(...labels));
    toBeClose(
      actual,
      logits.map((z, i) => focal(z, labels[i] ?? 0)),
      { rtol: 1e-9 },
    );
  });

  it("has the gradient of finite differences", () => {
    const { loss } = load("./focal.ts");
    checkGrads((outputs) => loss(outputs, numbers(...labels)), [numbers(...logits)]);
  });
});

/** The loss of two objectives over three examples, one label unknown, of the second objective by its own. */
function lossWith(own: OwnLosses, weights: readonly number[] | null = null): number {
  const objectives = objectivesOf({ objectives: ["click", "buy"] });
  const column = (values: readonly number[]): Tensor => numbers(...values).reshape([3, 2]);
  const mask = Float32Array.of(1, 1, 1, 0, 1, 1);
  const over = { mesh: ProcessMesh.single(), weights, objectives, own };
  return maskedLoss(column([-1, 2, 0.5, 9, 1, -3]), { labels: column([0, 1, 1, 0, 1, 0]), mask }, over).item();
}

describe("a loss of one's own", () => {
  const logLoss = (z: number, y: number): number => Math.log1p(Math.exp(y === 1 ? -z : z));
  const plain = (logLoss(-1, 0) + logLoss(0.5, 1) + logLoss(1, 1)) / 3;
  const own = (focal(2, 1) + focal(-3, 0)) / 2;

  it("stands in the place of its objective's, over the labels that are known, by its weight", () => {
    const losses = { buy: { where: "focal.ts", module: load("./focal.ts") } };
    expect(lossWith({})).toBeCloseTo(plain + (logLoss(2, 1) + logLoss(-3, 0)) / 2, 12);
    expect(lossWith(losses)).toBeCloseTo(plain + own, 12);
    expect(lossWith(losses, [0.5, 3])).toBeCloseTo(0.5 * plain + 3 * own, 12);
  });

  it.each([
    ["export const loss = (outputs) => outputs.sum();", /\[10\]/, /tensor \[\]/],
    ["export const loss = () => 3;", /\[10\]/, /number/],
    ["export const loss = (outputs) => { throw new RangeError('no'); };", /to return/, /RangeError: no/],
    ["export const loss = (outputs) => outputs.log();", /finite losses/, /NaN/],
    ["export const loss = (outputs) => outputs.detach();", /of the outputs/, /constants/],
    ["export const loss = (outputs) => outputs.mul(0).abs().pow(0.5);", /finite gradient/, /NaN/],
  ])("is tried before it is learned by: %s", (source, expected, got) => {
    writeFileSync(join(folder.path, "tried.ts"), source);
    const named = { where: "tried.ts", module: load("./tried.ts") };
    const facts = { expected: expect.stringMatching(expected), got: expect.stringMatching(got) };
    expect(() => tryLosses({ click: named }, objectivesOf({ objectives: ["buy", "click"] }))).toThrow(
      expect.objectContaining({ code: "MODULE_RESULT", where: "tried.ts, loss", ...facts }),
    );
  });
});

describe("a training by a loss of one's own", () => {
  const { conversion, click } = USER_CONFIG.objectives;
  const projectWith = (loss?: `./${string}`): ProjectConfig =>
    projectIn(folder.path, {
      objectives: { conversion, click: { ...click, ...(loss === undefined ? {} : { loss }) } },
    });
  const run = (name: string, project: ProjectConfig) => trainAlone(project, { model: "previous", run: name });
  const summaryOf = (outcome: Awaited<ReturnType<typeof run>>) => {
    if (outcome.kind !== "finished") throw new Error("stopped");
    return outcome.summary;
  };

  it("is the built-in one's where the loss is", async () => {
    const source = "export const loss = (z, y) => z.softplus().sub(z.mul(y));\n";
    writeFileSync(join(folder.path, "plain.ts"), source);
    const builtIn = summaryOf(await run("built-in", projectWith()));
    const same = summaryOf(await run("same", projectWith("./plain.ts")));
    expect(same.lastLoss).toBeCloseTo(builtIn.lastLoss ?? Number.NaN, 4);
    const other = summaryOf(await run("other", projectWith("./focal.ts")));
    expect(other.lastLoss).toBeLessThan((builtIn.lastLoss ?? 0) * 0.9);
    // Its nats are not those of the base rates.
    expect(other.warnings.map(({ text }) => text).join()).not.toMatch(/base rates \d/);
  });

  it("is recorded, and a change of it is told", async () => {
    const config = JSON.parse(readFileSync(join(folder.path, "runs", "other", "config.json"), "utf8"));
    expect(config.losses).toEqual({ click: "./focal.ts" });
    expect(config.modules).toEqual({ "./focal.ts": expect.stringMatching(/^[0-9a-f]{64}$/) });
    await expect(run("other", projectWith())).rejects.toMatchObject({
      code: "RUN_CHANGED",
      expected: expect.stringContaining("objectives.click.loss ./focal.ts"),
    });
    const file = join(folder.path, "focal.ts");
    writeFileSync(file, readFileSync(file, "utf8").replace("GAMMA = 2", "GAMMA = 3"));
    await expect(run("other", projectWith("./focal.ts"))).rejects.toMatchObject({ code: "RUN_CHANGED" });
    copyFileSync(FOCAL, file);
    expect(await run("other", projectWith("./focal.ts"))).toMatchObject({ kind: "finished" });
  });

  it("is only of models that predict its objective", async () => {
    const models = { previous: { ...USER_CONFIG.models.previous, objectives: ["conversion"] } };
    const objectives = { conversion, click: { ...click, loss: "./absent.ts" } } as const;
    await run("conversion-only", projectIn(folder.path, { models, objectives }));
    await expect(run("absent", projectWith("./absent.ts"))).rejects.toMatchObject({ code: "MODULE_NOT_FOUND" });
  });
});
