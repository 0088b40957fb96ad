import type { ArchitectureConfig } from "../../config/model/architecture.ts";
import { chosenContent, chosenRows, type RowRange } from "../../features/content.ts";
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
    chosenEvents(history, (start, end) =>
      rangesOf(start, end, (row) => isAd(row) === (origin === "ad") && (events === "all" || events === origin)),
    );
  if (streams === "origin") return ORIGINS.map(ofOrigin);
  return [events === "all" ? history : ofOrigin(events)];
}

/** The newest `count` events of each history. @shape codes [L] → [Σ min(L_b, count)] */
export function newestEvents(history: EventColumns, count: number): EventColumns {
  return chosenEvents(history, (start, end) => [{ start: Math.max(start, end - count), end }]);
}

/** Ranges of the rows [start, end) that are chosen. */
function rangesOf(start: number, end: number, isChosen: (row: number) => boolean): RowRange[] {
  const ranges: RowRange[] = [];
  for (let row = start; row < end; row++) {
    if (!isChosen(row)) continue;
    const from = row;
    while (row < end && isChosen(row)) row++;
    ranges.push({ start: from, end: row });
  }
  return ranges;
}

/** The events that are chosen, in their histories and order: `choose` says which of a history's rows. */
function chosenEvents(
  { offsets, codes, content }: EventColumns,
  choose: (start: number, end: number) => readonly RowRange[],
): EventColumns {
  const ranges: RowRange[] = [];
  const bounds = new Int32Array(offsets.length);
  for (let b = 0; b + 1 < offsets.length; b++) {
    const chosen = choose(offsets[b] ?? 0, offsets[b + 1] ?? 0);
    bounds[b + 1] = chosen.reduce((sum, { start, end }) => sum + end - start, bounds[b] ?? 0);
    ranges.push(...chosen);
  }
  return {
    offsets: bounds,
    codes: Object.fromEntries(Object.entries(codes).map(([name, all]) => [name, chosenRows(all, ranges)])),
    ...(content && { content: chosenContent(content, ranges, offsets.at(-1) ?? 0) }),
  };
}
