import { DAY_MS } from "../../base/units.ts";
import type { WorldConfig } from "../../config/world/world.ts";
import type { Draws } from "../random.ts";
import { INTENTS_PER_PERSON, Intents, STAGE } from "./intents.ts";
import type { Item } from "./items.ts";
import type { Outcome } from "./outcome.ts";
import type { People } from "./people.ts";
import type { Topics } from "./topics.ts";

/** Ads that a person remembers. */
const REMEMBERED_ADS = 16;
/** How long. @unit ms */
const MEMORY_MS = 3 * DAY_MS;
/** Response without any interest, and what an interest adds for its group ÷ what it adds for its topic. */
const INTEREST = { floor: 0.3, group: 0.15 } as const;
/** Hazard of going on that engagement adds to the intent whose topic it is about. */
const PUSH = { click: 0.35, like: 0.15 } as const;

/** What an item meets in a person's mind. */
export interface Reception {
  /** Interest in its topics: {@link INTEREST} `.floor` without any, about 1 on average as items are chosen. */
  readonly interest: number;
  /** Index of the intent that it touches, or −1. */
  readonly intent: number;
  /** Its stage. */
  readonly stage: number;
  /** Whether it is about the very topic of the intent, or only about the group. */
  readonly isExact: boolean;
  /** Whether a purchase for this intent was decided and is only to happen. */
  readonly isDecided: boolean;
  /** Things just seen of the same group, faded. */
  readonly satiation: number;
  /** Times that the person saw this advertiser of late. */
  readonly repeats: number;
}

/** A look at an item: how the person took it, and what came of it. */
export interface Look {
  readonly nowMs: number;
  readonly reception: Reception;
  readonly outcome: Outcome;
}

/** What changes in all people from event to event: intents, satiation, memory of advertisers, passing interests. */
export class Minds {
  readonly #intents: Intents;
  readonly #people: People;
  readonly #topics: Topics;
  /** What an interest of full strength adds. */
  readonly #strength: number;
  readonly #fadeMs: number;
  /** @shape [people, groups] */
  readonly #satiation: Float32Array;
  readonly #satiatedAt: Float64Array;
  /** The advertisers last seen, and when: a ring per person. @shape [people, REMEMBERED_ADS] */
  readonly #makers: Int32Array;
  readonly #seenAt: Float64Array;
  readonly #next: Uint8Array;

  constructor(
    { people: { satiationMinutes, interestStrength }, intents }: WorldConfig,
    people: People,
    topics: Topics,
  ) {
    this.#intents = new Intents(intents, people.count);
    this.#people = people;
    this.#topics = topics;
    this.#strength = interestStrength;
    this.#fadeMs = satiationMinutes * 60_000;
    this.#satiation = new Float32Array(people.count * topics.groups);
    this.#satiatedAt = new Float64Array(people.count * topics.groups);
    this.#makers = new Int32Array(people.count * REMEMBERED_ADS).fill(-1);
    this.#seenAt = new Float64Array(people.count * REMEMBERED_ADS);
    this.#next = new Uint8Array(people.count);
  }

  /** The world begins for a person. */
  begin(person: number, nowMs: number, draws: Draws): void {
    this.#intents.begin(person, nowMs, this.#intentWorld(person, draws));
  }

  /** Lets time pass for a person; before each of their sessions. */
  advance(person: number, nowMs: number, draws: Draws): void {
    this.#people.advance(person, nowMs, draws);
    this.#intents.advance(person, nowMs, this.#intentWorld(person, draws));
  }

