import type { BundleManifest } from "../../bundle/index.ts";
import { isPlainObject, isReservedKey, show } from "../../config/check.ts";
import { type ErrorCode, LapidaryError } from "../../config/errors.ts";
import { columnKinds } from "../../features/coding.ts";
import type { RawFacts } from "../../features/raw-event.ts";
import { type EventSchema, ORIGINS, type ValueKind } from "../../features/schema.ts";
import type { Candidate, RankRequest } from "../ranker/rank.ts";
import type { ReportedEvent } from "../store/online-store.ts";

/** How much one request may ask. */
export const REQUEST_LIMITS = { bodyBytes: 8 * 2 ** 20, candidates: 2_000, events: 2_000, embedding: 1_024 } as const;

/** What a request may speak of: that of the model that serves. */
export interface ApiFacts {
  readonly objectives: readonly string[];
  /** The one surface that the model is for; null for all. */
  readonly surface: string | null;
  /** Of the facts of an event. */
  readonly eventKinds: FactKinds;
  /** Of those of a ranking. */
  readonly rankKinds: FactKinds;
}

/** Kinds of facts by name. */
export type FactKinds = ReadonlyMap<string, ValueKind>;

/** {@link ApiFacts} of a model. */
export function apiFacts({ schema, spec, model }: Pick<BundleManifest, "schema" | "spec" | "model">): ApiFacts {
  const { objectives } = spec;
  return { objectives, surface: model.surface, eventKinds: columnKinds(schema), rankKinds: rankKinds(schema) };
}

type Json = Readonly<Record<string, unknown>>;

/** The body of `POST /rank`. `nowMs` is its time if it has none. @throws {LapidaryError} SERVE_REQUEST, SERVE_LIMIT */
export function parseRank(body: unknown, facts: ApiFacts, nowMs: number): RankRequest {
  const { objectives } = facts;
  const given = objectAt(body, "body", ["user", "time", "objective", "context", "candidates"]);
  const objective = given["objective"] ?? objectives[0];
  if (typeof objective !== "string" || !objectives.includes(objective)) {
    throw wrong("objective", `one of ${objectives.join(", ")}`, objective);
  }
  const context = factsAt(given["context"] ?? {}, "context", { kinds: facts.rankKinds });
  checkSurface(context, facts);
  const candidates = listAt(given["candidates"], "candidates", REQUEST_LIMITS.candidates);
  return {
    user: idAt(given["user"], "user"),
    timeMs: given["time"] === undefined ? nowMs : timeAt(given["time"], "time"),
    context,
    candidates: candidates.map((each, i) => candidateAt(each, `candidates[${i}]`, facts)),
    objective,
  };
}

function candidateAt(value: unknown, where: string, { objectives, rankKinds: kinds }: ApiFacts): Candidate {
  const facts = factsAt(value, where, { kinds, others: ["bids"] });
  const { bids } = value as Json;
  return { facts, bids: bids === undefined ? null : bidsAt(bids, `${where}.bids`, objectives) };
}

/** A model of one surface has learned nothing of the others. */
function checkSurface({ surface: given }: RawFacts, { surface }: ApiFacts): void {
  if (surface !== null && given !== surface) throw wrong("context.surface", surface, given);
}

/** Kinds of the facts that a ranking may speak of: what happened to an item is not known while it is ranked. */
export function rankKinds(schema: EventSchema): ReadonlyMap<string, ValueKind> {
  const outcomes = new Set(["action", ...schema.outcomes.map(({ name }) => name)]);
  return new Map([...columnKinds(schema)].filter(([name]) => !outcomes.has(name)));
}

/** The body of `POST /events`. @throws {LapidaryError} SERVE_REQUEST, SERVE_LIMIT */
export function parseEvents(body: unknown, { eventKinds }: ApiFacts): readonly ReportedEvent[] {
  const { events } = objectAt(body, "body", ["events"]);
  return listAt(events, "events", REQUEST_LIMITS.events).map((each, i) => eventAt(each, `events[${i}]`, eventKinds));
}

function eventAt(value: unknown, where: string, kinds: FactKinds): ReportedEvent {
  const facts = factsAt(value, where, { kinds, others: ["user", "id", "time", "embedding"] });
  const { user, id, time, embedding } = value as Json;
  return {
    user: idAt(user, `${where}.user`),
    id: idAt(id, `${where}.id`),
    timeMs: timeAt(time, `${where}.time`),
    facts,
    ...(embedding === undefined ? {} : { embedding: embeddingAt(embedding, `${where}.embedding`) }),
  };
}

