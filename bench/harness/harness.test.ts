import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { alternate, compare, MIN_PAIRS, median, repetitionsFor, selected } from "./harness.ts";

describe("median", () => {
  test("has as many values below as above", () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const middle = median(values);
        const half = values.length / 2;
        expect(values.filter((value) => value < middle).length).toBeLessThanOrEqual(half);
        expect(values.filter((value) => value > middle).length).toBeLessThanOrEqual(half);
      }),
    );
  });

  test("is the mean of the middle two, and NaN for none", () => {
    expect(median([4, 1, 2, 100])).toBe(3);
    expect(median([])).toBeNaN();
  });
});

describe("alternate", () => {
  const recorder = (log: string[], name: string) => () => {
    log.push(name);
    return log.length;
  };

  test("samples both sides once unused, then in turn, each first in turn", async () => {
    const log: string[] = [];
    const { ours, peer } = await alternate(recorder(log, "A"), recorder(log, "B"), { pairs: 5 });
    expect(log.join("")).toBe("BAABBAABBAAB");
    expect(ours).toHaveLength(5);
    expect(peer).toHaveLength(5);
    expect(Math.min(...ours, ...peer)).toBe(3);
  });

  test("takes no fewer pairs than the spread needs, and none of a peer that is not there", async () => {
    const log: string[] = [];
    const { ours, peer } = await alternate(recorder(log, "A"), null, { pairs: 1 });
    expect(ours).toHaveLength(MIN_PAIRS);
    expect(peer).toEqual([]);
  });
});

describe("compare", () => {
  test("writes ratios so that more is better for us, pair by pair", () => {
    const samples = { ours: [1, 2, 4], peer: [2, 2, 2] };
    const time = compare("a", samples, { unit: "ms", better: "less" });
    const ranges = { oursMin: 1, oursMax: 4, peerMin: 2, peerMax: 2, ratioMin: 0.5, ratioMax: 2 };
    expect(time).toEqual({ case: "a", ours: 2, peer: 2, unit: "ms", ratio: 1, ...ranges });
    const rate = compare("a", samples, { unit: "1/s", better: "more" });
    expect([rate.ratio, rate.ratioMin, rate.ratioMax]).toEqual([1, 0.5, 2]);
    expect(compare("a", { ours: [1], peer: [3] }, { unit: "ms", better: "less" }).ratio).toBe(3);
    expect(compare("a", { ours: [1], peer: [4] }, { unit: "1/s", better: "more" }).ratio).toBe(0.25);
  });

  test("has no ratio without a peer", () => {
    expect(compare("a", { ours: [1, 3, 2], peer: [] }, { unit: "ms", better: "less" })).toEqual({
      case: "a",
      ours: 2,
      peer: null,
      unit: "ms",
      oursMin: 1,
      oursMax: 3,
    });
  });
});

test("repetitionsFor finds how often a body fits into a time", () => {
  expect(repetitionsFor(1, (count) => count * 0.01)).toBe(100);
  expect(repetitionsFor(1, (count) => 10 * count)).toBe(1);
});

test("selected keeps the order of the benchmark", () => {
  const all = [{ name: "a" }, { name: "b" }, { name: "c" }];
  expect(selected(all, { cases: ["c", "a"] })).toEqual([all[0], all[2]]);
  expect(selected(all, {})).toEqual(all);
  expect(() => selected(all, { cases: ["a", "z"] })).toThrow(/among a, b, c, got z \[BENCH_CASE\]/);
});
