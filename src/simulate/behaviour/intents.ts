import { DAY_MS } from "../../base/units.ts";
import type { IntentsConfig } from "../../config/world/world.ts";
import type { Draws } from "../random.ts";

/** Stages of an intent, in their order: it is given up from the second and third, else it ends as bought. */
export const STAGE = { none: 0, exploring: 1, comparing: 2, bought: 3 } as const;

/** Intents of a person at a time: one that came up by itself, and one need that comes again and again. */
export const INTENTS_PER_PERSON = 2;

/** An intent is given up about half as often as it goes on. */
const PATIENCE = 2;
/** Share of intents that an interest brought up; the others come from outside, like a broken fridge. */
const FROM_INTEREST = 0.7;
/** A need comes back this much earlier or later than its period, at most. */
const NEED_JITTER = 0.1;
/** The longest period of a need ÷ the shortest. */
const NEED_RANGE = 2.5;

/** What an intent asks of the person it belongs to. */
export interface IntentWorld {
  readonly draws: Draws;
  /** One of the person's interests. */
  interest(): number;
  /** Any topic. */
  anyTopic(): number;
}

/**
 * The intents of all people as state machines: none → exploring → comparing → bought → none. Each stage has a hazard of
 * going on and one of giving up; what the person engages with moves the first. Times only rise.
 */
export class Intents {
  readonly topics: Uint16Array;
  readonly stages: Uint8Array;
  readonly #config: IntentsConfig;
  /** When a waiting or bought intent goes on; when an active one was last moved. @unit ms since 1970, UTC */
  readonly #times: Float64Array;
  /** Hazard gathered in this stage, and the amount of it at which the next one begins. */
  readonly #progress: Float32Array;
  readonly #threshold: Float32Array;
  /** When it is given up, if it has not gone on by then. @unit ms since 1970, UTC */
  readonly #givenUp: Float64Array;
  /** When a conversion that was already decided happens; infinite if none was. @unit ms since 1970, UTC */
  readonly #buys: Float64Array;
  /** Period of the need. @unit ms */
  readonly #periods: Float64Array;

  constructor(config: IntentsConfig, numPeople: number) {
    const count = numPeople * INTENTS_PER_PERSON;
    this.#config = config;
    this.topics = new Uint16Array(count);
    this.stages = new Uint8Array(count);
    this.#times = new Float64Array(count).fill(Number.NaN);
    this.#progress = new Float32Array(count);
    this.#threshold = new Float32Array(count);
    this.#givenUp = new Float64Array(count);
    this.#buys = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
    this.#periods = new Float64Array(numPeople);
  }

  /** Draws what a person's intents wait for as the world begins. */
  begin(person: number, nowMs: number, world: IntentWorld): void {
    const spontaneous = person * INTENTS_PER_PERSON;
    this.#wait(spontaneous, nowMs, world.draws);
    const need = spontaneous + 1;
    const { needs, needDays } = this.#config;
    this.#periods[person] = needDays * DAY_MS * NEED_RANGE ** world.draws.uniform();
    this.topics[need] = world.interest();
    // People are anywhere in their period.
    this.#times[need] = needs ? nowMs + world.draws.uniform() * this.#periods[person]! : Number.POSITIVE_INFINITY;
  }

  /** Lets the time pass until `nowMs`. */
  advance(person: number, nowMs: number, world: IntentWorld): void {
    for (let slot = 0; slot < INTENTS_PER_PERSON; slot++) {
      const intent = person * INTENTS_PER_PERSON + slot;
      // Each turn ends a stage in the past, and stages take time: few are in one absence.
      let isDone = false;
      while (!isDone) isDone = !this.#turn(intent, nowMs, world);
    }
  }

  /** The hazard of going on that what the person did just now adds to the intent. */
  push(intent: number, hazard: number): void {
    this.#progress[intent]! += hazard;
  }

  /** Whether a purchase was decided and has not happened yet. */
  isDecided(intent: number): boolean {
    return this.#buys[intent]! < Number.POSITIVE_INFINITY;
  }

  /** The person will buy at that time, through an ad. */
  decide(intent: number, atMs: number): void {
    this.#buys[intent] = Math.min(this.#buys[intent]!, atMs);
  }

  /** Ends the stage if it ended before `nowMs`; false if it did not. */
  #turn(intent: number, nowMs: number, world: IntentWorld): boolean {
    const stage = this.stages[intent]!;
    if (stage === STAGE.none || stage === STAGE.bought) {
      const at = this.#times[intent]!;
      if (!(at <= nowMs)) return false;
      if (stage === STAGE.none) this.#appear(intent, at, world);
      else this.#wait(intent, at, world.draws);
      return true;
    }
    return this.#turnActive(intent, nowMs, world.draws);
  }

  /** What was decided ends it; else the earlier of going on and giving up. */
  #turnActive(intent: number, nowMs: number, draws: Draws): boolean {
    const stage = this.stages[intent]!;
    const rate = 1 / (DAY_MS * (stage === STAGE.exploring ? this.#config.exploringDays : this.#config.comparingDays));
    const since = this.#times[intent]!;
    const left = Math.max(0, this.#threshold[intent]! - this.#progress[intent]!);
    const goesOn = since + left / rate;
    const isDecided = this.isDecided(intent);
    const end = isDecided ? this.#buys[intent]! : Math.min(goesOn, this.#givenUp[intent]!);
    if (end > nowMs) {
      this.#progress[intent]! += (nowMs - since) * rate;
      this.#times[intent] = nowMs;
      return false;
    }
    if (isDecided || (end === goesOn && stage === STAGE.comparing)) this.#buy(intent, end);
    else if (end === goesOn) this.#enter(intent, STAGE.comparing, { atMs: end, draws });
    else this.#wait(intent, end, draws);
    return true;
  }

  #appear(intent: number, atMs: number, { draws, interest, anyTopic }: IntentWorld): void {
    const isNeed = intent % INTENTS_PER_PERSON === 1;
    // Who buys something again knows what there is: no need to explore.
    if (!isNeed) this.topics[intent] = draws.chance(FROM_INTEREST) ? interest() : anyTopic();
    this.#enter(intent, isNeed ? STAGE.comparing : STAGE.exploring, { atMs, draws });
  }

  #enter(intent: number, stage: 1 | 2, { atMs, draws }: { readonly atMs: number; readonly draws: Draws }): void {
    const days = stage === STAGE.exploring ? this.#config.exploringDays : this.#config.comparingDays;
    this.stages[intent] = stage;
    this.#times[intent] = atMs;
    this.#progress[intent] = 0;
    this.#threshold[intent] = draws.exponential(1);
    this.#givenUp[intent] = atMs + draws.exponential(PATIENCE * days * DAY_MS);
  }

  #buy(intent: number, atMs: number): void {
    this.stages[intent] = STAGE.bought;
    this.#buys[intent] = Number.POSITIVE_INFINITY;
    this.#times[intent] = atMs + this.#config.boughtDays * DAY_MS;
  }

  /** A need waits for its next time, counted from the last one's end; others come at any time. */
  #wait(intent: number, atMs: number, draws: Draws): void {
    this.stages[intent] = STAGE.none;
    this.#buys[intent] = Number.POSITIVE_INFINITY;
    const isNeed = intent % INTENTS_PER_PERSON === 1;
    const period = this.#periods[(intent - 1) / INTENTS_PER_PERSON]!;
    this.#times[intent] = isNeed
      ? atMs + period * (1 + NEED_JITTER * (2 * draws.uniform() - 1))
      : atMs + draws.exponential((30 / this.#config.perMonth) * DAY_MS);
  }
}
