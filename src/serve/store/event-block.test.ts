import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countOf, decodeBlock, encodeBlocks } from "./event-block.ts";
import type { Facts, StoredEvent } from "./stored-event.ts";

/** Any sequence of UTF-16 code units, lone surrogates among them. */
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom("0", "00", "7", "007", "999999999999999", "9999999999999999", "-1", "1e3", ""),
  fc.nat().map((i) => `${i}`),
);
const anyNumber = fc.oneof(
  fc.double(),
  fc.float(),
  fc.maxSafeInteger(),
  fc.constantFrom(-0, 2 ** 51, 2 ** 51 - 1, 2 ** 53, Number.POSITIVE_INFINITY, 0.1 + 0.2),
);
const anyFact = fc.oneof(anyText, anyNumber, fc.array(anyNumber), fc.array(anyText));
const anyEvent: fc.Arbitrary<StoredEvent> = fc.record({
  id: anyText,
  timeMs: fc.oneof(fc.maxSafeInteger(), fc.integer()),
  sequence: fc.nat(2 ** 31 - 1),
  facts: fc
    .array(fc.tuple(fc.oneof(anyText, fc.constant("__proto__")), anyFact), { maxLength: 6 })
    .map(Object.fromEntries<Facts[string]>),
  embedding: fc.array(fc.oneof(fc.float(), fc.double()), { maxLength: 3 }),
  numReports: fc.integer({ min: 1, max: 16 }),
});

const listed = (events: readonly StoredEvent[]) =>
  events.map(({ facts, ...event }) => ({ ...event, facts: Object.entries(facts) }));

describe("encodeBlocks", () => {
  it("keeps every event bit for bit, in the order given", () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 300, size: "max" }), (events) => {
        const blocks = encodeBlocks(events);
        const decoded = blocks.map(({ bytes }) => decodeBlock(bytes));
        expect(decoded.map((each) => each.length)).toEqual(blocks.map(({ bytes }) => countOf(bytes)));
        expect(listed(decoded.map((each) => each[0]!))).toEqual(listed(blocks.map(({ first }) => first)));
        expect(listed(decoded.flat())).toEqual(listed(events));
      }),
      { numRuns: 100 },
    );
  });

  it("cuts into blocks of at most 128 events and a third of a page, an event alone if it is larger", () => {
    const event = (i: number, item: string): StoredEvent => {
      return { id: `e${i}`, timeMs: i, sequence: i, facts: { item }, embedding: [], numReports: 1 };
    };
    const small = encodeBlocks(Array.from({ length: 300 }, (_, i) => event(i, "a")));
    expect(small.map(({ bytes }) => countOf(bytes))).toEqual([128, 128, 44]);
    const large = encodeBlocks(Array.from({ length: 9 }, (_, i) => event(i, "x".repeat(i === 4 ? 5000 : 300) + i)));
    expect(large.map(({ bytes }) => countOf(bytes))).toEqual([4, 1, 4]);
    const sizes = large.map(({ bytes }) => bytes.length);
    expect(sizes.filter((size) => size > 1365)).toHaveLength(1);
  });

  it("writes what recurs once: an event of nine facts takes less than forty bytes", () => {
    const event = (i: number): StoredEvent => {
      const keys = { item: `${(i * 7919) % 100_000}`, action: "view", surface: "feed", origin: "ad" };
      const facts = {
        ...keys,
        category: `c${i % 8}`,
        price: Math.fround(i / 7),
        click: i % 2,
        conversion: 0,
        dwell: i * 9,
      };
      return {
        id: `0123456789ab-${i}`,
        timeMs: 1.7e12 + i * 3_600_000,
        sequence: i,
        facts,
        embedding: [],
        numReports: 1,
      };
    };
    const events = Array.from({ length: 200 }, (_, i) => event(i));
    const sizeBytes = encodeBlocks(events).reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(sizeBytes / events.length).toBeLessThan(40);
  });
});
