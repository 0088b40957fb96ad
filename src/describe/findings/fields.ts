import type { ValueKind } from "../../features/schema.ts";
import { type Finding, finding } from "../finding.ts";
import { count, percent } from "../format.ts";
import type { Distribution, FieldProfile } from "../profile.ts";
import { suspiciousList, suspiciousVector } from "./content.ts";
import type { Evidence } from "./evidence.ts";

/** Fewer events tell nothing of a field. */
const FEWEST_EVENTS = 50;
const MOSTLY_MISSING = 0.99;
const PER_ROW = 0.95;
/** Distinct values from which numbers may be ids, or categories numbers. */
const FEWEST_DISTINCT = 30;
/** Ids have as many digits as each other: 1st to 99th percentile. */
const MOST_ID_RATIO = 20;
const LEAST_ID = 10_000;
/** From here on a float32 does not hold every whole number: 16,777,217 reads as 16,777,216. */
const FIRST_INEXACT: number = 2 ** 24;
/** `brand_id`, `brandId`, `ID`, and not `paid`. */
const ID_NAME = /(^|_)(id|key|code|hash)s?$|[a-z](Id|ID|Key|Code|Hash)s?$|^(ID|KEY|CODE)$/;
/** Times of 2001 to 2040 in seconds, milliseconds and microseconds since 1970. */
const TIME_RANGES = [1, 1e3, 1e6].map((unit) => ({ from: 1e9 * unit, to: 2.21e9 * unit }));

/** What is suspicious of the values of each kind. A new kind needs a row, if only one that finds nothing. */
const BY_KIND: Readonly<Record<ValueKind, (field: FieldProfile, evidence: Evidence) => readonly Finding[]>> = {
  number: suspiciousNumber,
  category: suspiciousCategory,
  flag: () => [],
  vector: suspiciousVector,
  categories: suspiciousList,
  value: () => [],
  count: () => [],
};

/** What is suspicious of the values of attributes and outcomes, and of the key columns where it says something. */
export function suspiciousFields(evidence: Evidence): readonly Finding[] {
  if (evidence.numEvents < FEWEST_EVENTS) return [];
  return evidence.fields.flatMap((field) => {
    if (field.role === "key") return [];
    const isLabel = evidence.labels.some(({ name, objective }) => objective && name === field.name);
    return isLabel && field.kind === "flag" ? [] : (emptiness(field) ?? BY_KIND[field.kind](field, evidence));
  });
}

/** A field that has no value, one or hardly any; null for others. */
function emptiness({ name, missing, distinct }: FieldProfile): readonly Finding[] | null {
  const numbers = { missing, distinct: distinct.count };
  if (missing === 1)
    return [finding("FIELD_MISSING", name, { evidence: `${name} is missing in all events.`, numbers })];
  if (missing >= MOSTLY_MISSING) {
    return [finding("FIELD_MOSTLY_MISSING", name, { evidence: `${name} is missing in ${percent(missing)}.`, numbers })];
  }
  // One value and missing ones are two answers.
  if (distinct.count !== 1 || missing > 0) return null;
  return [finding("FIELD_CONSTANT", name, { evidence: `${name} has the same value in all events.`, numbers })];
}

function suspiciousNumber({ name, values, distinct }: FieldProfile): readonly Finding[] {
  if (values.kind !== "number" || values.distribution === null || distinct.count < FEWEST_DISTINCT) return [];
  const { min, max } = values.distribution;
  const low = quantile(values.distribution, 0.01);
  const high = quantile(values.distribution, 0.99);
  const numbers = { min, max, distinct: distinct.count };
  const about = `${name} has ${distinct.isExact ? "" : "about "}${count(distinct.count)} distinct values from ${min} to ${max}`;
  if (TIME_RANGES.some(({ from, to }) => low >= from && high < to)) {
    return [finding("NUMBER_LOOKS_LIKE_TIME", name, { evidence: `${about}: times since 1970.`, numbers })];
  }
  const isWhole = values.integers === 1 && min >= 0;
  const isInexact = isWhole && low >= FIRST_INEXACT;
  const isNamed = ID_NAME.test(name);
  const isAlike = low >= LEAST_ID && high / low <= MOST_ID_RATIO;
  if (!isWhole || !(isInexact || isAlike || isNamed)) return [];
  const why = isInexact
    ? "whole, and too large for a float32 to hold exactly"
    : isNamed
      ? "whole, and named so"
      : "whole, of as many digits";
  return [finding("NUMBER_LOOKS_LIKE_ID", name, { evidence: `${about}: ${why}.`, numbers })];
}

function quantile({ quantiles }: Distribution, wanted: number): number {
  return quantiles.find((each) => each.quantile === wanted)?.value ?? Number.NaN;
}

function suspiciousCategory(
  { name, distinct, missing, values }: FieldProfile,
  { numEvents, events }: Evidence,
): readonly Finding[] {
  const present = Math.round((1 - missing) * numEvents);
  const numbers = { distinct: distinct.count, events: present };
  if (present >= FEWEST_EVENTS && distinct.count > PER_ROW * present) {
    const evidence = `${name} has ${count(distinct.count)} distinct values in ${count(present)} events.`;
    return [finding("CATEGORY_PER_ROW", name, { evidence, numbers })];
  }
  if (values.kind === "number" || distinct.count < FEWEST_DISTINCT) return [];
  const ids = sampleIds(name, events);
  if (ids.length < FEWEST_DISTINCT || !ids.every((id) => /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(id))) return [];
  // Whole numbers may be codes: only those that are not, or are negative, are surely numbers.
  const isMeasured = ids.some((id) => !/^\d+(\.0*)?$/.test(id));
  if (!isMeasured) return [];
  const evidence = `All of ${count(ids.length)} values looked at are numbers, such as ${ids.slice(0, 3).join(", ")}.`;
  return [finding("CATEGORY_LOOKS_LIKE_NUMBER", name, { evidence, numbers })];
}

const SAMPLE_IDS = 500;

/** Some ids of a category, from all of its dictionary; none of a hashed one. */
function sampleIds(name: string, store: Evidence["events"]): readonly string[] {
  const dictionary = store.dictionary(name);
  if (dictionary === null) return [];
  const step = Math.max(1, Math.floor(dictionary.cardinality / SAMPLE_IDS));
  const codes = Array.from({ length: Math.floor((dictionary.cardinality - 1) / step) }, (_, i) => 1 + i * step);
  return codes.flatMap((code) => dictionary.id(code) ?? []);
}
