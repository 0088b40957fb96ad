import { describe, expect, it } from "vitest";
import { resolveConfig } from "../resolve.ts";
import type { UserConfig } from "../schema.ts";

const USER: UserConfig = {
  events: { from: "a.csv", user: "user_id", item: "ad_id", time: "ts", action: "action", surface: { value: "feed" } },
  objectives: { click: { from: "is_click" }, conversion: { from: "is_conversion", delay: "7d" } },
  split: { trainUntil: "2022-04-18", validationUntil: "2022-04-20", testUntil: "2022-04-22" },
  training: { epochs: 3 },
  models: { big: { kind: "foundation", history: 2048, training: { seed: 7 } }, base: { kind: "baseRate" } },
};
const FILE = "/project/lapidary.config.ts";
const resolved = () => resolveConfig(USER, FILE);

/** What holds where nothing is written. */
const TRAINING = {
  seed: 1,
  epochs: 1,
  globalBatchSize: 512,
  learningRate: 0.001,
  tableLearningRate: 0.05,
  weightDecay: 0,
  warmupRatio: 0.1,
  decayRatio: 0,
  clipNorm: 1,
  checkpointEverySteps: 200,
  threads: 0,
  order: "shuffled",
  examples: "all",
  objectiveWeights: {},
  sample: 1,
  precision: "float32",
  activations: "float32",
  fullPrecision: ["heads", "output"],
  tableL2: 0,
  embeddingDropout: 0,
  mlpDropout: 0,
  attentionDropout: 0,
  validateEverySteps: null,
  patience: null,
};
const TRANSFER = { technique: "none", labelScale: 1, gradientScale: 1, lossWeight: 1 };
const ARCHITECTURE = {
  interaction: "wukong",
  experts: 1,
  layerConnections: false,
  tokens: null,
  attention: "full",
  queryKeyNorm: false,
  pyramid: 1,
  deepHistory: null,
  interleaved: true,
  summary: ["cls", "pooled", "recent"],
  gates: "scaled",
  candidateAttention: true,
  vectorAttention: true,
  pairs: false,
  objectives: "specific",
  domains: "specific",
  streams: "one",
  events: "all",
};

