import type { EventStore } from "../store/event-store.ts";
import { ItemTimeline } from "./item-timeline.ts";

/** An attribute that events of one item do not share. */
export interface ChangingAttribute {
  readonly name: string;
  /** Share of the events, but the first of each item, where it is another one than in the item's event before. */
  readonly share: number;
}

/** Share above which an attribute tells of events, not of items. */
const MOST_CHANGES = 0.1;

/**
 * The attributes that differ from event to event of one item: a device, a position. Candidates that are drawn have them from another
 * event than the one that they stand in, so that a model could tell by them what was drawn. O(events attributes)
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { changingAttributes, EventStore } from "lapidary/data";
 *
 * using store = EventStore.open((await loadProject()).store);
 * console.log(changingAttributes(store)); // [ { name: 'origin', share: 0.4634020618556701 } ]
 */
export function changingAttributes(store: EventStore): readonly ChangingAttribute[] {
  const timeline = new ItemTimeline(store);
  const names = ["origin", ...store.manifest.schema.attributes.map(({ name }) => name)];
  const shares = names.map((name) => ({ name, share: shareOfChanges(timeline, store, name) }));
  return shares.filter(({ share }) => share > MOST_CHANGES);
}

function shareOfChanges(timeline: ItemTimeline, store: EventStore, name: string): number {
  const column = store.column(name);
  let [changes, events] = [0, 0];
  for (let rank = 0; rank < timeline.numItems; rank++) {
    const values = timeline.rowsOf(timeline.itemOfRank(rank)).map((row) => column.at(row));
    // A number that is missing is not a number, and the same as another one that is.
    for (let i = 1; i < values.length; i++) if (!Object.is(values[i], values[i - 1])) changes++;
    events += values.length - 1;
  }
  return events === 0 ? 0 : changes / events;
}
