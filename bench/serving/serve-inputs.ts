/** What both sides of `bench serve` are given: a model, the past of users, and requests. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DAY_MS } from "../../src/base/units.ts";
import { writeBundle } from "../../src/bundle/index.ts";
import { exportGraph, userRowsOf } from "../../src/export/index.ts";
import { UNCALIBRATED } from "../../src/features/calibration.ts";
import { deriveSpec } from "../../src/features/derive-spec.ts";
import { Dictionary } from "../../src/features/dictionary.ts";
import { type EventSchema, ORIGINS } from "../../src/features/schema.ts";
import type { FeatureSpec } from "../../src/features/spec.ts";
import { type RandomInteger, seededIntegers } from "../../src/metrics/comparison/random.ts";
import { sizesOf, Vertical } from "../../src/model/index.ts";
import { Initializer, parametersOf } from "../../src/nn/index.ts";
import { openOnlineStore, type ReportedEvent } from "../../src/serve/index.ts";
import { writeSafetensors } from "../../src/torch/files/safetensors.ts";
import { noGrad, RandomGenerator } from "../../src/torch/index.ts";

/** Users and items that the model knows, users that have a past, and how many events it has. */
const SIZES = { users: 50_000, items: 100_000, active: 2_000, history: 64 } as const;
/** Items to rank per request. */
export const NUM_CANDIDATES = 100;
const NUM_BODIES = 400;
const NOW_MS = Date.UTC(2026, 0, 15, 12);

const OBJECTIVES = ["click", "longView", "profileVisit", "comment"] as const;
const DELAYS_MS = [0, 60_000, DAY_MS, 7 * DAY_MS];

const SCHEMA: EventSchema = {
  attributes: [
    { name: "category", kind: "category" },
    { name: "duration", kind: "number" },
  ],
  outcomes: [
    ...OBJECTIVES.map((name, i) => ({ name, kind: "flag", delayMs: DELAYS_MS[i] ?? 0, objective: true }) as const),
    { name: "playTime", kind: "number", delayMs: 60_000, objective: false },
  ],
};

