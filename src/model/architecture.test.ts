/** Every choice of a foundation model's architecture, alone and with others: what must hold for all of them. */
import { beforeAll, describe, expect, test } from "vitest";
import type { ArchitectureConfig } from "../config/architecture.ts";
import { ORIGINS } from "../features/schema.ts";
import type { Batch, FeatureSpec } from "../features/spec.ts";
import { parametersOf } from "../nn/index.ts";
import { checkLayerGrads } from "../nn/testing.ts";
import { gradientOf, setThreads } from "../torch/index.ts";
import { toBeClose } from "../torch/testing.ts";
import type { Model } from "./model.ts";
import { partOf, TINY_SPEC, tinyBatch, tinyModel } from "./testing.ts";

/** The tiny spec with origins in its histories. */
const SPEC: FeatureSpec = {
  ...TINY_SPEC,
  history: [...TINY_SPEC.history, { name: "origin", table: "origin", cardinality: ORIGINS.length + 1 }],
};

function batchOf(lengths: readonly number[], seed?: number): Batch {
  const batch = tinyBatch(lengths, seed);
  const actions = batch.history.codes["action"] ?? new Int32Array(0);
  const origin = actions.map((code) => code % (ORIGINS.length + 1));
  return { ...batch, history: { ...batch.history, codes: { ...batch.history.codes, origin } } };
}

const CHOICES: Readonly<Record<string, Partial<ArchitectureConfig>>> = {
  defaults: {},
  dcn: { interaction: "dcn" },
  experts: { experts: 2 },
  "cross layers": { crossLayers: true },
  "pyramid of tokens": { tokens: [5, 3] },
  causal: { attention: "causal" },
  block: { attention: "block" },
  "semi-local": { attention: "semiLocal" },
  hstu: { attention: "hstu" },
  "query-key norm": { queryKeyNorm: true },
  pyramid: { pyramid: 2 },
  truncation: { deepHistory: 2 },
  "truncation without CLS": { deepHistory: 2, summary: ["pooled", "recent"] },
  "not interleaved": { interleaved: false },
  "no CLS": { summary: ["pooled", "recent"] },
  "CLS alone": { summary: ["cls"] },
  "squashed gates": { gates: "squashed" },
  "no gates": { gates: "none" },
  "no candidate attention": { candidateAttention: false },
  "shared surfaces": { domains: "shared" },
  "surface experts": { domains: "experts" },
  streams: { streams: "origin" },
  "ads alone": { events: "ad" },
  together: {
    ...{ experts: 2, crossLayers: true, attention: "hstu", pyramid: 3, deepHistory: 4, domains: "experts" },
    ...{ streams: "origin", queryKeyNorm: true },
  },
};

const modelOf = (architecture: Partial<ArchitectureConfig>, layers = 2): Model =>
  tinyModel("foundation", { architecture, spec: SPEC, layers });

beforeAll(() => setThreads(1));

describe.each(Object.entries(CHOICES))("%s", (_, architecture) => {
  test("gives finite logits, also without examples and for histories that are all empty", () => {
    const model = modelOf(architecture);
    for (const lengths of [[3, 0, 1, 6], [0, 0, 0], [70, 1], []]) {
      const logits = model.logits(batchOf(lengths));
      expect(logits.shape).toEqual([lengths.length, SPEC.objectives.length]);
      expect(logits.isfinite().all().item()).toBe(1);
    }
  });

  test("a candidate's score does not depend on the others of its batch", () => {
    const model = modelOf(architecture);
    const batch = batchOf([3, 0, 1, 40, 2]);
    const whole = model.logits(batch);
    for (let b = 0; b < batch.size; b++) {
      toBeClose(model.logits(partOf(batch, b, b + 1)), whole.slice(0, b, b + 1), { rtol: 1e-9, atol: 1e-9 });
    }
  });

  test("gradients reach every parameter of the surfaces that have examples", () => {
    const model = modelOf(architecture);
    const batch = batchOf([3, 5, 1, 6, 2, 9, 8, 70], 4);
    model.logits(batch).sigmoid().sum().backward();
    const seen = new Set(batch.contextual["surface"]);
    const unreached = parametersOf(model)
      .dense.filter(({ tensor }) => !((gradientOf(tensor)?.abs().amax().item() ?? 0) > 0))
      .map(({ name }) => name)
      .filter((name) => {
        const copy = /copies\.(\d)/.exec(name);
        return copy === null || seen.has(Number(copy[1]));
      });
    expect(unreached).toEqual([]);
  });

  test("gradients agree with differences of the whole model", () => {
    const batch = batchOf([3, 0, 1, 5]);
    checkLayerGrads(modelOf(architecture), (model) => model.logits(batch), { rtol: 1e-5, step: 1e-7 });
  });
});

describe("what histories hold", () => {
  const batch = batchOf([6, 4]);
  const changed = (origin: number): Batch => {
    const { codes, offsets } = batch.history;
    const origins = codes["origin"] ?? new Int32Array(0);
    const pastItem = codes["pastItem"]?.map((code, row) => (origins[row] === origin ? (code + 1) % 9 : code));
    return { ...batch, history: { offsets, codes: { ...codes, pastItem: pastItem ?? new Int32Array(0) } } };
  };
  const AD = 1 + ORIGINS.indexOf("ad");
  const ORGANIC = 1 + ORIGINS.indexOf("organic");

  test("of ads alone, an organic event changes nothing and an ad does", () => {
    const model = modelOf({ events: "ad" });
    const before = model.logits(batch);
    expect(model.logits(changed(ORGANIC)).equal(before)).toBe(true);
    expect(model.logits(changed(AD)).equal(before)).toBe(false);
  });

  test("of both, each kind of event changes the logits", () => {
    for (const streams of ["one", "origin"] as const) {
      const model = modelOf({ streams });
      const before = model.logits(batch);
      for (const origin of [AD, ORGANIC]) expect(model.logits(changed(origin)).equal(before)).toBe(false);
    }
  });
});
