import { LapidaryError } from "../../base/errors.ts";
import { mapValues } from "../../base/map-values.ts";
import { isNumeric } from "../../config/events/value-kinds.ts";
import {
  AGE,
  type Coder,
  codeHistory,
  coderOf,
  columnKinds,
  counterInput,
  denseInput,
  HISTORY_LENGTH,
  isComputed,
  TIME_CODES,
} from "../coding.ts";
import { contentOf, isEmptyContent } from "../content.ts";
import { counterValue } from "../counters/counter.ts";
import { countsIn } from "../counters/tile-counts.ts";
import { tilesOf } from "../counters/tiles.ts";
import { windowInputs } from "../counters/window-inputs.ts";
import { Dictionary } from "../dictionary.ts";
import { hashId } from "../events/hash-id.ts";
import type { RawEvent, RawFact, RawFacts } from "../events/raw-event.ts";
import { meanEmbedding, PAST_LENGTH } from "../past-embeddings.ts";
import { type EventSchema, ORIGINS, type Origin, type OutcomeField, type ValueKind } from "../schema.ts";
import type { CategoryFeature, CodeColumns, ContentColumns, FeatureSpec } from "../spec.ts";
import { flagCode } from "../transform.ts";
import { Vocabulary } from "../vocabulary.ts";
import type { RawRequest } from "./raw-request.ts";
import { ContentCoder, type FactLookup, type ListCoder } from "./request-content.ts";
import { type FactInput, type FactInputs, findGaps, type Gap } from "./request-gaps.ts";

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
  /** Of the candidates; absent where the spec has none. */
  readonly content?: ContentColumns;
  readonly history: CodeColumns;
  /** Of the past events; absent where the spec has none. */
  readonly pastContent?: ContentColumns;
  /** Mean of the teacher's embeddings of the user; empty if the model reads none. */
  readonly past: Float32Array;
}

/** Past events that a model needs of a user: those it reads, and those whose embeddings it averages. */
export function numPastRead({ spec, history }: Pick<CodingFacts, "spec" | "history">): number {
  return (spec.pastEmbeddings ?? 0) > 0 ? Math.max(history, PAST_LENGTH) : history;
}

/** How one input is read of facts: their value, and its code. */
interface FactColumn extends FactInput {
  readonly code: Coder;
  /** Of an outcome, after which it is known; null of everything else. @unit ms */
  readonly delayMs: number | null;
  /** Fact of a past event that says after which time its own is known; null if all wait for `delayMs`. */
  readonly known: string | null;
}

/** Codes requests exactly as `BatchBuilder` codes the examples of an event store. */
export class RequestCoder {
  readonly #facts: CodingFacts;
  // Found once: a request reads some thousand facts, and each would look up what it is.
  readonly #contextual: readonly FactColumn[];
  readonly #candidate: readonly FactColumn[];
  readonly #history: readonly FactColumn[];
  /** Values of the dense inputs; null for the length of the history, and for what counters make. */
  readonly #numbers: readonly (FactColumn | null)[];
  /** What it reads of the facts of a request, rather than of its user, its time or the past. */
  readonly #inputs: FactInputs;
  /** Null where the spec has no vectors and no lists. */
  readonly #content: ContentCoder | null;

