import { DAY_MS } from "../../base/units.ts";
import type { PeopleConfig, WorldConfig } from "../../config/world/world.ts";
import { Draws, runningSums, zipfSums } from "../random.ts";
import type { Topics } from "./topics.ts";

/** Age bands as they are logged. */
export const AGE_BANDS = ["18-24", "25-34", "35-44", "45-54", "55-64", "65+"] as const;
/** Devices as they are logged. */
export const DEVICES = ["android", "ios", "desktop", "tablet"] as const;
/** Countries as they are logged, most people first. */
export const COUNTRIES = ["IN", "US", "BR", "ID", "MX", "DE", "GB", "FR", "JP", "NG", "ES", "AU"] as const;

/** Hours from UTC of each country's people, whose evenings are the busiest time. */
const UTC_HOURS = [5.5, -6, -3, 7, -6, 1, 0, 1, 9, 1, 1, 10] as const;
/** People of each age band: a social app's users are young. */
const AGE_SUMS = runningSums([0.24, 0.3, 0.19, 0.13, 0.09, 0.05]);
/** Devices of people in richer countries, and elsewhere. */
const DEVICE_SUMS = [runningSums([0.38, 0.42, 0.14, 0.06]), runningSums([0.8, 0.1, 0.07, 0.03])] as const;
const RICH: ReadonlySet<string> = new Set(["US", "DE", "GB", "FR", "JP", "ES", "AU"]);
/** Hours of the day around which sessions lie, and how wide: before work, at lunch, in the evening. */
const PEAKS = [
  { hour: 8, spread: 1.5 },
  { hour: 13, spread: 2 },
  { hour: 20.5, spread: 2.2 },
] as const;
/** How much stronger a passing interest is than the mean long-term one: it is what people are full of now. */
const PASSING_STRENGTH = 1.5;

/** The lasting traits of all people, a column each; a person is an index. */
export class People {
  readonly count: number;
  readonly age: Uint8Array;
  readonly country: Uint8Array;
  readonly device: Uint8Array;
  /** Mean sessions per day. */
  readonly activity: Float32Array;
  /** How readily they click, and like; mean 1. */
  readonly clicks: Float32Array;
  readonly likes: Float32Array;
  /** Topics and strengths of the long-term interests, then of the passing ones. @shape [people, slots] */
  readonly topics: Uint16Array;
  readonly strengths: Float32Array;
  /** When each passing interest ends. @shape [people, passing] @unit ms since 1970, UTC */
  readonly passingUntil: Float64Array;
  /** Interests of a person, passing ones included. */
  readonly slots: number;
  /** Those of them that pass: the last slots. */
  readonly passing: number;
  /** Running sums of how the sessions fall on the surfaces. @shape [people, surfaces] */
  readonly surfaces: Float32Array;
  /** Running sums of how they fall on the {@link PEAKS}. @shape [people, peaks] */
  readonly #peaks: Float32Array;
  readonly #config: PeopleConfig;
  readonly #numTopics: number;

  constructor({ users, people, seed, surfaces, firstDayMs }: WorldConfig, topics: Topics) {
    this.count = users;
    this.#config = people;
    this.#numTopics = topics.count;
    this.slots = people.interests + people.passingInterests;
    this.passing = people.passingInterests;
    this.age = new Uint8Array(users);
    this.country = new Uint8Array(users);
    this.device = new Uint8Array(users);
    this.activity = new Float32Array(users);
    this.clicks = new Float32Array(users);
    this.likes = new Float32Array(users);
    this.topics = new Uint16Array(users * this.slots);
    this.strengths = new Float32Array(users * this.slots);
    this.passingUntil = new Float64Array(users * people.passingInterests);
    const traffic = Object.values(surfaces).map((surface) => surface.traffic);
    this.surfaces = new Float32Array(users * traffic.length);
    this.#peaks = new Float32Array(users * PEAKS.length);
    for (let user = 0; user < users; user++) {
      const draws = Draws.of(seed, "people", user);
      this.#describe(user, draws);
      this.#like(user, topics, draws);
      this.#habits(user, traffic, draws);
      for (let slot = 0; slot < people.passingInterests; slot++) this.#pass(user, slot, { nowMs: firstDayMs, draws });
    }
  }

