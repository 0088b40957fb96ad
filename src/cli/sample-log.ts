import { type RandomInteger, seededIntegers } from "../metrics/random.ts";

const SEED = 20_250_301;
const NUM_USERS = 80;
const NUM_ITEMS = 60;
const EVENTS_PER_USER = 25;
/** The days of the sample; the split of the configuration that `lapidary init` writes cuts them. */
const FIRST_DAY = "2025-03-01";
const NUM_DAYS = 14;

const CATEGORIES = ["shoes", "books", "games", "garden", "music", "travel"] as const;
const SURFACES = ["feed", "stories"] as const;
const FIELDS = "event_id,user_id,ad_id,time,surface,origin,category,price,clicked,converted";

interface Item {
  readonly id: string;
  readonly category: string;
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
function impression({ id, category, price }: Item, liked: readonly string[], dice: Dice) {
  const ms = Date.parse(FIRST_DAY) + dice.below(NUM_DAYS * 86_400) * 1000;
  const surface = dice.pick(SURFACES);
  const origin = dice.flag(0.4) === 1 ? "ad" : "organic";
  const interest = liked.includes(category) ? 0.5 : 0.08;
  const clicked = dice.flag(surface === "feed" ? interest : 0.7 * interest);
  const converted = clicked * dice.flag(Number(price) < 50 ? 0.3 : 0.1);
  return { ms, fields: [id, new Date(ms).toISOString(), surface, origin, category, price, clicked, converted] };
}

/**
 * A small log as CSV text, the same on every call: {@link NUM_USERS} people who each like two of the categories, so
 * that a model which reads their past clicks predicts the next ones better than one that does not.
 */
export function sampleLog(): string {
  const dice = new Dice(SEED);
  const items = Array.from({ length: NUM_ITEMS }, (_, i) => ({
    id: `ad${i + 1}`,
    category: CATEGORIES[i % CATEGORIES.length]!,
    price: (2 + dice.below(9800) / 100).toFixed(2),
  }));
  const rows = Array.from({ length: NUM_USERS }, (_, i) => {
    const liked = [dice.pick(CATEGORIES), dice.pick(CATEGORIES)];
    return Array.from({ length: EVENTS_PER_USER }, () => ({
      user: `u${i + 1}`,
      ...impression(dice.pick(items), liked, dice),
    }));
  }).flat();
  rows.sort((a, b) => a.ms - b.ms);
  return `${[FIELDS, ...rows.map(({ user, fields }, i) => [`e${i + 1}`, user, ...fields].join(","))].join("\n")}\n`;
}
