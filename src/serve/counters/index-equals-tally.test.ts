/** The two ways to count a log: all at once, as training does, and report by report, as an online store does. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { CounterIndex } from "../../data/counters/counter-index.ts";
import { NO_TILES, type TileCounts } from "../../features/counters/tile-counts.ts";
import { tileOf, tilesOf } from "../../features/counters/tiles.ts";
import type { ReportedEvent } from "../store/online-store.ts";
import { CounterTally } from "./counter-tally.ts";
import { decodeTiles, encodeTiles } from "./key-tiles.ts";
import { EVERY, eventsOf, LIKE_DELAY, LIKES, REPORT, reportedOf, within } from "./reports.test.support.ts";

const USERS = ["", "u1", "u2"];
const TOPICS = ["", "a", "b"];
const KEYS = ["u1", "u2"].flatMap((user) => ["a", "b"].map((topic) => ({ user, topic })));
const ASKED = [-5, 30, 77, 200].flatMap((timeMs) => {
  return [EVERY, 5 * EVERY, null].map((lengthMs) => tilesOf(timeMs, EVERY, lengthMs));
});

/** The key of a user and a topic in the codes of a store. */
const keyOf = (user: string, topic: string): number => USERS.indexOf(user) * TOPICS.length + TOPICS.indexOf(topic);

/** Counts as reports come: an event that is told more of is taken away as it was, and counted as it is then. */
function tallied(reports: readonly ReportedEvent[]): ReadonlyMap<string, TileCounts> {
  const tally = new CounterTally([LIKES]);
  const seen = new Map<string, ReportedEvent>();
  for (const report of reports) {
    const name = `${report.user} ${report.id}`;
    const before = seen.get(name);
    const [after = report] = eventsOf(before === undefined ? [report] : [before, report]);
    if (before !== undefined) tally.count(before.user, before, -1);
    tally.count(after.user, after, 1);
    seen.set(name, after);
  }
  return new Map([...tally.changes()].map(({ key, tiles }) => [key, decodeTiles(encodeTiles(tiles))]));
}

/** Counts events all at once. */
function indexed(events: readonly ReportedEvent[]): CounterIndex {
  const counted = events.filter(({ facts }) => facts["like"] !== undefined && (facts["topic"] ?? "") !== "");
  return CounterIndex.of({
    keys: Float64Array.from(counted, ({ user, facts }) => keyOf(user, `${facts["topic"]}`)),
    tiles: Float64Array.from(counted, ({ timeMs, facts }) => {
      return tileOf(timeMs + Number(facts["known.like"] ?? LIKE_DELAY), EVERY);
    }),
    amounts: Float64Array.from(counted, ({ facts }) => Number(facts["like"])),
  });
}

it("counts the same at once and as reports come, of 10,000 logs", () => {
  fc.assert(
    fc.property(fc.array(REPORT, { maxLength: 16 }), (given) => {
      const reports = given.map(reportedOf);
      const online = tallied(reports);
      const index = indexed(eventsOf(reports));
      for (const { user, topic } of KEYS) {
        const totals = online.get(JSON.stringify([user, topic])) ?? NO_TILES;
        const found = index.find(keyOf(user, topic));
        for (const { from, until } of ASKED) {
          expect(within(totals, [from, until])).toEqual(index.counts(found, { from, until }));
        }
      }
    }),
    { numRuns: 10_000 },
  );
});
