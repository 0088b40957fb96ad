/**
 * A synthetic world (`lapidary simulate`): each parameter with its default, its range, and why the default is plausible.
 */
import Type, { type Static } from "typebox";
import { DURATION_PATTERN } from "../../base/units.ts";
import { type Filled, withDefault } from "../defaults.ts";
import { flag, integer, named, number, record, SEED, text } from "../schema-parts.ts";

/** Formats of posts and ads. */
export const FORMATS = ["text", "image", "video", "carousel"] as const;
/** One of {@link FORMATS}. */
export type Format = (typeof FORMATS)[number];

/** Numbers of an item's style, and of a person's taste. */
export const STYLE_DIM = 8;

const SHARE = { minimum: 0, maximum: 1 };
const POSITIVE = { exclusiveMinimum: 0, maximum: 1e6 };
const SPREAD = { minimum: 0, maximum: 3 };
const COUNT = { minimum: 1, maximum: 1e6 };

const PEOPLE = record(
  {
    sessionsPerDay: withDefault(
      number("Mean sessions of a person and day. Real apps are opened 2 to 10 times.", POSITIVE),
      3,
    ),
    activitySpread: withDefault(
      number(
        "Deviation of the log of a person's sessions per day. At 0.8 the busiest tenth makes a third of the traffic.",
        SPREAD,
      ),
      0.8,
    ),
    interests: withDefault(
      integer("Long-term interests of a person, in topics: a handful of many.", { minimum: 1, maximum: 32 }),
      6,
    ),
    interestRatio: withDefault(
      number("Strength of each interest ÷ that of the one before. Below 1 the last ones show only in a long history.", {
        exclusiveMinimum: 0,
        maximum: 1,
      }),
      0.7,
    ),
    interestStrength: withDefault(
      number(
        "What an interest that were a person's only one adds to the response to its very topic, which is 0.3 without any. " +
          "Where topics are many, few of the things shown fit: each counts for more then.",
        POSITIVE,
      ),
      10,
    ),
    interestCloseness: withDefault(
      number("Share of a person's further interests that are in the group of an earlier one: who runs, hikes.", SHARE),
      0.5,
    ),
    passingInterests: withDefault(integer("Interests that come and go.", { minimum: 0, maximum: 8 }), 2),
    passingDays: withDefault(number("Mean life of a passing interest: a trip, a series, a season.", POSITIVE), 10),
    propensitySpread: withDefault(
      number("Deviation of the log of how readily people click and like: some never do.", SPREAD),
      0.6,
    ),
    moodSpread: withDefault(
      number(
        "Deviation of the log of how engaged one session is: what the session's first events say of the next.",
        SPREAD,
      ),
      0.4,
    ),
    tasteSpread: withDefault(
      number(
        "Deviation of the log of how a person takes an item's style: a fixed random net of the two, so no product of " +
          "vectors gives it. Above 0, the last 8 numbers of a creative are its style.",
        SPREAD,
      ),
      0,
    ),
    satiation: withDefault(
      number("Loss of response per thing just seen of the same group of topics.", { minimum: 0, maximum: 10 }),
      0.3,
    ),
    satiationMinutes: withDefault(number("Time in which satiation falls to 1/e: about a break.", POSITIVE), 60),
  },
  "People.",
);

const INTENTS = record(
  {
    perMonth: withDefault(number("Things that a person begins to shop for in 30 days.", POSITIVE), 4),
    exploringDays: withDefault(number("Mean time of looking around, if nothing speeds it up.", POSITIVE), 3),
    comparingDays: withDefault(number("Mean time of comparing offers before buying elsewhere.", POSITIVE), 3),
    boughtDays: withDefault(number("Time after a purchase in which its topic is of little interest.", POSITIVE), 8),
    needs: withDefault(
      flag("Whether people buy something again and again, as coffee and contact lenses are bought."),
      true,
    ),
    needDays: withDefault(
      number(
        "Shortest period of a need; the longest is 2.5 times that. Only a history of several periods shows it.",
        POSITIVE,
      ),
      10,
    ),
  },
  "What people shop for: an intent appears, lasts days, and ends in a purchase or is given up.",
);