  /** How a person takes an item. */
  receive(person: number, item: Item, nowMs: number): Reception {
    const interest =
      item.share * this.#interest(person, item.first) + (1 - item.share) * this.#interest(person, item.second);
    const group = this.#topics.groupOf(item.first);
    const { intent, stage, isExact } = this.#intentOn(person, item.first, group);
    const isDecided = intent >= 0 && isExact && this.#intents.isDecided(intent);
    const repeats = item.isAd ? this.#repeats(person, item.maker, nowMs) : 0;
    return { interest, intent, stage, isExact, isDecided, satiation: this.#satiationOf(person, group, nowMs), repeats };
  }

  /** {@link Reception.interest} without what the passing interests add. */
  lastingInterest(person: number, { first, second, share }: Item): number {
    const { slots, passing } = this.#people;
    return (
      share * this.#interest(person, first, slots - passing) +
      (1 - share) * this.#interest(person, second, slots - passing)
    );
  }

  /** A person looked at an item, and may have engaged with it. */
  look(person: number, item: Item, { nowMs, reception, outcome }: Look): void {
    const { liked, clicked, buysAfterMs } = outcome;
    const group = this.#topics.groupOf(item.first);
    const at = person * this.#topics.groups + group;
    this.#satiation[at] = this.#satiationOf(person, group, nowMs) + 1;
    this.#satiatedAt[at] = nowMs;
    if (item.isAd) this.#remember(person, item.maker, nowMs);
    const { intent, isExact } = reception;
    if (intent < 0 || !isExact) return;
    this.#intents.push(intent, (liked ? PUSH.like : 0) + (clicked ? PUSH.click : 0));
    if (buysAfterMs < Number.POSITIVE_INFINITY) this.#intents.decide(intent, nowMs + buysAfterMs);
  }

  /** @param numSlots interests that count: all, or the lasting ones alone */
  #interest(person: number, topic: number, numSlots = this.#people.slots): number {
    const { topics, strengths, slots } = this.#people;
    const group = this.#topics.groupOf(topic);
    let interest: number = INTEREST.floor;
    for (let at = person * slots; at < person * slots + numSlots; at++) {
      const itemTopic = topics[at]!;
      if (itemTopic === topic) interest += this.#strength * strengths[at]!;
      if (this.#topics.groupOf(itemTopic) === group) interest += this.#strength * INTEREST.group * strengths[at]!;
    }
    return interest;
  }

  /** The intent that a topic touches: of its very topic, else of its group. */
  #intentOn(person: number, topic: number, group: number): Pick<Reception, "intent" | "stage" | "isExact"> {
    let near = -1;
    for (let intent = person * INTENTS_PER_PERSON; intent < (person + 1) * INTENTS_PER_PERSON; intent++) {
      const stage = this.#intents.stages[intent]!;
      if (stage === STAGE.none) continue;
      const intentTopic = this.#intents.topics[intent]!;
      if (intentTopic === topic) return { intent, stage, isExact: true };
      if (this.#topics.groupOf(intentTopic) === group) near = intent;
    }
    return { intent: near, stage: near < 0 ? STAGE.none : this.#intents.stages[near]!, isExact: false };
  }

  #satiationOf(person: number, group: number, nowMs: number): number {
    const at = person * this.#topics.groups + group;
    const level = this.#satiation[at]!;
    return level === 0 ? 0 : level * Math.exp((this.#satiatedAt[at]! - nowMs) / this.#fadeMs);
  }

  #repeats(person: number, maker: number, nowMs: number): number {
    let count = 0;
    for (let at = person * REMEMBERED_ADS; at < (person + 1) * REMEMBERED_ADS; at++) {
      if (this.#makers[at] === maker && this.#seenAt[at]! > nowMs - MEMORY_MS) count++;
    }
    return count;
  }

  #remember(person: number, maker: number, nowMs: number): void {
    const at = person * REMEMBERED_ADS + this.#next[person]!;
    this.#makers[at] = maker;
    this.#seenAt[at] = nowMs;
    this.#next[person] = (this.#next[person]! + 1) % REMEMBERED_ADS;
  }

  #intentWorld(person: number, draws: Draws) {
    return {
      draws,
      interest: () => this.#people.interestOf(person, draws),
      anyTopic: () => draws.below(this.#topics.count),
    };
  }
}
