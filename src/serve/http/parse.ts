import { isPlainObject, isReservedKey, show } from "../../base/check.ts";
import { type ErrorCode, LapidaryError } from "../../base/errors.ts";
import type { BundleManifest } from "../../bundle/index.ts";
import { type FactKinds, factKinds } from "../../features/coding.ts";
import { checkSize, type EventRules, MISSING, readEventTime, readFact } from "../../features/events/event-facts.ts";
import { readVector } from "../../features/events/event-lists.ts";
import { readId, textOf } from "../../features/events/event-rules.ts";
import type { RawFact, RawFacts } from "../../features/events/raw-event.ts";
import { isRefused, Refused } from "../../features/events/refusal.ts";
import { type EventSchema, KNOWN_KEY, knownColumnOf } from "../../features/schema.ts";
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
  /** Of the outcomes with times of their own: the time after which they are known of every event. @unit ms */
  readonly windows: ReadonlyMap<string, number>;
  /** To which events are held. */
  readonly rules: EventRules;
}

/** {@link ApiFacts} of a model. */
export function apiFacts({
  schema,
  spec: { objectives },
  model: { surface },
  events: rules,
}: Pick<BundleManifest, "schema" | "spec" | "model" | "events">): ApiFacts {
  const timed = schema.outcomes.filter(({ knownColumn }) => knownColumn !== undefined);
  const windows = new Map(timed.map(({ name, delayMs }) => [name, delayMs]));
  return { objectives, surface, eventKinds: factKinds(schema), rankKinds: rankKinds(schema), windows, rules };
}

type Json = Readonly<Record<string, unknown>>;

/**
 * The body of `POST /rank`. `nowMs` is its time if it has none.
 *
 * @throws {LapidaryError} SERVE_REQUEST, SERVE_LIMIT, EVENT_* as the rules of events say
 */
export function parseRank(body: unknown, facts: ApiFacts, nowMs: number): RankRequest {
  const { objectives, rules } = facts;
  const given = objectAt(body, "body", ["user", "time", "objective", "context", "candidates"]);
  const objective = given["objective"] ?? objectives[0];
  if (typeof objective !== "string" || !objectives.includes(objective)) {
    throw wrong("objective", `one of ${objectives.join(", ")}`, objective);
  }
  const told = factsAt(given["context"] ?? {}, "context", { kinds: facts.rankKinds });
  const context = { ...shownConstants(facts), ...told };
  checkSurface(context, facts);
  const candidates = listAt(given["candidates"], "candidates", REQUEST_LIMITS.candidates);
  return {
    user: given["user"] === undefined ? null : idAt(given["user"], "user"),
    timeMs: given["time"] === undefined ? nowMs : timeAt(given["time"], "time", rules),
    context,
    candidates: candidates.map((each, i) => candidateAt(each, `candidates[${i}]`, facts)),
    objective,
  };
}

