import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { IntentsConfig } from "../../config/world/world.ts";
import { Draws } from "../random.ts";
import { worldConfig } from "../world.test.support.ts";
import { Intents, type IntentWorld, STAGE } from "./intents.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const CONFIG = worldConfig().intents;

function worldOf(seed: number): IntentWorld {
  return { draws: Draws.of(seed, "days"), interest: () => 3, anyTopic: () => 7 };
}

/** A person's intents, looked at every hour, or at given times: the stages of one of them, one entry per look. */
function watch(
  seed: number,
  slot: number,
  options: { config?: IntentsConfig; hours: number; times?: readonly number[] },
) {
  const { config = CONFIG, hours, times = Array.from({ length: hours }, (_, hour) => hour * HOUR_MS) } = options;
  const world = worldOf(seed);
  const intents = new Intents(config, 1);
  intents.begin(0, 0, world);
  const stages = times.map((time) => {
    intents.advance(0, time, world);
    return intents.stages[slot]!;
  });
  return { intents, stages, world };
}

/** Each pair of stages that follow each other. */
function turns(stages: readonly number[]): readonly string[] {
  return stages.flatMap((stage, i) => (i > 0 && stages[i - 1] !== stage ? [`${stages[i - 1]}${stage}`] : []));
}

/** The turns of an intent, none missed: hours with more than one are looked at again, every second. */
function everyTurn(seed: number, hours: number, legal: readonly string[]): readonly string[] {
  const { stages } = watch(seed, 0, { hours });
  const times = stages.flatMap((stage, hour) => {
    const before = stages[hour - 1] ?? stage;
    if (before === stage || legal.includes(`${before}${stage}`)) return [hour * HOUR_MS];
    return Array.from({ length: 3600 }, (_, second) => (hour - 1) * HOUR_MS + (second + 1) * 1000);
  });
  return turns(watch(seed, 0, { hours, times }).stages);
}

describe("an intent", () => {
  it("appears, is explored, compared and bought, or given up; nothing else", () => {
    fc.assert(
      fc.property(fc.nat(10_000), (seed) => {
        const legal = ["01", "12", "10", "20", "23", "30"];
        expect(everyTurn(seed, 24 * 60, legal).filter((turn) => !legal.includes(turn))).toEqual([]);
      }),
      { numRuns: 30, examples: [[5701]] },
    );
  });

  it("ends in a purchase about as often as its hazards say", () => {
    const ends = Array.from({ length: 60 }, (_, seed) => turns(watch(seed, 0, { hours: 24 * 90 }).stages)).flat();
    const bought = ends.filter((turn) => turn === "23").length;
    const givenUp = ends.filter((turn) => turn === "10" || turn === "20").length;
    // Each of the two stages goes on with 2/3: the hazard of giving up is half that of going on.
    expect(bought / (bought + givenUp)).toBeGreaterThan(0.36);
    expect(bought / (bought + givenUp)).toBeLessThan(0.53);
  });

  it("goes on faster if it is pushed", () => {
    const daysExploring = (hazard: number): number => {
      let days = 0;
      for (let seed = 0; seed < 200; seed++) {
        const { intents, world } = watch(seed, 0, { hours: 0 });
        let now = 0;
        for (; intents.stages[0] === STAGE.none; now += HOUR_MS) intents.advance(0, now, world);
        const start = now;
        for (; intents.stages[0] === STAGE.exploring; now += HOUR_MS) {
          intents.push(0, hazard);
          intents.advance(0, now, world);
        }
        days += (now - start) / DAY_MS / 200;
      }
      return days;
    };
    expect(daysExploring(0)).toBeGreaterThan(1.2);
    expect(daysExploring(0.1)).toBeLessThan(0.6);
  });

  it("that was decided is bought at that time, and then rests", () => {
    const { intents, world } = watch(5, 0, { hours: 0 });
    let now = 0;
    for (; intents.stages[0] !== STAGE.comparing; now += HOUR_MS) intents.advance(0, now, world);
    expect(intents.isDecided(0)).toBe(false);
    intents.decide(0, now + 3 * DAY_MS);
    intents.decide(0, now + 5 * DAY_MS);
    expect(intents.isDecided(0)).toBe(true);
    intents.advance(0, now + 3 * DAY_MS - 1, world);
    expect(intents.stages[0]).toBe(STAGE.comparing);
    intents.advance(0, now + 3 * DAY_MS, world);
    expect([intents.stages[0], intents.isDecided(0)]).toEqual([STAGE.bought, false]);
    intents.advance(0, now + (3 + CONFIG.boughtDays) * DAY_MS - 1, world);
    expect(intents.stages[0]).toBe(STAGE.bought);
    intents.advance(0, now + (3 + CONFIG.boughtDays) * DAY_MS, world);
    expect(intents.stages[0]).not.toBe(STAGE.bought);
  });

  it("passes the same way however often it is looked at", () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.integer({ min: 1, max: 2000 }), (seed, hours) => {
        const config = { ...CONFIG, needs: false };
        const world = worldOf(seed);
        const intents = new Intents(config, 1);
        intents.begin(0, 0, world);
        intents.advance(0, (hours - 1) * HOUR_MS, world);
        const { intents: hourly } = watch(seed, 0, { config, hours });
        expect([intents.stages[0], intents.topics[0]]).toEqual([hourly.stages[0], hourly.topics[0]]);
      }),
      { numRuns: 50 },
    );
  });
});

describe("a need", () => {
  it("comes back in its period, of the same topic, without exploring", () => {
    for (let seed = 0; seed < 20; seed++) {
      const { stages, intents } = watch(seed, 1, { hours: 24 * 150 });
      expect(stages).not.toContain(STAGE.exploring);
      expect(intents.topics[1]).toBe(3);
      const begins = stages.flatMap((stage, i) =>
        stage === STAGE.comparing && stages[i - 1] === STAGE.none ? [i] : [],
      );
      const ends = stages.flatMap((stage, i) =>
        stage === STAGE.none && i > 0 && stages[i - 1] !== STAGE.none ? [i] : [],
      );
      const waits = ends.flatMap((end) =>
        begins
          .filter((begin) => begin > end)
          .slice(0, 1)
          .map((begin) => begin - end),
      );
      expect(waits.length).toBeGreaterThan(1);
      // One period per person, 10% earlier or later. A stage of less than an hour is missed, and a wait is then two.
      const period = waits.toSorted((x, y) => x - y)[Math.floor((waits.length - 1) / 2)]!;
      const odd = waits.filter((wait) => Math.abs(wait - period) > 0.21 * period + 2);
      expect(odd.length).toBeLessThanOrEqual(Math.max(1, waits.length / 4));
      expect(period).toBeGreaterThan(0.9 * 24 * CONFIG.needDays - 2);
      expect(period).toBeLessThan(1.1 * 24 * 2.5 * CONFIG.needDays + 2);
    }
  });

  it("never comes in a world without", () => {
    const { stages } = watch(1, 1, { config: { ...CONFIG, needs: false }, hours: 24 * 60 });
    expect(new Set(stages)).toEqual(new Set([STAGE.none]));
  });
});