  /** @throws {LapidaryError} INTERNAL if a feature has neither a column nor a dictionary */
  constructor(facts: CodingFacts) {
    this.#facts = facts;
    const { contextual, candidate, numbers, history } = facts.spec;
    const columns = new FactColumns(facts);
    this.#contextual = contextual.map((feature) => columns.of(feature));
    this.#candidate = candidate.map((feature) => columns.of(feature));
    this.#history = history.map((feature) => columns.of(feature));
    this.#numbers = numbers.map(({ name, counter }) => {
      return name === HISTORY_LENGTH || counter !== undefined ? null : columns.ofNumber(name);
    });
    const { vectors, lists } = contentOf(facts.spec);
    const coders = lists.map((feature) => columns.ofList(feature));
    this.#content = isEmptyContent({ vectors, lists }) ? null : new ContentCoder(vectors, coders);
    const isFact = (column: FactColumn | null): column is FactColumn => column !== null && !isComputed(column.name);
    const [contextualFacts, candidateFacts] = [this.#contextual, [...this.#candidate, ...this.#numbers]];
    const contentFacts = [...vectors.map(({ name }) => vectorInput(name)), ...coders.map(listInput)];
    this.#inputs = {
      contextual: contextualFacts.filter(isFact),
      candidate: [...distinct(candidateFacts.filter(isFact)), ...contentFacts],
    };
  }

  /** What the model reads of a request, and does not find in it. */
  gaps(request: RawRequest): readonly Gap[] {
    return findGaps(this.#inputs, request);
  }

  /** The inputs of a request. Past events that are not before its time are left out. */
  code(request: RawRequest): RequestInputs {
    const { candidates, timeMs } = request;
    const events = this.#eventsOf(request);
    return {
      size: candidates.length,
      contextual: Object.fromEntries(this.#contextual.map((column) => [column.name, ownCode(column, request)])),
      candidate: columnsOf(this.#candidate, (column) => candidateCodes(column, request)),
      numbers: this.#dense(request),
      history: this.#pastCodes(events, timeMs),
      ...this.#contentOf(request, events),
      past: this.#pastEmbedding(request),
    };
  }

  #contentOf({ candidates, context, timeMs }: RawRequest, events: readonly RawEvent[]) {
    if (this.#content === null) return {};
    const known = candidates.map(
      (facts): FactLookup =>
        (name) =>
          factOf(name, facts, context),
    );
    const past = events.map(
      ({ facts }): FactLookup =>
        (name) =>
          facts[name],
    );
    return { content: this.#content.code(known, timeMs), pastContent: this.#content.code(past, timeMs) };
  }

  #dense(request: RawRequest): Float32Array {
    const { candidates, context, numPast } = request;
    const { numbers } = this.#facts.spec;
    const values = new Float32Array(candidates.length * numbers.length);
    this.#counted(request, values);
    for (const [j, feature] of numbers.entries()) {
      if (feature.counter !== undefined) continue;
      const column = this.#numbers[j] ?? null;
      for (let i = 0; i < candidates.length; i++) {
        const value = column === null ? numPast : column.value(factOf(column.name, candidates[i]!, context));
        values[i * numbers.length + j] = denseInput(value, feature);
      }
    }
    return values;
  }

  /** Writes the inputs that counters make. */
  #counted({ candidates, timeMs, counts = [] }: RawRequest, values: Float32Array): void {
    const { numbers, counters = [] } = this.#facts.spec;
    if (counts.length !== counters.length) throw uncounted(counters.length, counts.length);
    for (const [c, counter] of counters.entries()) {
      const windows = windowInputs(counter, numbers);
      for (let i = 0; i < candidates.length; i++) {
        const totals = counts[c]![i]!;
        for (const { lengthMs, inputs } of windows) {
          const tiles = tilesOf(timeMs, counter.everyMs, lengthMs);
          const counted = countsIn(totals, { start: 0, end: totals.tiles.length }, tiles);
          for (const { at, reads } of inputs) {
            const value = counterValue(counted, reads, counter.prior);
            values[i * numbers.length + at] = counterInput(value, numbers[at]!);
          }
        }
      }
    }
  }

  /** The past events that the model reads, oldest first. */
  #eventsOf({ past, timeMs }: RawRequest): readonly RawEvent[] {
    const { history } = this.#facts;
    const earlier = past.filter((event) => event.timeMs < timeMs);
    return history === 0 ? [] : earlier.slice(-history);
  }

  #pastCodes(events: readonly RawEvent[], timeMs: number): CodeColumns {
    const agesMs = Float64Array.from(events, (event) => timeMs - event.timeMs);
    return columnsOf(this.#history, ({ name, value, code, delayMs, known }) => {
      const values = name === AGE ? agesMs : events.map(({ facts }) => value(facts[name]));
      const codes = new Int32Array(events.length);
      const delays = known === null ? delayMs : events.map(({ facts }) => Number(facts[known] ?? delayMs));
      codeHistory(codes, { values, code, timeMs, agesMs, delays });
      return codes;
    });
  }

  #pastEmbedding({ past, timeMs }: RawRequest): Float32Array {
    const { pastEmbeddings: dim = 0 } = this.#facts.spec;
    if (dim === 0) return new Float32Array(0);
    // One of another length is of another teacher.
    const known = past.filter(({ timeMs: at, embedding }) => at < timeMs && embedding?.length === dim);
    return meanEmbedding(Float32Array.from(known.slice(-PAST_LENGTH).flatMap(({ embedding = [] }) => embedding)), dim);
  }
}

/** Zeros in the place of counts would be scored in silence. */
function uncounted(expected: number, got: number): LapidaryError {
  return new LapidaryError({
    code: "INTERNAL",
    where: "request",
    expected: `the counts of ${expected} counters`,
    got: `${got}`,
    hint: "Rank with `rank`, which reads them from the online store.",
  });
}

