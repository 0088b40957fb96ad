/** What the rules of events say is what a server takes, keeps and refuses. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readEventTime, readFact } from "../../../features/events/event-facts.ts";
import {
  jsonOf,
  refusalOf,
  SPELLED_RANGE,
  type SpelledEvent,
  type SpelledKind,
  spelled,
  spelledEvents,
  storedOf,
} from "../../../features/events/event-rules.test.support.ts";
import { readId, textOf } from "../../../features/events/event-rules.ts";
import { isRefused } from "../../../features/events/refusal.ts";
import { AMOUNT_OUTCOMES } from "../../bundle.test.support.ts";
import type { OnlineStore } from "../../store/online-store.ts";
import { parseExactJson } from "../exact-json.ts";
import { post, withServer } from "../server.test.support.ts";

const RULES = { ...SPELLED_RANGE, timeUnit: "iso", constants: {} } as const;
/** Those of the tiny model, whose user and event ids the test gives. */
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
const REQUIRED = ["user", "id", "time", "item"];
const EVENTS = 1000;

/** What the store has of the only event of a user. */
async function keptOf(store: OnlineStore, user: string): Promise<object | null> {
  const { events, numPast } = await store.read({ user, beforeMs: Number.MAX_SAFE_INTEGER, limit: 2 });
  const [event] = events;
  if (event === undefined) return null;
  const { id, timeMs, facts } = event;
  return { numPast, user, id, time: timeMs, ...facts };
}

/** What the rules say of a value of JSON. */
const RULES_OF: Readonly<Record<SpelledKind, (raw: unknown) => unknown>> = {
  id: (raw) => {
    const text = textOf(raw);
    return typeof text === "string" ? readId(text) : text;
  },
  category: (raw) => readFact(raw, "brand", { kind: "category" }),
  number: (raw) => readFact(raw, "price", { kind: "number" }),
  value: (raw) => readFact(raw, "spend", { kind: "value" }),
  count: (raw) => readFact(raw, "views", { kind: "count" }),
  flag: (raw) => readFact(raw, "click", { kind: "flag" }),
  origin: (raw) => readFact(raw, "origin", { kind: "category" }),
  time: (raw) => readEventTime(raw, RULES),
};

/** An event with a user of its own, unless it is the user that is strange. */
function withUser(event: SpelledEvent, name: string): SpelledEvent {
  if (typeof event["user"]?.value !== "string") return event;
  return { ...event, user: { json: `"${name}"`, text: name, value: name } };
}

describe("event-rules", () => {
  it.each(["id", "category", "number", "value", "count", "flag", "origin", "time"] as const)(
    "says what every %s is",
    (kind) => {
      fc.assert(
        fc.property(spelled(kind, kind === "time"), ({ json, value }) => {
          const said = RULES_OF[kind](parseExactJson(Buffer.from(json)).value);
          expect([json, isRefused(said) ? { code: said.code } : said]).toEqual([json, value]);
        }),
        { numRuns: 2000 },
      );
    },
  );
});