function embeddingAt(value: unknown, where: string): readonly number[] {
  const numbers = listAt(value, where, REQUEST_LIMITS.embedding);
  const isFloat = (number: unknown): boolean => typeof number === "number" && Number.isFinite(Math.fround(number));
  const bad = numbers.findIndex((number) => !isFloat(number));
  if (bad >= 0) throw wrong(`${where}[${bad}]`, "a number that a float32 holds", numbers[bad]);
  return numbers as readonly number[];
}

function objectAt(value: unknown, where: string, keys: readonly string[]): Json {
  if (!isPlainObject(value)) throw wrong(where, "an object", value);
  const unknown = Object.keys(value).find((key) => isReservedKey(key) || !keys.includes(key));
  if (unknown !== undefined) throw wrong(where, `no keys but ${keys.join(", ")}`, unknown);
  return value;
}

function listAt(value: unknown, where: string, limit: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw wrong(where, "a list that is not empty", value);
  if (value.length > limit) throw wrong(where, `at most ${limit} entries`, value.length, "SERVE_LIMIT");
  return value;
}

function idAt(value: unknown, where: string): string {
  if (typeof value !== "string" || value === "") throw wrong(where, "text that is not empty", value);
  return value;
}

function timeAt(value: unknown, where: string): number {
  if (Number.isSafeInteger(value) && Math.abs(value as number) <= 8.64e15) return value as number;
  throw wrong(where, "whole milliseconds since 1970, UTC", value);
}

function bidsAt(value: unknown, where: string, objectives: readonly string[]): Readonly<Record<string, number>> {
  const bids = objectAt(value, where, objectives);
  for (const [name, bid] of Object.entries(bids)) {
    if (typeof bid !== "number" || !(bid >= 0 && bid <= 1e15))
      throw wrong(`${where}.${name}`, "a number from 0 to 1e15", bid);
  }
  return bids as Readonly<Record<string, number>>;
}

/** The facts of an object. `others` are the keys that are none, and that the caller reads. */
function factsAt(
  value: unknown,
  where: string,
  { kinds, others = [] }: { readonly kinds: FactKinds; readonly others?: readonly string[] },
): RawFacts {
  if (!isPlainObject(value)) throw wrong(where, "an object", value);
  const facts: Record<string, string | number> = {};
  // One pass without a list or a text per key: a ranking has thousands of facts.
  for (const name of Object.keys(value)) {
    if (others.includes(name)) continue;
    const kind = kinds.get(name);
    if (kind === undefined) throw wrong(where, `no keys but ${[...others, ...kinds.keys()].join(", ")}`, name);
    const fact = value[name];
    if (fact === null) continue;
    const expected = expectedOf(fact, kind, name);
    if (expected !== null) throw wrong(`${where}.${name}`, expected, fact);
    facts[name] = kind === "flag" ? Number(fact) : (fact as string | number);
  }
  return facts;
}

/** What a fact should be; null if it is. */
function expectedOf(fact: unknown, kind: ValueKind, name: string): string | null {
  if (kind === "flag") return fact === 0 || fact === 1 || typeof fact === "boolean" ? null : "true, false, 0 or 1";
  if (kind === "number") {
    return typeof fact === "number" && Number.isFinite(Math.fround(fact)) ? null : "a number that a float32 holds";
  }
  if (name === "origin") return fact === ORIGINS[0] || fact === ORIGINS[1] ? null : ORIGINS.join(" or ");
  return typeof fact === "string" && isWellFormed(fact) ? null : "well-formed text";
}

/** Whether a text has a form in UTF-8. */
function isWellFormed(text: string): boolean {
  // Few texts have any surrogate at all, and the first test is the faster one.
  return !/[\ud800-\udfff]/.test(text) || !/\p{Surrogate}/u.test(text);
}

/** The error of a request. */
export function wrong(
  ...[where, expected, got, code = "SERVE_REQUEST"]: readonly [string, string, unknown, ErrorCode?]
): LapidaryError {
  return new LapidaryError({ code, where, expected, got: show(got), hint: "Correct the request." });
}
