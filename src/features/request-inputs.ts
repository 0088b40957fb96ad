import { LapidaryError } from "../config/errors.ts";
import { AGE, type Coder, codeHistory, coderOf, columnKinds, denseInput, TIME_CODES } from "./coding.ts";
import { HISTORY_LENGTH } from "./derive-spec.ts";
import { Dictionary } from "./dictionary.ts";
import { hashId } from "./hash-id.ts";
import { meanEmbedding, PAST_LENGTH } from "./past-embeddings.ts";
import type { RawEvent, RawFacts } from "./raw-event.ts";
import { type EventSchema, ORIGINS, type ValueKind } from "./schema.ts";
import type { CategoryFeature, CodeColumns, FeatureSpec } from "./spec.ts";
import { flagCode } from "./transform.ts";
import { Vocabulary } from "./vocabulary.ts";

/** What a model reads, and how its ids become codes. */
export interface CodingFacts {
  readonly spec: FeatureSpec;
  readonly schema: EventSchema;
  /** Newest past events that the model reads. */
  readonly history: number;
  /** By category, `user` included; of hashed ones the number of buckets. */
  readonly dictionaries: Readonly<Record<string, Dictionary | { readonly buckets: number }>>;
  /** By table; tables without one are read as they are. */
  readonly vocabularies: Readonly<Record<string, Vocabulary>>;
}

/** One request, before it is coded. */
export interface RawRequest {
  readonly user: string;
  /** Time of the request. @unit ms since 1970, UTC */
  readonly timeMs: number;
  /** Newest events strictly before the time, oldest first; those that a model does not read are left out. */
  readonly past: readonly RawEvent[];
  /** Number of all past events. */
  readonly numPast: number;
  /** Facts of the request, and of each candidate: those of the candidate come first. */
  readonly context: RawFacts;
  readonly candidates: readonly RawFacts[];
}

/**
 * One request as a model reads it: the user's part once, however many candidates there are.
 *
 * @shape candidate columns [B], numbers [B, N], history columns [H], past [E]
 */
export interface RequestInputs {
  readonly size: number;
  readonly contextual: Readonly<Record<string, number>>;
  readonly candidate: CodeColumns;
  readonly numbers: Float32Array;
  readonly history: CodeColumns;
  /** Mean of the teacher's embeddings of the user; empty if the model reads none. */
  readonly past: Float32Array;
}

/** Past events that a model needs of a user: those it reads, and those whose embeddings it averages. */
export function numPastRead({ spec, history }: Pick<CodingFacts, "spec" | "history">): number {
  return (spec.pastEmbeddings ?? 0) > 0 ? Math.max(history, PAST_LENGTH) : history;
}

/** Codes requests exactly as {@link BatchBuilder} codes the examples of an event store. */
export class RequestCoder {
  readonly #facts: CodingFacts;
  readonly #kinds: ReadonlyMap<string, ValueKind>;
  readonly #delays: ReadonlyMap<string, number>;

  /** @throws {LapidaryError} INTERNAL if a feature has neither a column nor a dictionary */
  constructor(facts: CodingFacts) {
    this.#facts = facts;
    this.#kinds = columnKinds(facts.schema);
    this.#delays = new Map(facts.schema.outcomes.map(({ name, delayMs }) => [name, delayMs]));
    const { contextual, candidate, history } = facts.spec;
    for (const { name } of [...contextual, ...candidate, ...history]) this.#check(name);
  }

