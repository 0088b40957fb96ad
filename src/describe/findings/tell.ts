import { type Finding, finding } from "../finding.ts";
import { count, percent } from "../format.ts";
import type { LabelGroups } from "../tallies/field-tally.ts";
import type { Evidence } from "./evidence.ts";

/** Positive and negative labels that a judgement needs, each. */
const FEWEST = 20;
/** NE at or below which a field tells the label; of ads, what is known beforehand leaves 0.8 and more. */
const TOLD_NE = 0.2;
const NEARLY_TOLD_NE = 0.6;
/** Of a value with which the label is always or never positive: events, and how improbable that is by chance. */
const FEWEST_OF_VALUE = 50;
const CHANCE = 1e-9;
/** Positive labels that a value which has none would have at the base rate. */
const FEWEST_EXPECTED = 30;
const MOST_VALUES = 3;

/** How well the values of a field alone tell a label. */
export interface Tell {
  readonly known: number;
  readonly positive: number;
  /**
   * Normalized entropy of the label given the group, each label predicted from all others of its group and one that
   * counts at the base rate: a group of one tells nothing.
   */
  readonly normalizedEntropy: number;
  /** Of the groups' rates as predictions. */
  readonly auc: number;
}

/** How well groups tell a label; null if there are too few labels of either kind to say. */
export function tellOf({ slots, size }: LabelGroups, label: number): Tell | null {
  const rates = Array.from({ length: size }, (_, group) => slots.rate(group, label)).filter(({ known }) => known > 0);
  const known = rates.reduce((sum, rate) => sum + rate.known, 0);
  const positive = rates.reduce((sum, rate) => sum + rate.positive, 0);
  if (Math.min(positive, known - positive) < FEWEST) return null;
  const base = positive / known;
  const entropy = -(base * Math.log(base) + (1 - base) * Math.log(1 - base)) * known;
  const loss = rates.reduce((sum, rate) => sum + leftOutLoss(rate.known, rate.positive, base), 0);
  return { known, positive, normalizedEntropy: loss / entropy, auc: aucOf(rates) };
}

/** Log loss of the labels of a group, each predicted from the others and one more at the base rate. @unit nats */
function leftOutLoss(known: number, positive: number, base: number): number {
  const ofPositive = positive === 0 ? 0 : positive * Math.log((positive - 1 + base) / known);
  const negative = known - positive;
  const ofNegative = negative === 0 ? 0 : negative * Math.log((negative - 1 + 1 - base) / known);
  return -(ofPositive + ofNegative);
}

/** AUC of groups' own rates. */
function aucOf(rates: readonly { readonly known: number; readonly positive: number }[]): number {
  const ordered = rates.toSorted((a, b) => a.positive / a.known - b.positive / b.known);
  let below = 0;
  let pairs = 0;
  let positives = 0;
  for (const { known, positive } of ordered) {
    pairs += positive * (below + (known - positive) / 2);
    below += known - positive;
    positives += positive;
  }
  return pairs / (positives * below);
}

/** Fields, or single values of them, that tell a label. */
export function tellingFields({ fields, labels, groups }: Evidence): readonly Finding[] {
  const inputs = fields.filter(({ role }) => role !== "outcome");
  return labels.flatMap(({ name: label }, t) =>
    inputs.flatMap(({ name }): readonly Finding[] => {
      const group = groups.get(name) ?? null;
      const tell = group === null ? null : tellOf(group, t);
      if (group === null || tell === null) return [];
      const finding = tellingField(name, label, tell);
      // What is special of a surface has a finding of its own.
      return finding === null
        ? name === "surface"
          ? []
          : tellingValues(group, t, { field: name, label, tell })
        : [finding];
    }),
  );
}

function tellingField(field: string, label: string, tell: Tell): Finding | null {
  const { normalizedEntropy: ne, auc } = tell;
  if (ne > NEARLY_TOLD_NE) return null;
  const evidence = `${field} alone predicts ${label} with NE ${ne.toFixed(3)} and AUC ${auc.toFixed(3)} (${count(tell.known)} labels).`;
  return finding(ne <= TOLD_NE ? "LABEL_TOLD" : "LABEL_NEARLY_TOLD", field, { evidence, numbers: { ...tell } });
}

interface ValueOptions {
  readonly field: string;
  readonly label: string;
  readonly tell: Tell;
}

/** The values with which the label is always the same, far beyond chance, those of the most events first. */
function tellingValues({ slots, size, nameOf }: LabelGroups, t: number, of: ValueOptions): readonly Finding[] {
  const base = of.tell.positive / of.tell.known;
  const values = Array.from({ length: size }, (_, group) => ({ group, ...slots.rate(group, t) }))
    .filter(({ known, positive }) => {
      if (known < FEWEST_OF_VALUE || known === of.tell.known) return false;
      if (positive === known) return size * base ** known < CHANCE;
      return positive === 0 && known * base >= FEWEST_EXPECTED && size * (1 - base) ** known < CHANCE;
    })
    .sort((a, b) => b.known - a.known);
  const [first] = values;
  if (first === undefined) return [];
  const listed = values.slice(0, MOST_VALUES).map(({ group, known, positive }) => {
    return `${nameOf(group)}: ${count(positive)} of ${count(known)}`;
  });
  const more = values.length > MOST_VALUES ? `, and ${values.length - MOST_VALUES} more` : "";
  const evidence = `${of.label} is positive in ${percent(base)} of all events, but with ${of.field} = ${listed.join("; ")}${more}.`;
  const numbers = { baseRate: base, known: first.known, positive: first.positive, values: values.length };
  return [finding("LABEL_TOLD_BY_VALUE", of.field, { evidence, numbers })];
}

/** Events that a comparison of an attribute with an outcome needs, and the likeness of a copy. */
const FEWEST_PAIRS = 50;
const COPY_LIKENESS = 0.999;

/** Attributes that repeat an outcome. */
export function copiedOutcomes({ copies }: Evidence): readonly Finding[] {
  return copies
    .filter(({ events, likeness }) => events >= FEWEST_PAIRS && likeness >= COPY_LIKENESS)
    .map(({ attribute, outcome, events, likeness }) => {
      const evidence = `${attribute} and ${outcome} agree to ${percent(likeness)} in ${count(events)} events that have both.`;
      return finding("OUTCOME_COPIED", attribute, { evidence, numbers: { events, likeness } });
    });
}
