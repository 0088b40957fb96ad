import { describe, expect, it } from "vitest";
import type { UserWorld } from "../../config/world/world.ts";
import { Draws } from "../random.ts";
import { poolOf, worldConfig } from "../world.test.support.ts";
import type { Item } from "./items.ts";
import { Minds } from "./minds.ts";
import { People } from "./people.ts";
import { Topics } from "./topics.ts";

const USERS = 400;

function mindsOf(people: UserWorld["people"] = {}) {
  const config = worldConfig({ users: USERS, people: { passingInterests: 1, ...people }, topics: { groups: 40 } });
  const topics = new Topics(config);
  const all = new People(config, topics);
  const pool = poolOf("posts", config);
  pool.advance(config.firstDayMs, 1, Draws.of(1, "items"));
  const item = (topic: number): Item => ({ ...pool.active[0]!, first: topic, second: topic, share: 1 });
  return { config, topics, people: all, minds: new Minds(config, all, topics), item };
}

describe("interests", () => {
  it("are in the groups of earlier ones as often as they are close", () => {
    for (const [interestCloseness, least, most] of [
      [0, 5.2, 6],
      [0.5, 3, 4.2],
      [1, 1, 1],
    ] as const) {
      const { people, topics } = mindsOf({ interestCloseness });
      let groups = 0;
      for (let user = 0; user < USERS; user++) {
        const own = people.topics.subarray(user * people.slots, user * people.slots + people.slots - people.passing);
        groups += new Set(Array.from(own, (topic) => topics.groupOf(topic))).size / USERS;
      }
      expect(groups).toBeGreaterThan(least - 1e-9);
      expect(groups).toBeLessThan(most + 1e-9);
    }
  });

  it.each([10, 30])("of strength %d add it to what is of their topic, and a part to its group", (interestStrength) => {
    const { config, people, topics, minds, item } = mindsOf({ interestStrength });
    for (let user = 0; user < 20; user++) {
      const [from, to] = [user * people.slots, (user + 1) * people.slots];
      const topic = people.topics[from]!;
      const added = (at: number): number => {
        const isNear = topics.groupOf(people.topics[at]!) === topics.groupOf(topic);
        return interestStrength * people.strengths[at]! * (Number(people.topics[at] === topic) + 0.15 * Number(isNear));
      };
      const sum = (end: number): number =>
        Array.from({ length: end - from }, (_, slot) => added(from + slot)).reduce((a, b) => a + b, 0.3);
      expect(minds.receive(user, item(topic), config.firstDayMs).interest).toBeCloseTo(sum(to), 9);
      expect(minds.lastingInterest(user, item(topic))).toBeCloseTo(sum(to - people.passing), 9);
    }
  });
});