  /** Replaces the passing interests whose time is over. */
  advance(user: number, nowMs: number, draws: Draws): void {
    const { passingInterests } = this.#config;
    for (let slot = 0; slot < passingInterests; slot++) {
      if (this.passingUntil[user * passingInterests + slot]! <= nowMs) this.#pass(user, slot, { nowMs, draws });
    }
  }

  /** An hour of the day (UTC) at which the person may open the app. */
  hourOf(user: number, draws: Draws): number {
    const peak = PEAKS[draws.weighted(this.#peaks.subarray(user * PEAKS.length, (user + 1) * PEAKS.length))]!;
    const hour = peak.hour + peak.spread * draws.normal() - UTC_HOURS[this.country[user]!]!;
    return hour - 24 * Math.floor(hour / 24);
  }

  /** One of the person's interests, the strong ones more often. */
  interestOf(user: number, draws: Draws): number {
    const strengths = this.strengths.subarray(user * this.slots, (user + 1) * this.slots);
    return this.topics[user * this.slots + draws.weighted(runningSums(strengths))]!;
  }

  #describe(user: number, draws: Draws): void {
    const { activitySpread, propensitySpread, sessionsPerDay } = this.#config;
    this.age[user] = draws.weighted(AGE_SUMS);
    this.country[user] = draws.weighted(COUNTRY_SUMS);
    const isRich = RICH.has(COUNTRIES[this.country[user]!]!);
    this.device[user] = draws.weighted(DEVICE_SUMS[isRich ? 0 : 1]);
    this.activity[user] = Math.min(MAX_SESSIONS, sessionsPerDay * draws.around1(activitySpread));
    // Who clicks much likes much, by half.
    const shared = propensitySpread * Math.SQRT1_2 * draws.normal();
    const noise = (): number => propensitySpread * Math.SQRT1_2 * draws.normal();
    this.clicks[user] = Math.exp(shared + noise() - propensitySpread ** 2 / 2);
    this.likes[user] = Math.exp(shared + noise() - propensitySpread ** 2 / 2);
  }

  /** Long-term interests: some of them in the groups of the ones before, each weaker than the last; they sum to 1. */
  #like(user: number, topics: Topics, draws: Draws): void {
    const { interests, interestRatio, interestCloseness } = this.#config;
    const base = user * this.slots;
    let sum = 0;
    for (let slot = 0; slot < interests; slot++) {
      const near = slot > 0 && draws.chance(interestCloseness);
      const group = near ? topics.groupOf(this.topics[base + draws.below(slot)]!) : draws.below(topics.groups);
      this.topics[base + slot] = group * topics.perGroup + draws.below(topics.perGroup);
      this.strengths[base + slot] = interestRatio ** slot * draws.around1(0.3);
      sum += this.strengths[base + slot]!;
    }
    for (let slot = 0; slot < interests; slot++) this.strengths[base + slot]! /= sum;
  }

  #habits(user: number, traffic: readonly number[], draws: Draws): void {
    // The young take to what is fleeting: the second surface half as much again, the last band half as much.
    const tilt = 1.5 - this.age[user]! / (AGE_BANDS.length - 1);
    const shares = traffic.map((share, s) => share * draws.around1(0.8) * (s === 1 ? tilt : 1));
    this.surfaces.set(runningSums(shares), user * traffic.length);
    this.#peaks.set(runningSums(PEAKS.map((_, p) => (p + 1) * draws.around1(0.7))), user * PEAKS.length);
  }

  #pass(user: number, slot: number, { nowMs, draws }: { readonly nowMs: number; readonly draws: Draws }): void {
    const { interests, passingInterests, passingDays } = this.#config;
    const at = user * this.slots + interests + slot;
    this.topics[at] = draws.below(this.#numTopics);
    this.strengths[at] = (PASSING_STRENGTH / interests) * draws.around1(0.5);
    this.passingUntil[user * passingInterests + slot] = nowMs + draws.exponential(passingDays) * DAY_MS;
  }
}

const COUNTRY_SUMS = zipfSums(COUNTRIES.length);
/** More sessions than this in a day are a machine. */
const MAX_SESSIONS = 60;
