/** What the tests of counters share: reports of a few users, and what they say in the end. */
import fc from "fast-check";
import type { RawCounter } from "../../features/counters/raw-counter.ts";
import { countsIn, type TileCounts } from "../../features/counters/tile-counts.ts";
import type { ReportedEvent } from "../store/online-store.ts";

/** Length of a tile. @unit ms */
export const EVERY = 10;
/** When likes are known. @unit ms */
export const LIKE_DELAY = 25;
/** When amounts are known. @unit ms */
export const SPEND_DELAY = 3;
/** A part of a key. */
export const category = (name: string, buckets: number | null = null) => ({ name, kind: "category", buckets }) as const;

/** A counter of an outcome that says when it is known. */
export const LIKES: RawCounter = {
  ...{ of: "like", kind: "flag", delayMs: LIKE_DELAY, known: "known.like", everyMs: EVERY },
  by: [category("user"), category("topic")],
};
/** A counter of amounts. */
export const SPENT: RawCounter = {
  ...{ of: "spend", kind: "value", delayMs: SPEND_DELAY, known: null, everyMs: EVERY },
  by: [category("item"), { name: "isNew", kind: "flag", buckets: null }],
};

/** What may be told of one event, some of it now and some later. */
const FACTS = fc.record(
  {
    topic: fc.constantFrom("a", "b", ""),
    item: fc.constantFrom("x", "y"),
    isNew: fc.constantFrom(0, 1),
    like: fc.constantFrom(0, 1),
    spend: fc.constantFrom(0, 1, 0.1, 2.5, 1e12),
  },
  { requiredKeys: [] },
);
/** One report. */
export const REPORT = fc.record({
  user: fc.constantFrom("u1", "u2"),
  id: fc.nat(6).map((n) => `e${n}`),
  timeMs: fc.integer({ min: -30, max: 120 }),
  facts: FACTS,
  likeAfterMs: fc.option(fc.nat(LIKE_DELAY)),
});
/** Calls of reports. */
export const CALLS = fc.array(fc.array(REPORT, { maxLength: 8 }), { maxLength: 6 });

/** A report as a store takes it. */
export function reportedOf({ likeAfterMs, facts, ...event }: typeof REPORT extends fc.Arbitrary<infer T> ? T : never) {
  const known = facts.like === undefined || likeAfterMs === null ? {} : { "known.like": likeAfterMs };
  return { ...event, facts: { ...facts, ...known } } as ReportedEvent;
}

/** The events as they are in the end: of each id the first time, and each fact as it was told first. */
export function eventsOf(reports: readonly ReportedEvent[]): readonly ReportedEvent[] {
  const events = new Map<string, ReportedEvent>();
  for (const report of reports) {
    const name = `${report.user} ${report.id}`;
    const first = events.get(name);
    const { "known.like": known, ...facts } = report.facts;
    const isFirst = first?.facts["like"] === undefined;
    const added = { ...facts, ...(isFirst && known !== undefined ? { "known.like": known } : {}) };
    events.set(name, { ...report, ...first, facts: { ...added, ...first?.facts } });
  }
  return [...events.values()];
}

/** What was counted in some tiles. */
export function within(totals: TileCounts, [from, until]: readonly [number, number]) {
  return countsIn(totals, { start: 0, end: totals.tiles.length }, { from, until });
}
