import { describe, expect, it } from "vitest";
import { ARCHITECTURE_DEFAULTS } from "../model/architecture.ts";
import { resolveConfig } from "../resolve.ts";
import type { AblationStudy, LightweightStudy } from "./studies.ts";

const FILE = "/project/lapidary.config.json";
const USER = {
  events: { from: "a.csv", user: "u", item: "i", time: "t", action: { value: "a" }, surface: { value: "s" } },
  objectives: { click: {} },
  split: { trainUntil: "2022-04-18", validationUntil: "2022-04-20", testUntil: "2022-04-22" },
  training: { globalBatchSize: 64 },
  models: {
    previous: { kind: "previous" },
    wide: { kind: "previous", dim: 32 },
    foundation: { kind: "foundation", history: 256, architecture: { experts: 2 }, training: { learningRate: 0.01 } },
  },
};
const ABLATION = {
  kind: "ablation",
  model: "foundation",
  variants: { plain: { architecture: { interleaved: false } }, short: { history: 16 }, apart: { apart: true } },
};

const resolved = (studies: unknown) => resolveConfig({ ...USER, studies }, FILE).studies;

describe("studies", () => {
  it("are none unless they are written", () => {
    expect(resolveConfig(USER, FILE).studies).toEqual({});
  });

  it("have their defaults: three seeds, all data, and never the test window", () => {
    const scaling = { kind: "scaling", models: ["previous", "foundation"], sizes: ["tiny", "small"] };
    const sizes = { previous: scaling.sizes, foundation: scaling.sizes };
    const defaults = { data: [1], dataFrom: "newest", seeds: [1, 2, 3], window: "validation" };
    expect(resolved({ scaling })["scaling"]).toEqual({ ...scaling, sizes, ...defaults });
    const sorted = resolved({ scaling: { ...scaling, data: [1, 0.25, 0.5] } })["scaling"];
    expect(sorted).toMatchObject({ data: [0.25, 0.5, 1] });
  });

  it("make a whole model of every variant, the unchanged one first", () => {
    const { variants, ...rest } = resolved({ a: ABLATION })["a"] as AblationStudy;
    expect(rest).toEqual({ kind: "ablation", model: "foundation", data: 1, seeds: [1, 2, 3], window: "validation" });
    const { models } = resolveConfig(USER, FILE);
    expect(variants["unchanged"]).toEqual({ apart: false, model: models["foundation"] });
    expect(Object.keys(variants)).toEqual(["unchanged", "plain", "short", "apart"]);
    // What the model has of its own stays.
    expect(variants["plain"]?.model).toEqual({
      ...models["foundation"],
      architecture: { ...ARCHITECTURE_DEFAULTS, experts: 2, interleaved: false },
    });
    expect(variants["short"]?.model.history).toBe(16);
    expect(variants["apart"]).toEqual({ apart: true, model: models["foundation"] });
  });

  it("lighten every variant of an ablation, whose own change has the last word", () => {
    const light = { kind: "lightweight", of: "a", light: { size: "tiny", history: 32 }, data: 0.5 };
    const { of, light: study } = resolved({ light, a: { ...ABLATION, seeds: [7] } })["light"] as LightweightStudy;
    expect(of).toBe("a");
    expect(study).toMatchObject({ kind: "ablation", model: "foundation", data: 0.5, seeds: [7], window: "validation" });
    expect(study.variants["plain"]?.model).toMatchObject({
      size: "tiny",
      history: 32,
      architecture: { interleaved: false },
    });
    expect(study.variants["short"]?.model).toMatchObject({ size: "tiny", history: 16 });
  });

  it("learn from a day at a time, to the end unless there is a target", () => {
    const study = { kind: "target", model: "previous" };
    const defaults = {
      kind: "target",
      model: "previous",
      everyMs: 86_400_000,
      metric: "normalizedEntropy",
      seeds: [1, 2, 3],
    };
    expect(resolved({ study })["study"]).toEqual({ ...defaults, target: null, objective: null });
    const told = { ...study, every: "30m", target: 0.9, objective: "click" };
    expect(resolved({ told })["told"]).toEqual({ ...defaults, everyMs: 1_800_000, target: 0.9, objective: "click" });
  });

  it("takes the sizes of all families, or of each", () => {
    const of = { kind: "scaling", models: ["previous", "foundation"] } as const;
    const each = { previous: ["tiny", "large"], foundation: ["small"] } as const;
    const { all, apart } = resolved({ all: { ...of, sizes: ["tiny"] }, apart: { ...of, sizes: each } });
    expect(all).toMatchObject({ sizes: { previous: ["tiny"], foundation: ["tiny"] } });
    expect(apart).toMatchObject({ sizes: each });
  });

  it("take a family without layers, which grows in width, but none with layers of its own", () => {
    const study = { kind: "scaling", models: ["flat"], sizes: ["tiny", "small"] };
    const withLayers = (layers: number) =>
      resolveConfig({ ...USER, models: { flat: { kind: "foundation", layers } }, studies: { study } }, FILE);
    expect(withLayers(0).studies["study"]).toMatchObject({ sizes: { flat: ["tiny", "small"] } });
    const where = expect.stringContaining("studies.study.models");
    expect(() => withLayers(2)).toThrow(expect.objectContaining({ where, got: "flat with layers 2" }));
  });

  const scaling = { kind: "scaling", models: ["previous"], sizes: ["tiny"] };
  it.each([
    {
      studies: { s: { ...scaling, kind: "scalling" } },
      where: "s.kind",
      expected: /'scaling', 'ablation', 'lightweight'.*'target'/,
      code: "CONFIG_INVALID",
    },
    { studies: { s: { ...scaling, sizes: ["huge"] } }, where: "s.sizes.0", expected: /tiny/, code: "CONFIG_INVALID" },
    {
      studies: { s: { ...scaling, sizes: { previous: ["tiny"], wide: ["tiny"] } } },
      where: "s.sizes.wide",
      expected: /a family: previous/,
      code: "CONFIG_INVALID",
    },
    {
      studies: { s: { ...scaling, models: ["previous", "foundation"], sizes: { previous: ["tiny"] } } },
      where: "s.sizes",
      expected: /sizes of foundation/,
      code: "CONFIG_INVALID",
    },
    { studies: { s: { ...scaling, size: "tiny" } }, where: "s.size", expected: /sizes/, code: "CONFIG_UNKNOWN_KEY" },
    { studies: { s: { ...scaling, data: [0] } }, where: "s.data.0", expected: /above 0/, code: "CONFIG_INVALID" },
    {
      studies: { s: { ...scaling, window: "train" } },
      where: "s.window",
      expected: /validation/,
      code: "CONFIG_INVALID",
    },
    {
      studies: { s: { ...scaling, models: ["previuos"] } },
      where: "s.models",
      expected: /a model: previous, wide, foundation/,
      code: "CONFIG_INVALID",
    },
    {
      studies: { s: { ...scaling, models: ["wide"] } },
      where: "s.models",
      expected: /without `dim`/,
      code: "CONFIG_INVALID",
    },
    { studies: { a: { ...ABLATION, model: "none" } }, where: "a.model", expected: /a model/, code: "CONFIG_INVALID" },
    {
      studies: { a: { ...ABLATION, variants: {} } },
      where: "a.variants",
      expected: /at least one key/,
      code: "CONFIG_INVALID",
    },
    {
      studies: { a: { ...ABLATION, variants: { unchanged: {} } } },
      where: "a.variants.unchanged",
      expected: /another name/,
      code: "CONFIG_INVALID",
    },
    {
      studies: { a: { ...ABLATION, variants: { v: { training: { epochs: 2 } } } } },
      where: "a.variants.v.training.epochs",
      expected: /one of/,
      code: "CONFIG_UNKNOWN_KEY",
    },
    {
      studies: { a: { ...ABLATION, variants: { v: { apart: 1 } } } },
      where: "a.variants.v.apart",
      expected: /true or false/,
      code: "CONFIG_INVALID",
    },
    {
      studies: { a: { ...ABLATION, model: "previous" } },
      where: "a.variants.plain.architecture",
      expected: /only foundation/,
      code: "CONFIG_INVALID",
    },
    {
      studies: { t: { kind: "target", model: "previous", every: "0s" } },
      where: "t.every",
      expected: /a duration above 0/,
      code: "CONFIG_INVALID",
    },
    {
      studies: { t: { kind: "target", model: "previous", objective: "like" } },
      where: "t.objective",
      expected: /one of click/,
      code: "CONFIG_INVALID",
    },
    {
      studies: { l: { kind: "lightweight", of: "a", light: {} } },
      where: "l.of",
      expected: /there is none/,
      code: "CONFIG_INVALID",
    },
  ] as const)("refuse $studies", ({ studies, where, expected, code }) => {
    const refused = expect.objectContaining({
      ...{ code, where: `${FILE}: studies.${where}` },
      expected: expect.stringMatching(expected),
    });
    expect(() => resolved(studies)).toThrow(refused);
  });
});
