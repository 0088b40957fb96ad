/** Vectors, lists and the delays of outcomes of a profile, against counting the rows of generated logs. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EventsConfig } from "../../config/types.ts";
import { plainConfig, plainLog, profileOf, type Row } from "../describe.test.support.ts";
import { valuesText } from "../format.ts";
import type { DelayProfile, FieldProfile, Profile } from "../profile.ts";

const HOUR_MS = 3_600_000;
const WINDOW_MS = 24 * HOUR_MS;
const DICTIONARY = { kind: "dictionary" } as const;

function contentConfig(path: string): EventsConfig {
  const config = plainConfig(path);
  const arrival = { windowMs: WINDOW_MS, log: null, attribution: null, measure: "any" } as const;
  const sale = { from: "sold_at", kind: "flag", objective: true, windowOf: null, delayMs: WINDOW_MS, arrival } as const;
  return {
    ...config,
    attributes: {
      ...config.attributes,
      look: { from: "look", kind: "vector", dim: 3 },
      tags: { from: "tags", kind: "categories", ids: DICTIONARY, delimiter: "," },
    },
    outcomes: { ...config.outcomes, sale },
  };
}

/** Few values of each, so that some repeat; the last component is always 2. */
const contents = fc.array(
  fc.record({
    look: fc.option(fc.tuple(fc.integer({ min: -1, max: 1 }), fc.constantFrom(0, 0.5)), { freq: 5 }),
    tags: fc.array(fc.constantFrom("a", "b", "c", "d", "e"), { maxLength: 4 }),
    hours: fc.option(fc.integer({ min: 0, max: 40 }), { freq: 3 }),
  }),
  { minLength: 1, maxLength: 150 },
);

const logs = fc.record({ given: contents, seed: fc.nat(1e6) }).map(({ given, seed }) =>
  plainLog(given.length, seed).map((row, i): Row => {
    const { look, tags, hours } = given[i]!;
    const sold = hours === null ? null : Number(row["time"]) + hours * HOUR_MS;
    return { ...row, look: look === null ? null : [...look, 2], tags, sold_at: sold };
  }),
);

const fieldOf = ({ fields }: Profile, name: string): FieldProfile => {
  const field = fields.find((own) => own.name === name);
  if (field === undefined) throw new Error(`no field ${name}`);
  return field;
};

/** The least value that at least this share of the others does not exceed. */
function quantile(values: readonly number[], share: number): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length - 1e-9) - 1)];
}

function expectVectors(profile: Profile, rows: readonly Row[]): void {
  const some = rows.flatMap(({ look, item }) => (look === null ? [] : [{ look: look as number[], item }]));
  const { missing, distinct, values } = fieldOf(profile, "look");
  if (values.kind !== "vector") throw new Error("no vectors");
  expect(missing).toBeCloseTo(1 - some.length / rows.length, 12);
  expect(distinct).toEqual({ count: new Set(some.map(({ look }) => look.join())).size, isExact: true });
  const norms = some.map(({ look: [x = 0, y = 0, z = 0] }) => Math.hypot(x, y, z));
  for (const own of values.norms?.quantiles ?? []) expect(own.value).toBeCloseTo(quantile(norms, own.quantile) ?? 0, 6);
  expect(values.norms?.count ?? 0).toBe(some.length);
  const constant = [0, 1, 2].filter((c) => some.length > 0 && new Set(some.map(({ look }) => look[c])).size === 1);
  expect(values.constant).toEqual(constant);
  const shared = some.filter(({ look, item }) => {
    return some.some((other) => other.item !== item && other.look.join() === look.join());
  });
  expect(values.shared).toBeCloseTo(shared.length / Math.max(1, some.length), 12);
  const most = shared.map(({ look }) => shared.filter((other) => other.look.join() === look.join()).length);
  expect(values.mostShared).toBeCloseTo(Math.max(0, ...most) / Math.max(1, some.length), 12);
  expect(values.zeros).toBe(0);
  if (some.length > 0) expect(values.largest).toMatchObject({ component: 2, scale: 2 });
}

function expectLists(profile: Profile, rows: readonly Row[]): void {
  const lists = rows.map(({ tags }) => tags as string[]);
  const some = lists.filter((tags) => tags.length > 0);
  const { missing, distinct, values } = fieldOf(profile, "tags");
  if (values.kind !== "categories") throw new Error("no lists");
  expect(missing).toBeCloseTo(1 - some.length / rows.length, 12);
  expect(distinct).toEqual({ count: new Set(lists.flat()).size, isExact: true });
  const lengths = some.map((tags) => tags.length);
  for (const own of values.lengths?.quantiles ?? []) expect(own.value).toBe(quantile(lengths, own.quantile));
  const top = Object.fromEntries(values.top.map(({ value, count }) => [value, count]));
  const ids = [...new Set(lists.flat())];
  expect(top).toEqual(Object.fromEntries(ids.map((id) => [id, some.filter((tags) => tags.includes(id)).length])));
  for (const { count, share } of values.top) expect(share).toBeCloseTo(count / some.length, 12);
}

