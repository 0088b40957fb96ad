import { describe, expect, it } from "vitest";
import { Draws } from "../random.ts";
import { poolOf, worldConfig } from "../world.test.support.ts";
import type { Item } from "./items.ts";
import { LoggingPolicy } from "./policy.ts";
import { Topics } from "./topics.ts";

const CONFIG = worldConfig({ users: 2, ads: { perDay: 10 } });
const TOPICS = new Topics(CONFIG);

function items(): readonly Item[] {
  const pool = poolOf("ads", CONFIG);
  pool.advance(CONFIG.firstDayMs, 1, Draws.of(1, "items"));
  return pool.active;
}

/** How often each item is chosen for a person. */
function shares(
  policy: LoggingPolicy,
  active: readonly Item[],
  { person = 0, times = 20_000 } = {},
): readonly number[] {
  const draws = Draws.of(3, "days");
  const counts = new Map(active.map((item) => [item, 0]));
  for (let i = 0; i < times; i++) {
    const item = policy.choose(person, active, draws);
    counts.set(item, (counts.get(item) ?? 0) + 1);
  }
  return active.map((item) => (counts.get(item) ?? 0) / times);
}

describe("the logging policy", () => {
  it("gives every item a chance, even the one that all dislike", () => {
    const active = items();
    const policy = new LoggingPolicy(CONFIG, TOPICS);
    for (let i = 0; i < 2000; i++) policy.learn(0, active[0]!, false);
    const share = shares(policy, active)[0]!;
    const least = CONFIG.policy.exploration / active.length;
    expect(share).toBeGreaterThan(0.7 * least);
    expect(share).toBeLessThan(0.5 / active.length);
  });

  it("shows more of what was engaged with, most to those who did", () => {
    const active = items();
    const policy = new LoggingPolicy(CONFIG, TOPICS);
    for (let i = 0; i < 200; i++) policy.learn(0, active[1]!, i % 2 === 0);
    const [own, other] = [shares(policy, active)[1]!, shares(policy, active, { person: 1 })[1]!];
    expect(own).toBeGreaterThan(2 / active.length);
    expect(other).toBeGreaterThan(1.2 / active.length);
  });

  it("reads nothing that the log does not hold", () => {
    const active = items();
    const hidden = active.map((item) => ({ ...item, first: 0, second: 1, quality: 9, appeal: 9, share: 0 }));
    const before = shares(new LoggingPolicy(CONFIG, TOPICS), active);
    expect(shares(new LoggingPolicy(CONFIG, TOPICS), hidden)).toEqual(before);
  });

  it("chooses at random where it only explores", () => {
    const policy = new LoggingPolicy({ ...CONFIG, policy: { ...CONFIG.policy, exploration: 1 } }, TOPICS);
    const active = items();
    for (let i = 0; i < 200; i++) policy.learn(0, active[1]!, true);
    for (const share of shares(policy, active)) expect(Math.abs(share - 0.1)).toBeLessThan(0.012);
  });
});
