/** The same events in a log that is ingested and backfilled, and reported to a server: one set of rules, one history. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ProjectConfig } from "../config/project.ts";
import type { EventsConfig } from "../config/types.ts";
import { eventsConfig, temporaryFolder } from "../data/events.test.support.ts";
import { ingest } from "../data/index.ts";
import {
  jsonOf,
  refusalOf,
  SPELLED_RANGE,
  type SpelledEvent,
  type SpelledKind,
  spelledEvents,
  storedOf,
} from "../features/events/event-rules.test.support.ts";
import { AMOUNT_OUTCOMES } from "../serve/bundle.test.support.ts";
import { post, withServer } from "../serve/http/server.test.support.ts";
import { type OnlineStore, openOnlineStore } from "../serve/index.ts";
import { backfill } from "./backfill.ts";

/** Columns of the tiny model's events. */
const KINDS: Readonly<Record<string, SpelledKind>> = {
  user: "id",
  id: "id",
  time: "time",
  item: "category",
  action: "category",
  surface: "category",
  origin: "origin",
  brand: "category",
  price: "number",
  fresh: "flag",
  click: "flag",
  spend: "value",
  views: "count",
};
const COLUMNS = Object.keys(KINDS);
const OUTCOME = { delayMs: 0, objective: true, windowOf: null } as const;
const RULES = { ...SPELLED_RANGE, timeUnit: "iso", constants: {} } as const;
const LOGS = Number(process.env["LAPIDARY_TEST_RUNS"] ?? 4);
const EVENTS = 500;

/** Of a log whose fields have the names of the columns. */
function configOf(path: string, format: EventsConfig["format"]): EventsConfig {
  const ids = { kind: "dictionary" } as const;
  const category = { from: "brand", kind: "category", ids } as const;
  return eventsConfig(path, format, {
    ...{ id: "id", user: "user", item: { from: "item" }, time: { from: "time", unit: "iso" } },
    ...{ action: { from: "action" }, surface: { from: "surface" }, origin: { from: "origin" } },
    ...SPELLED_RANGE,
    attributes: {
      brand: category,
      price: { ...category, from: "price", kind: "number" },
      fresh: { ...category, from: "fresh", kind: "flag" },
    },
    outcomes: {
      click: { from: "click", kind: "flag", ...OUTCOME },
      spend: { from: "spend", kind: "value", ...OUTCOME },
      views: { from: "views", kind: "count", ...OUTCOME },
    },
  });
}

/** Lines of a log in CSV; events that only JSON can tell are none. */
function csvOf(events: readonly SpelledEvent[]): string {
  const field = (text: string): string => (text === "" ? "" : `"${text.replaceAll('"', '""')}"`);
  const lines = events.map((event) => COLUMNS.map((name) => field(event[name]?.text ?? "")).join(","));
  return `${[COLUMNS.join(","), ...lines].join("\n")}\n`;
}

/** An event whose user and id no other event has, unless they are what is strange of it. */
function ofItsOwn(event: SpelledEvent, i: number): SpelledEvent {
  const names = ["user", "id"].filter((name) => typeof event[name]?.value === "string");
  const own = (name: string) => ({ json: `"${name}-${i}"`, text: `${name}-${i}`, value: `${name}-${i}` });
  return { ...event, ...Object.fromEntries(names.map((name) => [name, own(name)])) };
}

/** What a store has of the one event of a user; null if there is none. */
async function keptOf(store: OnlineStore, user: string): Promise<object | null> {
  const { events, numPast } = await store.read({ user, beforeMs: Number.MAX_SAFE_INTEGER, limit: 2 });
  const [event] = events;
  return event === undefined ? null : { numPast, time: event.timeMs, ...event.facts };
}

/** What is kept of an event, by construction. */
function expectedOf(event: SpelledEvent): object | null {
  const { user: _, id: __, ...rest } = storedOf(event);
  return refusalOf(event) === null ? { numPast: 1, ...rest } : null;
}

/** Ingests a log and fills an online store with it; the codes of the refused lines, by their number from 0. */
async function ingested(config: EventsConfig, folder: string, firstLine: number) {
  const store = join(folder, "store");
  const { deadLetterFile: deadLetters } = await ingest(config, { store, threads: 1 });
  const online = await openOnlineStore({ kind: "lmdb", at: join(folder, "online") });
  await backfill({ store, counters: {} } as unknown as ProjectConfig, { online, teacher: null });
  const letters = deadLetters === null ? [] : readFileSync(deadLetters, "utf8").trim().split("\n").filter(Boolean);
  const codes = letters.map((letter) => JSON.parse(letter) as { readonly line: number; readonly code: string });
  return { online, codes: new Map(codes.map(({ line, code }) => [line - firstLine, code])) };
}

/** Events of times outside of the range are counted, and no dead letters. */
const codeInLog = (event: SpelledEvent): string | undefined => {
  const code = refusalOf(event);
  return code === null || code === "EVENT_TIME_RANGE" ? undefined : code;
};

async function compareLog(events: readonly SpelledEvent[], folder: string, format: "jsonl" | "csv"): Promise<void> {
  mkdirSync(folder);
  const path = join(folder, `log.${format}`);
  writeFileSync(path, format === "csv" ? csvOf(events) : `${events.map(jsonOf).join("\n")}\n`);
  const { online, codes } = await ingested(configOf(path, format), folder, format === "csv" ? 2 : 1);
  for (const [i, event] of events.entries()) {
    const kept = await keptOf(online, `user-${i}`);
    expect([jsonOf(event), codes.get(i), kept]).toEqual([jsonOf(event), codeInLog(event), expectedOf(event)]);
  }
  await online.close();
}

/** Reports the i-th event to a server, and compares what becomes of it. */
function reportTo(url: string, store: OnlineStore): (event: SpelledEvent, i: number) => Promise<void> {
  return async (event, i) => {
    const { body } = await post(`${url}/events`, `{"events":[${jsonOf(event)}]}`);
    const code = (body as { readonly error?: { readonly code: string } }).error?.code ?? null;
    const kept = await keptOf(store, `user-${i}`);
    expect([jsonOf(event), code, kept]).toEqual([jsonOf(event), refusalOf(event), expectedOf(event)]);
  };
}

describe("one set of rules", () => {
  it(`holds in ${LOGS} logs of ${EVENTS} events and on a server: the same taken, histories and codes`, async () => {
    using folder = temporaryFolder();
    let round = 0;
    const compare = async (generated: readonly SpelledEvent[]): Promise<void> => {
      const events = generated.map(ofItsOwn);
      const own = join(folder.path, `${round++}`);
      mkdirSync(own);
      await compareLog(events, join(own, "jsonl"), "jsonl");
      const texts = events.filter((event) => Object.values(event).every(({ text }) => text !== null)).map(ofItsOwn);
      await compareLog(texts, join(own, "csv"), "csv");
      await withServer(async ({ url, store }) => void (await Promise.all(events.map(reportTo(url, store)))), {
        rules: RULES,
        outcomes: AMOUNT_OUTCOMES,
      });
    };
    const logs = fc.array(spelledEvents(KINDS, ["user", "id", "time", "item"]), {
      minLength: EVENTS,
      maxLength: EVENTS,
    });
    await fc.assert(fc.asyncProperty(logs, compare), { numRuns: LOGS, endOnFailure: true });
  }, 240_000);
});
