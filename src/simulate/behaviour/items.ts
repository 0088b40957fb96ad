import { DAY_MS } from "../../base/units.ts";
import { FORMATS, type ItemsConfig, type WorldConfig } from "../../config/world/world.ts";
import { Draws, zipfSums } from "../random.ts";
import type { Tastes } from "./tastes.ts";
import type { Topics } from "./topics.ts";
import type { Traits } from "./traits.ts";

/** Makers run this many campaigns one after the other; a new one begins with a fifth of the ads. */
const NEW_CAMPAIGN_SHARE = 0.2;
/** Campaigns of one maker that a campaign's number has room for. */
const CAMPAIGNS_PER_MAKER = 1_000;
/** Share of items about their maker's own topic. */
const HOME_SHARE = 0.75;

/** Engagements and impressions that every item's popularity starts from: what is new is neither loved nor hated. */
export const ITEM_PRIOR = { engaged: 1, shown: 25 } as const;

/** One ad or post while it can be shown. */
export interface Item {
  /** Numbered by birth, ads and posts together. */
  readonly id: number;
  readonly isAd: boolean;
  /** Advertiser, or creator: these are numbered behind the advertisers. */
  readonly maker: number;
  /** Of ads; −1 of posts. */
  readonly campaign: number;
  readonly format: number;
  /** Its two topics, and the share of the first. */
  readonly first: number;
  readonly second: number;
  readonly share: number;
  /** The first topic as a classifier logs it. */
  readonly label: number;
  readonly labelGroup: number;
  readonly creative: Int8Array;
  /** What people's tastes meet; see {@link Tastes.partOf}. */
  readonly stylePart: Float32Array;
  /** What people's traits meet. */
  readonly traits: Uint8Array;
  /** How good it is, and how well what it offers sells; mean 1. */
  readonly quality: number;
  readonly appeal: number;
  readonly bornMs: number;
  readonly diesMs: number;
  /** What the logging policy has counted. */
  shown: number;
  engaged: number;
  /** Its smoothed ratio of the two. */
  popularity: number;
}

interface Maker {
  readonly home: number;
  readonly format: number;
  /** How good their items are, and how well they sell, in common; mean 1. */
  readonly skill: number;
  readonly selling: number;
  campaigns: number;
}

/** What items are made of besides the configuration. */
interface Surroundings {
  readonly topics: Topics;
  readonly tastes: Tastes;
  readonly traits: Traits;
}

/** All ads, or all posts, that can be shown today. New ones come and old ones go at midnight. */
export class Pool {
  /** Those of today, oldest first. */
  active: readonly Item[] = [];
  readonly #config: ItemsConfig;
  readonly #isAd: boolean;
  readonly #topics: Topics;
  readonly #tastes: Tastes;
  readonly #traits: Traits;
  readonly #makers: readonly Maker[];
  readonly #makerSums: Float64Array;
  readonly #firstMaker: number;

  constructor(
    kind: "ads" | "posts",
    { [kind]: config, ads, seed }: WorldConfig,
    { topics, tastes, traits }: Surroundings,
  ) {
    this.#config = config;
    this.#firstMaker = kind === "ads" ? 0 : ads.makers;
    this.#isAd = kind === "ads";
    this.#topics = topics;
    this.#tastes = tastes;
    this.#traits = traits;
    this.#makerSums = zipfSums(config.makers);
    const draws = Draws.of(seed, "items", this.#isAd ? 0 : 1);
    const skills = Draws.of(seed, "makers", this.#isAd ? 0 : 1);
    const skill = (): number => skills.around1(config.skillSpread);
    this.#makers = Array.from({ length: config.makers }, () => {
      const ways = { home: draws.below(topics.count), format: draws.below(FORMATS.length) };
      return { ...ways, skill: skill(), selling: skill(), campaigns: 1 };
    });
  }

  /** Removes what has ended and adds a day's births, numbered from `nextId`. At least one item is left. */
  advance(dayMs: number, nextId: number, draws: Draws): void {
    const kept = this.active.filter(({ diesMs }) => diesMs > dayMs);
    const born = Array.from({ length: this.#config.perDay }, (_, i) => this.#bear(nextId + i, dayMs, draws));
    this.active = [...kept, ...born];
  }

  /** Number of items that {@link advance} adds. */
  get perDay(): number {
    return this.#config.perDay;
  }

  #bear(id: number, bornMs: number, draws: Draws): Item {
    const { lifeDays, qualitySpread } = this.#config;
    const number = draws.weighted(this.#makerSums);
    const maker = this.#makers[number]!;
    const first = draws.chance(HOME_SHARE) ? maker.home : draws.below(this.#topics.count);
    const group = this.#topics.groupOf(first);
    const second = draws.chance(0.7)
      ? group * this.#topics.perGroup + draws.below(this.#topics.perGroup)
      : draws.below(this.#topics.count);
    const share = 0.6 + 0.4 * draws.uniform();
    const creative = new Int8Array(this.#topics.creativeDim);
    const style = this.#tastes.styleOf(this.#firstMaker + number, id);
    this.#topics.paint(creative, { first, second, share, style }, draws);
    if (this.#isAd && maker.campaigns < CAMPAIGNS_PER_MAKER && draws.chance(NEW_CAMPAIGN_SHARE)) maker.campaigns++;
    const label = this.#topics.labelOf(first, draws);
    const format = draws.chance(0.6) ? maker.format : draws.below(FORMATS.length);
    return {
      id,
      isAd: this.#isAd,
      maker: this.#firstMaker + number,
      first,
      second,
      share,
      creative,
      bornMs,
      label,
      labelGroup: this.#topics.groupOf(label),
      campaign: this.#isAd ? number * CAMPAIGNS_PER_MAKER + maker.campaigns - 1 : -1,
      format,
      stylePart: this.#tastes.partOf(style, format),
      traits: this.#traits.ofItem(this.#firstMaker + number, id),
      quality: maker.skill * draws.around1(qualitySpread),
      appeal: maker.selling * draws.around1(qualitySpread),
      // A whole day at least, so that no day is without items.
      diesMs: bornMs + DAY_MS * Math.max(1, draws.exponential(lifeDays)),
      shown: 0,
      engaged: 0,
      popularity: ITEM_PRIOR.engaged / ITEM_PRIOR.shown,
    };
  }
}