describe("models", () => {
  it("gives a model what its kind has, and no more", () => {
    const { base, big } = resolved().models;
    expect(base).not.toHaveProperty("architecture");
    for (const key of ["teacher", "transfer", "options"]) {
      expect(base).not.toHaveProperty(key);
      expect(big).not.toHaveProperty(key);
    }
    expect(resolved().teaching).toEqual({});
  });

  it("merges the training of all models with that of one", () => {
    const { models } = resolved();
    expect(models["big"]).toEqual({
      kind: "foundation",
      size: "small",
      history: 2048,
      dim: null,
      layers: null,
      tableRows: "float32",
      tableStorage: "memory",
      minCount: 2,
      counters: null,
      surface: null,
      objectives: null,
      architecture: ARCHITECTURE,
      training: { ...TRAINING, epochs: 3, seed: 7 },
    });
    expect(models["base"]?.training).toEqual({ ...TRAINING, epochs: 3 });
  });

  it.each([
    [{ kind: "foundation", tableRows: "float8" }, "models.v.tableRows"],
    [{ kind: "logistic", teacher: "big" }, "models.v.teacher"],
    [{ kind: "baseRate", transfer: {} }, "models.v.transfer"],
    [{ kind: "foundation", teacher: "v" }, "models.v.teacher"],
    [{ kind: "previous", architecture: { experts: 2 } }, "models.v.architecture"],
    [{ kind: "wukong", architecture: { experts: 2 } }, "models.v.architecture"],
    [{ kind: "hstu", transfer: { technique: "distill" } }, "models.v.teacher"],
    [{ kind: "foundation", objectives: ["clack"] }, "models.v.objectives"],
    [{ kind: "foundation", layers: -1 }, "models.v.layers"],
    [{ kind: "previous", layers: 0 }, "models.v.layers"],
    [{ kind: "vertical", layers: 0 }, "models.v.layers"],
    [{ kind: "./mine.py" }, "models.v.kind"],
    [{ kind: "mine.ts" }, "models.v.kind"],
    [{ kind: "foundation", options: { width: 3 } }, "models.v.options"],
    [{ kind: "./mine.ts", architecture: { experts: 2 } }, "models.v.architecture"],
    [{ kind: "./mine.ts", options: { deep: [1, { at: () => 1 }] } }, "models.v.options.deep.1.at"],
    [{ kind: "./mine.ts", options: { rate: Number.NaN } }, "models.v.options.rate"],
    [{ kind: "./mine.ts", transfer: { technique: "distill" } }, "models.v.teacher"],
    [{ kind: "vertical", teacher: "base" }, "models.v.teacher"],
    [{ kind: "vertical", transfer: { technique: "distill" } }, "models.v.teacher"],
    [{ kind: "vertical", objectives: ["clack"] }, "models.v.objectives"],
    [{ kind: "vertical", teacher: "big", transfer: { technique: "adapter" } }, "models.v.training"],
    [{ kind: "previous", training: { objectiveWeights: { clack: 2 } } }, "models.v.training.objectiveWeights"],
  ] as const)("refuses %j", (model, where) => {
    const of = { ...USER, models: { ...USER.models, v: model } };
    const refused = expect.objectContaining({ code: "CONFIG_INVALID", where: `${FILE}: ${where}` });
    expect(() => resolveConfig(of, FILE)).toThrow(refused);
  });

  it.each([
    [{ kind: "previous", architecture: {} }, "nothing: only foundation models have it", "model of kind 'foundation'"],
    [{ kind: "foundation", options: {} }, "nothing: only models of your own have it", "Remove it."],
    [{ kind: "logistic", teacher: "big" }, "nothing: only previous, foundation, vertical", "kind 'previous', 'foun"],
  ])("says of %j which kinds have the key", (v, expected, hint) => {
    const facts = { expected: expect.stringContaining(expected), hint: expect.stringContaining(hint) };
    const refused = expect.objectContaining(facts);
    expect(() => resolveConfig({ ...USER, models: { ...USER.models, v } }, FILE)).toThrow(refused);
  });

  it("refuses teachers in a circle, and takes a chain of them", () => {
    const chain = (last: object) => ({
      ...USER.models,
      a: { kind: "vertical", teacher: "b" },
      b: { kind: "previous", teacher: "c" },
      c: { kind: "hstu", ...last },
    });
    const resolve = (last: object) => resolveConfig({ ...USER, models: chain(last) }, FILE).teaching;
    expect(resolve({})["b"]).toEqual({ teacher: "c", transfer: TRANSFER });
    expect(() => resolve({ teacher: "a" })).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", where: `${FILE}: models.a.teacher`, got: "a ← b ← c ← a" }),
    );
  });

  it("takes a model of one's own, as a student and as a teacher too", () => {
    const options = { width: 3, names: ["a", null], deep: { on: true } };
    const mine = { kind: "./models/mine.ts", options, teacher: "big", transfer: { technique: "auxiliary" } };
    const v = { kind: "vertical", teacher: "mine", transfer: { technique: "distill" } };
    const { models, teaching } = resolveConfig({ ...USER, models: { ...USER.models, mine, v } }, FILE);
    expect(models["mine"]).toMatchObject({ kind: "./models/mine.ts", options });
    expect(teaching).toEqual({
      mine: { teacher: "big", transfer: { ...TRANSFER, technique: "auxiliary" } },
      v: { teacher: "mine", transfer: { ...TRANSFER, technique: "distill" } },
    });
  });

  it("takes a student adapter that meets each label once, in order of time", () => {
    const training = { epochs: 1, order: "time" };
    const v = { kind: "vertical", teacher: "big", objectives: ["click"], transfer: { technique: "full" }, training };
    const { models, teaching } = resolveConfig({ ...USER, models: { ...USER.models, v } }, FILE);
    expect(models["v"]).toMatchObject({ kind: "vertical", objectives: ["click"], training });
    expect(teaching).toEqual({ v: { teacher: "big", transfer: { ...TRANSFER, technique: "full" } } });
  });
});
