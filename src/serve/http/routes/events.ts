import { checkSize, type EventRules, MISSING, readEventTime } from "../../../features/events/event-facts.ts";
import { readVector } from "../../../features/events/event-lists.ts";
import type { RawFacts } from "../../../features/events/raw-event.ts";
import { isRefused, Refused } from "../../../features/events/refusal.ts";
import { KNOWN_KEY, knownColumnOf } from "../../../features/schema.ts";
import type { EventFacts } from "../../ranker/api-facts.ts";
import type { ReportedEvent } from "../../store/online-store.ts";
import { parseFacts } from "../body.ts";
import { type BodyDoc, type DescribedModel, defineRoute } from "../route.ts";
import { exampleFacts, factProperties, factsAt } from "../values/facts.ts";
import { ID_SCHEMA, idAt } from "../values/ids.ts";
import { REQUEST_LIMITS } from "../values/limits.ts";
import { refused, wrong } from "../values/problems.ts";
import { COUNT, type Json, type JsonSchema, listAt, objectAt, objectSchema, strictObject } from "../values/shapes.ts";
import { exampleTime, timeAt, timeSchema } from "../values/times.ts";

/** Takes what users did. */
export const EVENTS = defineRoute({
  name: "events",
  method: "POST",
  path: "/events",
  summary: "Reports what users did",
  request: eventsBody,
  answer: strictObject({ added: COUNT, known: COUNT }),
  handle: async ({ body }, { models, store, metrics }) => {
    const counts = await store.append(parseEvents(parseFacts(await body()), models.events));
    metrics.countEvents(counts);
    return { json: counts };
  },
});

/**
 * The body of `POST /events`: what ingest would take of a log, and nothing else.
 *
 * @throws {LapidaryError} SERVE_REQUEST, SERVE_LIMIT, EVENT_* as the rules of events say
 */
export function parseEvents(body: unknown, facts: EventFacts): readonly ReportedEvent[] {
  const { events } = objectAt(body, "body", ["events"]);
  return listAt(events, "events", REQUEST_LIMITS.events).map((each, i) => eventAt(each, `events[${i}]`, facts));
}

function eventAt(value: unknown, where: string, { eventKinds, windows, rules }: EventFacts): ReportedEvent {
  const others = ["user", "id", "time", "embedding", ...(windows.size > 0 ? [KNOWN_KEY] : [])];
  const facts = factsAt(value, where, { kinds: eventKinds, others });
  const { user, id, time, embedding, [KNOWN_KEY]: known } = value as Json;
  const timed = {
    user: idAt(user, `${where}.user`),
    id: idAt(id, `${where}.id`),
    timeMs: timeAt(time, `${where}.time`, rules),
  };
  const hasOutcomes = windows.size > 0 && known !== undefined;
  const outcomes = hasOutcomes ? knownAt(known, `${where}.${KNOWN_KEY}`, { ...timed, facts, windows, rules }) : {};
  const event = {
    ...timed,
    facts: { ...constantsAt(facts, where, rules), ...facts, ...outcomes },
    ...(embedding === undefined ? {} : { embedding: embeddingAt(embedding, `${where}.embedding`) }),
  };
  if (event.facts["item"] === undefined) throw refused(`${where}.item`, MISSING, undefined);
  const refusal = checkSize(event);
  if (refusal !== null) throw refused(where, refusal, "more");
  return event;
}

/** When the outcomes of an event were known, as facts of it. */
function knownAt(
  value: unknown,
  where: string,
  of: { readonly facts: RawFacts; readonly timeMs: number } & Pick<EventFacts, "windows" | "rules">,
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

/** What {@link parseEvents} takes. */
function eventsBody({ facts }: DescribedModel): BodyDoc {
  const { eventKinds: kinds, rules } = facts;
  const embedding = { type: "array", items: { type: "number" }, minItems: 1, maxItems: REQUEST_LIMITS.embedding };
  const constants = Object.entries(rules.constants).map(([name, value]) => [name, { enum: [value, null] }] as const);
  const properties = { ...factProperties(kinds), item: ID_SCHEMA, ...Object.fromEntries(constants) };
  const ids = { user: ID_SCHEMA, id: ID_SCHEMA, time: timeSchema(rules, "") };
  const keys = ["user", "id", "time", "item"].filter((name) => rules.constants[name] === undefined);
  const event = objectSchema({ ...ids, ...knownProperties(facts), embedding, ...properties }, keys);
  const events = { type: "array", items: event, minItems: 1, maxItems: REQUEST_LIMITS.events };
  const at = exampleTime(rules, 1_600_000_000_000);
  const example = { user: "u1", id: "e1", time: at, ...exampleFacts(kinds, 1), ...rules.constants };
  return { schema: objectSchema({ events }, ["events"]), example: { events: [example] } };
}

/** When outcomes with times of their own became known; nothing of a log that has none. */
function knownProperties({ windows, rules }: EventFacts): Record<string, JsonSchema> {
  if (windows.size === 0) return {};
  const times = [...windows].map(([name, delayMs]) => {
    const more = ` From the event's time to ${delayMs} ms after it, which it is if it is left out.`;
    return [name, timeSchema({ ...rules, latestMs: rules.latestMs + delayMs }, more)] as const;
  });
  return {
    [KNOWN_KEY]: { ...objectSchema(Object.fromEntries(times), []), description: "When outcomes became known." },
  };
}
