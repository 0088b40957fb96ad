import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fnv1a64, hashId } from "./hash-id.ts";

/** The definition, in big integers. */
function naive(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text, "utf8"))
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffff_ffff_ffff_ffffn;
  return hash;
}

const toBigInt = (text: string) => (BigInt(fnv1a64(text).high) << 32n) | BigInt(fnv1a64(text).low);
const anyText = fc.string({ unit: "binary" });

describe("fnv1a64", () => {
  it.each([
    ["", 0xcbf29ce484222325n],
    ["a", 0xaf63dc4c8601ec8cn],
    ["b", 0xaf63df4c8601f1a5n],
    ["foobar", 0x85944171f73967e8n],
  ])("of %j is the published value", (text, expected) => expect(toBigInt(text)).toBe(expected));

  it("equals the definition in big integers", () => {
    fc.assert(fc.property(anyText, (text) => void expect(toBigInt(text)).toBe(naive(text))));
  });
});

describe("hashId", () => {
  it("is 1 + hash mod buckets", () => {
    const buckets = fc.integer({ min: 1, max: 2 ** 30 });
    fc.assert(
      fc.property(
        anyText,
        buckets,
        (text, n) => void expect(hashId(text, n)).toBe(1 + Number(naive(text) % BigInt(n))),
      ),
    );
  });

  it("spreads consecutive ids evenly", () => {
    const counts = new Array<number>(101).fill(0);
    for (let id = 0; id < 100_000; id++) counts[hashId(`${id}`, 100)]! += 1;
    expect(counts[0]).toBe(0);
    // Poisson around 1,000: five standard deviations.
    for (const count of counts.slice(1)) expect(Math.abs(count - 1_000)).toBeLessThan(160);
  });
});
