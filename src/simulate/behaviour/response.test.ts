import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Draws } from "../random.ts";
import { poolOf, worldConfig } from "../world.test.support.ts";
import { STAGE } from "./intents.ts";
import type { Item } from "./items.ts";
import type { Reception } from "./minds.ts";
import type { Probabilities } from "./outcome.ts";
import { normalBelow, Response, type Showing } from "./response.ts";

const CONFIG = worldConfig();
const RESPONSE = new Response(CONFIG);

function itemOf(kind: "ads" | "posts"): Item {
  const pool = poolOf(kind, CONFIG);
  pool.advance(CONFIG.firstDayMs, 1, Draws.of(1, "items"));
  return pool.active[0]!;
}

const AD = itemOf("ads");
const POST = itemOf("posts");
const CALM: Reception = {
  interest: 1,
  intent: -1,
  stage: STAGE.none,
  isExact: false,
  isDecided: false,
  satiation: 0,
  repeats: 1,
};

/** Probabilities of an ordinary showing, but for some facts. */
function of(facts: Partial<Showing> = {}, reception: Partial<Reception> = {}): Probabilities {
  const into = {} as Probabilities;
  const ordinary = { surface: 0, position: 0, nowMs: CONFIG.firstDayMs, mood: 1, age: 2, device: 0 };
  const { quality, appeal } = facts.item ?? AD;
  const factors = { clicks: 1, likes: 1, trend: 1, quality, appeal, taste: 1, affinity: 1, level: 1 };
  const showing = { item: AD, ...ordinary, ...factors, ...facts };
  RESPONSE.of({ ...showing, reception: { ...CALM, ...reception } }, into);
  return into;
}

const SHARES = ["look", "clickGivenLook", "likeGivenLook", "commentGivenLook", "shareGivenLook"] as const;

