import { MAX_TIME_MS } from "../base/units.ts";
import type { Cell, TableColumn } from "../report/html.ts";
import { clipped, day, duration, percent, rateOf, valuesText } from "./format.ts";
import type { Distribution, Profile } from "./profile.ts";

/** A table as plain cells: for a page, or for a terminal. */
export interface ProfileTable {
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly Cell[])[];
}

/** One row per field. */
export function fieldTable({ fields }: Pick<Profile, "fields">, most = 3): ProfileTable {
  const columns = ["field", "role", "kind", "missing", "distinct", "values"].map((label) => ({ label }));
  const rows = fields.map((field): Cell[] => {
    const { name, role, kind, missing, distinct } = field;
    const number = distinct.count.toLocaleString("en");
    return [name, role, kind, percent(missing), distinct.isExact ? number : `≈ ${number}`, valuesText(field, most)];
  });
  return { columns, rows };
}

/** One row per label and surface, the sum first. */
export function labelTable({ labels }: Pick<Profile, "labels">): ProfileTable {
  const columns = ["label", "surface", "known", "positive", "rate"].map((label) => ({ label }));
  const rows = labels.flatMap(({ name, bySurface, ...all }) => {
    const parts = bySurface.length > 1 ? bySurface : [];
    return [{ surface: "all", ...all }, ...parts].map((part): Cell[] => {
      const rate = rateOf(part);
      return [name, clipped(part.surface), part.known, part.positive, rate === null ? null : percent(rate)];
    });
  });
  return { columns, rows };
}

/** One row per window of the split. */
export function windowTable({ windows, labels, time }: Pick<Profile, "windows" | "labels" | "time">): ProfileTable {
  const objectives = labels.filter(({ objective }) => objective);
  const names = ["window", "from", "until", "events", "users", "items", "known users", "known items"];
  const columns = [...names, ...objectives.map(({ name }) => name)].map((label) => ({ label }));
  const rows = windows.map((window, w): Cell[] => {
    const { name, fromMs, untilMs, part, events, users, items, knownUsers, knownItems } = window;
    const rates = objectives.map(({ byWindow }) => rateOf(byWindow[w] ?? { known: 0, positive: 0 }));
    const shares = [knownUsers, knownItems, ...rates].map((share) => (share === null ? null : percent(share)));
    const times =
      part === undefined && time !== null
        ? [day(Math.max(fromMs, time.earliestMs)), untilMs > MAX_TIME_MS ? null : day(untilMs)]
        : [null, null];
    return [name, ...times, events, users, items, ...shares];
  });
  return { columns, rows };
}

/** One row per outcome: what is known of when it becomes known. */
export function delayTable({ delays }: Pick<Profile, "delays">): ProfileTable {
  const isMeasured = delays.some(({ measured }) => measured !== null);
  const names = ["outcome", "delay", "not known at the end of the log"];
  const columns = [...names, ...(isMeasured ? ["measured", "the delay misses"] : [])].map((label) => ({ label }));
  const rows = delays.map(({ name, delayMs, unknownAtEnd, measured }): Cell[] => {
    const cells = [name, duration(delayMs), percent(unknownAtEnd)];
    if (!isMeasured) return cells;
    if (measured === null) return [...cells, null, null];
    const missed = measured.missed.find((at) => at.delayMs === delayMs)?.share ?? null;
    return [...cells, quantileText(measured.distribution, duration), missed === null ? null : percent(missed)];
  });
  return { columns, rows };
}

/** Median and tail of a distribution. */
export function quantileText({ quantiles, max }: Distribution, format: (value: number) => string): string {
  const shown = quantiles.filter(({ quantile }) => [0.05, 0.5, 0.95].includes(quantile));
  return [...shown.map(({ quantile, value }) => `${percent(quantile)}: ${format(value)}`), `max: ${format(max)}`].join(
    ", ",
  );
}
