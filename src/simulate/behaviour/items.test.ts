import { describe, expect, it } from "vitest";
import type { UserWorld } from "../../config/world/world.ts";
import { Draws } from "../random.ts";
import { poolOf, worldConfig } from "../world.test.support.ts";
import type { Item } from "./items.ts";

function items(world: UserWorld): readonly Item[] {
  const config = worldConfig({ users: 1, posts: { perDay: 4000, makers: 40, ...world.posts }, ...world });
  const pool = poolOf("posts", config);
  pool.advance(config.firstDayMs, 1, Draws.of(1, "items"));
  return pool.active;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const variance = (values: readonly number[]): number => {
  const center = mean(values);
  return mean(values.map((value) => (value - center) ** 2));
};

/** The items of each maker. */
function byMaker(all: readonly Item[]): ReadonlyMap<number, readonly Item[]> {
  const makers = new Map<number, Item[]>();
  for (const item of all) makers.set(item.maker, [...(makers.get(item.maker) ?? []), item]);
  return makers;
}

/** Share of the variance of what items have that their makers have in common. */
function sharedBy(all: readonly Item[], of: (item: Item) => number): number {
  const makers = [...byMaker(all).values()];
  const within = makers.reduce((sum, own) => sum + own.length * variance(own.map(of)), 0) / all.length;
  return 1 - within / variance(all.map(of));
}

describe("the skill of makers", () => {
  it("is a part of how good their items are, as large as its spread says, and apart of how they sell", () => {
    const all = items({ posts: { perDay: 4000, makers: 40, qualitySpread: 0.4, skillSpread: 0.8 } });
    const [quality, appeal] = [(item: Item) => Math.log(item.quality), (item: Item) => Math.log(item.appeal)];
    // 0.64 of 0.64 + 0.16, of 40 makers of which few make most.
    for (const of of [quality, appeal]) {
      expect(sharedBy(all, of)).toBeGreaterThan(0.6);
      expect(sharedBy(all, of)).toBeLessThan(0.95);
    }
    const makers = [...byMaker(all).values()];
    expect(new Set(makers.map((own) => Math.sign(mean(own.map(quality)) - mean(own.map(appeal))))).size).toBe(2);
  });

  it("is none by default", () => {
    expect(sharedBy(items({}), (item) => Math.log(item.quality))).toBeLessThan(0.05);
  });
});

describe("a style", () => {
  const topics = { creativeDim: 32, creativeNoise: 0 };

  it("is the last eight numbers of a creative, half of it its maker's", () => {
    const all = items({ people: { tasteSpread: 0.5 }, topics });
    for (let i = 24; i < 32; i++) {
      const shared = sharedBy(all, ({ creative }) => creative[i]!);
      expect(shared).toBeGreaterThan(0.25);
      expect(shared).toBeLessThan(0.75);
    }
  });

  it("says nothing of topics, which show in the numbers before it", () => {
    const all = items({ people: { tasteSpread: 0.5 }, topics });
    const length = (item: Item, from: number, to: number): number =>
      Math.hypot(...item.creative.subarray(from, to)) / 63;
    const pure = all.filter(({ first, second }) => first === second);
    for (const item of pure) expect(Math.abs(length(item, 0, 24) - 1)).toBeLessThan(0.05);
    expect(Math.abs(mean(all.map((item) => length(item, 24, 32))) - 1)).toBeLessThan(0.15);
  });

  it("leaves the whole creative to topics in a world without tastes", () => {
    const pure = items({ topics }).filter(({ first, second }) => first === second);
    expect(pure.some(({ creative }) => creative.subarray(24).some((value) => value !== 0))).toBe(true);
    for (const { creative } of pure) expect(Math.abs(Math.hypot(...creative) / 63 - 1)).toBeLessThan(0.05);
  });
});