const numbered = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name}-${i}`);

/** The ids of each category in the order of their codes, from 1. */
const IDS = {
  user: numbered("user", SIZES.users),
  item: numbered("item", SIZES.items),
  action: ["view", "like", "share", "follow"],
  surface: ["feed", "search", "profile"],
  origin: ORIGINS,
  category: numbered("category", 200),
} as const;

/** Where the inputs are. */
export interface ServeInputs {
  /** Of our side. */
  readonly bundle: string;
  readonly store: string;
  /** One request per line. */
  readonly bodies: string;
  /** What the peer is told: its weights, and facts that it would read from a bundle. */
  readonly peer: {
    readonly weights: string;
    /** JSON lines of the events of all users. */
    readonly events: string;
    readonly spec: FeatureSpec;
    readonly schema: EventSchema;
    readonly ids: Readonly<Record<string, readonly string[]>>;
    readonly history: number;
    readonly sample: readonly string[];
  };
}

/** Writes everything that a run needs into a folder. */
export async function writeInputs(folder: string): Promise<ServeInputs> {
  const at = (name: string): string => join(folder, name);
  const spec = specOf();
  writeModel({ spec, bundle: at("bundle"), weights: at("weights.safetensors") });
  const random = seededIntegers(11);
  const events = drawEvents(random);
  await storeEvents(at("store"), events);
  writeFileSync(at("events.jsonl"), events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  const bodies = Array.from({ length: NUM_BODIES }, () => JSON.stringify(drawRequest(random)));
  writeFileSync(at("bodies.jsonl"), bodies.map((body) => `${body}\n`).join(""));
  const facts = { spec, schema: SCHEMA, ids: IDS, history: SIZES.history, sample: bodies.slice(0, 20) };
  return {
    bundle: at("bundle"),
    store: at("store"),
    bodies: at("bodies.jsonl"),
    peer: { weights: at("weights.safetensors"), events: at("events.jsonl"), ...facts },
  };
}

function specOf(): FeatureSpec {
  const cardinalities = Object.fromEntries(Object.entries(IDS).map(([name, ids]) => [name, ids.length + 1]));
  const moments = { duration: { mean: 3, deviation: 1 }, historyLength: { mean: 4, deviation: 1 } };
  return deriveSpec(SCHEMA, { cardinalities, moments });
}

/** The default size of a vertical model, as a bundle for us and as weights for the peer. */
function writeModel({ spec, bundle, weights }: { spec: FeatureSpec; bundle: string; weights: string }): void {
  const sizes = sizesOf({ size: "small", dim: null, layers: null });
  const model = Vertical.init(spec, sizes, new Initializer(RandomGenerator.seeded(7)));
  const { dense, tables } = parametersOf(model);
  // Rows as large as trained ones: with the initial ones a wrong history would hardly show in the probabilities.
  noGrad(() => tables.forEach(({ tensor }) => void tensor.mul_(25)));
  const dictionaries = Object.keys(IDS).map((name) => [name, `${name}.dictionary`] as const);
  const files = Object.entries(IDS).map(([name, ids]) => [`${name}.dictionary`, Dictionary.of(ids).encode()] as const);
  writeBundle(bundle, {
    facts: {
      model: { name: "bench", kind: "vertical", surface: null },
      spec,
      schema: SCHEMA,
      events: { earliestMs: 0, latestMs: 2 * NOW_MS, timeUnit: "ms", constants: {} },
      history: SIZES.history,
      graph: { file: "model.onnx", opset: 17, userRows: userRowsOf(model) },
      vocabularies: {},
      dictionaries: Object.fromEntries(dictionaries),
      calibration: OBJECTIVES.map(() => UNCALIBRATED),
      lineage: {},
      metrics: {},
    },
    files: { "model.onnx": exportGraph(model, spec, "bench"), ...Object.fromEntries(files) },
  });
  writeSafetensors(weights, Object.fromEntries([...dense, ...tables].map(({ name, tensor }) => [name, tensor])));
}

/** A number in [0, 1). */
const unit = (random: RandomInteger): number => random(2 ** 24) / 2 ** 24;

const oneOf = (ids: readonly string[], random: RandomInteger): string => ids[random(ids.length)] ?? "";

/** Facts of an item; a few items are far more common than the others. */
function drawItem(random: RandomInteger): Readonly<Record<string, string | number>> {
  return {
    item: IDS.item[Math.floor(SIZES.items * unit(random) ** 3)] ?? "",
    origin: oneOf(IDS.origin, random),
    category: oneOf(IDS.category, random),
    duration: random(60_000) / 1000,
  };
}

function drawEvents(random: RandomInteger): ReportedEvent[] {
  return Array.from({ length: SIZES.active * SIZES.history }, (_, i): ReportedEvent => {
    const outcomes = OBJECTIVES.map((name) => [name, random(5) === 0 ? 1 : 0]);
    const keys = { action: oneOf(IDS.action, random), surface: oneOf(IDS.surface, random) };
    return {
      user: `user-${Math.floor(i / SIZES.history)}`,
      id: `event-${i}`,
      timeMs: NOW_MS - 1 - Math.floor(60 * DAY_MS * unit(random) ** 4),
      facts: { ...drawItem(random), ...keys, ...Object.fromEntries(outcomes), playTime: random(60_000) / 1000 },
    };
  });
}

function drawRequest(random: RandomInteger): object {
  const candidates = Array.from({ length: NUM_CANDIDATES }, () => ({
    ...drawItem(random),
    bids: { click: (1 + random(500)) / 100 },
  }));
  const context = { surface: oneOf(IDS.surface, random) };
  return { user: `user-${random(SIZES.active)}`, time: NOW_MS + random(DAY_MS), context, candidates };
}

async function storeEvents(folder: string, events: readonly ReportedEvent[]): Promise<void> {
  const store = await openOnlineStore({ kind: "lmdb", at: folder });
  const step = 100 * SIZES.history;
  for (let i = 0; i < events.length; i += step) await store.append(events.slice(i, i + step));
  await store.close();
}