describe("POST /events", () => {
  it(`takes, keeps and refuses ${EVENTS} events as the rules say`, async () => {
    await withServer(
      async ({ url, store }) => {
        let count = 0;
        const check = async (event: SpelledEvent): Promise<void> => {
          const name = `u${count++}`;
          const own = withUser(event, name);
          const code = refusalOf(own);
          const { status, body } = await post(`${url}/events`, `{"events":[${jsonOf(own)}]}`);
          const { error } = body as { readonly error?: { readonly code: string; readonly where: string } };
          expect([status, error?.code ?? null]).toEqual([code === null ? 200 : 400, code]);
          if (error !== undefined) expect(error.where).toMatch(/^events\[0\]\.\w+$/);
          expect(await keptOf(store, name)).toEqual(code === null ? { numPast: 1, ...storedOf(own) } : null);
        };
        const events = spelledEvents(KINDS, REQUIRED);
        await fc.assert(fc.asyncProperty(events, check), { numRuns: EVENTS });
      },
      { rules: RULES, outcomes: AMOUNT_OUTCOMES },
    );
  }, 120_000);

  it("knows a user by every spelling of its id", async () => {
    await withServer(async ({ url, store }) => {
      const ids = ["17", '"17"', "17.0", '"17.0"', '"17.00"', "1.7e1", '"\\u0031\\u0037"'];
      for (const [i, user] of ids.entries()) {
        const text = `{"events":[{"user":${user},"id":${i},"time":${i},"item":3.0}]}`;
        expect(await post(`${url}/events`, text)).toEqual({ status: 200, body: { added: 1, known: 0 } });
      }
      const { events, numPast } = await store.read({ user: "17", beforeMs: 1000, limit: 10 });
      expect(numPast).toBe(ids.length);
      expect(events.map(({ id, facts }) => [id, facts["item"]])).toEqual(ids.map((_, i) => [`${i}`, "3"]));
      expect(await post(`${url}/rank`, '{"user":17,"time":1000,"candidates":[{"item":"a"}]}')).toMatchObject({
        body: { numPast: ids.length },
      });
    });
  });

  it("keeps every digit of a long id", async () => {
    await withServer(async ({ url, store }) => {
      const text =
        '{"events":[{"user":12345678901234567890,"id":9007199254740993,"time":5,"item":-18446744073709551615}]}';
      expect(await post(`${url}/events`, text)).toMatchObject({ status: 200 });
      const { events } = await store.read({ user: "12345678901234567890", beforeMs: 6, limit: 1 });
      expect(events).toEqual([{ id: "9007199254740993", timeMs: 5, facts: { item: "-18446744073709551615" } }]);
    });
  });

  it("fills in what the configuration says of every event, and refuses what contradicts it", async () => {
    const constants = { surface: "feed", origin: "organic" };
    await withServer(
      async ({ url, store }) => {
        const event = { user: "u", id: "e", time: 5, item: "a" };
        expect(await post(`${url}/events`, { events: [event] })).toMatchObject({ status: 200 });
        const { events } = await store.read({ user: "u", beforeMs: 6, limit: 1 });
        expect(events).toEqual([{ id: "e", timeMs: 5, facts: { item: "a", ...constants } }]);
        expect(await post(`${url}/events`, { events: [{ ...event, ...constants }] })).toMatchObject({ status: 200 });
        const other = await post(`${url}/events`, { events: [event, { ...event, origin: "ad" }] });
        expect(other).toMatchObject({ status: 400, body: { error: { where: "events[1].origin" } } });
        const { warnings } = (await post(`${url}/rank`, { user: "u", time: 6, candidates: [{ item: "a" }] })).body as {
          readonly warnings: readonly { readonly where: string }[];
        };
        expect(warnings.map(({ where }) => where)).toEqual(expect.not.arrayContaining(["context.surface"]));
      },
      { rules: { earliestMs: 0, latestMs: 100, timeUnit: "ms", constants } },
    );
  });

  it("needs no item of a log that has one for all", async () => {
    await withServer(
      async ({ url, store }) => {
        const event = { user: "u", id: "e", time: 5 };
        expect(await post(`${url}/events`, { events: [event] })).toMatchObject({ status: 200 });
        const { events } = await store.read({ user: "u", beforeMs: 6, limit: 1 });
        expect(events).toEqual([{ id: "e", timeMs: 5, facts: { item: "none" } }]);
        const other = await post(`${url}/events`, { events: [{ ...event, item: "a" }] });
        expect(other).toMatchObject({ status: 400, body: { error: { where: "events[0].item" } } });
        const { body } = await post(`${url}/rank`, { user: "u", time: 6, candidates: [{}] });
        const { warnings } = body as { readonly warnings: readonly object[] };
        // The dictionaries of this model were made without it.
        expect(warnings).toContainEqual({ code: "RANK_UNSEEN", where: "context.item", got: "'none'", count: 1 });
      },
      { rules: { earliestMs: 0, latestMs: 100, timeUnit: "ms", constants: { item: "none" } } },
    );
  });

  it("says of a time in another unit what it may be, and takes text in the unit of the log", async () => {
    const range = { earliestMs: Date.UTC(2000, 0, 1), latestMs: Date.UTC(2100, 0, 1) };
    await withServer(
      async ({ url, store }) => {
        const report = (time: unknown) => post(`${url}/events`, { events: [{ user: "u", id: "e", time, item: "a" }] });
        const answer = await report(1_741_780_000);
        expect(answer).toMatchObject({
          status: 400,
          body: { error: { code: "EVENT_TIME_RANGE", where: "events[0].time" } },
        });
        expect(JSON.stringify(answer)).toContain("seconds taken for milliseconds");
        expect(await report("1741780000.5")).toMatchObject({ status: 200 });
        const { events } = await store.read({ user: "u", beforeMs: range.latestMs, limit: 1 });
        expect(events[0]?.timeMs).toBe(1_741_780_000_500);
        const ranked = await post(`${url}/rank`, { user: "u", time: 1_741_780_000, candidates: [{ item: "a" }] });
        expect(ranked).toMatchObject({ status: 400, body: { error: { code: "EVENT_TIME_RANGE", where: "time" } } });
      },
      { rules: { ...range, timeUnit: "s", constants: {} } },
    );
  });

  it("refuses an event that is larger than one may be, and none of its request is kept", async () => {
    await withServer(async ({ url, store }) => {
      const long = Object.fromEntries(["item", "action", "surface", "brand"].map((name) => [name, "\n".repeat(4096)]));
      const event = { user: "u", id: "e", time: 5, item: "a" };
      const answer = await post(`${url}/events`, { events: [event, { ...event, ...long }] });
      expect(answer).toMatchObject({ status: 400, body: { error: { code: "EVENT_SIZE", where: "events[1]" } } });
      expect((await store.read({ user: "u", beforeMs: 6, limit: 1 })).numPast).toBe(0);
    });
  });
});

