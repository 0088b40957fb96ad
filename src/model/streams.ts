import type { ArchitectureConfig } from "../config/architecture.ts";
import { ORIGINS } from "../features/schema.ts";
import type { Batch } from "../features/spec.ts";
import { chosenRows, type JaggedTensor } from "../jagged/index.ts";

/** Code of each origin, as the store has it: 0 is missing. */
const CODE_OF_ORIGIN = { organic: 1 + ORIGINS.indexOf("organic"), ad: 1 + ORIGINS.indexOf("ad") } as const;

/** How many histories {@link historyStreams} makes. */
export function numStreams({ streams }: Pick<ArchitectureConfig, "streams">): number {
  return streams === "origin" ? ORIGINS.length : 1;
}

/**
 * The histories that a model reads: all events in one, or the organic ones and the ads beside each other; of all
 * events, or of one origin only. Events without an origin count as organic.
 *
 * @shape history.values [L, D] → as many histories as {@link numStreams}
 */
export function historyStreams(
  history: JaggedTensor,
  { history: { codes } }: Pick<Batch, "history">,
  { streams, events }: Pick<ArchitectureConfig, "streams" | "events">,
): readonly JaggedTensor[] {
  const origins = codes["origin"] ?? new Int32Array(history.rows);
  const isAd = (row: number): boolean => origins[row] === CODE_OF_ORIGIN.ad;
  const ofOrigin = (origin: (typeof ORIGINS)[number]) =>
    chosenRows(history, (row) => isAd(row) === (origin === "ad") && (events === "all" || events === origin));
  if (streams === "origin") return ORIGINS.map(ofOrigin);
  return [events === "all" ? history : ofOrigin(events)];
}
