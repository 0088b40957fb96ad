import { MAX_TIME_MS } from "../../base/units.ts";
import { type Finding, type FindingCode, finding } from "../finding.ts";
import { count, instant, percent } from "../format.ts";
import type { FieldProfile, WindowProfile } from "../profile.ts";
import type { Evidence } from "./evidence.ts";

/** Fewer events tell nothing of their ids. */
const FEWEST_EVENTS = 50;
/** Share of the events that one id may have. */
const DOMINANT_SHARE = 1 / 3;
/** Share of distinct ids from which they come one per row. */
const PER_ROW = 0.95;
/** Share of the events that one placeholder may have. */
const PLACEHOLDER_SHARE = 0.005;
const PLACEHOLDERS = [
  "",
  "0",
  "-1",
  "null",
  "none",
  "nan",
  "n/a",
  "na",
  "nil",
  "unknown",
  "undefined",
  "anonymous",
  "\\n",
  "-",
];
/** A zero id, as of a UUID or an advertising id that was refused. */
const ZEROS = /^[0-]{8,}$/;
/** Share of a window's events whose ids were seen in training, below which ids look changed. */
const FEWEST_KNOWN = 0.02;

const IDS = [
  { name: "user", constant: "USER_CONSTANT", perRow: "USER_PER_ROW" },
  { name: "item", constant: "ITEM_CONSTANT", perRow: "ITEM_PER_ROW" },
] as const satisfies readonly { name: string; constant: FindingCode; perRow: FindingCode }[];

/** What is suspicious of users and items. */
export function suspiciousIds(evidence: Evidence): readonly Finding[] {
  const { fields, numEvents, windows, events } = evidence;
  const { without = [] } = events.manifest.schema;
  if (numEvents < FEWEST_EVENTS) return windowFindings(windows);
  const findings = IDS.flatMap(({ name, constant, perRow }) => {
    const field = fields.find((one) => one.name === name);
    if (field === undefined || without.includes(name)) return [];
    const distinct = field.distinct.count;
    const numbers = { events: numEvents, distinct };
    if (distinct === 1) {
      const evidence = `All ${count(numEvents)} events are of the ${name} ${JSON.stringify(topOf(field)[0]?.value ?? "(hashed)")}.`;
      return [finding(constant, name, { evidence, numbers })];
    }
    if (distinct > PER_ROW * numEvents) {
      const evidence = `${count(numEvents)} events have ${count(distinct)} distinct ${name} ids.`;
      return [finding(perRow, name, { evidence, numbers })];
    }
    return [...dominant(field), ...placeholders(field)];
  });
  return [...findings, ...windowFindings(windows)];
}

function topOf({ values }: FieldProfile) {
  return "top" in values ? values.top : [];
}

function dominant(field: FieldProfile): readonly Finding[] {
  const [first] = topOf(field);
  if (first === undefined || first.share < DOMINANT_SHARE) return [];
  const evidence = `${field.name} ${first.value ?? "(hashed)"} has ${count(first.count)} events, ${percent(first.share)} of all.`;
  return [finding("ID_DOMINATES", field.name, { evidence, numbers: { count: first.count, share: first.share } })];
}

function placeholders(field: FieldProfile): readonly Finding[] {
  return topOf(field).flatMap(({ value, count: events, share }) => {
    const text = value?.trim().toLowerCase();
    const isOne = text !== undefined && (PLACEHOLDERS.includes(text) || ZEROS.test(text));
    if (!isOne || share < PLACEHOLDER_SHARE) return [];
    const evidence = `${count(events)} events, ${percent(share)}, have the ${field.name} ${JSON.stringify(value)}.`;
    return [finding("ID_PLACEHOLDER", field.name, { evidence, numbers: { count: events, share } })];
  });
}

function windowFindings(windows: readonly WindowProfile[]): readonly Finding[] {
  return windows.flatMap((window): Finding[] => {
    const { name, fromMs, untilMs, part, events, knownItems, knownUsers } = window;
    if (events === 0) {
      const from = fromMs < -MAX_TIME_MS ? "before" : `${instant(fromMs)} to`;
      const times = part === undefined ? `, ${from} ${instant(untilMs)}` : "";
      const evidence = `No event lies in the ${name} window${times}.`;
      return [finding("WINDOW_EMPTY", name, { evidence, numbers: { events } })];
    }
    if (windows[0]?.events === 0) return [];
    // A random split is one of users: each window has its own.
    const known = part?.kind === "random" ? null : knownUsers;
    return [
      ...newIds("WINDOW_NEW_ITEMS", { name, ids: "items", known: knownItems, distinct: window.items }),
      ...newIds("WINDOW_NEW_USERS", { name, ids: "users", known, distinct: window.users ?? 0 }),
    ];
  });
}

interface Known {
  readonly name: string;
  readonly ids: string;
  readonly known: number | null;
  readonly distinct: number;
}

function newIds(code: FindingCode, { name, ids, known, distinct }: Known): readonly Finding[] {
  if (known === null || known >= FEWEST_KNOWN) return [];
  const evidence = `${percent(known)} of the events of the ${name} window are of ${ids} with events in training; it has ${count(distinct)} ${ids}.`;
  return [finding(code, name, { evidence, numbers: { knownShare: known, distinct } })];
}
