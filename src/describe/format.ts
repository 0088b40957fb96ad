import type { FieldProfile, Rate } from "./profile.ts";

const DAY_MS = 86_400_000;
const UNITS = [
  ["d", DAY_MS],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
] as const;

/** A share as percent: digits that matter, and never 0% or 100% for what is not. */
export function percent(share: number): string {
  if (share === 0 || share === 1) return `${100 * share}%`;
  if (share < 1e-5) return "under 0.001%";
  if (share > 1 - 1e-5) return "over 99.999%";
  const digits = share > 0.99 || share < 0.01 ? 3 : 1;
  return `${Number((100 * share).toFixed(digits))}%`;
}

/** A count with its thousands apart. */
export function count(value: number): string {
  return value.toLocaleString("en");
}

/** An instant in UTC, to the minute where it is on one. @unit ms since 1970, UTC */
export function instant(ms: number): string {
  return new Date(ms)
    .toISOString()
    .replace(/(:00)?\.\d+Z$/, "")
    .replace("T", " ");
}

/** A day in UTC. @unit ms since 1970, UTC */
export function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** A duration in its largest unit. @unit ms */
export function duration(ms: number): string {
  const [name, unit] = UNITS.find(([, size]) => ms >= size) ?? (["ms", 1] as const);
  return `${Number((ms / unit).toPrecision(3))} ${name}`;
}

/** A number with four digits that matter. */
export function short(value: number): string {
  const rounded = Number(value.toPrecision(4));
  return Math.abs(rounded) >= 1e9
    ? rounded.toExponential()
    : rounded.toLocaleString("en", { maximumFractionDigits: 6 });
}

/** The share of positive labels; null if none is known. */
export function rateOf({ known, positive }: Rate): number | null {
  return known === 0 ? null : positive / known;
}

/** The values of a field in a line: quantiles of numbers, the most frequent ones of ids. */
export function valuesText({ values }: FieldProfile, most = 3): string {
  if (values.kind !== "number") {
    const top = values.top.slice(0, most);
    return top.map(({ value, share }) => `${clipped(value ?? "(hashed)")} ${percent(share)}`).join(", ");
  }
  const { distribution } = values;
  if (distribution === null) return "";
  const { min, max, quantiles } = distribution;
  const at = (wanted: number): string =>
    short(quantiles.find(({ quantile }) => quantile === wanted)?.value ?? Number.NaN);
  return `${short(min)} … ${at(0.05)} | ${at(0.25)} | ${at(0.5)} | ${at(0.75)} | ${at(0.95)} … ${short(max)}`;
}

/** A text that a table has room for. */
export function clipped(text: string, most = 32): string {
  const [...characters] = text;
  return characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : text;
}
