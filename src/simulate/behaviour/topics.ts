import { STYLE_DIM, type TopicsConfig, type WorldConfig } from "../../config/world/world.ts";
import { Draws } from "../random.ts";

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
  /** Numbers of a creative's embedding; the last {@link STYLE_DIM} are its style where people have tastes. */
  readonly creativeDim: number;
  /** Numbers of it that show topics. */
  readonly #imageDim: number;
  /** Unit vectors. @shape [topics, imageDim] */
  readonly #images: Float64Array;
  readonly #logTrend: Float64Array;
  readonly #weekPhase: Float64Array;

  constructor({ topics: config, people, seed }: Pick<WorldConfig, "topics" | "people" | "seed">) {
    this.#config = config;
    this.#seed = seed;
    this.creativeDim = config.creativeDim;
    this.#imageDim = config.creativeDim - (people.tasteSpread > 0 ? STYLE_DIM : 0);
    this.groups = config.groups;
    this.perGroup = config.perGroup;
    this.count = config.groups * config.perGroup;
    const draws = Draws.of(seed, "topics");
    this.#images = imagesOf(config, this.#imageDim, draws);
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

  /** Writes the embedding of a creative: the image of its two topics, then its style if any, with noise, in whole numbers. */
  paint(into: Int8Array, about: Subject, draws: Draws): void {
    const { first, second, share, style } = about;
    const dim = this.#imageDim;
    for (let i = 0; i < this.creativeDim; i++) {
      const noise = (this.#config.creativeNoise / Math.sqrt(this.creativeDim)) * draws.normal();
      const image = (topic: number): number => this.#images[topic * dim + i]!;
      const shown = i < dim ? share * image(first) + (1 - share) * image(second) : style[i - dim]! * STYLE_SCALE;
      into[i] = Math.max(-127, Math.min(127, Math.round(CREATIVE_SCALE * (shown + noise))));
    }
  }
}

/** What a creative shows. */
export interface Subject {
  readonly first: number;
  readonly second: number;
  /** Of the first topic. */
  readonly share: number;
  /** Of unit variance each; empty where people have no tastes. @shape [STYLE_DIM] */
  readonly style: ArrayLike<number>;
}

/** A style is about as long as the image of a topic. */
const STYLE_SCALE = 1 / Math.sqrt(STYLE_DIM);

function imagesOf({ groups, perGroup }: TopicsConfig, dim: number, draws: Draws): Float64Array {
  const images = new Float64Array(groups * perGroup * dim);
  const direction = (): readonly number[] => unitVector(Array.from({ length: dim }, () => draws.normal()));
  for (let group = 0; group < groups; group++) {
    const center = direction();
    for (let k = 0; k < perGroup; k++) {
      const own = direction();
      images.set(unitVector(center.map((x, i) => x + TOPIC_SPREAD * own[i]!)), (group * perGroup + k) * dim);
    }
  }
  return images;
}

function unitVector(values: readonly number[]): readonly number[] {
  const length = Math.hypot(...values);
  return values.map((value) => value / length);
}
