/** A small foundation model in every choice of its architecture. */
import type { ArchitectureConfig } from "../config/model/architecture.ts";
import { ORIGINS } from "../features/schema.ts";
import type { Batch, FeatureSpec } from "../features/spec.ts";
import type { Model } from "./model.ts";
import { TINY_SPEC, tinyBatch, tinyModel } from "./testing.ts";

/** The tiny spec with origins in its histories. */
export const CHOICE_SPEC: FeatureSpec = {
  ...TINY_SPEC,
  history: [...TINY_SPEC.history, { name: "origin", table: "origin", cardinality: ORIGINS.length + 1 }],
};

/** Random examples of {@link CHOICE_SPEC}. */
export function choiceBatch(lengths: readonly number[], seed?: number): Batch {
  const batch = tinyBatch(lengths, seed);
  const actions = batch.history.codes["action"] ?? new Int32Array(0);
  const origin = actions.map((code) => code % (ORIGINS.length + 1));
  return { ...batch, history: { ...batch.history, codes: { ...batch.history.codes, origin } } };
}

/** Choices of an architecture, alone and together. */
export const CHOICES: Readonly<Record<string, Partial<ArchitectureConfig>>> = {
  defaults: {},
  dcn: { interaction: "dcn" },
  experts: { experts: 2 },
  "layer connections": { layerConnections: true },
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
  "the products of all pairs": { pairs: true },
  "one head of all objectives": { objectives: "shared" },
  "no CLS": { summary: ["pooled", "recent"] },
  "CLS alone": { summary: ["cls"] },
  "squashed gates": { gates: "squashed" },
  "no gates": { gates: "none" },
  "no candidate attention": { candidateAttention: false },
  "no vector attention": { vectorAttention: false },
  "shared surfaces": { domains: "shared" },
  "surface experts": { domains: "experts" },
  streams: { streams: "origin" },
  "ads alone": { events: "ad" },
  together: {
    ...{ experts: 2, layerConnections: true, attention: "hstu", pyramid: 3, deepHistory: 4, domains: "experts" },
    ...{ streams: "origin", queryKeyNorm: true },
  },
};

/** A tiny foundation model of {@link CHOICE_SPEC}. */
export const choiceModel = (architecture: Partial<ArchitectureConfig>, layers = 2): Model =>
  tinyModel("foundation", { architecture, spec: CHOICE_SPEC, layers });