function expectDelays(delay: DelayProfile | undefined, rows: readonly Row[]): void {
  const sales = rows.flatMap(({ time, sold_at }) =>
    sold_at === null ? [] : [{ at: Number(time), after: Number(sold_at) - Number(time) }],
  );
  const inTime = sales.filter(({ after }) => after <= WINDOW_MS);
  const late = sales.length - inTime.length;
  const lastReportMs = Math.max(...rows.map(({ time }) => Number(time)), ...inTime.map(({ at, after }) => at + after));
  const closed = inTime.filter(({ at }) => at + WINDOW_MS <= lastReportMs).map(({ after }) => after);
  const unknown = rows.filter(({ time }) => Number(time) + WINDOW_MS > lastReportMs).length;
  expect(delay).toMatchObject({ isTimed: true, delayMs: WINDOW_MS });
  expect(delay?.unknownAtEnd).toBeCloseTo(unknown / rows.length, 12);
  expect(delay?.measured === null).toBe(closed.length === 0);
  if (closed.length === 0) return;
  for (const { quantile: q, value } of delay?.measured?.distribution.quantiles ?? [])
    expect(value).toBe(quantile(closed, q));
  expect(delay?.measured?.late).toBe(late);
  expect(delay?.measured?.missed.at(-1)?.delayMs).toBe(WINDOW_MS);
  for (const { delayMs, share } of delay?.measured?.missed ?? []) {
    const longer = closed.filter((after) => after > delayMs).length / closed.length;
    expect(share).toBeCloseTo((late + inTime.length * longer) / sales.length, 12);
  }
}

describe("a profile of vectors, lists and outcomes with times", () => {
  it("says of 40 generated logs what counting their rows says", async () => {
    await fc.assert(
      fc.asyncProperty(logs, async (rows) => {
        const profile = await profileOf(rows, contentConfig);
        expectVectors(profile, rows);
        expectLists(profile, rows);
        expectDelays(
          profile.delays.find(({ name }) => name === "sale"),
          rows,
        );
        const untimed = profile.delays.filter(({ name }) => name !== "sale");
        for (const { isTimed, measured } of untimed)
          expect({ isTimed, measured }).toEqual({ isTimed: false, measured: null });
      }),
      { numRuns: 40, endOnFailure: true },
    );
  });

  it("counts events that differ in a list alone as different", async () => {
    const [row] = plainLog(1);
    const rows = [["a"], ["b"], ["a"]].map((tags, i) => ({
      ...row,
      id: `e${i}`,
      look: [1, 2, 3],
      tags,
      sold_at: null,
    }));
    expect((await profileOf(rows, contentConfig)).repeated).toBe(1);
    const looks = [1, 2, 1, 1].map((x, i) => ({ ...row, id: `e${i}`, look: [x, 2, 3], tags: ["a"], sold_at: null }));
    expect((await profileOf(looks, contentConfig)).repeated).toBe(2);
  });

  it("reads lists and vectors on from block to block", async () => {
    const rows = plainLog(70_000).map((row, i) => {
      const tags = Array.from({ length: i % 4 }, (_, k) => `t${(i + 3 * k) % 10}`);
      return { ...row, look: i % 5 === 0 ? null : [i % 3, i % 7, 2], tags, sold_at: null };
    });
    const profile = await profileOf(rows, contentConfig);
    const { values, missing } = fieldOf(profile, "tags");
    const top = values.kind === "categories" ? values.top : [];
    for (const { value, count } of top)
      expect(count).toBe(rows.filter(({ tags }) => tags.includes(value ?? "")).length);
    expect({ missing, top: top.length }).toEqual({ missing: 0.25, top: 10 });
    const looks = fieldOf(profile, "look");
    expect(looks).toMatchObject({ missing: 0.2, distinct: { count: 21, isExact: true }, values: { constant: [2] } });
  }, 60_000);

  it("is told in a line", async () => {
    const rows = plainLog(4).map((row, i) => ({
      ...row,
      item: `i${i}`,
      look: [[0, 0, 0], [3, 4, 0], [3, 4, 0], null][i] ?? null,
      tags: [["a", "b"], ["a"], [], ["a", "c", "b"]][i] ?? [],
      sold_at: null,
    }));
    const profile = await profileOf(rows, contentConfig);
    expect(valuesText(fieldOf(profile, "look"))).toBe(
      "3 numbers; norm 0 … 0 | 0 | 5 | 5 | 5 … 5; 1 constant; 33.3% all zero; 66.7% not of one item alone",
    );
    expect(valuesText(fieldOf(profile, "tags"))).toBe("1 to 3 ids, 2 on average: a 100%, b 66.7%, c 33.3%");
  });
});
