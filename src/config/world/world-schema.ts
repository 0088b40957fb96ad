/**
 * What a user writes of a synthetic world (`lapidary simulate`): each parameter with its default, its range, and why
 * the default is plausible.
 */
import Type, { type Static, type TSchema } from "typebox";
import type { SurfaceConfig, WorldConfig } from "./world.ts";

/** Surfaces of a world unless the configuration names others. */
export const SURFACE_DEFAULTS: Readonly<Record<"feed" | "stories" | "messaging", SurfaceConfig>> = Object.freeze({
  feed: {
    traffic: 0.55,
    sessionLength: 14,
    adLoad: 0.25,
    viewRate: 0.7,
    positionDecay: 0.02,
    clickRate: 0.045,
    conversionRate: 0.12,
    likeRate: 0.06,
    interestPower: 1,
    formats: { text: 0.7, image: 1, video: 1.2, carousel: 1.1 },
  },
  stories: {
    traffic: 0.3,
    sessionLength: 10,
    adLoad: 0.25,
    viewRate: 0.85,
    positionDecay: 0.06,
    clickRate: 0.02,
    conversionRate: 0.1,
    likeRate: 0.03,
    interestPower: 0.8,
    formats: { text: 0.4, image: 0.9, video: 1.5, carousel: 0.6 },
  },
  messaging: {
    traffic: 0.15,
    sessionLength: 6,
    adLoad: 0.2,
    viewRate: 0.55,
    positionDecay: 0.12,
    clickRate: 0.03,
    conversionRate: 0.16,
    likeRate: 0.015,
    interestPower: 0.6,
    formats: { text: 1.2, image: 1, video: 0.5, carousel: 0.8 },
  },
});

/** A world unless the configuration says otherwise; its folder and times are resolved beside the configuration. */
export const WORLD_DEFAULTS: Omit<WorldConfig, "folder" | "firstDayMs" | "conversion"> & {
  readonly folder: string;
  readonly firstDay: string;
  readonly conversion: Omit<WorldConfig["conversion"], "windowMs"> & { readonly window: string };
} = Object.freeze({
  folder: "world",
  seed: 1,
  users: 3000,
  // A Monday.
  firstDay: "2026-01-05",
  days: 28,
  people: {
    sessionsPerDay: 3,
    activitySpread: 0.8,
    interests: 6,
    interestRatio: 0.7,
    passingInterests: 2,
    passingDays: 10,
    propensitySpread: 0.6,
    moodSpread: 0.4,
    satiation: 0.3,
    satiationMinutes: 60,
  },
  intents: { perMonth: 4, exploringDays: 3, comparingDays: 3, boughtDays: 8, needs: true, needDays: 10 },
  topics: { groups: 8, perGroup: 5, trendSpread: 0.25, trendDays: 14, labelAccuracy: 0.9, creativeNoise: 0.5 },
  ads: { perDay: 40, lifeDays: 8, makers: 80, qualitySpread: 0.5 },
  posts: { perDay: 400, lifeDays: 1.5, makers: 600, qualitySpread: 0.7 },
  policy: { candidates: 8, exploration: 0.1, noise: 0.5 },
  conversion: { window: "3d", delayHours: 5, delaySpread: 1.3 },
  surfaces: SURFACE_DEFAULTS,
});

type Range = { readonly minimum?: number; readonly maximum?: number; readonly exclusiveMinimum?: number };

const real = (value: number, description: string, range: Range) =>
  Type.Optional(Type.Number({ description, default: value, ...range }));

const whole = (value: number, description: string, range: Range) =>
  Type.Optional(Type.Integer({ description, default: value, ...range }));

const SHARE: Range = { minimum: 0, maximum: 1 };
const POSITIVE: Range = { exclusiveMinimum: 0, maximum: 1e6 };
const SPREAD: Range = { minimum: 0, maximum: 3 };

function group<P extends Record<string, TSchema>>(properties: P, description: string) {
  return Type.Optional(Type.Object(properties, { description, additionalProperties: false }));
}

const { people: P, intents: I, topics: T, policy: L, conversion: C } = WORLD_DEFAULTS;

