import type { PolicyConfig, WorldConfig } from "../../config/world/world.ts";
import type { Draws } from "../random.ts";
import { ITEM_PRIOR, type Item } from "./items.ts";
import type { Topics } from "./topics.ts";

/** Engagements and impressions that every estimate of a person starts from. */
const PERSON_PRIOR = { engaged: 0.5, shown: 12 } as const;
/** Share of the old that a person's counts keep per new impression: interests change. */
const KEPT = 0.98;

/**
 * Who chose what the log shows: of some candidates, drawn evenly of all that is active, the one with the highest product
 * of popularity, affinity and noise, the first two as counted from logged engagement; with probability `exploration` any.
 * It knows nothing of minds or true topics, only what the log holds.
 */
export class LoggingPolicy {
  readonly #config: PolicyConfig;
  readonly #numGroups: number;
  /** Engagements, impressions and their smoothed ratio, by person and group of logged topics. @shape [people, groups] */
  readonly #engaged: Float32Array;
  readonly #shown: Float32Array;
  readonly #affinity: Float32Array;

  constructor({ policy, users }: WorldConfig, { groups }: Topics) {
    this.#config = policy;
    this.#numGroups = groups;
    this.#engaged = new Float32Array(users * groups);
    this.#shown = new Float32Array(users * groups);
    this.#affinity = new Float32Array(users * groups).fill(PERSON_PRIOR.engaged / PERSON_PRIOR.shown);
  }

  /** The item that a person is shown. Every active item can be: with at least `exploration / active.length`. */
  choose(person: number, active: readonly Item[], draws: Draws): Item {
    const { candidates, exploration, noise } = this.#config;
    const row = person * this.#numGroups;
    let best = active[draws.below(active.length)]!;
    if (draws.chance(exploration)) return best;
    let bestScore = -1;
    for (let i = 0; i < candidates; i++) {
      const item = active[draws.below(active.length)]!;
      const score = item.popularity * this.#affinity[row + item.labelGroup]! * (1 - noise * draws.uniform());
      if (score <= bestScore) continue;
      best = item;
      bestScore = score;
    }
    return best;
  }

  /** Counts what came of an impression. */
  learn(person: number, item: Item, engaged: boolean): void {
    item.shown++;
    if (engaged) item.engaged++;
    item.popularity = (item.engaged + ITEM_PRIOR.engaged) / (item.shown + ITEM_PRIOR.shown);
    const at = person * this.#numGroups + item.labelGroup;
    const shown = KEPT * this.#shown[at]! + 1;
    const count = KEPT * this.#engaged[at]! + (engaged ? 1 : 0);
    this.#shown[at] = shown;
    this.#engaged[at] = count;
    this.#affinity[at] = (count + PERSON_PRIOR.engaged) / (shown + PERSON_PRIOR.shown);
  }
}
