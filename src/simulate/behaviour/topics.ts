import type { TopicsConfig } from "../../config/world/world.ts";
import { Draws } from "../random.ts";

/** Numbers of a creative's embedding. */
export const CREATIVE_DIM = 8;
/** Scale at which an embedding is logged, as whole numbers: −127 … 127 for −2 … 2. */
const CREATIVE_SCALE = 63;
/** How far the images of the topics of one group lie from the group's: near enough to be alike. */
const TOPIC_SPREAD = 0.6;
/** Share of a weekend's trend that swings with the week, by group. */
const WEEKLY_SWING = 0.2;

/** The tree of topics, what each looks like in an embedding, and how popular each is today. */
export class Topics {
  readonly count: number;
  readonly perGroup: number;
  readonly groups: number;
  /** Popularity today, of mean about 1. @shape [topics] */
  readonly trend: Float64Array;
  readonly #config: TopicsConfig;
  readonly #seed: number;
  /** Unit vectors. @shape [topics, CREATIVE_DIM] */
  readonly #images: Float64Array;
  readonly #logTrend: Float64Array;
  readonly #weekPhase: Float64Array;

  constructor(config: TopicsConfig, seed: number) {
    this.#config = config;
    this.#seed = seed;
    this.groups = config.groups;
    this.perGroup = config.perGroup;
    this.count = config.groups * config.perGroup;
    const draws = Draws.of(seed, "topics");
    this.#images = imagesOf(config, draws);
    this.#weekPhase = Float64Array.from({ length: config.groups }, () => draws.uniform());
    this.#logTrend = Float64Array.from({ length: this.count }, () => config.trendSpread * draws.normal());
    this.trend = new Float64Array(this.count);
  }

  groupOf(topic: number): number {
    return Math.floor(topic / this.perGroup);
  }

  /** Moves every trend on to `day`: an autoregression around 0 in the log, and a week's swing. Days come in order. */
  advance(day: number): void {
    const { trendSpread, trendDays } = this.#config;
    const draws = Draws.of(this.#seed, "topics", day);
    const kept = Math.exp(-1 / trendDays);
    const fresh = trendSpread * Math.sqrt(1 - kept * kept);
    for (let topic = 0; topic < this.count; topic++) {
      this.#logTrend[topic] = kept * this.#logTrend[topic]! + fresh * draws.normal();
      const week = Math.sin(2 * Math.PI * (day / 7 + this.#weekPhase[this.groupOf(topic)]!));
      this.trend[topic] = Math.exp(this.#logTrend[topic]! - trendSpread ** 2 / 2) * (1 + WEEKLY_SWING * week);
    }
  }

  /** A topic as a classifier logs it: the true one, or any. */
  labelOf(topic: number, draws: Draws): number {
    return draws.chance(this.#config.labelAccuracy) ? topic : draws.below(this.count);
  }

  /** Writes the embedding of a creative: the image of its two topics with noise, in whole numbers. */
  paint(into: Int8Array, about: { first: number; second: number; share: number }, draws: Draws): void {
    const { first, second, share } = about;
    for (let i = 0; i < CREATIVE_DIM; i++) {
      const image = (topic: number): number => this.#images[topic * CREATIVE_DIM + i]!;
      const noise = (this.#config.creativeNoise / Math.sqrt(CREATIVE_DIM)) * draws.normal();
      const value = share * image(first) + (1 - share) * image(second) + noise;
      into[i] = Math.max(-127, Math.min(127, Math.round(CREATIVE_SCALE * value)));
    }
  }
}

function imagesOf({ groups, perGroup }: TopicsConfig, draws: Draws): Float64Array {
  const images = new Float64Array(groups * perGroup * CREATIVE_DIM);
  for (let group = 0; group < groups; group++) {
    const center = unitVector(Array.from({ length: CREATIVE_DIM }, () => draws.normal()));
    for (let k = 0; k < perGroup; k++) {
      const direction = unitVector(Array.from({ length: CREATIVE_DIM }, () => draws.normal()));
      const image = unitVector(center.map((x, i) => x + TOPIC_SPREAD * direction[i]!));
      images.set(image, (group * perGroup + k) * CREATIVE_DIM);
    }
  }
  return images;
}

function unitVector(values: readonly number[]): readonly number[] {
  const length = Math.hypot(...values);
  return values.map((value) => value / length);
}
