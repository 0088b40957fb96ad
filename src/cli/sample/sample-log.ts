import { type RandomInteger, seededIntegers } from "../../metrics/comparison/random.ts";

const SEED = 20_250_301;
/** The days of the sample; the split of the configuration that `lapidary init` writes cuts them. */
const FIRST_DAY = "2025-03-01";
const NUM_DAYS = 14;

const CATEGORIES = "shoes books games garden music travel food sports tools toys films pets".split(" ");
const SURFACES = ["feed", "stories"] as const;
const FIELDS = "event_id,user_id,ad_id,time,surface,origin,category,price,clicked,converted";

/** How large a sample is, and how people and categories differ in it. */
export interface SampleShape {
  readonly users: number;
  readonly items: number;
  readonly eventsPerUser: number;
  /** Categories that items are of, at most 12. */
  readonly categories: number;
  /** Draws of the categories that a user likes. */
  readonly liked: number;
  /** Appeal of the last category to everyone, where the first has 1; those between lie on the line. */
  readonly leastAppeal: number;
}

/**
 * The log that `lapidary init` writes. Categories differ in what everyone thinks of them, which a model learns without
 * histories; people differ in which they like, which takes tens of past events to tell.
 */
export const SAMPLE_SHAPE: SampleShape = {
  users: 400,
  items: 240,
  eventsPerUser: 80,
  categories: 12,
  liked: 4,
  leastAppeal: 0.3,
};

interface Item {
  readonly id: string;
  readonly category: string;
  /** Factor of everyone's interest. */
  readonly appeal: number;
  readonly price: string;
}

/** The random choices of the sample, all from one seed. */
class Dice {
  readonly #random: RandomInteger;

  constructor(seed: number) {
    this.#random = seededIntegers(seed);
  }

  below(limit: number): number {
    return this.#random(limit);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.#random(values.length)]!;
  }

  /** 1 with this probability, else 0. */
  flag(probability: number): number {
    return this.#random(1_000_000) < probability * 1_000_000 ? 1 : 0;
  }
}

/** One impression of an item by someone who likes some categories: when, and its fields behind user and id. */
function impression({ id, category, appeal, price }: Item, liked: readonly string[], dice: Dice) {
  const ms = Date.parse(FIRST_DAY) + dice.below(NUM_DAYS * 86_400) * 1000;
  const surface = dice.pick(SURFACES);
  const origin = dice.flag(0.4) === 1 ? "ad" : "organic";
  const interest = appeal * (liked.includes(category) ? 0.5 : 0.08);
  const clicked = dice.flag(surface === "feed" ? interest : 0.7 * interest);
  const converted = clicked * dice.flag(Number(price) < 50 ? 0.3 : 0.1);
  return { ms, fields: [id, new Date(ms).toISOString(), surface, origin, category, price, clicked, converted] };
}

/**
 * A log as CSV text, the same on every call: people who each like some of the categories, so that a model which reads
 * their past clicks predicts the next ones better than one that does not.
 */
export function sampleLog(shape: SampleShape = SAMPLE_SHAPE): string {
  const dice = new Dice(SEED);
  const categories = CATEGORIES.slice(0, shape.categories);
  const items = Array.from({ length: shape.items }, (_, i) => {
    const at = i % categories.length;
    const appeal = 1 - ((1 - shape.leastAppeal) * at) / (categories.length - 1);
    return { id: `ad${i + 1}`, category: categories[at]!, appeal, price: (2 + dice.below(9800) / 100).toFixed(2) };
  });
  const rows = Array.from({ length: shape.users }, (_, i) => {
    const liked = Array.from({ length: shape.liked }, () => dice.pick(categories));
    return Array.from({ length: shape.eventsPerUser }, () => ({
      user: `u${i + 1}`,
      ...impression(dice.pick(items), liked, dice),
    }));
  }).flat();
  rows.sort((a, b) => a.ms - b.ms);
  return `${[FIELDS, ...rows.map(({ user, fields }, i) => [`e${i + 1}`, user, ...fields].join(","))].join("\n")}\n`;
}
