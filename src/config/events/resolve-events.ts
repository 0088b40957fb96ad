import { join, show } from "../../base/check.ts";
import { parseInstant } from "../../base/instant.ts";
import { type Filled, fillIn } from "../defaults.ts";
import type { UserConfig } from "../schema.ts";
import type { AttributeConfig, EventsConfig, IdEncoding, ScalarAttribute, Source, TextConfig } from "../types.ts";
import { EVENTS_SCHEMA } from "./events-schema.ts";
import { formatOfNames, invalid, type Report, resolveRows, resolveTimeField } from "./resolve-fields.ts";
import { checkWindows, resolveOutcomes } from "./resolve-outcomes.ts";
import { LIST_DELIMITER } from "./value-kinds.ts";

type UserEvents = UserConfig["events"];
type FilledEvents = Filled<typeof EVENTS_SCHEMA>;
type UserAttribute = Exclude<NonNullable<UserEvents["attributes"]>[string], string>;

/**
 * Keys that every event has, and that requests give beside its facts. Compared without case, as SQL compares columns. What
 * models compute has names that none here can have: an attribute may be called `age`.
 */
export const TAKEN_NAMES: readonly string[] = [
  ...["user", "item", "time", "action", "surface", "origin"],
  ...["id", "embedding", "bids"],
];

/** The events part, resolved: sources from shorthands, globs absolute, objectives as outcomes. */
export function resolveEvents(user: UserConfig, root: string, report: Report): EventsConfig {
  const events = fillIn(EVENTS_SCHEMA, user.events);
  const rows = resolveRows(user.events.from, root);
  const resolved: EventsConfig = {
    ...rows,
    // The rows of a query are kept as Parquet before they are read.
    format: rows.sql === null ? (events.format ?? formatOf(rows.from, report)) : "parquet",
    text: textOf(events, user.events.quote),
    partitions: events.partitions,
    id: events.id,
    user: events.user,
    item: resolveSource(events.item),
    time: events.time === null ? null : resolveTimeField(events.time),
    action: resolveSource(events.action),
    surface: resolveSource(events.surface),
    origin: resolveOrigin(user.events.origin, report),
    earliestMs: resolveTime(events.earliest, "events.earliest", report),
    latestMs: resolveTime(events.latest, "events.latest", report),
    itemIds: resolveIds(events.itemIds),
    attributes: resolveAttributes(user.events.attributes ?? {}),
    outcomes: resolveOutcomes(user, root, report),
  };
  checkEvents(resolved, user, report);
  return resolved;
}

/** Time of an ISO text or a number of milliseconds. @unit ms since 1970, UTC */
export function resolveTime(value: string | number, path: string, report: Report): number {
  const ms = typeof value === "number" ? value : parseInstant(value);
  if (ms !== null) return ms;
  report(
    invalid(path, { expected: "a day of the calendar", got: show(value), hint: "Check the day, month and time." }),
  );
  return Number.NaN;
}

function formatOf(paths: readonly string[], report: Report): EventsConfig["format"] {
  const format = formatOfNames(paths);
  if (format !== null) return format;
  report(
    invalid("events.format", {
      expected: "a format, because the names of the files do not tell one",
      got: "nothing",
      hint: "Set format to parquet, csv, tsv or jsonl.",
    }),
  );
  return "csv";
}

/** Null written is no quote; where nothing is written it is the format's own. */
function textOf(events: FilledEvents, written: UserEvents["quote"]): TextConfig {
  return {
    delimiter: events.delimiter,
    quote: written === null ? "" : events.quote,
    escape: events.escape,
    encoding: events.encoding,
    nulls: events.nulls,
    decimal: events.decimal,
  };
}

function resolveSource(source: UserEvents["action"]): Source {
  return typeof source === "string" ? { from: source } : source;
}

function resolveOrigin(origin: UserEvents["origin"], report: Report): Source {
  if (origin === undefined) return { value: "organic" };
  if (typeof origin === "string") return { from: origin };
  if ("value" in origin) return origin;
  const { from, ad, organic } = origin;
  if (ad === undefined && organic === undefined) return { from };
  const values = { ad: (ad ?? []).map(plainText), organic: (organic ?? []).map(plainText) };
  const both = values.ad.find((value) => values.organic.includes(value));
  if (both !== undefined) {
    report(
      invalid("events.origin.organic", {
        expected: "values that events.origin.ad does not have",
        got: show(both),
        hint: "Remove it from one of the two.",
      }),
    );
  }
  return { from, values };
}

/**
 * A listed value as the rows' values are compared with it: a flag is one value however it is spelt, as the rules of events
 * have it, and a whole number too. A table that was Parquet with `true` is CSV with `True` tomorrow.
 */
function plainText(value: string | number | boolean): string {
  const text = String(value).replace(/^(-?\d+)\.0+$/, "$1");
  return { true: "1", false: "0" }[text.trim().toLowerCase()] ?? text;
}

function resolveIds(ids: UserEvents["itemIds"]): IdEncoding {
  return ids === undefined || ids === "dictionary" ? { kind: "dictionary" } : { kind: "hash", buckets: ids.hash };
}

