import type { ArchitectureConfig } from "../../config/model/architecture.ts";
import { chosenContent } from "../../features/content.ts";
import { ORIGIN_CODES, ORIGINS, type Origin } from "../../features/schema.ts";
import type { EventColumns } from "../../features/spec.ts";

/** How many histories {@link historyStreams} makes. */
export function numStreams({ streams }: Pick<ArchitectureConfig, "streams">): number {
  return streams === "origin" ? ORIGINS.length : 1;
}

/**
 * The histories that a model reads: all events in one, or the organic ones and the ads beside each other; of all
 * events, or of one origin only. Events without an origin count as organic.
 *
 * @shape history codes [L] → as many histories as {@link numStreams}
 */
export function historyStreams(
  history: EventColumns,
  { streams, events }: Pick<ArchitectureConfig, "streams" | "events">,
): readonly EventColumns[] {
  const origins = history.codes["origin"];
  const isAd = (row: number): boolean => origins?.[row] === ORIGIN_CODES.ad;
  const ofOrigin = (origin: Origin) =>
    chosenEvents(history, (row) => isAd(row) === (origin === "ad") && (events === "all" || events === origin));
  if (streams === "origin") return ORIGINS.map(ofOrigin);
  return [events === "all" ? history : ofOrigin(events)];
}

/** The newest `count` events of each history. @shape codes [L] → [Σ min(L_b, count)] */
export function newestEvents(history: EventColumns, count: number): EventColumns {
  return chosenEvents(history, (row, end) => row >= end - count);
}

/** The events that are chosen, in their histories and order; `end` is where the event's history ends. */
function chosenEvents(
  { offsets, codes, content }: EventColumns,
  isChosen: (row: number, end: number) => boolean,
): EventColumns {
  const rows: number[] = [];
  const bounds = new Int32Array(offsets.length);
  for (let b = 0; b + 1 < offsets.length; b++) {
    const end = offsets[b + 1] ?? 0;
    for (let row = offsets[b] ?? 0; row < end; row++) if (isChosen(row, end)) rows.push(row);
    bounds[b + 1] = rows.length;
  }
  const selected = (all: Int32Array): Int32Array => {
    const kept = new Int32Array(rows.length);
    for (const [i, row] of rows.entries()) kept[i] = all[row] ?? 0;
    return kept;
  };
  return {
    offsets: bounds,
    codes: Object.fromEntries(Object.entries(codes).map(([name, all]) => [name, selected(all)])),
    ...(content && { content: chosenContent(content, rows, offsets.at(-1) ?? 0) }),
  };
}
