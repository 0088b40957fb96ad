/** A synthetic world after its configuration was resolved. What each value means and why it is plausible: `world-schema.ts`. */

/** Formats of posts and ads. */
export const FORMATS = ["text", "image", "video", "carousel"] as const;
/** One of {@link FORMATS}. */
export type Format = (typeof FORMATS)[number];

/** People: their habits and what moves them. */
export interface PeopleConfig {
  readonly sessionsPerDay: number;
  readonly activitySpread: number;
  readonly interests: number;
  readonly interestRatio: number;
  readonly passingInterests: number;
  readonly passingDays: number;
  readonly propensitySpread: number;
  readonly moodSpread: number;
  readonly satiation: number;
  readonly satiationMinutes: number;
}

/** What people shop for. */
export interface IntentsConfig {
  readonly perMonth: number;
  readonly exploringDays: number;
  readonly comparingDays: number;
  readonly boughtDays: number;
  readonly needs: boolean;
  readonly needDays: number;
}

/** The tree of topics. */
export interface TopicsConfig {
  readonly groups: number;
  readonly perGroup: number;
  readonly trendSpread: number;
  readonly trendDays: number;
  readonly labelAccuracy: number;
  readonly creativeNoise: number;
}

/** Ads, or organic posts. */
export interface ItemsConfig {
  readonly perDay: number;
  readonly lifeDays: number;
  /** Number of advertisers, or of creators. */
  readonly makers: number;
  readonly qualitySpread: number;
}

/** The logging policy. */
export interface PolicyConfig {
  readonly candidates: number;
  readonly exploration: number;
  readonly noise: number;
}

/** Conversions. */
export interface ConversionConfig {
  readonly windowMs: number;
  readonly delayHours: number;
  readonly delaySpread: number;
}

/** One surface. */
export interface SurfaceConfig {
  readonly traffic: number;
  readonly sessionLength: number;
  readonly adLoad: number;
  readonly viewRate: number;
  readonly positionDecay: number;
  readonly clickRate: number;
  readonly conversionRate: number;
  readonly likeRate: number;
  readonly interestPower: number;
  readonly formats: Readonly<Record<Format, number>>;
}

/** A whole world. */
export interface WorldConfig {
  /** Absolute. */
  readonly folder: string;
  readonly seed: number;
  readonly users: number;
  /** @unit ms since 1970, UTC */
  readonly firstDayMs: number;
  readonly days: number;
  readonly people: PeopleConfig;
  readonly intents: IntentsConfig;
  readonly topics: TopicsConfig;
  readonly ads: ItemsConfig;
  readonly posts: ItemsConfig;
  readonly policy: PolicyConfig;
  readonly conversion: ConversionConfig;
  /** By name, in the order of their codes in the simulation. */
  readonly surfaces: Readonly<Record<string, SurfaceConfig>>;
}
