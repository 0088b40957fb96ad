/** What the server takes, its description lets through: the reader and the schema of a body are two, and agree. */
import fc from "fast-check";
import Schema from "typebox/schema";
import { describe, expect, it } from "vitest";
import { jsonOf, type SpelledKind, spelledEvents } from "../../../features/events/event-rules.test.support.ts";
import { AMOUNT_OUTCOMES } from "../../bundle.test.support.ts";
import { parseExactJson } from "../exact-json.ts";
import { type BodyDoc, distinctOf, type Route } from "../route.ts";
import { withServer } from "../server.test.support.ts";
import { EVENTS, parseEvents } from "./events.ts";
import { parseRank, RANK } from "./rank.ts";

const SHOWN: Readonly<Record<string, SpelledKind>> = {
  item: "category",
  surface: "category",
  origin: "origin",
  brand: "category",
  price: "number",
  fresh: "flag",
};
const REPORTED: Readonly<Record<string, SpelledKind>> = {
  ...{ ...SHOWN, user: "id", id: "id", time: "time", action: "category" },
  ...{ click: "flag", spend: "value", views: "count" },
};

/** The bodies that are read without an error, of many: each fits the schema. */
function check(bodies: fc.Arbitrary<string>, read: (body: unknown) => unknown, schema: object): number {
  let taken = 0;
  fc.assert(
    fc.property(bodies, (text) => {
      const body = parseExactJson(Buffer.from(text)).value;
      try {
        read(body);
      } catch {
        return;
      }
      // An amount that a float32 rounds to zero is read as zero, whatever its sign; JSON Schema rounds nothing.
      if (/"spend":-/.test(text)) return;
      taken++;
      expect(Schema.Check(schema, JSON.parse(text)), text).toBe(true);
    }),
    { numRuns: 3000 },
  );
  return taken;
}

describe("the description of a body", () => {
  it("takes null of a ranking's own keys as little as the server does", async () => {
    await withServer(async ({ host: { current } }) => {
      const { schema } = distinctOf<BodyDoc>(RANK.request!, [current])[0]!;
      const body = { user: "u", time: 5, objective: "click", context: {}, candidates: [{ item: "a", bids: {} }] };
      const read = (given: object): unknown => parseRank(given, current.facts, 1);
      expect(read(body)).toBeDefined();
      expect(Schema.Check(schema, body)).toBe(true);
      const nulls = Object.keys(body).map((key): object => ({ ...body, [key]: null }));
      for (const given of [...nulls, { ...body, candidates: [{ item: "a", bids: null }] }]) {
        expect(() => read(given), JSON.stringify(given)).toThrow();
        expect(Schema.Check(schema, given), JSON.stringify(given)).toBe(false);
      }
    });
  });

  it("says that long numbers are times in the unit of the log, as the server reads them", async () => {
    const range = { earliestMs: Date.UTC(2000, 0, 1), latestMs: Date.UTC(2100, 0, 1) };
    for (const [timeUnit, scale] of [
      ["ns", "000000"],
      ["us", "000"],
      ["s", null],
      ["iso", null],
    ] as const) {
      await withServer(
        async ({ host: { current } }) => {
          const { schema } = distinctOf<BodyDoc>(RANK.request!, [current])[0]!;
          const said = JSON.stringify(schema).includes("more than 15 digits");
          const read = (time: string): number =>
            parseRank(
              parseExactJson(Buffer.from(`{"time":${time},"candidates":[{"item":"a"}]}`)).value,
              current.facts,
              1,
            ).timeMs;
          expect(read("1741780000000")).toBe(1_741_780_000_000);
          expect([timeUnit, said]).toEqual([timeUnit, scale !== null]);
          if (scale === null) expect(() => read("1741780000000000000")).toThrow();
          else expect(read(`1741780000123${scale}`)).toBe(1_741_780_000_123);
        },
        { rules: { ...range, timeUnit, constants: {} } },
      );
    }
  });

  it("lets through every event and every ranking that the server takes", async () => {
    await withServer(
      async ({ host: { current } }) => {
        const schemaOf = ({ request }: Route): object => distinctOf<BodyDoc>(request!, [current])[0]!.schema;
        const events = spelledEvents(REPORTED, ["user", "id", "time", "item"]).map((event) => jsonOf(event));
        const reported = events.map((event) => `{"events":[${event}]}`);
        expect(check(reported, (body) => parseEvents(body, current.facts), schemaOf(EVENTS))).toBeGreaterThan(300);
        const facts = spelledEvents(SHOWN, []).map((event) => jsonOf(event));
        const ranked = fc.tuple(facts, facts, facts).map(([context, first, second]) => {
          return `{"context":${context},"candidates":[${first},${second}]}`;
        });
        expect(check(ranked, (body) => parseRank(body, current.facts, 1), schemaOf(RANK))).toBeGreaterThan(100);
      },
      { outcomes: AMOUNT_OUTCOMES },
    );
  });
});
