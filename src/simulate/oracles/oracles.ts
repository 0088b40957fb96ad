/**
 * What could be known by who knows all of the world but some of its parts. The truth knows people's moods and intents,
 * which no model can: an oracle without them is an honest measure of what is left to learn.
 *
 * An oracle's probability is that of the same showing with each hidden factor replaced by one value, and the mood, which
 * the chance of a look depends on, averaged over its distribution. Its logits are then mapped, surface by surface, to those
 * closest to the truth (`oracles/calibrate.ts`), so that levels and slopes are those of the conditional mean. An oracle
 * uses nothing that the history says of a hidden part: a model may guess some of it from what happened before.
 */
import type { Probabilities } from "../behaviour/outcome.ts";
import type { Response, Showing } from "../behaviour/response.ts";

/** A part of the world that an oracle does not know. `people`: all that the other parts leave of person, item and day. */
type Part = "mood" | "intents" | "passing" | "interests" | "quality" | "taste" | "traits" | "people";

/** One oracle. */
export interface Oracle {
  /** As evaluations show it. */
  readonly name: string;
  /** The end of its columns' names. */
  readonly id: string;
  readonly hides: readonly Part[];
  /** Whether evaluations tell how much of what it knows others know. @default false */
  readonly isMeasure?: boolean;
}

const MIND = ["mood", "intents"] as const;

/** The oracles, in the order of their rows. */
export const ORACLES: readonly Oracle[] = [
  { name: "without mood", id: "no_mood", hides: ["mood"] },
  { name: "without intents", id: "no_intents", hides: ["intents"] },
  { name: "without mood, intents", id: "no_mind", hides: MIND, isMeasure: true },
  { name: "without mood, intents, passing interests", id: "no_mind_passing", hides: [...MIND, "passing"] },
  { name: "without mood, intents, quality", id: "no_mind_quality", hides: [...MIND, "quality"] },
  { name: "without mood, intents, taste", id: "no_mind_taste", hides: [...MIND, "taste"] },
  { name: "without mood, intents, traits", id: "no_mind_traits", hides: [...MIND, "traits"] },
  { name: "without mood, intents, interests", id: "no_mind_interests", hides: [...MIND, "interests"] },
  {
    name: "without mood, intents, interests, taste, traits, quality",
    id: "no_mind_content",
    hides: [...MIND, "interests", "taste", "traits", "quality"],
  },
  {
    name: "surface, format, age, device, position alone",
    id: "place_alone",
    hides: [...MIND, "interests", "taste", "traits", "quality", "people"],
  },
];

/** Outcomes that every oracle has a probability of, as the truth has. */
export const KNOWN_OUTCOMES = ["like", "click", "conversion"] as const;
/** Probabilities that all oracles give together. */
export const ORACLE_COLUMNS = ORACLES.length * KNOWN_OUTCOMES.length;

/** Column of the probability of an outcome that an oracle gives. */
export function oracleColumn(outcome: (typeof KNOWN_OUTCOMES)[number], { id }: Oracle): string {
  return `p_${outcome}_${id}`;
}

/** Gauss and Hermite's three points, of a standard normal. */
const MOODS = [
  { z: -Math.sqrt(3), weight: 1 / 6 },
  { z: 0, weight: 2 / 3 },
  { z: Math.sqrt(3), weight: 1 / 6 },
] as const;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What a showing is to somebody who knows only a part of it. */
type Shown = Mutable<Omit<Showing, "reception">> & { reception: Mutable<Showing["reception"]> };

/** Asks all oracles of one showing after the other. */
export class OracleAnswers {
  /** The probability of each oracle's outcomes, of the last showing. @shape [oracles, outcomes] */
  readonly values = new Float64Array(ORACLE_COLUMNS);
  readonly #response: Response;
  readonly #moodSpread: number;
  readonly #answer = {} as Probabilities;

  constructor(response: Response, moodSpread: number) {
    this.#response = response;
    this.#moodSpread = moodSpread;
  }

  /** Writes {@link values}. @param lasting the interest that no passing one adds to */
  ask(showing: Showing, lasting: number): void {
    for (const [o, { hides }] of ORACLES.entries()) {
      const shown: Shown = { ...showing, reception: { ...showing.reception } };
      for (const part of hides) hide(part, shown, lasting);
      this.#average(shown, hides.includes("mood"), o * KNOWN_OUTCOMES.length);
    }
  }

  #average(shown: Shown, hasNoMood: boolean, at: number): void {
    const { values } = this;
    values.fill(0, at, at + KNOWN_OUTCOMES.length);
    if (!hasNoMood) {
      this.#add(shown, 1, at);
      return;
    }
    const spread = this.#moodSpread;
    for (const { z, weight } of MOODS) {
      shown.mood = Math.exp(spread * z - spread ** 2 / 2);
      this.#add(shown, weight, at);
    }
  }

  #add(shown: Showing, weight: number, at: number): void {
    const answer = this.#answer;
    this.#response.of(shown, answer);
    const look = weight * answer.look;
    const click = look * answer.clickGivenLook;
    this.values[at]! += look * answer.likeGivenLook;
    this.values[at + 1]! += click;
    this.values[at + 2]! += click * answer.conversionInWindowGivenClick;
  }
}

/** Replaces one part of a showing by what is nobody's in particular. */
function hide(part: Part, shown: Shown, lasting: number): void {
  const { reception } = shown;
  if (part === "intents") Object.assign(reception, { intent: -1, stage: 0, isExact: false, isDecided: false });
  if (part === "passing") reception.interest = lasting;
  if (part === "interests") reception.interest = 1;
  if (part === "quality") shown.quality = shown.appeal = 1;
  if (part === "taste") shown.taste = 1;
  if (part === "traits") shown.affinity = 1;
  if (part !== "people") return;
  shown.clicks = shown.likes = shown.trend = shown.level = 1;
  shown.nowMs = shown.item.bornMs;
  reception.satiation = reception.repeats = 0;
}