describe("the response", () => {
  it("is a probability, whatever is shown to whom", () => {
    const factor = fc.double({ min: 0, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(
        fc.record({
          surface: fc.nat(2),
          position: fc.nat(10_000),
          mood: factor,
          clicks: factor,
          likes: factor,
          trend: factor,
        }),
        fc.record({
          interest: factor,
          satiation: factor,
          repeats: fc.nat(16),
          stage: fc.nat(3),
          isExact: fc.boolean(),
        }),
        (facts, reception) => {
          for (const item of [AD, POST]) {
            const found = of({ ...facts, item }, reception);
            const chances = [...SHARES, "conversionGivenClick", "conversionInWindowGivenClick"] as const;
            for (const name of chances) expect(found[name] >= 0 && found[name] <= 1, name).toBe(true);
            expect(found.conversionInWindowGivenClick).toBeLessThanOrEqual(found.conversionGivenClick);
          }
        },
      ),
    );
  });

  it("of a post has no click and no conversion", () => {
    const { clickGivenLook, conversionGivenClick, conversionInWindowGivenClick } = of({ item: POST });
    expect([clickGivenLook, conversionGivenClick, conversionInWindowGivenClick]).toEqual([0, 0, 0]);
  });

  it("rises with interest, mood, trend and quality, and falls with satiation and place", () => {
    const base = of();
    for (const more of [of({ mood: 2 }), of({ trend: 2 }), of({}, { interest: 2 })]) {
      expect(more.clickGivenLook).toBeGreaterThan(1.5 * base.clickGivenLook);
      expect(more.likeGivenLook).toBeGreaterThan(1.5 * base.likeGivenLook);
    }
    expect(of({ item: { ...AD, quality: 3 * AD.quality } }).clickGivenLook).toBeGreaterThan(2 * base.clickGivenLook);
    expect(of({}, { satiation: 3 }).clickGivenLook).toBeLessThan(0.7 * base.clickGivenLook);
    expect(of({ position: 20 }).look).toBeLessThan(0.8 * base.look);
  });

  it("to a brand first rises, then tires", () => {
    const clicks = [0, 1, 2, 3, 6, 12].map((repeats) => of({}, { repeats }).clickGivenLook);
    expect(clicks[1]!).toBeGreaterThan(clicks[0]!);
    expect(clicks.slice(2)).toEqual(clicks.slice(2).toSorted((a, b) => b - a));
    expect(clicks[5]!).toBeLessThan(0.3 * clicks[1]!);
  });

  it("to an intent's topic shows in organic likes first, then in clicks, then in conversions", () => {
    const at = (stage: number, item = AD) => of({ item }, { stage, intent: 0, isExact: true });
    const none = of();
    expect(at(STAGE.exploring, POST).likeGivenLook).toBeGreaterThan(2 * of({ item: POST }).likeGivenLook);
    expect(at(STAGE.exploring).clickGivenLook).toBeGreaterThan(1.5 * none.clickGivenLook);
    expect(at(STAGE.comparing).clickGivenLook).toBeGreaterThan(at(STAGE.exploring).clickGivenLook);
    expect(at(STAGE.comparing).conversionGivenClick).toBeGreaterThan(5 * none.conversionGivenClick);
    expect(at(STAGE.bought).clickGivenLook).toBeLessThan(0.5 * none.clickGivenLook);
    const decided = of({}, { stage: STAGE.comparing, intent: 0, isExact: true, isDecided: true });
    expect(decided.conversionGivenClick).toBeLessThan(0.3 * at(STAGE.comparing).conversionGivenClick);
    const near = of({}, { stage: STAGE.comparing, intent: 0, isExact: false });
    expect(near.clickGivenLook).toBeGreaterThan(none.clickGivenLook);
    expect(near.clickGivenLook).toBeLessThan(at(STAGE.comparing).clickGivenLook);
  });

  it("differs by surface, beyond one factor", () => {
    const ratio = (surface: number): number =>
      of({ surface }, { interest: 5 }).clickGivenLook / of({ surface }).clickGivenLook;
    expect(ratio(0)).toBeGreaterThan(1.2 * ratio(2));
    const formats = (surface: number): number =>
      of({ surface, item: { ...AD, format: 2 } }).clickGivenLook /
      of({ surface, item: { ...AD, format: 0 } }).clickGivenLook;
    expect(formats(1)).toBeGreaterThan(2 * formats(2));
  });

  it("is drawn as it says, delays too", () => {
    const draws = Draws.of(4, "days");
    const truth: Probabilities = { ...of(), look: 0.8, clickGivenLook: 0.7, conversionGivenClick: 0.9 };
    const count = 20_000;
    const outcomes = Array.from({ length: count }, () => RESPONSE.draw(truth, CALM, draws));
    const share = (fits: (outcome: (typeof outcomes)[number]) => boolean): number =>
      outcomes.filter(fits).length / count;
    expect(share(({ looked }) => looked)).toBeCloseTo(0.8, 1.8);
    expect(share(({ clicked }) => clicked)).toBeCloseTo(0.56, 1.8);
    expect(share(({ buysAfterMs }) => buysAfterMs < Number.POSITIVE_INFINITY)).toBeCloseTo(0.504, 1.8);
    expect(share(({ buysAfterMs }) => buysAfterMs < truth.delayMs)).toBeCloseTo(0.252, 1.8);
    expect(outcomes.filter(({ looked, clicked, liked }) => !looked && (clicked || liked))).toEqual([]);
  });
});

describe("the normal distribution", () => {
  it("is what its density adds up to", () => {
    let below = 0;
    const step = 1e-4;
    for (let z = -9; z < 6; z += step) {
      below += (step * Math.exp(-((z + step / 2) ** 2) / 2)) / Math.sqrt(2 * Math.PI);
      if (Math.round((z + step) / step) % 5000 === 0)
        expect(Math.abs(normalBelow(z + step) - below)).toBeLessThan(2e-7);
    }
  });

  it("has its limits", () => {
    expect([Number.NEGATIVE_INFINITY, -1e4, 1e4, Number.POSITIVE_INFINITY].map(normalBelow)).toEqual([0, 0, 1, 1]);
    expect(normalBelow(Number.NaN)).toBeNaN();
  });
});
