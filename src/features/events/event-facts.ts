/** The rules of whole events: which values they need, and what the log says of all of them. */

import { MAX_TIME_MS } from "../../base/units.ts";
import { isNumeric } from "../../config/events/value-kinds.ts";
import type { EventsConfig } from "../../config/types.ts";
import type { FactKind } from "../coding.ts";
import { KEY_CATEGORIES } from "../schema.ts";
import { limitBreach, type UserEvent } from "./event-limits.ts";
import { readCategories, readVector, shortFloat } from "./event-lists.ts";
import {
  checkTime,
  NUMBER_RULES,
  readCategory,
  readFlag,
  readOrigin,
  readTime,
  type TimeRange,
  type TimeUnit,
  textOf,
} from "./event-rules.ts";
import type { RawFact } from "./raw-event.ts";
import { isRefused, Refused } from "./refusal.ts";

/** What a project says of all its events, wherever they come from. */
export interface EventRules extends TimeRange {
  /** How times are spelt as text. */
  readonly timeUnit: TimeUnit;
  /** Values of key categories that the configuration sets for every event. */
  readonly constants: Readonly<Record<string, string>>;
}

/** The {@link EventRules} of a configuration. */
export function eventRulesOf(events: EventsConfig): EventRules {
  const constants = KEY_CATEGORIES.flatMap((name) => {
    const source = events[name];
    return typeof source !== "string" && "value" in source ? [[name, source.value] as const] : [];
  });
  // Rows without times share one, which no rule was made for.
  const { earliestMs, latestMs } = events.time === null ? { earliestMs: -MAX_TIME_MS, latestMs: MAX_TIME_MS } : events;
  const timeUnit = events.time?.unit ?? "ms";
  return { earliestMs, latestMs, timeUnit, constants: Object.fromEntries(constants) };
}

/** What is wrong with an event that lacks one of the values that every event has. */
export const MISSING: Refused = new Refused("EVENT_MISSING", "a value, as every event has one");

/** One fact of JSON, of the column `name`, as it is stored; null if it is missing, as a list without ids is. */
export function readFact(raw: unknown, name: string, of: FactKind): RawFact | null | Refused {
  const { kind } = of;
  if (kind === "vector" || kind === "categories") return readList(raw, of);
  // Most numbers need no text in between, and a ranking has thousands.
  const readAs = isNumeric(kind) ? NUMBER_RULES[kind] : null;
  if (readAs !== null && typeof raw === "number") return readAs(raw);
  const text = textOf(raw);
  if (text === null || isRefused(text)) return text;
  if (readAs !== null) return readAs(text);
  if (kind === "flag") return readFlag(text);
  return name === "origin" ? readOrigin(text) : readCategory(text);
}

function readList(raw: unknown, { kind, dim = 0, delimiter }: FactKind): RawFact | null | Refused {
  const list = kind === "vector" ? readVector(raw, dim) : readCategories(raw, delimiter);
  if (list === null || isRefused(list)) return list;
  if (list instanceof Float32Array) return Array.from(list, shortFloat);
  return list.length === 0 ? null : list;
}

/**
 * The time of an event in JSON: a number of milliseconds, or text as the log spells it.
 *
 * @unit ms since 1970, UTC
 */
export function readEventTime(raw: unknown, rules: EventRules): number | Refused {
  const text = textOf(raw);
  if (text === null) return MISSING;
  if (isRefused(text)) return text;
  const ms = readTime(text, typeof raw === "string" ? rules.timeUnit : "ms");
  return isRefused(ms) ? ms : (checkTime(ms, rules) ?? ms);
}

/** Null if an event is no larger than one may be. */
export function checkSize(event: UserEvent): Refused | null {
  const breach = limitBreach(event);
  return breach === null ? null : new Refused("EVENT_SIZE", breach.expected);
}
