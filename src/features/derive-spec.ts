import { LapidaryError } from "../config/errors.ts";
import { type AttributeField, type EventSchema, KEY_CATEGORIES, type OutcomeField } from "./schema.ts";
import type { CategoryFeature, FeatureSpec, NumberFeature } from "./spec.ts";
import {
  AGE_CARDINALITY,
  FLAG_CARDINALITY,
  HOUR_CARDINALITY,
  NUMBER_BUCKET_CARDINALITY,
  WEEKDAY_CARDINALITY,
} from "./transform.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** The dense input that every model has besides its number attributes: how many past events there are. */
export const HISTORY_LENGTH = "historyLength";

/** What is known of a log once it has been read. */
export interface LogFacts {
  /** Number of codes, 0 included, of `user`, the key categories and every field of kind category, by name. */
  readonly cardinalities: Readonly<Record<string, number>>;
  /** Tables whose rare and new codes share row 0, by name. */
  readonly vocabularies?: Readonly<Record<string, Vocabulary>>;
  /** Mean and deviation of the dense inputs, by name. @default 0 and 1 */
  readonly moments?: Readonly<Record<string, Omit<NumberFeature, "name">>>;
}

/**
 * The inputs and objectives of a model over events of this schema. The candidate's item and the items of the history
 * share a table, as does every fact that both sides code alike. A number is a bucket on both sides, and a dense input of
 * the candidate besides; an outcome is read in the history alone, where code 0 means *not yet known*.
 *
 * @throws {LapidaryError} INTERNAL if the cardinality of a category is missing
 */
export function deriveSpec(schema: EventSchema, facts: LogFacts): FeatureSpec {
  const { attributes, outcomes, without = [] } = schema;
  const keyed = (name: string) => category(name, facts);
  const coded = (field: AttributeField | OutcomeField) => codedField(field, facts);
  const dense = (name: string) => ({ name, ...(facts.moments?.[name] ?? { mean: 0, deviation: 1 }) });
  const contextual = [
    ...(without.includes("user") ? [] : [keyed("user")]),
    keyed("surface"),
    // Where the log tells no times, a model would learn nothing of the hours that requests come at.
    ...(without.includes("time")
      ? []
      : [fixed("hourOfDay", HOUR_CARDINALITY), fixed("dayOfWeek", WEEKDAY_CARDINALITY)]),
  ];
  return {
    contextual,
    candidate: [keyed("item"), keyed("origin"), ...attributes.map(coded)],
    numbers: [...attributes.filter(({ kind }) => kind === "number").map(({ name }) => name), HISTORY_LENGTH].map(dense),
    history: [
      ...KEY_CATEGORIES.map(keyed),
      ...attributes.map(coded),
      ...outcomes.map(coded),
      fixed("age", AGE_CARDINALITY),
    ],
    objectives: outcomes.filter(({ objective }) => objective).map(({ name }) => name),
  };
}

function codedField({ name, kind }: AttributeField | OutcomeField, facts: LogFacts): CategoryFeature {
  if (kind === "category") return category(name, facts);
  if (kind === "flag") return fixed(name, FLAG_CARDINALITY);
  return { name, table: `${name}Bucket`, cardinality: NUMBER_BUCKET_CARDINALITY };
}

function category(name: string, { cardinalities, vocabularies = {} }: LogFacts): CategoryFeature {
  if (Object.hasOwn(vocabularies, name)) return fixed(name, vocabularies[name]?.cardinality ?? 0);
  const cardinality = Object.hasOwn(cardinalities, name) ? cardinalities[name] : undefined;
  if (cardinality !== undefined) return fixed(name, cardinality);
  throw new LapidaryError({
    code: "INTERNAL",
    where: `deriveSpec: ${name}`,
    expected: "the cardinality of every category",
    got: `those of ${Object.keys(cardinalities).join(", ")}`,
    hint: "Ingest the log again.",
  });
}

function fixed(name: string, cardinality: number): CategoryFeature {
  return { name, table: name, cardinality };
}
