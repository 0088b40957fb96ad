import { historyLength } from "../histories/point-in-time.ts";
import type { EventStore } from "../store/event-store.ts";
import type { Shard } from "./shard.ts";

/**
 * The examples of a batch that fall to one process, in the order of the batch: the heaviest and the lightest go to the
 * same one, so that all of them finish together. Examples are dealt in order of their cost, forth and back:
 * 0, 1, …, W − 1, W − 1, …, 0, 0, … The numbers of examples differ by at most one, and the costs by at most the largest
 * cost of one example.
 *
 * @see Meta, "GEM Training" (3 Aug 2026), base batch shuffling: sub-batches sorted by length, heavy beside light
 */
export function balancedPart(costs: ArrayLike<number>, { rank, worldSize }: Shard): Uint32Array {
  const order = Uint32Array.from({ length: costs.length }, (_, i) => i);
  // Equal costs keep the order of the batch: every process deals the same.
  order.sort((a, b) => costs[b]! - costs[a]! || a - b);
  const rows = order.filter((_, i) => {
    const place = i % (2 * worldSize);
    return (place < worldSize ? place : 2 * worldSize - 1 - place) === rank;
  });
  return rows.sort();
}

/** Events of the histories of some rows, which is what they cost: one more, because an example without any is not free. */
export function costsOf(store: EventStore, rows: Float64Array, maxLength: number): Float64Array {
  return rows.map((row) => 1 + historyLength(store, row, maxLength));
}
