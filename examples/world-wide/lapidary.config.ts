import { defineProject } from "lapidary";

/** Likes, clicks and looks belong to the impression itself: what came of it is known when a session has long ended. */
const delay = "30m";
/** Conversions are attributed to an ad for as long as the world does it. */
const window = "3d";

/** What all items of a maker have in common is half of how good they are: it is known when a new one comes. */
const quality = { qualitySpread: 0.5, skillSpread: 0.5 };

/** What past clicks, likes and seconds of a look have in common with a candidate, by name. */
const counted: Readonly<Record<string, string[]>> = {
  user: ["user"],
  item: ["item"],
  author: ["author"],
  topic: ["topic"],
  userTopic: ["user", "topic"],
  userAuthor: ["user", "author"],
  userFormat: ["user", "format"],
  userSurface: ["user", "surface"],
};
const counters = Object.fromEntries(
  ["click", "like", "dwell"].flatMap((of) =>
    Object.entries(counted).map(([name, by]) => [`${name}_${of}`, { of, by, windows: ["1d", "7d", "all"] }]),
  ),
);

/** What a log tells of each person and item beside all this: together they say more than each, to who has the room. */
const traits = { ofPeople: 4, ofItems: 3, values: 8, spread: 0.8 };
/** The same in all events of a person: histories need not say it again. */
const ofPerson = { kind: "category", history: false } as const;
const traitAttributes = Object.fromEntries([
  ...Array.from({ length: traits.ofPeople }, (_, i) => {
    return [`personTrait${i}`, { from: `person_trait_${i}`, ...ofPerson }] as const;
  }),
  ...Array.from({ length: traits.ofItems }, (_, i) => {
    return [`itemTrait${i}`, { from: `item_trait_${i}`, kind: "category" }] as const;
  }),
]);

/** As a candidate's history and rates suit each family, of the sizes that studies give. */
const previous = { kind: "previous", size: "small", history: 256 } as const;
const foundation = {
  kind: "foundation",
  size: "small",
  // With 256 events the validation NE is 0.006 worse; 1,024 are about a quarter more FLOPs, and nearly twice the rows.
  history: 1024,
  // Two layers bring nothing that its attentions do not see, at 1.6 times the FLOPs (docs/decisions/0035).
  layers: 0,
  architecture: { deepHistory: 32 },
  training: { learningRate: 1e-3 },
} as const;

/**
 * A world in which capacity and data can pay: many people of whom most do little, many topics that are only partly
 * logged, a creative that has to be read, traits that count in pairs, tastes that no product of vectors gives, base rates
 * that drift. Make it with
 * `lapidary simulate --oracles`, and look at what could be known of it with `lapidary evaluate`.
 */