const people = group(
  {
    sessionsPerDay: real(P.sessionsPerDay, "Mean sessions of a person and day. Real apps are opened 2 to 10 times.", {
      ...POSITIVE,
    }),
    activitySpread: real(
      P.activitySpread,
      "Deviation of the log of a person's sessions per day. At 0.8 the busiest tenth makes a third of the traffic.",
      SPREAD,
    ),
    interests: whole(P.interests, "Long-term interests of a person, in topics: a handful of many.", {
      minimum: 1,
      maximum: 32,
    }),
    interestRatio: real(
      P.interestRatio,
      "Strength of each interest ÷ that of the one before. Below 1 the last ones show only in a long history.",
      { exclusiveMinimum: 0, maximum: 1 },
    ),
    passingInterests: whole(P.passingInterests, "Interests that come and go.", { minimum: 0, maximum: 8 }),
    passingDays: real(P.passingDays, "Mean life of a passing interest: a trip, a series, a season.", POSITIVE),
    propensitySpread: real(
      P.propensitySpread,
      "Deviation of the log of how readily people click and like: some never do.",
      SPREAD,
    ),
    moodSpread: real(
      P.moodSpread,
      "Deviation of the log of how engaged one session is: what the session's first events say of the next.",
      SPREAD,
    ),
    satiation: real(P.satiation, "Loss of response per thing just seen of the same group of topics.", {
      minimum: 0,
      maximum: 10,
    }),
    satiationMinutes: real(P.satiationMinutes, "Time in which satiation falls to 1/e: about a break.", POSITIVE),
  },
  "People.",
);

const intents = group(
  {
    perMonth: real(I.perMonth, "Things that a person begins to shop for in 30 days.", POSITIVE),
    exploringDays: real(I.exploringDays, "Mean time of looking around, if nothing speeds it up.", POSITIVE),
    comparingDays: real(I.comparingDays, "Mean time of comparing offers before buying elsewhere.", POSITIVE),
    boughtDays: real(I.boughtDays, "Time after a purchase in which its topic is of little interest.", POSITIVE),
    needs: Type.Optional(
      Type.Boolean({
        description: "Whether people buy something again and again, as coffee and contact lenses are bought.",
        default: I.needs,
      }),
    ),
    needDays: real(
      I.needDays,
      "Shortest period of a need; the longest is 2.5 times that. Only a history of several periods shows it.",
      POSITIVE,
    ),
  },
  "What people shop for: an intent appears, lasts days, and ends in a purchase or is given up.",
);

const topics = group(
  {
    groups: whole(T.groups, "Groups of topics, such as sports.", { minimum: 2, maximum: 1000 }),
    perGroup: whole(T.perGroup, "Topics of each group, such as running.", { minimum: 1, maximum: 100 }),
    trendSpread: real(T.trendSpread, "Deviation of the log of a topic's popularity over time.", SPREAD),
    trendDays: real(T.trendDays, "Time in which a trend falls to 1/e: weeks.", POSITIVE),
    labelAccuracy: real(
      T.labelAccuracy,
      "Share of items whose logged topic is their true one: content classifiers are about that good.",
      SHARE,
    ),
    creativeNoise: real(
      T.creativeNoise,
      "Deviation of a creative's embedding around the image of its topics, whose length is 1.",
      SPREAD,
    ),
  },
  "The topics that people like and items are about, as a tree of two levels.",
);

const items = (name: "ads" | "posts", maker: string) => {
  const defaults = WORLD_DEFAULTS[name];
  return group(
    {
      perDay: whole(defaults.perDay, `New ${name} of each day.`, { minimum: 1, maximum: 1e6 }),
      lifeDays: real(defaults.lifeDays, `Mean life of ${name}: campaigns run for a week, posts for a day.`, POSITIVE),
      makers: whole(defaults.makers, `Number of ${maker}; the n-th is n^(−0.8) times as active as the first.`, {
        minimum: 1,
        maximum: 1e6,
      }),
      qualitySpread: real(defaults.qualitySpread, "Deviation of the log of how good they are.", SPREAD),
    },
    `The ${name}.`,
  );
};

const policy = group(
  {
    candidates: whole(L.candidates, "Items that the logging policy chooses one from, for each place.", {
      minimum: 1,
      maximum: 1000,
    }),
    exploration: real(L.exploration, "Share of the places that are given to a candidate at random, as in any log.", {
      exclusiveMinimum: 0,
      maximum: 1,
    }),
    noise: real(L.noise, "n: the policy's scores are off by factors from 1 − n to 1: it is no oracle.", SHARE),
  },
  "The logging policy: popularity and affinity as it has counted them itself, noise, and exploration.",
);