function resolveAttributes(attributes: NonNullable<UserEvents["attributes"]>): Record<string, AttributeConfig> {
  const entries = Object.entries(attributes).map(([name, attribute]): [string, AttributeConfig] => {
    return [name, resolveAttribute(name, typeof attribute === "string" ? { kind: attribute } : attribute)];
  });
  return Object.fromEntries(entries);
}

function resolveAttribute(name: string, attribute: UserAttribute): AttributeConfig {
  const { from = name } = attribute;
  switch (attribute.kind) {
    case "vector":
      return { from, kind: attribute.kind, dim: attribute.dim };
    case "categories":
      return {
        from,
        kind: attribute.kind,
        ids: resolveIds(attribute.ids),
        delimiter: attribute.delimiter ?? LIST_DELIMITER,
      };
    case "category":
      return { from, kind: attribute.kind, ids: resolveIds(attribute.ids), ...inHistory(attribute) };
    default:
      return { from, kind: attribute.kind, ids: resolveIds(undefined), ...inHistory(attribute) };
  }
}

/** The usual is not said: what was ingested before stays what it is. */
function inHistory({ history = true }: { readonly history?: boolean }): Pick<ScalarAttribute, "history"> {
  return history ? {} : { history };
}

/** What separates, encloses and escapes: one character cannot mean two of them. */
function checkCharacters({ text }: EventsConfig, report: Report): void {
  const given = [
    ["delimiter", text.delimiter] as const,
    ["quote", text.quote] as const,
    ["escape", text.escape] as const,
  ];
  for (const [i, [name, character]] of given.entries()) {
    const same = given.slice(0, i).find(([, other]) => other !== null && other === character);
    if (same === undefined) continue;
    const expected = `another character than events.${same[0]}`;
    report(invalid(`events.${name}`, { expected, got: show(character), hint: "Correct one of the two." }));
  }
}

function checkEvents(events: EventsConfig, user: UserConfig, report: Report): void {
  checkCharacters(events, report);
  if (events.earliestMs >= events.latestMs) {
    const { earliest, latest } = fillIn(EVENTS_SCHEMA, user.events);
    const expected = `a time after events.earliest (${show(earliest)})`;
    const got = show(latest);
    report(invalid("events.latest", { expected, got, hint: "Correct one of the two." }));
  }
  for (const key of ["earliest", "latest"] as const) {
    if (events.time !== null || user.events[key] === undefined) continue;
    const hint = "Remove it, or name the field of the time in events.time.";
    report(invalid(`events.${key}`, { expected: "events with times", got: "events.time is absent", hint }));
  }
  checkNames(events, user, report);
  checkWindows(events, report);
  checkLeaks(events, user, report);
}

/** Attributes, objectives and outcomes are columns of one batch: each needs a name of its own. */
function checkNames(events: EventsConfig, user: UserConfig, report: Report): void {
  const taken = new Map(TAKEN_NAMES.map((name) => [name.toLowerCase(), "a key of every event or request"]));
  const isTimed = Object.values(events.outcomes).some(({ arrival }) => arrival !== undefined);
  if (isTimed) taken.set("known", "where reports of events say when outcomes became known");
  const members = [
    ...Object.keys(events.attributes).map((name) => ({ name, path: join("events.attributes", name) })),
    ...Object.keys(events.outcomes).map((name) => ({ name, path: outcomePath(user, name) })),
    ...duplicatedOutcomes(user),
  ];
  for (const { name, path } of members) {
    const owner = taken.get(name.toLowerCase());
    const got = `${show(name)}, which is already ${owner}`;
    const hint = `Rename it: the field of the log is told by { from: ${show(name)} }.`;
    if (owner !== undefined) report(invalid(path, { expected: "a name of its own", got, hint }));
    taken.set(name.toLowerCase(), path);
  }
}

function outcomePath(user: UserConfig, name: string): string {
  return join(Object.hasOwn(user.objectives, name) ? "objectives" : "events.outcomes", name);
}

/** An outcome named like an objective would replace it silently. */
function duplicatedOutcomes({ objectives, events }: UserConfig) {
  return Object.keys(events.outcomes ?? {})
    .filter((name) => Object.hasOwn(objectives, name))
    .map((name) => ({ name, path: join("events.outcomes", name) }));
}

/** A field that becomes known later must not be read as if it were known at once. */
function checkLeaks(events: EventsConfig, user: UserConfig, report: Report): void {
  const own = Object.entries(events.outcomes).filter(([, { arrival }]) => (arrival?.log ?? null) === null);
  const later = new Map(own.map(([name, { from }]) => [from, outcomePath(user, name)]));
  for (const [name, { from }] of Object.entries(events.attributes)) {
    const path = later.get(from);
    if (path === undefined) continue;
    const got = `${show(from)}, which ${path} reads as known only later`;
    const hint = "An outcome is never an input of its own event: remove one of the two.";
    report(
      invalid(join(join("events.attributes", name), "from"), {
        expected: "a field known when the item is shown",
        got,
        hint,
      }),
    );
  }
}
