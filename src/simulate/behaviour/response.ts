import { FORMATS, type SurfaceConfig, type WorldConfig } from "../../config/world/world.ts";
import { Draws } from "../random.ts";
import { STAGE } from "./intents.ts";
import type { Item } from "./items.ts";
import type { Reception } from "./minds.ts";
import type { Outcome, Probabilities } from "./outcome.ts";
import { AGE_BANDS, DEVICES } from "./people.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Factor of the clicks on ads of an intent's topic, by stage: who shops looks at offers; who has bought does not. */
const CLICK_STAGE = [1, 2.2, 4, 0.35] as const;
/** Factor of likes of posts of its topic: exploring shows in organic behaviour before any ad is clicked. */
const LIKE_STAGE = [1, 2.5, 1.8, 0.8] as const;
/** Factor of conversions after a click: without an intent they are impulses. */
const CONVERSION_STAGE = [0.25, 0.6, 8, 0.1] as const;
/** Factor of conversions of who has decided to buy already. */
const DECIDED_FACTOR = 0.1;
/** Factor of the median delay of a conversion: who explores takes long, who compares decides. */
const DELAY_STAGE = [0.5, 3, 1, 1] as const;
/** Part of a stage's effect that reaches other topics of its group. */
const NEAR_EFFECT = 0.25;
/** People buy on desktops what they saw on phones. */
const DEVICE_CONVERSION: Readonly<Record<(typeof DEVICES)[number], number>> = {
  android: 0.9,
  ios: 1.05,
  desktop: 1.3,
  tablet: 1.1,
};
const DEVICE_FACTORS = DEVICES.map((device) => DEVICE_CONVERSION[device]);
/** Ads are liked this much less than posts. */
const AD_LIKES = 0.15;
/** Comments and shares per like. */
const COMMENT_RATIO = [0.35, 0.2, 0.15, 0.15] as const;
const SHARE_RATIO = [0.05, 0.1, 0.22, 0.08] as const;
/** Deviation of the log of how much each age band takes to each format. */
const AGE_FORMAT_SPREAD = 0.3;
/** Nothing is certain: the largest probability of a look. */
const MAX_LOOK = 0.98;

/** Who is shown what, where and when: all that a response depends on, besides the mind. */
export interface Showing {
  readonly item: Item;
  readonly reception: Reception;
  readonly surface: number;
  readonly position: number;
  readonly nowMs: number;
  /** Engagement of the session, of mean 1. */
  readonly mood: number;
  readonly age: number;
  readonly device: number;
  /** How readily this person clicks, and likes. */
  readonly clicks: number;
  readonly likes: number;
  /** Popularity of the item's first topic today. */
  readonly trend: number;
  /** How good the item is, and how well what it offers sells; mean 1. */
  readonly quality: number;
  readonly appeal: number;
  /** How the person takes its style; mean 1. */
  readonly taste: number;
  /** How their traits go together; mean 1. */
  readonly affinity: number;
  /** The surface's rates today; mean 1. */
  readonly level: number;
}

/**
 * How people respond. Every action is a hazard `λ`, a product of factors that each have one cause, and happens with
 * probability `1 − exp(−λ)` if the impression is looked at.
 */
export class Response {
  readonly #surfaces: readonly SurfaceConfig[];
  readonly #satiation: number;
  readonly #conversion: WorldConfig["conversion"];
  readonly #adLifeMs: number;
  readonly #postLifeMs: number;
  /** @shape [ages, formats] */
  readonly #ageFormats: Float64Array;
  readonly #surfaceFormats: readonly (readonly number[])[];

