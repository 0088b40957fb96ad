import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EventsConfig } from "../../../config/types.ts";
import {
  SPELLED_RANGE,
  type SpelledEvent,
  type SpelledKind,
  type Spelling,
  spelledEvents,
} from "../../../features/events/event-rules.test.support.ts";
import { eventsConfig, temporaryFolder } from "../../events.test.support.ts";
import { EventStore } from "../../store/event-store.ts";
import { ingest } from "../ingest.ts";

/** Logs of so many events each; what an event comes to is known by construction, see the support. */
const RUNS = Number(process.env["LAPIDARY_TEST_RUNS"] ?? 8);
const EVENTS = 60;

const KINDS: Readonly<Record<string, SpelledKind>> = {
  user: "id",
  item: "category",
  time: "time",
  origin: "origin",
  brand: "category",
  price: "number",
  click: "flag",
  spend: "value",
  views: "count",
};
const NAMES = Object.keys(KINDS);
const NUMBERS = ["price", "spend", "views"];
const OBJECTIVE = { delayMs: 0, objective: true, windowOf: null } as const;

function config(path: string, format: EventsConfig["format"]): EventsConfig {
  const ids = { kind: "dictionary" } as const;
  const base = eventsConfig(path, format);
  return {
    ...base,
    ...{
      id: null,
      user: "user",
      item: { from: "item" },
      time: { from: "time", unit: "iso" },
      action: { value: "view" },
    },
    ...SPELLED_RANGE,
    attributes: {
      tag: { from: "tag", kind: "category", ids },
      brand: { from: "brand", kind: "category", ids },
      price: { from: "price", kind: "number", ids },
    },
    outcomes: {
      click: { from: "click", kind: "flag", ...OBJECTIVE },
      spend: { from: "spend", kind: "value", ...OBJECTIVE },
      views: { from: "views", kind: "count", ...OBJECTIVE },
    },
  };
}

const WRITERS = {
  jsonl: (events: readonly SpelledEvent[]) =>
    events.map((event, i) => `{"tag":"r${i}",${NAMES.map((name) => `"${name}":${event[name]?.json}`).join(",")}}\n`),
  csv: (events: readonly SpelledEvent[]) => [
    `tag,${NAMES.join(",")}\n`,
    ...events.map((event, i) => `r${i},${NAMES.map((name) => csvField(event[name]?.text ?? "")).join(",")}\n`),
  ],
  tsv: (events: readonly SpelledEvent[]) => [
    `tag\t${NAMES.join("\t")}\n`,
    ...events.map((event, i) => `r${i}\t${NAMES.map((name) => event[name]?.text ?? "").join("\t")}\n`),
  ],
} as const;

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Whether a format can hold a value as it is spelt. */
function canHold(format: keyof typeof WRITERS, { text }: Spelling): boolean {
  if (format === "jsonl") return true;
  return text !== null && text !== "\\N" && (format === "csv" || !/[\t\r\n]/.test(text));
}

/** What is stored of a column, or why its event is refused. */
function expected(event: SpelledEvent): Readonly<Record<string, unknown>> | string {
  const stored: Record<string, unknown> = {};
  for (const name of NAMES) {
    const value = event[name]?.value ?? null;
    if (typeof value === "object" && value !== null) return value.code;
    if (value !== null) stored[name] = NUMBERS.includes(name) ? Math.fround(value as number) : value;
  }
  return stored;
}

/** Codes of the dead letters by their lines. */
function refusals(path: string): Map<number, string> {
  const letters = readFileSync(path, "utf8").split("\n").filter(Boolean);
  const parsed = letters.map((line) => JSON.parse(line) as { line: number; code: string });
  return new Map(parsed.map(({ line, code }) => [line, code]));
}

function numberAt(store: EventStore, name: string, row: number): number | undefined {
  const value = store.column(name).at(row);
  return Number.isNaN(value) ? undefined : value;
}

function stored(path: string): Map<string, Record<string, unknown>> {
  const store = EventStore.open(path);
  const found = new Map<string, Record<string, unknown>>();
  for (let row = 0; row < store.numEvents; row++) {
    const user = store.userOf(row);
    const id = (name: string) => store.dictionary(name)?.id(store.column(name).at(row)) ?? undefined;
    const click = store.column("click").at(row);
    const facts = { item: id("item"), origin: id("origin"), brand: id("brand") };
    const event = {
      user: store.dictionary("user")?.id(user),
      time: store.timeOf(row, user),
      ...facts,
      ...Object.fromEntries(NUMBERS.map((name) => [name, numberAt(store, name, row)])),
      click: click === 0 ? undefined : click - 1,
    };
    found.set(id("tag") ?? "", Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined)));
  }
  store.close();
  return found;
}

describe("rows in every spelling", () => {
  it.each(["jsonl", "csv", "tsv"] as const)(
    `are what the rules say they are, in ${RUNS} logs of %s`,
    async (format) => {
      const events = fc.array(spelledEvents(KINDS, ["user", "item", "time"]), { minLength: EVENTS, maxLength: EVENTS });
      await fc.assert(
        fc.asyncProperty(events, async (generated) => {
          using folder = temporaryFolder();
          const written = generated.filter((event) => Object.values(event).every((each) => canHold(format, each)));
          const good = written.some((event) => typeof expected(event) === "object");
          fc.pre(good);
          const path = join(folder.path, `log.${format}`);
          writeFileSync(path, WRITERS[format](written).join(""));
          const store = join(folder.path, "store");
          const result = await ingest(config(path, format), { store, threads: 1 });
          const refused = refusals(result.deadLetterFile);
          const found = stored(store);
          const header = format === "jsonl" ? 0 : 1;
          for (const [i, event] of written.entries()) {
            const wanted = expected(event);
            // Events outside of the log's time are counted, not copied.
            const code = wanted === "EVENT_TIME_RANGE" ? undefined : wanted;
            const got = found.get(`r${i}`) ?? refused.get(i + 1 + header);
            expect(got, JSON.stringify(event)).toEqual(code);
          }
          expect(result.rows.accepted).toBe(found.size);
          expect(result.rows.rowsRead).toBe(written.length);
        }),
        { numRuns: RUNS, endOnFailure: true },
      );
    },
  );
});