const conversion = group(
  {
    window: Type.Optional(
      Type.String({
        title: 'a duration such as "3d"',
        description: "Conversions later than this after the impression are not attributed to it.",
        pattern: "^\\d+(\\.\\d+)?(ms|s|m|h|d|w)$",
        default: C.window,
      }),
    ),
    delayHours: real(C.delayHours, "Median time from a click to its conversion: most come within a day.", POSITIVE),
    delaySpread: real(C.delaySpread, "Deviation of the log of that time: the last come after days.", {
      exclusiveMinimum: 0,
      maximum: 3,
    }),
  },
  "Conversions, which come late.",
);

const factor = Type.Optional(Type.Number({ description: "Factor of the response.", minimum: 0, maximum: 100 }));

const surface = Type.Object(
  {
    traffic: Type.Optional(Type.Number({ description: "Its part of the sessions, in any unit.", ...POSITIVE })),
    sessionLength: Type.Optional(Type.Number({ description: "Mean impressions of a session.", minimum: 1 })),
    adLoad: Type.Optional(
      Type.Number({ description: "Share of ads behind a post: one in 4 to 8 places.", minimum: 0, maximum: 1 }),
    ),
    viewRate: Type.Optional(Type.Number({ description: "Share of first places that are looked at.", ...SHARE })),
    positionDecay: Type.Optional(
      Type.Number({ description: "d: the place p is looked at 1 / (1 + d·p) as often.", minimum: 0, maximum: 10 }),
    ),
    clickRate: Type.Optional(
      Type.Number({ description: "Hazard of a click on an ordinary ad that is looked at.", ...SHARE }),
    ),
    conversionRate: Type.Optional(
      Type.Number({ description: "Hazard of a conversion after a click of an ordinary person.", ...SHARE }),
    ),
    likeRate: Type.Optional(
      Type.Number({ description: "Hazard of a like of an ordinary post that is looked at.", ...SHARE }),
    ),
    interestPower: Type.Optional(
      Type.Number({ description: "How much interests matter there: the power of their factor.", minimum: 0 }),
    ),
    formats: Type.Optional(
      Type.Object(
        { text: factor, image: factor, video: factor, carousel: factor },
        { description: "How each format does there.", additionalProperties: false },
      ),
    ),
  },
  {
    description: "One surface; what is absent is as on the surface of that name, or on feed.",
    additionalProperties: false,
  },
);

/** The schema of `world` in a configuration. */
export const WORLD_SCHEMA = Type.Object(
  {
    folder: Type.Optional(
      Type.String({
        description: "Folder of the world: its log in log/, its truth in truth/.",
        default: WORLD_DEFAULTS.folder,
        minLength: 1,
      }),
    ),
    seed: whole(WORLD_DEFAULTS.seed, "One seed gives one world.", { minimum: 0, maximum: 2 ** 32 - 1 }),
    users: whole(WORLD_DEFAULTS.users, "Number of people.", { minimum: 1, maximum: 1e8 }),
    firstDay: Type.Optional(
      Type.String({
        title: 'a date such as "2026-01-05"',
        description: "First day of the log (UTC).",
        pattern: "^\\d{4}-\\d{2}-\\d{2}$",
        default: WORLD_DEFAULTS.firstDay,
      }),
    ),
    days: whole(WORLD_DEFAULTS.days, "Days of the log.", { minimum: 1, maximum: 3650 }),
    people,
    intents,
    topics,
    ads: items("ads", "advertisers"),
    posts: items("posts", "creators"),
    policy,
    conversion,
    surfaces: Type.Optional(
      Type.Record(Type.String({ pattern: "^[A-Za-z][A-Za-z0-9_]{0,63}$" }), surface, {
        description: "The surfaces by name; feed, stories and messaging if absent.",
        additionalProperties: false,
        minProperties: 1,
      }),
    ),
  },
  { description: "A synthetic world for `lapidary simulate`.", additionalProperties: false },
);

/** What a user writes under `world`. */
export type UserWorld = Static<typeof WORLD_SCHEMA>;