  /** The inputs of a request. Past events that are not before its time are left out. */
  code(request: RawRequest): RequestInputs {
    const { spec } = this.#facts;
    const candidates = request.candidates.map((facts) => ({ ...request.context, ...facts }));
    return {
      size: candidates.length,
      contextual: Object.fromEntries(spec.contextual.map((feature) => [feature.name, this.#own(feature, request)])),
      candidate: columnsOf(spec.candidate, (feature) => {
        const code = this.#coder(feature);
        return Int32Array.from(candidates, (facts) => code(this.#value(feature.name, facts), request.timeMs));
      }),
      numbers: this.#numbers(candidates, request.numPast),
      history: this.#history(request),
      past: this.#past(request),
    };
  }

  #own(feature: CategoryFeature, { user, timeMs, context }: RawRequest): number {
    const ofTime = TIME_CODES[feature.name];
    if (ofTime) return ofTime(timeMs);
    return this.#coder(feature)(this.#value(feature.name, { ...context, user }), timeMs);
  }

  #numbers(candidates: readonly RawFacts[], numPast: number): Float32Array {
    const { numbers } = this.#facts.spec;
    const values = new Float32Array(candidates.length * numbers.length);
    for (const [j, feature] of numbers.entries()) {
      for (const [i, facts] of candidates.entries()) {
        const value = feature.name === HISTORY_LENGTH ? numPast : this.#value(feature.name, facts);
        values[i * numbers.length + j] = denseInput(value, feature);
      }
    }
    return values;
  }

  #history({ past, timeMs }: RawRequest): CodeColumns {
    const { spec, history } = this.#facts;
    const earlier = past.filter((event) => event.timeMs < timeMs);
    const events = history === 0 ? [] : earlier.slice(-history);
    const agesMs = Float64Array.from(events, (event) => timeMs - event.timeMs);
    return columnsOf(spec.history, (feature) => {
      const values = feature.name === AGE ? agesMs : events.map(({ facts }) => this.#value(feature.name, facts));
      const delayMs = this.#delays.get(feature.name) ?? null;
      const codes = new Int32Array(events.length);
      codeHistory(codes, { values, code: this.#coder(feature), timeMs, agesMs, delayMs });
      return codes;
    });
  }

  #past({ past, timeMs }: RawRequest): Float32Array {
    const { pastEmbeddings: dim = 0 } = this.#facts.spec;
    if (dim === 0) return new Float32Array(0);
    // One of another length is of another teacher.
    const known = past.filter(({ timeMs: at, embedding }) => at < timeMs && embedding?.length === dim);
    return meanEmbedding(Float32Array.from(known.slice(-PAST_LENGTH).flatMap(({ embedding = [] }) => embedding)), dim);
  }

  /** What an event store's column would hold of a fact: a dictionary's code, a flag's code, or a float32. */
  #value(name: string, facts: RawFacts): number {
    const fact = Object.hasOwn(facts, name) ? facts[name] : undefined;
    const kind = this.#kinds.get(name) ?? "category";
    if (kind === "number") return Math.fround(Number(fact ?? Number.NaN));
    if (kind === "flag") return flagCode(Number(fact ?? Number.NaN));
    if (fact === undefined || fact === "") return 0;
    if (name === "origin") return 1 + ORIGINS.indexOf(fact as (typeof ORIGINS)[number]);
    const dictionary = this.#facts.dictionaries[name];
    if (dictionary instanceof Dictionary) return dictionary.code(String(fact));
    return dictionary ? hashId(String(fact), dictionary.buckets) : 0;
  }

  #coder(feature: CategoryFeature): Coder {
    const kind = this.#kinds.get(feature.name) ?? null;
    return coderOf(feature, kind, this.#facts.vocabularies[feature.table]);
  }

  #check(name: string): void {
    const { dictionaries } = this.#facts;
    if (name === AGE || name === "origin" || Object.hasOwn(TIME_CODES, name)) return;
    const kind = name === "user" ? "category" : this.#kinds.get(name);
    if (kind === "category" ? Object.hasOwn(dictionaries, name) : kind !== undefined) return;
    throw new LapidaryError({
      code: "INTERNAL",
      where: `feature ${name}`,
      expected: "a column of the schema, with a dictionary if it is a category",
      got: `dictionaries of ${Object.keys(dictionaries).join(", ")}`,
      hint: "Export the model again.",
    });
  }
}

/** Reads the files of a bundle. @throws {LapidaryError} FILE_CORRUPT */
export function decodeCoding(
  { spec, schema, history, dictionaries, vocabularies }: EncodedCoding,
  files: Readonly<Record<string, Uint8Array>>,
): CodingFacts {
  const bytes = (path: string): Uint8Array => files[path] ?? new Uint8Array(0);
  const readDictionary = (given: string | { readonly buckets: number }) =>
    typeof given === "string" ? Dictionary.decode(bytes(given)) : given;
  return {
    spec,
    schema,
    history,
    dictionaries: mapValues(dictionaries, readDictionary),
    vocabularies: mapValues(vocabularies, (path) => Vocabulary.decode(bytes(path))),
  };
}

/** {@link CodingFacts} with the names of files in the place of what they hold. */
export interface EncodedCoding extends Pick<CodingFacts, "spec" | "schema" | "history"> {
  readonly dictionaries: Readonly<Record<string, string | { readonly buckets: number }>>;
  readonly vocabularies: Readonly<Record<string, string>>;
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Readonly<Record<string, B>> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

function columnsOf(features: readonly CategoryFeature[], codes: (feature: CategoryFeature) => Int32Array): CodeColumns {
  return Object.fromEntries(features.map((feature) => [feature.name, codes(feature)]));
}