/** Of a vector, only that it is missing is told. */
function vectorInput(name: string): FactInput {
  return { name, isId: false, value: () => 0 };
}

/** Of a list, the ids that the log did not have. */
function listInput({ name, id }: ListCoder): FactInput {
  return { name, isId: true, value: (fact) => id(String(fact)) };
}

/** What is known of a candidate by itself comes before what is known of the request. */
function factOf(name: string, candidate: RawFacts, context: RawFacts): RawFact | undefined {
  return candidate[name] ?? context[name];
}

function ownCode({ name, value, code }: FactColumn, { user, timeMs, context }: RawRequest): number {
  const ofTime = TIME_CODES[name];
  return ofTime ? ofTime(timeMs) : code(value(name === "user" ? (user ?? undefined) : context[name]), timeMs);
}

function candidateCodes({ name, value, code }: FactColumn, { candidates, context, timeMs }: RawRequest): Int32Array {
  const codes = new Int32Array(candidates.length);
  for (let i = 0; i < codes.length; i++) codes[i] = code(value(factOf(name, candidates[i]!, context)), timeMs);
  return codes;
}

/** Finds how inputs are read. */
class FactColumns {
  readonly #facts: CodingFacts;
  readonly #kinds: ReadonlyMap<string, ValueKind>;
  readonly #outcomes: ReadonlyMap<string, OutcomeField>;

  constructor(facts: CodingFacts) {
    this.#facts = facts;
    this.#kinds = columnKinds(facts.schema);
    this.#outcomes = new Map(facts.schema.outcomes.map((outcome) => [outcome.name, outcome]));
  }

  /** @throws {LapidaryError} INTERNAL */
  of(feature: CategoryFeature): FactColumn {
    const { name, table } = feature;
    this.#check(name);
    const code = coderOf(feature, this.#kinds.get(name) ?? null, this.#facts.vocabularies[table]);
    const { delayMs = null, knownColumn: known = null } = this.#outcomes.get(name) ?? {};
    return { name, isId: this.#isId(name), value: this.#reader(name), code, delayMs, known };
  }

  /** @throws {LapidaryError} INTERNAL */
  ofList(feature: CategoryFeature): ListCoder {
    const { name, table } = feature;
    this.#check(name);
    const code = coderOf(feature, "categories", this.#facts.vocabularies[table]);
    return { name, id: this.#ids(name), code };
  }

  ofNumber(name: string): FactColumn {
    return { name, isId: false, value: this.#reader(name), code: (value) => value, delayMs: null, known: null };
  }

  /** Reads what an event store's column would hold: a dictionary's code, a flag's code, or a float32. */
  #reader(name: string): FactColumn["value"] {
    const kind = this.#kinds.get(name) ?? "category";
    if (isNumeric(kind)) return (fact) => Math.fround(Number(fact ?? Number.NaN));
    if (kind === "flag") return (fact) => flagCode(Number(fact ?? Number.NaN));
    const code = this.#ids(name);
    return (fact) => (fact === undefined || fact === "" ? 0 : code(String(fact)));
  }

  #isId(name: string): boolean {
    return this.#kinds.get(name) === "category" && name !== "origin";
  }

  #ids(name: string): (id: string) => number {
    if (name === "origin") return (id) => 1 + ORIGINS.indexOf(id as Origin);
    const dictionary = this.#facts.dictionaries[name];
    if (dictionary instanceof Dictionary) return (id) => dictionary.code(id);
    return dictionary ? (id) => hashId(id, dictionary.buckets) : () => 0;
  }

  #check(name: string): void {
    const { dictionaries } = this.#facts;
    if (name === AGE || name === "origin" || Object.hasOwn(TIME_CODES, name)) return;
    const kind = name === "user" ? "category" : this.#kinds.get(name);
    if (kind === "category" || kind === "categories" ? Object.hasOwn(dictionaries, name) : kind !== undefined) return;
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
  const readDictionary = (dictionary: string | { readonly buckets: number }) =>
    typeof dictionary === "string" ? Dictionary.decode(bytes(dictionary)) : dictionary;
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

function columnsOf(columns: readonly FactColumn[], codes: (column: FactColumn) => Int32Array): CodeColumns {
  return Object.fromEntries(columns.map((column) => [column.name, codes(column)]));
}

/** One input of each name: a number may be read as itself and as the code of its bucket. */
function distinct(columns: readonly FactColumn[]): readonly FactColumn[] {
  return [...new Map(columns.map((column) => [column.name, column])).values()];
}