const TOPICS = record(
  {
    groups: withDefault(integer("Groups of topics, such as sports.", { minimum: 2, maximum: 1000 }), 8),
    perGroup: withDefault(integer("Topics of each group, such as running.", { minimum: 1, maximum: 100 }), 5),
    trendSpread: withDefault(number("Deviation of the log of a topic's popularity over time.", SPREAD), 0.25),
    trendDays: withDefault(number("Time in which a trend falls to 1/e: weeks.", POSITIVE), 14),
    labelAccuracy: withDefault(
      number("Share of items whose logged topic is their true one: content classifiers are about that good.", SHARE),
      0.9,
    ),
    creativeNoise: withDefault(
      number("Deviation of a creative's embedding around the image of its topics, whose length is 1.", SPREAD),
      0.5,
    ),
    creativeDim: withDefault(
      integer(
        "Numbers of a creative's embedding. Up to 8 are a column each in the log, creative_0 and so on; more are one " +
          "list, creative.",
        { minimum: 2, maximum: 256 },
      ),
      8,
    ),
  },
  "The topics that people like and items are about, as a tree of two levels.",
);

/** Ads, or organic posts; `makers` are advertisers, or creators. */
interface ItemDefaults {
  readonly perDay: number;
  readonly lifeDays: number;
  readonly makers: number;
  readonly qualitySpread: number;
}

const items = (name: string, maker: string, of: ItemDefaults) =>
  record(
    {
      perDay: withDefault(integer(`New ${name} of each day.`, COUNT), of.perDay),
      lifeDays: withDefault(
        number(`Mean life of ${name}: campaigns run for a week, posts for a day.`, POSITIVE),
        of.lifeDays,
      ),
      makers: withDefault(
        integer(`Number of ${maker}; the n-th is n^(−0.8) times as active as the first.`, COUNT),
        of.makers,
      ),
      qualitySpread: withDefault(number("Deviation of the log of how good they are.", SPREAD), of.qualitySpread),
      skillSpread: withDefault(
        number(
          `Deviation of the log of how good all ${name} of one of the ${maker} are, beside their own: what is new is then ` +
            "partly known.",
          SPREAD,
        ),
        0,
      ),
    },
    `The ${name}.`,
  );

const TRAITS = record(
  {
    ofPeople: withDefault(
      integer("Traits that the log tells of each person, such as occupation and household.", {
        minimum: 0,
        maximum: 32,
      }),
      0,
    ),
    ofItems: withDefault(
      integer("Traits that the log tells of each item, such as tone and price band; half are its maker's.", {
        minimum: 0,
        maximum: 32,
      }),
      0,
    ),
    values: withDefault(
      integer("Values of each trait; the n-th is n^(−0.8) times as frequent as the first.", {
        minimum: 2,
        maximum: 256,
      }),
      16,
    ),
    spread: withDefault(
      number(
        "Deviation of the log of how a person's traits and an item's go together: a table of random numbers for each pair " +
          "of traits, which only many examples tell.",
        SPREAD,
      ),
      0,
    ),
  },
  "Traits of people and items, as a log's many categories, and how they go together.",
);

const POLICY = record(
  {
    candidates: withDefault(
      integer("Items that the logging policy chooses one from, for each place.", { minimum: 1, maximum: 1000 }),
      8,
    ),
    exploration: withDefault(
      number("Share of the places that are given to a candidate at random, as in any log.", {
        exclusiveMinimum: 0,
        maximum: 1,
      }),
      0.1,
    ),
    noise: withDefault(
      number("n: the policy's scores are off by factors from 1 − n to 1: it is no oracle.", SHARE),
      0.5,
    ),
  },
  "The logging policy: popularity and affinity as it has counted them itself, noise, and exploration.",
);

const CONVERSION = record(
  {
    window: withDefault(
      Type.String({
        title: 'a duration such as "3d"',
        description: "Conversions later than this after the impression are not attributed to it.",
        pattern: DURATION_PATTERN,
      }),
      "3d",
    ),
    delayHours: withDefault(number("Median time from a click to its conversion: most come within a day.", POSITIVE), 5),
    delaySpread: withDefault(
      number("Deviation of the log of that time: the last come after days.", { exclusiveMinimum: 0, maximum: 3 }),
      1.3,
    ),
    log: withDefault(
      flag("Whether each is an event of its own too, at its own time, in a log of its own: conversions/."),
      false,
    ),
  },
  "Conversions, which come late.",
);

const DRIFT = record(
  {
    spread: withDefault(number("Deviation of the log of a surface's rate of clicks and likes over time.", SPREAD), 0),
    days: withDefault(number("Time in which a deviation falls to 1/e.", POSITIVE), 5),
  },
  "How the base rates of the surfaces drift, each by itself: what a model of last week gets wrong.",
);

