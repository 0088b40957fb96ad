import { describe, expect, it } from "vitest";

import { worldConfig } from "../world.test.support.ts";
import { Traits } from "./traits.ts";

const [USERS, ITEMS, SPREAD] = [400, 400, 0.6];
const WORLD = { users: USERS, traits: { ofPeople: 4, ofItems: 3, values: 16, spread: SPREAD } };

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const variance = (values: readonly number[]): number => {
  const center = mean(values);
  return mean(values.map((value) => (value - center) ** 2));
};

const traitsOf = (): Traits => new Traits(worldConfig(WORLD));

describe("traits", () => {
  it("make a factor of mean about 1 whose log deviates by the spread", () => {
    const traits = traitsOf();
    const items = Array.from({ length: ITEMS }, (_, item) => traits.ofItem(item, item));
    const factors = items.flatMap((item) => Array.from({ length: USERS }, (_, user) => traits.factor(user, item)));
    expect(Math.abs(mean(factors) - 1)).toBeLessThan(0.15);
    expect(Math.abs(Math.sqrt(variance(factors.map(Math.log))) - SPREAD)).toBeLessThan(0.15 * SPREAD);
  });

  it("act in pairs: what one changed trait does depends on the traits of the other side, and on them alone", () => {
    const traits = traitsOf();
    // Two values of the first trait, for people who may differ otherwise.
    const change = (user: number): number =>
      Math.log(traits.factor(user, Uint8Array.of(1, 0, 0)) / traits.factor(user, Uint8Array.of(2, 0, 0)));
    const ofUser = (user: number): readonly number[] => [...traits.people.subarray(4 * user, 4 * user + 4)];
    const changes = new Map<string, number[]>();
    for (let user = 0; user < USERS; user++) {
      const key = ofUser(user).join();
      changes.set(key, [...(changes.get(key) ?? []), change(user)]);
    }
    for (const same of changes.values()) expect(Math.max(...same) - Math.min(...same)).toBeLessThan(1e-6);
    const kinds = [...changes.values()].map(([first]) => first!);
    // Of √12 pairs four change, by the difference of two numbers each.
    const expected = SPREAD * Math.sqrt((4 * 2) / 12);
    expect(Math.sqrt(variance(kinds)) / expected).toBeGreaterThan(0.5);
    expect(Math.sqrt(variance(kinds)) / expected).toBeLessThan(1.5);
  });

  it("of an item are its maker's by half, and the same every time", () => {
    const traits = traitsOf();
    const pairs = Array.from(
      { length: 1000 },
      (_, i) => [traits.ofItem(7, 2 * i), traits.ofItem(7, 2 * i + 1)] as const,
    );
    const others = Array.from(
      { length: 1000 },
      (_, i) => [traits.ofItem(i, i), traits.ofItem(5000 + i, 5000 + i)] as const,
    );
    const alike = (all: typeof pairs): number => mean(all.map(([a, b]) => Number(a[0] === b[0])));
    // Both have the maker's in a quarter of the cases.
    expect(alike(pairs)).toBeGreaterThan(alike(others) + 0.12);
    expect(traits.ofItem(3, 4)).toEqual(traitsOf().ofItem(3, 4));
    expect(traits.people).toEqual(traitsOf().people);
  });

  it("are none in a world without", () => {
    const traits = new Traits(worldConfig({ users: USERS }));
    expect([traits.people.length, traits.ofItem(1, 2).length, traits.factor(3, traits.ofItem(1, 2))]).toEqual([
      0, 0, 1,
    ]);
  });
});
