import type { WorldConfig } from "../../config/world/world.ts";
import { Draws, zipfSums } from "../random.ts";

/** Share of an item's traits that are its maker's. */
const MAKER_SHARE = 0.5;

/**
 * What people and items are beyond interests and topics: traits of a few values each, as logs have dozens of (occupation,
 * household, carrier; call to action, tone, price band). How a person takes an item is also how their traits go together:
 * `exp(s · z − s²/2)` with `z = Σ_ab T_ab[p_a, q_b] / √pairs`, over every pair of a person's trait a and an item's b. Each
 * table `T_ab` is of independent normal numbers, so neither a product of few vectors nor one trait alone gives it: many
 * examples of the whole population tell it, and a model needs the room to hold it.
 */
export class Traits {
  /** @shape [people, ofPeople] */
  readonly people: Uint8Array;
  readonly #config: WorldConfig["traits"];
  readonly #seed: number;
  readonly #valueSums: Float64Array;
  /** @shape [ofPeople, ofItems, values, values] */
  readonly #tables: Float32Array;
  readonly #scale: number;

  constructor({ seed, users, traits }: Pick<WorldConfig, "seed" | "users" | "traits">) {
    const { ofPeople, ofItems, values, spread } = traits;
    const pairs = ofPeople * ofItems;
    this.#config = traits;
    this.#seed = seed;
    this.#valueSums = zipfSums(values);
    this.#scale = pairs === 0 ? 0 : spread / Math.sqrt(pairs);
    const draws = Draws.of(seed, "traits", 0);
    this.#tables = Float32Array.from({ length: pairs * values * values }, () => draws.normal());
    const persons = Draws.of(seed, "traits", 1);
    this.people = Uint8Array.from({ length: users * ofPeople }, () => persons.weighted(this.#valueSums));
  }

  /** The traits of a new item. @shape [ofItems] */
  ofItem(maker: number, item: number): Uint8Array {
    const [shared, own] = [Draws.of(this.#seed, "traits", 2, maker), Draws.of(this.#seed, "traits", 3, item)];
    return Uint8Array.from({ length: this.#config.ofItems }, () => {
      const [makers, its] = [shared.weighted(this.#valueSums), own.weighted(this.#valueSums)];
      return own.chance(MAKER_SHARE) ? makers : its;
    });
  }

  /** Factor of the response, of mean about 1. */
  factor(user: number, item: Uint8Array): number {
    const { ofPeople, ofItems, values, spread } = this.#config;
    let sum = 0;
    for (let a = 0, table = 0; a < ofPeople; a++) {
      const row = this.people[user * ofPeople + a]! * values;
      for (let b = 0; b < ofItems; b++, table += values * values) sum += this.#tables[table + row + item[b]!]!;
    }
    return this.#scale === 0 ? 1 : Math.exp(this.#scale * sum - spread ** 2 / 2);
  }
}
