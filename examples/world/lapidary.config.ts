import { defineProject } from "lapidary";

/** Likes, clicks and looks belong to the impression itself: what came of it is known when a session has long ended. */
const delay = "30m";
/** Conversions are attributed to an ad for as long as the world does it. */
const window = "3d";

/** Share of the training window that studies learn from: longer than a conversion may take, or none is known in it. */
const DATA = 0.5;

/** A synthetic world of three surfaces, four weeks long, whose truth is known. What each value means: world-schema.ts. */
export default defineProject({
  about:
    "A synthetic world (`lapidary simulate`): people with lasting and passing interests and with intents to buy, posts " +
    "and ads on three surfaces. The row `truth` has the probabilities that the outcomes were drawn from; they know " +
    "people's moods and intents, so no model can reach them.",
  // Clicks and purchases three times as often as by default: a world this small would else hold 10 conversions in its
  // validation days, whose NE says nothing.
  world: {
    ...{ seed: 1, users: 800, firstDay: "2026-01-05", days: 28, conversion: { window } },
    surfaces: {
      feed: { clickRate: 0.12, conversionRate: 0.35 },
      stories: { clickRate: 0.06, conversionRate: 0.3 },
      messaging: { clickRate: 0.08, conversionRate: 0.4 },
    },
  },
  events: {
    from: "world/log/*.parquet",
    id: "event_id",
    user: "user_id",
    item: "item_id",
    time: "time",
    action: "action",
    surface: "surface",
    origin: "origin",
    attributes: {
      author: { from: "author_id", kind: "category" },
      format: "category",
      topic: "category",
      ageBand: { from: "age_band", kind: "category" },
      device: "category",
      position: "number",
      creative0: { from: "creative_0", kind: "number" },
      creative1: { from: "creative_1", kind: "number" },
      creative2: { from: "creative_2", kind: "number" },
      creative3: { from: "creative_3", kind: "number" },
    },
    // Never predicted, but read of past events.
    outcomes: {
      view: { from: "is_view", kind: "flag", delay },
      dwell: { from: "dwell_s", kind: "number", delay },
      comment: { from: "is_comment", kind: "flag", delay },
      share: { from: "is_share", kind: "flag", delay },
    },
  },
  objectives: {
    // Of ads: posts have no value there.
    click: { from: "is_click", delay },
    conversion: { from: "is_conversion", delay: window },
    // Of ads and posts.
    like: { from: "is_like", delay },
  },
  // Three weeks to learn from, three days for every choice, four to report on once.
  split: { trainUntil: "2026-01-26", validationUntil: "2026-01-29", testUntil: "2026-02-02" },
  // The best of a handful of settings for both families, by one seed on the validation days (docs/log, 2026-11-26).
  training: { globalBatchSize: 256, learningRate: 2e-3, tableLearningRate: 0.05, decayRatio: 0.3 },
  models: {
    baseRate: { kind: "baseRate" },
    logistic: { kind: "logistic", training: { learningRate: 0.01 } },
    previous: { kind: "previous", size: "small", history: 64 },
    din: { kind: "din", size: "small", history: 64 },
    sasrec: { kind: "sasrec", size: "small", history: 64 },
    hstu: { kind: "hstu", size: "small", history: 64 },
    wukong: { kind: "wukong", size: "small" },
    mmoe: { kind: "mmoe", size: "small", history: 64 },
    ple: { kind: "ple", size: "small", history: 64 },
    star: { kind: "star", size: "small", history: 64 },
    foundation: {
      kind: "foundation",
      size: "small",
      history: 128,
      architecture: { deepHistory: 32 },
      training: { learningRate: 1e-3 },
    },
  },
  studies: {
    scaling: {
      kind: "scaling",
      models: ["previous", "foundation"],
      sizes: ["tiny", "small", "medium"],
      data: [DATA],
      window: "test",
    },
    baselines: {
      kind: "scaling",
      models: ["previous", "din", "sasrec", "hstu", "wukong", "mmoe", "ple", "star", "foundation"],
      sizes: ["small"],
      data: [DATA],
      window: "test",
    },
    ablation: {
      kind: "ablation",
      model: "foundation",
      data: DATA,
      seeds: [1, 2],
      window: "test",
      variants: {
        noInterleaving: { architecture: { interleaved: false } },
        noPooling: { architecture: { summary: ["cls", "recent"] } },
        noCls: { architecture: { summary: ["pooled", "recent"] } },
        noRecent: { architecture: { summary: ["cls", "pooled"] } },
        noGates: { architecture: { gates: "none" } },
        sharedSurfaces: { architecture: { domains: "shared" } },
        surfaceExperts: { architecture: { domains: "experts" } },
        surfacesApart: { apart: true },
        adsInHistory: { architecture: { events: "ad" } },
        history16: { history: 16 },
        history64: { history: 64 },
        history256: { history: 256 },
        deep128: { architecture: { deepHistory: 128 } },
        pyramid: { architecture: { pyramid: 2 } },
        causal: { architecture: { attention: "causal" } },
        hstu: { architecture: { attention: "hstu" } },
        layerConnections: { architecture: { layerConnections: true } },
        noCandidateAttention: { architecture: { candidateAttention: false } },
      },
    },
    light: { kind: "lightweight", of: "ablation", light: { dim: 4 } },
  },
});
