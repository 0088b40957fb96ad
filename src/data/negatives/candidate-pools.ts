import { lowerBound, partitionPoint } from "../../base/binary-search.ts";
import type { NegativeSource } from "../../config/types.ts";
import type { ItemTimeline } from "./item-timeline.ts";

/** A positive example: its item, and when it was met. */
export interface Positive {
  readonly item: number;
  /** @unit ms since 1970, UTC */
  readonly timeMs: number;
}

/** What the negatives of one positive are drawn from, each place alike: never its own item, none that came later. */
export interface CandidatePool {
  readonly size: number;
  /** @param place in [0, size) */
  itemAt(place: number): number;
}

/** One way of drawing candidates. */
export interface CandidateSource {
  poolOf(positive: Positive): CandidatePool;
  /**
   * `log (q N)`: q the expected probability with which an item is drawn beside an example of that time, N the number of
   * items that had been seen. How much more often it is drawn than if all were drawn alike.
   */
  logRatio(item: number, timeMs: number): number;
}

/** What a source reads beside the timeline. */
export interface SourceFacts {
  /** Of `popular`. @unit ms */
  readonly windowMs: number | null;
  /** Of `inBatch`: number of positive examples of each item, by code. */
  readonly positives: () => Float64Array;
}

/** Opens a source: for the positives of each batch, what their negatives are drawn from. */
type OpenSource = (timeline: ItemTimeline, facts: SourceFacts) => (positives: readonly Positive[]) => CandidateSource;

/** The sources by name. */
export const CANDIDATE_SOURCES: Readonly<Record<NegativeSource, OpenSource>> = {
  uniform: (timeline) => () => ({ poolOf: (positive) => seenItems(timeline, positive), logRatio: () => 0 }),
  popular: (timeline, { windowMs }) => {
    const source = popular(timeline, windowMs ?? Number.POSITIVE_INFINITY);
    return () => source;
  },
  inBatch: (timeline, { positives }) => {
    const logRatio = shareOfPositives(timeline, positives());
    return (batch) => {
      // In the order in which items were first seen, those that may stand beside an example are a first part of all.
      const ranks = Int32Array.from(batch, ({ item }) => timeline.rankOf(item)).sort();
      return { logRatio, poolOf: (positive) => othersOf(timeline, ranks, positive) };
    };
  },
};

/** Every item seen before the example, once. */
function seenItems(timeline: ItemTimeline, { item, timeMs }: Positive): CandidatePool {
  const numItems = timeline.itemsBefore(timeMs);
  const rank = timeline.rankOf(item);
  const excluded = rank < numItems ? 1 : 0;
  return {
    size: numItems - excluded,
    itemAt: (place) => timeline.itemOfRank(excluded === 1 && place >= rank ? place + 1 : place),
  };
}

/** Every event of a window before the example: an item is drawn by how many it has. */
function popular(timeline: ItemTimeline, windowMs: number): CandidateSource {
  const eventsIn = (timeMs: number): readonly [from: number, until: number] => {
    return [timeline.eventsBefore(timeMs - windowMs), timeline.eventsBefore(timeMs)];
  };
  return {
    poolOf({ item, timeMs }) {
      const [from, until] = eventsIn(timeMs);
      const positions = timeline.positionsOf(item, from, until);
      const itemAt = (place: number): number => timeline.itemAt(from + skipping(positions, from, place));
      return { size: until - from - positions.length, itemAt };
    },
    logRatio(item, timeMs) {
      const [from, until] = eventsIn(timeMs);
      // An example whose item has no event of late is one itself: the logarithm of nothing would be infinite.
      const events = Math.max(1, timeline.positionsOf(item, from, until).length);
      return Math.log((events * Math.max(1, timeline.itemsBefore(timeMs))) / Math.max(1, until - from));
    },
  };
}

/** The `place`-th offset from `from` that is none of `positions`, ascending from there on. */
function skipping(positions: Uint32Array, from: number, place: number): number {
  // Before the item's position at `i` lie so many of others.
  return place + partitionPoint(positions.length, (i) => positions[i]! - from - i <= place);
}

/** The other positives of a batch whose items had been seen, by the sorted ranks of all of them. */
function othersOf(timeline: ItemTimeline, ranks: Int32Array, { item, timeMs }: Positive): CandidatePool {
  const numItems = lowerBound(ranks, timeline.itemsBefore(timeMs));
  const rank = timeline.rankOf(item);
  const start = Math.min(numItems, lowerBound(ranks, rank));
  const excluded = Math.min(numItems, lowerBound(ranks, rank + 1)) - start;
  const itemAt = (place: number): number => timeline.itemOfRank(ranks[place < start ? place : place + excluded]!);
  return { size: numItems - excluded, itemAt };
}

/** Expected in a random batch: an item's share of the positives, among those of the items seen before the example. */
function shareOfPositives(timeline: ItemTimeline, positives: Float64Array): CandidateSource["logRatio"] {
  const totals = new Float64Array(timeline.numItems + 1);
  for (let rank = 0; rank < timeline.numItems; rank++) {
    totals[rank + 1] = totals[rank]! + positives[timeline.itemOfRank(rank)]!;
  }
  return (item, timeMs) => {
    const numItems = timeline.itemsBefore(timeMs);
    return Math.log((Math.max(1, positives[item]!) * Math.max(1, numItems)) / Math.max(1, totals[numItems]!));
  };
}