describe("POST /rank", () => {
  it("warns of what the model does not find in a request, and counts it", async () => {
    await withServer(async ({ url }) => {
      const facts = { brand: "x", price: 1, fresh: true, origin: "ad" };
      const known = { ...facts, item: "a" };
      const ask = async (context: object, candidates: readonly object[]) => {
        const { status, body } = await post(`${url}/rank`, { user: "u", time: 5, context, candidates });
        expect(status).toBe(200);
        return (body as { readonly warnings: unknown }).warnings;
      };
      expect(await ask({ surface: "feed" }, [known, { ...known, item: "b" }])).toEqual([]);
      const candidates = [known, { ...known, item: "new", bids: { buy: 1 } }, { ...facts, item: 7, price: null }];
      expect(await ask({ surface: "stories" }, candidates)).toEqual([
        { code: "RANK_UNSEEN", where: "context.surface", got: "'stories'", count: 1 },
        { code: "RANK_UNSEEN", where: "candidates[1].item", got: "'new'", count: 2 },
        { code: "RANK_MISSING", where: "candidates[2].price", got: "nothing", count: 1 },
        { code: "RANK_BIDS", where: "candidates[0].bids", got: "nothing", count: 2 },
      ]);
      const text = await (await fetch(`${url}/metrics`)).text();
      expect(text).toContain('lapidary_warnings_total{model="tiny",code="RANK_UNSEEN"} 2');
      expect(text).toContain('lapidary_warnings_total{model="tiny",code="RANK_MISSING"} 1');
      expect(text).toContain('lapidary_warnings_total{model="tiny",code="RANK_BIDS"} 1');
    });
  });
});
