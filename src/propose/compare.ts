import { fieldGroups, tellOf } from "../describe/index.ts";
import type { FieldFacts } from "./facts.ts";

/** NE of a label given a field, at or below which the field is known only when the label is. */
const TOLD_NE = 0.7;
/** Rows that a judgement needs. */
const FEWEST = 30;

/** Codes of a flag as labels: 0 missing, 1 negative, 2 positive. */
export function labelCodes({ values }: FieldFacts): Uint8Array {
  return Uint8Array.from(values, (value) => {
    if (value === null) return 0;
    return value === "0" || value === "0.0" || value.toLowerCase() === "false" ? 1 : 2;
  });
}

/** Share of positive values of a flag. */
export function positiveShare(flag: FieldFacts): number {
  const codes = labelCodes(flag);
  const known = codes.reduce((sum, code) => sum + (code === 0 ? 0 : 1), 0);
  return codes.reduce((sum, code) => sum + (code === 2 ? 1 : 0), 0) / Math.max(1, known);
}

/** NE of a label given the values of a field, or their absence; null if too few labels are known to say. */
export function toldEntropy(field: FieldFacts, label: FieldFacts): number | null {
  const groups = fieldGroups(field.isFlag ? null : field.numbers, field.codes, [labelCodes(label)]);
  return tellOf(groups, 0)?.normalizedEntropy ?? null;
}

/** Whether a field gives a label away: it is known only when the label is. */
export function tells(field: FieldFacts, label: FieldFacts): boolean {
  return (toldEntropy(field, label) ?? 1) <= TOLD_NE;
}

/**
 * Share of the rows whose value is the one that most rows of their id have, over ids with several rows: 1 for a fact of
 * the id itself. Null if hardly any id has several rows.
 */
export function constancy(field: FieldFacts, id: FieldFacts): number | null {
  const counts = new Map<number, Map<number, number>>();
  for (let i = 0; i < id.codes.length; i++) {
    if (id.codes[i] === 0 || field.codes[i] === 0) continue;
    const labelCounts = counts.get(id.codes[i]!) ?? new Map<number, number>();
    labelCounts.set(field.codes[i]!, (labelCounts.get(field.codes[i]!) ?? 0) + 1);
    counts.set(id.codes[i]!, labelCounts);
  }
  let rows = 0;
  let usual = 0;
  for (const labelCounts of counts.values()) {
    const total = [...labelCounts.values()].reduce((a, b) => a + b, 0);
    if (total < 2) continue;
    rows += total;
    usual += Math.max(...labelCounts.values());
  }
  return rows < FEWEST ? null : usual / rows;
}

/** Whether a flag is a fact of an id: ids that have it have it in all of their rows. A rare flag is mostly 0 anyway. */
export function isFlagOf(flag: FieldFacts, id: FieldFacts): boolean {
  const labels = labelCodes(flag);
  const rows = new Map<number, { known: number; positive: number }>();
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 0 || id.codes[i] === 0) continue;
    const rates = rows.get(id.codes[i]!) ?? { known: 0, positive: 0 };
    rates.known++;
    rates.positive += labels[i]! - 1;
    rows.set(id.codes[i]!, rates);
  }
  const having = [...rows.values()].filter(({ known, positive }) => positive > 0 && known > 1);
  const whole = having.filter(({ known, positive }) => known === positive);
  return having.length >= 5 && whole.length >= 0.95 * having.length;
}

/** Whether two fields name the same things, one by one. */
export function isRenamed(a: FieldFacts, b: FieldFacts): boolean {
  if (a.distinct < 2 || a.distinct !== b.distinct) return false;
  const partner = new Map<number, number>();
  return a.codes.every((code, i) => {
    const known = partner.get(code);
    partner.set(code, known ?? b.codes[i]!);
    return known === undefined || known === b.codes[i];
  });
}

/**
 * How much closer in time the rows of one id lie than they would if ids came at random: the median of the time to the
 * id's row before ÷ what chance gives. People come in sessions; items are shown all the time.
 */
export function burstiness(id: FieldFacts, times: Float64Array): number {
  const order = Uint32Array.from(times.keys()).filter((row) => !Number.isNaN(times[row]!));
  order.sort((a, b) => times[a]! - times[b]!);
  const last = new Map<number, number>();
  const gaps: number[] = [];
  for (const row of order) {
    const code = id.codes[row]!;
    const before = last.get(code);
    if (before !== undefined) gaps.push(times[row]! - before);
    last.set(code, times[row]!);
  }
  const span = times[order.at(-1) ?? 0]! - times[order[0] ?? 0]!;
  if (gaps.length < FEWEST || span <= 0) return 1;
  gaps.sort((a, b) => a - b);
  const chance = (Math.LN2 * span * last.size) / order.length;
  return gaps[Math.floor(gaps.length / 2)]! / chance;
}