const factor = number("Factor of the response.", { minimum: 0, maximum: 100 });

const FORMAT_FACTORS = record(
  Object.fromEntries(FORMATS.map((format) => [format, factor])) as Record<Format, typeof factor>,
  "How each format does there.",
);

const SURFACE = record(
  {
    traffic: number("Its part of the sessions, in any unit.", POSITIVE),
    sessionLength: number("Mean impressions of a session.", { minimum: 1 }),
    adLoad: number("Share of ads behind a post: one in 4 to 8 places.", SHARE),
    viewRate: number("Share of first places that are looked at.", SHARE),
    positionDecay: number("d: the place p is looked at 1 / (1 + d·p) as often.", { minimum: 0, maximum: 10 }),
    clickRate: number("Hazard of a click on an ordinary ad that is looked at.", SHARE),
    conversionRate: number("Hazard of a conversion after a click of an ordinary person.", SHARE),
    likeRate: number("Hazard of a like of an ordinary post that is looked at.", SHARE),
    interestPower: number("How much interests matter there: the power of their factor.", { minimum: 0 }),
    formats: FORMAT_FACTORS,
  },
  "One surface.",
);

const closed = (description: string) => ({ description, additionalProperties: false });

/** What a user writes of one surface. */
const SURFACE_CHANGES = Type.Partial(
  Type.Object({ ...SURFACE.properties, formats: Type.Partial(FORMAT_FACTORS, closed("How each format does there.")) }),
  closed("One surface; what is absent is as on the surface of that name, or on feed."),
);

/** The schema of `world` in a configuration. */
export const WORLD_SCHEMA = record(
  {
    folder: withDefault(text("Folder of the world: its log in log/, its truth in truth/."), "world"),
    seed: withDefault(integer("One seed gives one world.", SEED), 1),
    users: withDefault(integer("Number of people.", { minimum: 1, maximum: 1e8 }), 3000),
    firstDay: withDefault(
      Type.String({
        title: 'a date such as "2026-01-05"',
        description: "First day of the log (UTC).",
        pattern: "^\\d{4}-\\d{2}-\\d{2}$",
      }),
      // A Monday.
      "2026-01-05",
    ),
    days: withDefault(integer("Days of the log.", { minimum: 1, maximum: 3650 }), 28),
    people: Type.Optional(PEOPLE),
    intents: Type.Optional(INTENTS),
    topics: Type.Optional(TOPICS),
    ads: Type.Optional(items("ads", "advertisers", { perDay: 40, lifeDays: 8, makers: 80, qualitySpread: 0.5 })),
    posts: Type.Optional(items("posts", "creators", { perDay: 400, lifeDays: 1.5, makers: 600, qualitySpread: 0.7 })),
    traits: Type.Optional(TRAITS),
    policy: Type.Optional(POLICY),
    conversion: Type.Optional(CONVERSION),
    drift: Type.Optional(DRIFT),
    surfaces: Type.Optional(
      named(SURFACE_CHANGES, {
        description: "The surfaces by name; feed, stories and messaging if absent.",
        minProperties: 1,
      }),
    ),
  },
  "A synthetic world for `lapidary simulate`.",
);

/** What a user writes under `world`. */
export type UserWorld = Static<typeof WORLD_SCHEMA>;

type FilledWorld = Filled<typeof WORLD_SCHEMA>;

/** People: their habits and what moves them. */
export type PeopleConfig = FilledWorld["people"];
/** What people shop for. */
export type IntentsConfig = FilledWorld["intents"];
/** The tree of topics. */
export type TopicsConfig = FilledWorld["topics"];
/** Ads, or organic posts. */
export type ItemsConfig = FilledWorld["ads"];
/** The logging policy. */
export type PolicyConfig = FilledWorld["policy"];
/** How base rates drift. */
export type DriftConfig = FilledWorld["drift"];
/** One surface. */
export interface SurfaceConfig extends Filled<typeof SURFACE> {}

/** A whole world; its folder is absolute. */
export interface WorldConfig extends Omit<FilledWorld, "firstDay" | "conversion" | "surfaces"> {
  /** @unit ms since 1970, UTC */
  readonly firstDayMs: number;
  readonly conversion: Omit<FilledWorld["conversion"], "window"> & { readonly windowMs: number };
  /** By name, in the order of their codes in the simulation. */
  readonly surfaces: Readonly<Record<string, SurfaceConfig>>;
}

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