/** What the log says of every event, as far as it is known of a candidate. */
function shownConstants({ rules, rankKinds: kinds }: ApiFacts): RawFacts {
  return Object.fromEntries(Object.entries(rules.constants).filter(([name]) => kinds.has(name)));
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
export function rankKinds(schema: EventSchema): FactKinds {
  const outcomes = new Set(["action", ...schema.outcomes.map(({ name }) => name)]);
  return new Map([...factKinds(schema)].filter(([name]) => !outcomes.has(name)));
}

/**
 * The body of `POST /events`: what ingest would take of a log, and nothing else.
 *
 * @throws {LapidaryError} SERVE_REQUEST, SERVE_LIMIT, EVENT_* as the rules of events say
 */
export function parseEvents(body: unknown, facts: ApiFacts): readonly ReportedEvent[] {
  const { events } = objectAt(body, "body", ["events"]);
  return listAt(events, "events", REQUEST_LIMITS.events).map((each, i) => eventAt(each, `events[${i}]`, facts));
}

function eventAt(value: unknown, where: string, { eventKinds, windows, rules }: ApiFacts): ReportedEvent {
  const others = ["user", "id", "time", "embedding", ...(windows.size > 0 ? [KNOWN_KEY] : [])];
  const facts = factsAt(value, where, { kinds: eventKinds, others });
  const { user, id, time, embedding, [KNOWN_KEY]: known } = value as Json;
  const timed = {
    user: idAt(user, `${where}.user`),
    id: idAt(id, `${where}.id`),
    timeMs: timeAt(time, `${where}.time`, rules),
  };
  const isTold = windows.size > 0 && known !== undefined;
  const told = isTold ? knownAt(known, `${where}.${KNOWN_KEY}`, { ...timed, facts, windows, rules }) : {};
  const event = {
    ...timed,
    facts: { ...constantsAt(facts, where, rules), ...facts, ...told },
    ...(embedding === undefined ? {} : { embedding: embeddingAt(embedding, `${where}.embedding`) }),
  };
  if (facts["item"] === undefined) throw refused(`${where}.item`, MISSING, undefined);
  const refusal = checkSize(event);
  if (refusal !== null) throw refused(where, refusal, "more");
  return event;
}

/** When the outcomes of an event were known, as facts of it. */
function knownAt(
  value: unknown,
  where: string,
  of: { readonly facts: RawFacts; readonly timeMs: number } & Pick<ApiFacts, "windows" | "rules">,
): RawFacts {
  const times = objectAt(value, where, [...of.windows.keys()]);
  const entries = Object.entries(times).map(([name, time]): [string, number] => {
    const at = `${where}.${name}`;
    if (of.facts[name] === undefined) throw wrong(at, "the known time of an outcome that the event tells", time);
    const ms = readEventTime(time, { ...of.rules, latestMs: Number.POSITIVE_INFINITY });
    if (isRefused(ms)) throw refused(at, ms, time);
    const afterMs = ms - of.timeMs;
    const mostMs = of.windows.get(name) ?? 0;
    if (afterMs < 0 || afterMs > mostMs) {
      throw refused(at, new Refused("EVENT_TIME_RANGE", `a time from the event's to ${mostMs} ms after it`), time);
    }
    return [knownColumnOf(name), afterMs];
  });
  return Object.fromEntries(entries);
}

/** The constants of all events. One that an event contradicts would make its history another than the log's. */
function constantsAt(facts: RawFacts, where: string, { constants }: EventRules): RawFacts {
  for (const [name, constant] of Object.entries(constants)) {
    const fact = facts[name];
    if (fact === undefined || fact === constant) continue;
    throw wrong(`${where}.${name}`, `${constant}, as the project's configuration says of every event`, fact);
  }
  return constants;
}

function embeddingAt(value: unknown, where: string): readonly number[] {
  const numbers = listAt(value, where, REQUEST_LIMITS.embedding);
  const vector = readVector(numbers, numbers.length);
  if (vector === null || isRefused(vector)) throw refused(where, vector ?? MISSING, value);
  return [...vector];
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
  const text = textOf(value) ?? MISSING;
  const id = isRefused(text) ? text : readId(text);
  if (isRefused(id)) throw refused(where, id, value);
  return id;
}

function timeAt(value: unknown, where: string, rules: EventRules): number {
  const ms = readEventTime(value, rules);
  if (isRefused(ms)) throw refused(where, ms, value);
  return ms;
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
  if (!isPlainObject(value)) throw refused(where, new Refused("EVENT_OBJECT", "an object"), value);
  const facts: Record<string, RawFact> = {};
  // One pass without a list or a text per key: a ranking has thousands of facts.
  for (const name of Object.keys(value)) {
    if (others.includes(name)) continue;
    const kind = kinds.get(name);
    if (kind === undefined) throw wrong(where, `no keys but ${[...others, ...kinds.keys()].join(", ")}`, name);
    const fact = readFact(value[name], name, kind);
    if (isRefused(fact)) throw refused(`${where}.${name}`, fact, value[name]);
    if (fact !== null) facts[name] = fact;
  }
  return facts;
}

/** The error of a request. */
export function wrong(
  ...[where, expected, got, code = "SERVE_REQUEST"]: readonly [string, string, unknown, ErrorCode?]
): LapidaryError {
  return new LapidaryError({ code, where, expected, got: show(got), hint: "Correct the request." });
}

/** The error of a value that the rules of events refuse. */
function refused(where: string, { code, expected }: Refused, got: unknown): LapidaryError {
  return wrong(where, expected, got, code);
}
