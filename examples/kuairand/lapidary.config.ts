import { defineProject } from "lapidary";

/**
 * The log gives the time of an impression, not that of what came of it. The longest play in it lasts 10.2 minutes, and
 * liking, following, commenting happen around a play; after this time all of it is known.
 */
const delay = "15m";

/** How people took what they saw, and how others took this video, so far: what tells most on this log. */
const counters = Object.fromEntries(
  ["click", "longView", "profileVisit", "comment"].flatMap((of) =>
    ["user", "item"].map((by) => [`${by}_${of}`, { of, by: [by], windows: ["1d", "all"] }]),
  ),
);

/** Rates: the best of those tried on the validation days, three seeds (docs/log, 2026-11-30). */
const previous = {
  ...({ kind: "previous", minCount: 5, history: 64 } as const),
  training: { learningRate: 1e-3, decayRatio: 0.3 },
};
const withLayers = {
  ...({ kind: "foundation", minCount: 5, history: 64 } as const),
  architecture: { deepHistory: 16 },
  training: { learningRate: 2e-3, decayRatio: 0.3 },
};
/** Of 34,000 examples layers learn nothing that the candidate's attentions do not see, and cost three times the FLOPs. */
const foundation = { ...withLayers, layers: 0 };

/** Real feed impressions of a short-video app. What the log is and is not: data/LICENSE.md. */
export default defineProject({
  about:
    "KuaiRand-27K, 15-core (CC BY-SA 4.0): impressions of one feed, no ads, in two weeks of April 2022. Its rows were " +
    "selected for having an explicit like or dislike, so the rates of the labels are not natural.",
  events: {
    from: "data/kuairand.tsv.gz",
    user: "user_id",
    item: "video_id",
    time: "time_ms",
    action: { value: "impression" },
    surface: { value: "feed" },
    attributes: {
      duration: { from: "duration_ms", kind: "number" },
    },
    // Never predicted, but read of past events.
    outcomes: {
      liked: { from: "label", kind: "flag", delay },
      playTime: { from: "play_time_ms", kind: "number", delay },
      follow: { from: "is_follow", kind: "flag", delay },
      forward: { from: "is_forward", kind: "flag", delay },
    },
  },
  objectives: {
    click: { from: "is_click", delay },
    longView: { from: "long_view", delay },
    profileVisit: { from: "is_profile_enter", delay },
    comment: { from: "is_comment", delay },
  },
  // 33,847 rows to train on, 4,409 for every choice, 3,572 to report on once.
  split: { trainUntil: "2022-04-18", validationUntil: "2022-04-20", testUntil: "2022-04-22" },
  // Chosen on the validation days, the same search for both large models: docs/log, 2026-11-25.
  training: { globalBatchSize: 64, tableLearningRate: 0.2 },
  counters,
  models: {
    baseRate: { kind: "baseRate", minCount: 5 },
    logistic: { kind: "logistic", minCount: 5, training: { learningRate: 0.01 } },
    counters: { kind: "counters", size: "medium", minCount: 5, history: 1 },
    previous,
    previousWithoutCounters: { ...previous, counters: [] },
    foundation,
    foundationWithoutCounters: { ...foundation, counters: [] },
    foundationWithLayers: withLayers,
    vertical: {
      kind: "vertical",
      minCount: 5,
      history: 64,
      teacher: "foundation",
      transfer: { technique: "full" },
      // As a stream gives them: the student adapter may meet each label once, when it is fresh.
      training: { order: "time" },
    },
  },
  // On validation days; `--set studies.baselines.window=test` is for results, once.
  studies: {
    baselines: {
      kind: "scaling",
      models: [
        "previous",
        "previousWithoutCounters",
        "counters",
        "foundation",
        "foundationWithoutCounters",
        "foundationWithLayers",
      ],
      sizes: ["small"],
      seeds: [1, 2, 3, 4, 5],
    },
  },
});
