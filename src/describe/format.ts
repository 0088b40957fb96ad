import { DAY_MS } from "../base/units.ts";
import type { Distribution, FieldProfile, ListValues, Rate, TopValue, VectorValues } from "./profile.ts";

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

/** The largest unit that a duration reaches. @unit ms */
export function durationUnit(ms: number): { readonly name: string; readonly ms: number } {
  const [name, size] = UNITS.find(([, unitMs]) => ms >= unitMs) ?? (["ms", 1] as const);
  return { name, ms: size };
}

/** A duration in its largest unit. @unit ms */
export function duration(ms: number): string {
  const unit = durationUnit(ms);
  return `${Number((ms / unit.ms).toPrecision(3))} ${unit.name}`;
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
  switch (values.kind) {
    case "number":
      return quantilesText(values.distribution);
    case "vector":
      return vectorText(values);
    case "categories":
      return `${lengthText(values)}${topText(values.top, most)}`;
    default:
      return topText(values.top, most);
  }
}

function topText(top: readonly TopValue[], most: number): string {
  return top
    .slice(0, most)
    .map(({ value, share }) => `${clipped(value ?? "(hashed)")} ${percent(share)}`)
    .join(", ");
}

function lengthText({ lengths }: ListValues): string {
  if (lengths === null) return "";
  const { min, max, mean } = lengths;
  return min === max
    ? `${count(min)} ${min === 1 ? "id" : "ids"}: `
    : `${count(min)} to ${count(max)} ids, ${short(mean)} on average: `;
}

function vectorText({ dim, norms, constant, zeros, shared }: VectorValues): string {
  const facts = [
    `${count(dim)} numbers`,
    ...(norms === null ? [] : [`norm ${quantilesText(norms)}`]),
    ...(constant.length === 0 ? [] : [`${count(constant.length)} constant`]),
    ...(zeros === 0 ? [] : [`${percent(zeros)} all zero`]),
    ...(shared === 0 ? [] : [`${percent(shared)} not of one item alone`]),
  ];
  return facts.join("; ");
}

function quantilesText(distribution: Distribution | null): string {
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
