import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EVENT_LIMITS, limitBreach, recordBytes, type UserEvent } from "./event-limits.ts";

const event: UserEvent = { user: "u", id: "e", timeMs: 1, facts: { item: "a" } };

describe("limitBreach", () => {
  it("names the part that is beyond its limit, and how far", () => {
    const whole = "a whole number of milliseconds";
    const cases = [
      [{ user: "" }, { where: "user", expected: "1 to 512 bytes", got: "0 bytes" }],
      [{ user: "x".repeat(601) }, { where: "user", expected: "1 to 512 bytes", got: "601 bytes" }],
      [{ id: "é".repeat(257) }, { where: "id", expected: "1 to 512 bytes", got: "514 bytes" }],
      [{ id: "a\ud800" }, { where: "id", expected: "well-formed Unicode", got: '"a\\ud800"' }],
      [{ timeMs: 1.5 }, { where: "time", expected: whole, got: "1.5" }],
      [{ timeMs: 2 ** 53 }, { where: "time", expected: whole, got: "9007199254740992" }],
    ] as const;
    for (const [change, breach] of cases) expect(limitBreach({ ...event, ...change })).toEqual(breach);
    const fine = [{ user: "x".repeat(512) }, { id: "é".repeat(256) }, { id: "😀" }, { timeMs: -5 }];
    for (const change of fine) expect(limitBreach({ ...event, ...change })).toBeNull();
  });

  it("takes records up to the last byte of the limit, whatever they hold", () => {
    // What takes most room in JSON: escaped characters, and numbers of many digits.
    const filler = fc.constantFrom<(size: number) => Partial<UserEvent>>(
      (size) => ({ facts: { item: "x".repeat(size) } }),
      (size) => ({ facts: { item: "\u0000".repeat(size / 6) } }),
      (size) => ({ facts: { item: "\ud800".repeat(size / 6) } }),
      (size) => ({ facts: { ["\u0001".repeat(size / 6)]: 1 } }),
      (size) => ({ facts: Object.fromEntries(Array.from({ length: size / 30 }, (_, i) => [i, -5e-324])) }),
      (size) => ({ embedding: Array.from({ length: size / 26 }, (_, i) => -1.234567890123e-300 / (i + 1)) }),
    );
    fc.assert(
      fc.property(filler, fc.integer({ min: 20_000, max: 50_000 }), (fill, size) => {
        const filled: UserEvent = { ...event, ...fill(size) };
        const { id, timeMs, facts, embedding } = filled;
        const lines = [...(embedding ? [JSON.stringify(embedding)] : []), JSON.stringify({ id, timeMs, facts })];
        const sizeBytes = Buffer.byteLength(lines.join("\n"));
        expect(recordBytes(filled)).toBe(sizeBytes);
        const expected = { where: "event", expected: "at most 32768 bytes", got: `${sizeBytes} bytes` };
        expect(limitBreach(filled)).toEqual(sizeBytes > EVENT_LIMITS.recordBytes ? expected : null);
      }),
      { numRuns: 300 },
    );
  });
});
