import { LapidaryError } from "../base/errors.ts";
import { amountKindOf } from "../config/events/objective-kinds.ts";
import { AGE, bucketTable, HISTORY_LENGTH, HOUR, WEEKDAY } from "./coding.ts";
import { isEmptyContent, vectorFields } from "./content.ts";
import type { CounterFeature, CounterInput } from "./counters/counter.ts";
import { type AttributeField, type EventSchema, KEY_CATEGORIES, type OutcomeField } from "./schema.ts";
import type { CategoryFeature, FeatureSpec, Moments, NumberFeature } from "./spec.ts";
import {
  AGE_CARDINALITY,
  FLAG_CARDINALITY,
  HOUR_CARDINALITY,
  NUMBER_BUCKET_CARDINALITY,
  WEEKDAY_CARDINALITY,
} from "./transform.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** What is known of a log once it has been read. */
export interface LogFacts {
  /** Number of codes, 0 included, of `user`, the key categories and every field of kind category, by name. */
  readonly cardinalities: Readonly<Record<string, number>>;
  /** Tables whose rare and new codes share row 0, by name. */
  readonly vocabularies?: Readonly<Record<string, Vocabulary>>;
  /** Root of the mean square of a component, by vector. @default 1 */
  readonly scales?: Readonly<Record<string, number>>;
  /** What numbers are multiplied by before they become buckets, by name: powers of two. @default 1 */
  readonly bucketScales?: Readonly<Record<string, number>>;
  /** Mean and deviation of the dense inputs, by name. @default 0 and 1 */
  readonly moments?: Readonly<Record<string, Moments>>;
  /** Mean and deviation of the codes of outcomes, by name: of all but categories. @default unknown */
  readonly outcomeMoments?: Readonly<Record<string, Moments>>;
  /** @default none */
  readonly counters?: CounterFacts;
}

/** The counters that a model reads, and the dense inputs that they make. */
export interface CounterFacts {
  readonly counters: readonly CounterFeature[];
  readonly inputs: readonly (NumberFeature & { readonly counter: CounterInput })[];
}

/**
 * The inputs and objectives of a model over events of this schema. The candidate's item and the items of the history
 * share a table, as does every fact that both sides code alike. A number is a bucket on both sides, and a dense input of
 * the candidate besides; an attribute may be left out of the history; an outcome is read in the history alone, where code 0 means *not yet known*. Vectors and lists
 * are read of both sides.
 *
 * @throws {LapidaryError} INTERNAL if the cardinality of a category is missing
 */
export function deriveSpec(schema: EventSchema, facts: LogFacts): FeatureSpec {
  const { attributes, outcomes, without = [] } = schema;
  const keyed = (name: string) => category(name, facts);
  const coded = (fields: readonly (AttributeField | OutcomeField)[]) =>
    fields.flatMap((field) => codedField(field, facts));
  const told = (fields: readonly OutcomeField[]) =>
    coded(fields).map((feature) => withMoments(feature, facts.outcomeMoments?.[feature.name]));
  const dense = (name: string) => ({ name, ...(facts.moments?.[name] ?? { mean: 0, deviation: 1 }) });
  const contextual = [
    ...(without.includes("user") ? [] : [keyed("user")]),
    keyed("surface"),
    // Where the log tells no times, a model would learn nothing of the hours that requests come at.
    ...(without.includes("time") ? [] : [fixed(HOUR, HOUR_CARDINALITY), fixed(WEEKDAY, WEEKDAY_CARDINALITY)]),
  ];
  return {
    contextual,
    candidate: [keyed("item"), keyed("origin"), ...coded(attributes)],
    numbers: [
      ...[...attributes.filter(({ kind }) => kind === "number").map(({ name }) => name), HISTORY_LENGTH].map(dense),
      ...(facts.counters?.inputs ?? []),
    ],
    history: [
      ...KEY_CATEGORIES.map(keyed),
      ...coded(attributes.filter(isOfHistory)),
      ...told(outcomes),
      fixed(AGE, AGE_CARDINALITY),
    ],
    ...(facts.counters === undefined ? {} : { counters: facts.counters.counters }),
    ...contentFeatures(schema, facts),
    ...objectivesIn(outcomes),
  };
}

/** Whether past events are read with an attribute. */
function isOfHistory(field: AttributeField): boolean {
  return !("history" in field) || field.history !== false;
}

function objectivesIn(outcomes: readonly OutcomeField[]): Pick<FeatureSpec, "objectives" | "objectiveKinds"> {
  const objectives = outcomes.filter(({ objective }) => objective);
  const kinds = objectives.flatMap(({ name, kind }) => {
    const amount = amountKindOf(kind);
    return amount === null ? [] : [[name, amount] as const];
  });
  return {
    objectives: objectives.map(({ name }) => name),
    ...(kinds.length === 0 ? {} : { objectiveKinds: Object.fromEntries(kinds) }),
  };
}

/** The one code per row of a field; vectors and lists have none. */
function codedField({ name, kind }: AttributeField | OutcomeField, facts: LogFacts): readonly CategoryFeature[] {
  switch (kind) {
    case "category":
      return [category(name, facts)];
    case "flag":
      return [fixed(name, FLAG_CARDINALITY)];
    case "number":
    case "value":
    case "count":
      return [bucket(name, facts.bucketScales?.[name] ?? 1)];
    case "vector":
    case "categories":
      return [];
  }
}

function contentFeatures(schema: EventSchema, facts: LogFacts): Pick<FeatureSpec, "content"> {
  const lists = schema.attributes.filter(({ kind }) => kind === "categories").map(({ name }) => category(name, facts));
  const vectors = vectorFields(schema).map(({ name, dim }) => ({ name, dim, scale: facts.scales?.[name] ?? 1 }));
  return isEmptyContent({ vectors, lists }) ? {} : { content: { vectors, lists } };
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

function withMoments(feature: CategoryFeature, moments: Moments | undefined): CategoryFeature {
  return moments === undefined ? feature : { ...feature, moments };
}

/** A scale of 1 is not said: such a feature is what it was before numbers had scales. */
function bucket(name: string, scale: number): CategoryFeature {
  const feature = { name, table: bucketTable(name), cardinality: NUMBER_BUCKET_CARDINALITY };
  return scale === 1 ? feature : { ...feature, scale };
}

function fixed(name: string, cardinality: number): CategoryFeature {
  return { name, table: name, cardinality };
}
