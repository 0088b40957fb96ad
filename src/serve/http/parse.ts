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
  readonly schema: EventSchema;
  readonly objectives: readonly string[];
  /** The one surface that the model is for; null for all. */
  readonly surface: string | null;
}

type Json = Readonly<Record<string, unknown>>;

/** The body of `POST /rank`. `nowMs` is its time if it has none. @throws {LapidaryError} SERVE_REQUEST, SERVE_LIMIT */
export function parseRank(body: unknown, facts: ApiFacts, nowMs: number): RankRequest {
  const { schema, objectives } = facts;
  const given = objectAt(body, "body", ["user", "time", "objective", "context", "candidates"]);
  const objective = given["objective"] ?? objectives[0];
  if (typeof objective !== "string" || !objectives.includes(objective)) {
    throw wrong("objective", `one of ${objectives.join(", ")}`, objective);
  }
  const kinds = rankKinds(schema);
  const context = factsAt(given["context"] ?? {}, "context", kinds);
  checkSurface(context, facts);
  return {
    user: idAt(given["user"], "user"),
    timeMs: given["time"] === undefined ? nowMs : timeAt(given["time"], "time"),
    context,
    candidates: listAt(given["candidates"], "candidates", REQUEST_LIMITS.candidates).map((each, i): Candidate => {
      const { bids, ...facts } = objectAt(each, `candidates[${i}]`, ["bids", ...kinds.keys()]);
      return {
        facts: factsAt(facts, `candidates[${i}]`, kinds),
        bids: bids === undefined ? null : bidsAt(bids, `candidates[${i}].bids`, objectives),
      };
    }),
    objective,
  };
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
export function parseEvents(body: unknown, { schema }: ApiFacts): readonly ReportedEvent[] {
  const { events } = objectAt(body, "body", ["events"]);
  const kinds = columnKinds(schema);
  return listAt(events, "events", REQUEST_LIMITS.events).map((each, i) => {
    const where = `events[${i}]`;
    const keys = ["user", "id", "time", "embedding", ...kinds.keys()];
    const { user, id, time, embedding, ...facts } = objectAt(each, where, keys);
    return {
      user: idAt(user, `${where}.user`),
      id: idAt(id, `${where}.id`),
      timeMs: timeAt(time, `${where}.time`),
      facts: factsAt(facts, where, kinds),
      ...(embedding === undefined ? {} : { embedding: embeddingAt(embedding, `${where}.embedding`) }),
    };
  });
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

function factsAt(value: unknown, where: string, kinds: ReadonlyMap<string, ValueKind>): RawFacts {
  const facts: Record<string, string | number> = {};
  for (const [name, fact] of Object.entries(objectAt(value, where, [...kinds.keys()]))) {
    if (fact !== null) facts[name] = factAt(fact, `${where}.${name}`, name === "origin" ? "origin" : kinds.get(name));
  }
  return facts;
}

function factAt(fact: unknown, where: string, kind: ValueKind | "origin" | undefined): string | number {
  if (kind === "flag") {
    if (fact === 0 || fact === 1 || typeof fact === "boolean") return Number(fact);
    throw wrong(where, "true, false, 0 or 1", fact);
  }
  if (kind === "number") {
    if (typeof fact === "number" && Number.isFinite(Math.fround(fact))) return fact;
    throw wrong(where, "a number that a float32 holds", fact);
  }
  if (kind === "origin" && !ORIGINS.some((origin) => origin === fact)) throw wrong(where, ORIGINS.join(" or "), fact);
  if (typeof fact === "string" && !/\p{Surrogate}/u.test(fact)) return fact;
  throw wrong(where, "well-formed text", fact);
}

/** The error of a request. */
export function wrong(
  ...[where, expected, got, code = "SERVE_REQUEST"]: readonly [string, string, unknown, ErrorCode?]
): LapidaryError {
  return new LapidaryError({ code, where, expected, got: show(got), hint: "Correct the request." });
}
