import { beforeAll, describe, expect, it } from "vitest";
import { worldConfig } from "../world.test.support.ts";
import { People } from "./people.ts";
import { Tastes } from "./tastes.ts";
import { Topics } from "./topics.ts";

const USERS = 300;
const ITEMS = 300;
const SPREAD = 0.5;

function tastesOf(tasteSpread: number): Tastes {
  const config = worldConfig({ users: USERS, people: { tasteSpread }, topics: { creativeDim: 32 } });
  return new Tastes(config, new People(config, new Topics(config)));
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const variance = (values: readonly number[]): number => {
  const center = mean(values);
  return mean(values.map((value) => (value - center) ** 2));
};

describe("tastes", () => {
  /** Log of the factor of each person and item, in one format, each item of a maker of its own. */
  let logs: readonly (readonly number[])[];
  beforeAll(() => {
    const tastes = tastesOf(SPREAD);
    const parts = Array.from({ length: ITEMS }, (_, item) => tastes.partOf(tastes.styleOf(item, item), 1));
    logs = Array.from({ length: USERS }, (_, user) => parts.map((part) => Math.log(tastes.factor(user, part))));
  });

  it("are factors of mean about 1 whose log deviates by the spread", () => {
    const all = logs.flat();
    expect(Math.abs(mean(all.map(Math.exp)) - 1)).toBeLessThan(0.1);
    expect(Math.abs(Math.sqrt(variance(all)) - SPREAD)).toBeLessThan(0.15 * SPREAD);
  });

  it("are mostly of how person and item go together, not of the one or the other", () => {
    const center = mean(logs.flat());
    const people = logs.map(mean);
    const items = Array.from({ length: ITEMS }, (_, item) => mean(logs.map((row) => row[item]!)));
    const together = logs.flatMap((row, u) => row.map((value, i) => value - people[u]! - items[i]! + center));
    expect(variance(together) / variance(logs.flat())).toBeGreaterThan(0.5);
  });

  it("are no product of few vectors: an interplay of rank 8 leaves much of it", () => {
    // Power iteration on the doubly centred table takes its eight largest components away, one by one.
    const people = logs.map(mean);
    const items = Array.from({ length: ITEMS }, (_, item) => mean(logs.map((row) => row[item]!)));
    const center = mean(people);
    const table = logs.map((row, u) => row.map((value, i) => value - people[u]! - items[i]! + center));
    const before = variance(table.flat());
    for (let component = 0; component < 8; component++) {
      let right = Array.from({ length: ITEMS }, (_, i) => Math.sin(1 + i * (component + 2)));
      for (let round = 0; round < 30; round++) {
        const left = table.map((row) => row.reduce((sum, value, i) => sum + value * right[i]!, 0));
        right = right.map((_, i) => table.reduce((sum, row, u) => sum + row[i]! * left[u]!, 0));
        const length = Math.hypot(...right);
        right = right.map((value) => value / length);
      }
      for (const row of table) {
        const along = row.reduce((sum, value, i) => sum + value * right[i]!, 0);
        for (let i = 0; i < ITEMS; i++) row[i]! -= along * right[i]!;
      }
    }
    expect(variance(table.flat()) / before).toBeGreaterThan(0.25);
  });

  it("are alike among people of one age and country", () => {
    const config = worldConfig({ users: USERS });
    const people = new People(config, new Topics(config));
    const correlations: { readonly same: number[]; readonly other: number[] } = { same: [], other: [] };
    for (let a = 0; a < 100; a++) {
      for (let b = 0; b < a; b++) {
        const isSame = people.age[a] === people.age[b] && people.country[a] === people.country[b];
        const [x, y] = [logs[a]!, logs[b]!];
        const [mx, my] = [mean(x), mean(y)];
        const together = mean(x.map((value, i) => (value - mx) * (y[i]! - my)));
        (isSame ? correlations.same : correlations.other).push(together / Math.sqrt(variance(x) * variance(y)));
      }
    }
    expect(mean(correlations.same)).toBeGreaterThan(mean(correlations.other) + 0.15);
  });

  it("are none in a world without", () => {
    const tastes = tastesOf(0);
    const style = tastes.styleOf(1, 2);
    expect([style.length, tastes.factor(3, tastes.partOf(style, 0))]).toEqual([0, 1]);
  });
});
