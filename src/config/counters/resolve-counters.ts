import { join, show } from "../../base/check.ts";
import { parseDuration } from "../../base/units.ts";
import { fillIn } from "../defaults.ts";
import { invalid, type Report } from "../events/resolve-fields.ts";
import type { ScalarKind } from "../events/value-kinds.ts";
import type { UserConfig } from "../schema.ts";
import type { EventsConfig } from "../types.ts";
import { ALL_TIME, COUNTER_SCHEMA } from "./counters-schema.ts";

/** How far back a counter counts. */
export interface CounterWindow {
  /** As the user wrote it. */
  readonly name: string;
  /** Null for all before. @unit ms */
  readonly lengthMs: number | null;
}

/** How often an outcome came of past events that have some facts in common with a candidate. */
export interface CounterConfig {
  /** Name of the outcome. */
  readonly of: string;
  /** Names of the facts. */
  readonly by: readonly string[];
  readonly windows: readonly CounterWindow[];
  /** Length of a tile: what became known within the current one does not count yet. @unit ms */
  readonly everyMs: number;
}

/** Least length of a tile. @unit ms */
const LEAST_EVERY_MS = 60_000;

/** Kinds of outcomes that can be summed. */
const COUNTED_KINDS: readonly ScalarKind[] = ["flag", "number", "value", "count"];
/** Kinds of attributes that events can have in common. */
const KEY_KINDS: readonly string[] = ["category", "flag"];
/** Facts of every event that are known when its item is shown. */
const KEYS = ["user", "item", "surface", "origin"] as const;

/** The counters by name, every default filled in. */
export function resolveCounters(
  user: UserConfig,
  events: EventsConfig,
  report: Report,
): Readonly<Record<string, CounterConfig>> {
  const counters = Object.entries(user.counters ?? {});
  if (counters.length > 0 && events.time === null) report(timeless());
  return Object.fromEntries(
    counters.map(([name, given]) => {
      const path = join("counters", name);
      const { of, by, windows, every } = fillIn(COUNTER_SCHEMA, given);
      checkOutcome(join(path, "of"), { of, events }, report);
      for (const [i, key] of by.entries()) checkKey(join(join(path, "by"), i), { key, events }, report);
      const everyMs = everyOf(join(path, "every"), every, report);
      const lengths = windowsOf(join(path, "windows"), { windows, every, everyMs }, report);
      return [name, { of, by, windows: lengths, everyMs }];
    }),
  );
}

function checkOutcome(
  path: string,
  { of, events }: { readonly of: string; readonly events: EventsConfig },
  report: Report,
): void {
  const kindOf = (name: string): ScalarKind | undefined => events.outcomes[name]?.kind;
  const counted = Object.keys(events.outcomes).filter((name) => COUNTED_KINDS.some((kind) => kind === kindOf(name)));
  if (counted.includes(of)) return;
  const expected = `an outcome that is yes or no, a number, an amount or a count: ${counted.join(", ")}`;
  const kind = Object.hasOwn(events.outcomes, of) ? `, a ${kindOf(of)}` : "";
  report(invalid(path, { expected, got: `${show(of)}${kind}`, hint: "Name another outcome." }));
}

function checkKey(
  path: string,
  { key, events }: { readonly key: string; readonly events: EventsConfig },
  report: Report,
): void {
  const attributes = Object.keys(events.attributes).filter((name) =>
    KEY_KINDS.includes(events.attributes[name]?.kind ?? ""),
  );
  const keys = [...KEYS.filter((name) => name !== "user" || events.user !== null), ...attributes];
  if (keys.includes(key)) return;
  const expected = `one of ${keys.join(", ")}`;
  const got = Object.hasOwn(events.attributes, key) ? `${show(key)}, a ${events.attributes[key]?.kind}` : show(key);
  report(invalid(path, { expected, got, hint: hintOfKey(key) }));
}

function hintOfKey(key: string): string {
  if (key === "action") return "What the user did is not known while an item is ranked: name what is.";
  if (key === "user") return "The log tells no users: name them in events.user.";
  return "Name something that is known while an item is ranked, and that several events can share.";
}

function everyOf(path: string, every: string, report: Report): number {
  const everyMs = parseDuration(every);
  if (everyMs !== null && everyMs >= LEAST_EVERY_MS) return everyMs;
  report(invalid(path, { expected: "a duration of at least 1m", got: show(every), hint: "Counts need not be newer." }));
  return LEAST_EVERY_MS;
}

function windowsOf(
  path: string,
  {
    windows,
    every,
    everyMs,
  }: { readonly windows: readonly string[]; readonly every: string; readonly everyMs: number },
  report: Report,
): readonly CounterWindow[] {
  const lengths = windows.map((name) => ({ name, lengthMs: name === ALL_TIME ? null : parseDuration(name) }));
  for (const [i, { name, lengthMs }] of lengths.entries()) {
    const first = lengths.findIndex((other) => other.lengthMs === lengthMs);
    if (name !== ALL_TIME && (lengthMs === null || lengthMs === 0 || lengthMs % everyMs !== 0)) {
      const hint = `Make it so many times ${show(every)}, or set \`every\` to a part of it.`;
      report(invalid(join(path, i), { expected: `a multiple of \`every\`, ${show(every)}`, got: show(name), hint }));
    } else if (first < i) {
      const expected = `another length than that of ${join(path, first)}`;
      report(invalid(join(path, i), { expected, got: show(name), hint: "Remove it." }));
    }
  }
  return lengths;
}

function timeless() {
  return invalid("counters", {
    expected: "nothing, because events.time is absent: nothing was known before anything else",
    got: "counters",
    hint: "Name the field of the time in events.time.",
  });
}