export default defineProject({
  about:
    "A synthetic world (`lapidary simulate --oracles`) of 20,000 people, 480 topics and creatives of 32 numbers. The row " +
    "`truth` has the probabilities that the outcomes were drawn from; the rows below it know all but what they name. No " +
    "model can reach the truth: `without mood, intents` is what could be learned.",
  world: {
    ...{ seed: 1, users: 20_000, firstDay: "2026-01-05", days: 28 },
    people: {
      // Intervals over people shrink with their number; the busy ones keep histories of thousands of events.
      ...{ sessionsPerDay: 1.5, activitySpread: 0.9 },
      // Interests are what can be learned; those that pass are why freshness and short histories matter.
      ...{ interests: 8, interestRatio: 0.8, passingInterests: 2, passingDays: 8 },
      // One topic of 480 fits rarely: those that fit count for more, and a person's are close to each other, so that the
      // policy finds them. With less of either, interests were 11 points of what could be known of clicks, not 30.
      ...{ interestStrength: 30, interestCloseness: 0.7 },
      tasteSpread: 0.5,
    },
    // 480 directions fit no few dimensions, and the label is wrong too often to do without the creative and the author.
    topics: {
      ...{ groups: 40, perGroup: 12, labelAccuracy: 0.6, trendSpread: 0.4, trendDays: 7 },
      ...{ creativeDim: 32, creativeNoise: 0.5 },
    },
    traits,
    ads: { perDay: 200, makers: 600, ...quality },
    posts: { perDay: 2000, makers: 4000, ...quality },
    // Of so many topics few things fit a person: the policy looks at more of them.
    policy: { candidates: 24, exploration: 0.1 },
    conversion: { window, log: true },
    drift: { spread: 0.25, days: 5 },
    surfaces: {
      feed: { clickRate: 0.15, conversionRate: 0.35 },
      stories: { clickRate: 0.075, conversionRate: 0.3 },
      messaging: { clickRate: 0.1, conversionRate: 0.4 },
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
      campaign: { from: "campaign_id", kind: "category" },
      format: "category",
      topic: "category",
      creative: { kind: "vector", dim: 32 },
      ageBand: { from: "age_band", ...ofPerson },
      country: ofPerson,
      device: ofPerson,
      ...traitAttributes,
      position: "number",
    },
    // Never predicted, but read of past events.
    outcomes: {
      view: { from: "is_view", kind: "flag", delay },
      dwell: { from: "dwell_s", kind: "number", delay },
      comment: { from: "is_comment", kind: "flag", delay },
      share: { from: "is_share", kind: "flag", delay },
      // The conversions once more, as events of their own: histories know each when it happens, its label waits.
      bought: { log: "world/conversions/*.parquet", id: "event_id", time: "time", window },
    },
  },
  objectives: {
    // Of ads: posts have no value there.
    click: { from: "is_click", delay },
    conversion: { from: "is_conversion", delay: window },
    // Of ads and posts.
    like: { from: "is_like", delay },
  },
  // Twenty days to learn from, four for every choice, four to report on once.
  split: { trainUntil: "2026-01-25", validationUntil: "2026-01-29", testUntil: "2026-02-02" },
  // A quarter of the examples, of all days and people; histories hold every event.
  training: { sample: 0.25, globalBatchSize: 256, learningRate: 2e-3, tableLearningRate: 0.05, decayRatio: 0.3 },
  evaluation: { sample: 0.25 },
  counters,
  models: {
    baseRate: { kind: "baseRate" },
    // Neither these nor `wukong` read histories: one event, so that none are gathered.
    counters: { kind: "counters", size: "medium", history: 1 },
    previous,
    previousWithoutCounters: { ...previous, counters: [] },
    din: { kind: "din", size: "small", history: 256 },
    wukong: { kind: "wukong", size: "small", history: 1 },
    foundation,
    foundationWithoutCounters: { ...foundation, counters: [] },
  },
  // On validation days, where choices are made; `--set studies.NAME.window=test` is for results, once.
  studies: {
    scaling: {
      kind: "scaling",
      models: ["previous", "foundation"],
      sizes: ["tiny", "small", "medium", "large"],
      data: [0.25, 0.5, 1],
      dataFrom: "sample",
      seeds: [1, 2],
    },
    baselines: {
      kind: "scaling",
      models: [
        "previous",
        "counters",
        "previousWithoutCounters",
        "din",
        "wukong",
        "foundationWithoutCounters",
        "foundation",
      ],
      sizes: ["small"],
    },
    ablation: {
      kind: "ablation",
      model: "foundation",
      seeds: [1, 2],
      variants: {
        twoLayers: { layers: 2 },
        // Parts of layers: what they bring is their distance to `twoLayers`.
        notInterleaved: { layers: 2, architecture: { interleaved: false } },
        dcn: { layers: 2, architecture: { interaction: "dcn" } },
        hstu: { layers: 2, architecture: { attention: "hstu" } },
        noVectorAttention: { architecture: { vectorAttention: false } },
        noCandidateAttention: { architecture: { candidateAttention: false } },
        neitherAttention: { architecture: { candidateAttention: false, vectorAttention: false } },
        noPooling: { architecture: { summary: ["cls", "recent"] } },
        noCls: { architecture: { summary: ["pooled", "recent"] } },
        noRecent: { architecture: { summary: ["cls", "pooled"] } },
        noGates: { architecture: { gates: "none" } },
        sharedSurfaces: { architecture: { domains: "shared" } },
        surfacesApart: { apart: true },
        adExamples: { training: { examples: "ad" } },
        noOrganic: { architecture: { events: "ad" }, training: { examples: "ad" } },
        history64: { history: 64 },
        history256: { history: 256 },
        historyAll: { history: 4096 },
      },
    },
    light: { kind: "lightweight", of: "ablation", light: { dim: 8 } },
    target: { kind: "target", model: "foundation" },
  },
});
