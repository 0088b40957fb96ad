import { DAY_MS, parseDuration } from "../../base/units.ts";
import type { Proposal, SplitChoice } from "../proposal.ts";
import type { Log } from "../sample.ts";
import type { ChosenTime } from "./times.ts";

/** Shares of the events before validation, and before the test. */
const TRAIN_SHARE = 0.7;
const VALIDATION_SHARE = 0.85;
/** What the ends of windows are rounded to: the largest that leaves every window events. @unit ms */
const GRAINS = [DAY_MS, 3_600_000, 60_000, 1000, 1] as const;
/** Delays that are proposed, longest first; none is longer than a part of the log's span. */
const LATE = ["1d", "6h", "1h", "10m", "1m", "1s", "0s"] as const;
const SOON = ["10m", "1m", "1s", "0s"] as const;
const SPAN_PARTS = 20;

/** Where the times of a log lie. @unit ms since 1970, UTC */
export interface TimeRange {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly trainQuantileMs: number;
  readonly validationQuantileMs: number;
}

const FACTORS = { s: 1000, ms: 1, us: 1e-3, ns: 1e-6 } as const;

/** The range of all times of a log that are plausible. */
export async function timeRange(log: Log, { field, unit }: ChosenTime): Promise<TimeRange> {
  const raw = log.raw(field);
  const ms =
    unit === "iso" ? `epoch_ms(TRY_CAST(${raw} AS TIMESTAMPTZ))` : `TRY_CAST(${raw} AS DOUBLE) * ${FACTORS[unit]}`;
  const plausible = `FILTER (WHERE ${ms} >= ${Date.UTC(2000, 0)} AND ${ms} < ${Date.UTC(2100, 0)})`;
  const quantile = (share: number): string => `approx_quantile((${ms})::DOUBLE, ${share}) ${plausible}`;
  const found = await log.aggregate([
    `min(${ms}) ${plausible}`,
    `max(${ms}) ${plausible}`,
    quantile(TRAIN_SHARE),
    quantile(VALIDATION_SHARE),
  ]);
  const [firstMs = 0, lastMs = 0, trainQuantileMs = 0, validationQuantileMs = 0] = found.map((value) =>
    Math.floor(Number(value)),
  );
  return { firstMs, lastMs, trainQuantileMs, validationQuantileMs };
}

/** Windows of about 70, 15 and 15% of the events, cut at round times; null if all events are at one time. */
export function splitOf(range: TimeRange | null): SplitChoice | null {
  if (range === null) return null;
  const { firstMs, lastMs, trainQuantileMs, validationQuantileMs } = range;
  for (const grain of GRAINS) {
    const [trainUntilMs, validationUntilMs] = [trainQuantileMs, validationQuantileMs].map(
      (ms) => Math.floor(ms / grain) * grain,
    );
    if (trainUntilMs === undefined || validationUntilMs === undefined) continue;
    // The quantiles are times of events: each window holds one, if its ends enclose it.
    if (trainUntilMs <= firstMs || validationUntilMs <= trainQuantileMs) continue;
    const testUntilMs = (Math.floor(lastMs / grain) + 1) * grain;
    const days = (lastMs - firstMs) / DAY_MS;
    const reason = `about 70, 15 and 15% of the events of ${days.toFixed(1)} days`;
    return { trainUntilMs, validationUntilMs, testUntilMs, reason };
  }
  return null;
}

/** Delays of what follows at once and of what takes time, short beside the log's span. */
export function delaysFor(range: TimeRange | null): Proposal["delays"] {
  const mostMs = range === null ? 0 : (range.lastMs - range.firstMs) / SPAN_PARTS;
  const fits = (delay: string): boolean => (parseDuration(delay) ?? 0) <= mostMs;
  return { soon: SOON.find(fits) ?? "0s", late: LATE.find(fits) ?? "0s" };
}
