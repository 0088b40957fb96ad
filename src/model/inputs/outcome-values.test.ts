import { describe, expect, it } from "vitest";
import { orderedOutcomes, outcomeValues } from "./outcome-values.ts";

const like = { name: "like", table: "like", cardinality: 3, moments: { mean: 1.1, deviation: 0.3 } };
const dwell = { name: "dwell", table: "dwell@bucket", cardinality: 128, moments: { mean: 70, deviation: 4 } };
const reason = { name: "reason", table: "reason", cardinality: 9 };

describe("what came of past events, as numbers", () => {
  it("is how far a code is from its mean, in deviations; what is not known is 0", () => {
    const codes = { like: Int32Array.of(0, 1, 2), dwell: Int32Array.of(72, 0, 64), reason: Int32Array.of(1, 2, 3) };
    const values = outcomeValues([like, dwell], codes, 3);
    const expected = [0, 0.5, -1 / 3, 0, 3, -1.5];
    expect(values).toHaveLength(expected.length);
    for (const [i, value] of expected.entries()) expect(values[i]).toBeCloseTo(value, 6);
  });

  it("is at most 8 from the mean: what happens once in ten thousand does not drown all else", () => {
    const rare = { ...like, moments: { mean: 1.0001, deviation: 0.01 } };
    expect([...outcomeValues([rare], { like: Int32Array.of(1, 2) }, 2)].map((x) => x.toFixed(2))).toEqual([
      "-0.01",
      "8.00",
    ]);
    const low = { ...dwell, moments: { mean: 127, deviation: 1 } };
    expect([...outcomeValues([low], { dwell: Int32Array.of(1, 127) }, 2)]).toEqual([-8, 0]);
  });

  it("is of what has an order, and knows of no batch without it", () => {
    expect(orderedOutcomes({ history: [reason, like, dwell] })).toEqual([like, dwell]);
    expect(outcomeValues([], {}, 5)).toHaveLength(0);
    expect(() => outcomeValues([like], {}, 1)).toThrow("the batch has no feature like");
  });
});