  constructor({ surfaces, people, conversion, ads, posts, seed }: WorldConfig) {
    this.#surfaces = Object.values(surfaces);
    this.#satiation = people.satiation;
    this.#conversion = conversion;
    this.#adLifeMs = ads.lifeDays * DAY_MS;
    this.#postLifeMs = posts.lifeDays * DAY_MS;
    this.#surfaceFormats = this.#surfaces.map(({ formats }) => FORMATS.map((format) => formats[format]));
    const draws = Draws.of(seed, "people");
    this.#ageFormats = Float64Array.from({ length: AGE_BANDS.length * FORMATS.length }, () =>
      draws.around1(AGE_FORMAT_SPREAD),
    );
  }

  /** Writes the true probabilities of a showing. */
  of(showing: Showing, into: Probabilities): void {
    const { item, surface, position, mood, age } = showing;
    const { viewRate, positionDecay } = this.#surfaces[surface]!;
    const format = this.#surfaceFormats[surface]![item.format]! * this.#ageFormats[age * FORMATS.length + item.format]!;
    const pull = (0.6 + 0.4 * Math.min(1.5, format)) * Math.min(1.3, 0.7 + 0.3 * mood);
    into.look = Math.min(MAX_LOOK, (viewRate * pull) / (1 + positionDecay * position));
    const common = this.#common(showing) * format;
    this.#likes(showing, common, into);
    if (item.isAd) this.#clicks(showing, common, into);
    else into.clickGivenLook = into.conversionGivenClick = into.conversionInWindowGivenClick = 0;
  }

  /** What all actions share: interest, taste, traits, satiation, mood, trend, quality, drift. */
  #common({ reception, surface, mood, trend, quality, taste, affinity, level }: Showing): number {
    const { interestPower } = this.#surfaces[surface]!;
    const interest = interestPower === 1 ? reception.interest : reception.interest ** interestPower;
    return (interest * mood * trend * quality * taste * affinity * level) / (1 + this.#satiation * reception.satiation);
  }

  #likes({ item, reception, surface, nowMs, likes }: Showing, common: number, into: Probabilities): void {
    const freshness = item.isAd ? AD_LIKES : 0.5 + Math.exp((item.bornMs - nowMs) / this.#postLifeMs);
    const hazard = this.#surfaces[surface]!.likeRate * common * likes * freshness * stageEffect(LIKE_STAGE, reception);
    into.likeGivenLook = happens(hazard);
    into.commentGivenLook = happens(COMMENT_RATIO[item.format]! * hazard);
    into.shareGivenLook = happens(SHARE_RATIO[item.format]! * hazard);
  }

  #clicks(
    { item, reception, surface, nowMs, clicks, device, appeal }: Showing,
    common: number,
    into: Probabilities,
  ): void {
    const { clickRate, conversionRate } = this.#surfaces[surface]!;
    const wear = Math.exp((item.bornMs - nowMs) / (3 * this.#adLifeMs));
    const hazard = clickRate * common * clicks * wear * repetition(reception.repeats);
    into.clickGivenLook = happens(hazard * stageEffect(CLICK_STAGE, reception));
    const stage = stageEffect(CONVERSION_STAGE, reception);
    const decided = reception.isDecided ? DECIDED_FACTOR : 1;
    into.conversionGivenClick = happens(conversionRate * stage * appeal * DEVICE_FACTORS[device]! * decided);
    const { windowMs, delayHours, delaySpread } = this.#conversion;
    into.delayMs = delayHours * HOUR_MS * (reception.isExact ? DELAY_STAGE[reception.stage]! : DELAY_STAGE[STAGE.none]);
    const within = normalBelow(Math.log(windowMs / into.delayMs) / delaySpread);
    into.conversionInWindowGivenClick = into.conversionGivenClick * within;
  }

  /** Draws what comes of an impression. Conversions come a log-normal time after it. */
  draw(truth: Probabilities, reception: Reception, draws: Draws): Outcome {
    const looked = draws.chance(truth.look);
    const happened = (givenLook: number): boolean => looked && draws.chance(givenLook);
    // Dwelling shows interests and intents where no button is pressed.
    const interest = reception.interest * stageEffect(LIKE_STAGE, reception);
    const dwell = looked ? 1 + draws.exponential(2 + 1.5 * Math.min(6, interest)) : 0.2 + 0.8 * draws.uniform();
    const liked = happened(truth.likeGivenLook);
    const commented = happened(truth.commentGivenLook);
    const shared = happened(truth.shareGivenLook);
    const clicked = happened(truth.clickGivenLook);
    const buys = clicked && draws.chance(truth.conversionGivenClick);
    const delayMs = truth.delayMs * Math.exp(this.#conversion.delaySpread * (buys ? draws.normal() : 0));
    return { looked, dwell, liked, commented, shared, clicked, buysAfterMs: buys ? delayMs : Number.POSITIVE_INFINITY };
  }
}

/** `1 − exp(−λ)`. */
function happens(hazard: number): number {
  return -Math.expm1(-hazard);
}

function stageEffect(effects: readonly number[], { stage, isExact }: Reception): number {
  const none = effects[STAGE.none]!;
  const full = effects[stage]!;
  return isExact ? full : none + NEAR_EFFECT * (full - none);
}

/** A brand seen once or twice is known; seen again and again, it tires. */
function repetition(repeats: number): number {
  if (repeats === 0) return 0.9;
  return repeats <= 2 ? 1.15 : 1.15 * 0.82 ** (repeats - 2);
}

/**
 * Share of a standard normal below `z`, to 7.5e-8.
 * @see Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.17
 */
export function normalBelow(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const above = series * Math.exp((-z * z) / 2) * 0.3989422804014327;
  return z >= 0 ? 1 - above : above;
}
