import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DAY_MS } from "../base/units.ts";
import { plainConfig, plainLog, profileOf, type Row, WINDOWS } from "./describe.test.support.ts";
import type { FieldProfile, Profile } from "./profile.ts";

const DELAYS = { click: 600_000, buy: DAY_MS } as const;

/** Logs of a few to some hundred rows with missing values, of which some share user and time. */
const logs = fc
  .record({ size: fc.integer({ min: 1, max: 300 }), seed: fc.nat(1e6), holes: fc.integer({ min: 0, max: 3 }) })
  .map(({ size, seed, holes }) =>
    plainLog(size, seed).map((row, i): Row => {
      const times = Math.floor(Number(row["time"]) / (holes === 0 ? 1 : DAY_MS)) * (holes === 0 ? 1 : DAY_MS);
      const hole = (name: string, every: number): Row =>
        holes > 0 && (i + holes) % every === 0 ? { [name]: null } : {};
      return {
        ...row,
        time: times,
        ...hole("brand", 3),
        ...hole("price", 4),
        ...hole("click", 5),
        ...hole("surface", 7),
      };
    }),
  );

const fieldOf = (profile: Profile, name: string): FieldProfile | undefined =>
  profile.fields.find((own) => own.name === name);

function counted(values: readonly unknown[]): Map<unknown, number> {
  const counts = new Map<unknown, number>();
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length - 1e-9) - 1)];
}

/** Past events of each row: those of its user strictly before it. */
function pastOf(rows: readonly Row[]): number[] {
  return rows.map(
    ({ user, time }) => rows.filter((other) => other["user"] === user && Number(other["time"]) < Number(time)).length,
  );
}

function expectFields(profile: Profile, rows: readonly Row[]): void {
  for (const name of ["item", "surface", "brand", "user"]) {
    const counts = counted(rows.map((row) => row[name]));
    const field = fieldOf(profile, name);
    expect(field?.missing).toBeCloseTo(rows.filter((row) => row[name] === null).length / rows.length, 12);
    expect(field?.distinct).toEqual({ count: counts.size, isExact: true });
    const top = field?.values.kind === "category" ? field.values.top : [];
    expect(top).toHaveLength(Math.min(10, counts.size));
    for (const { value, count } of top) expect(counts.get(value)).toBe(count);
    const least = Math.min(...top.map(({ count }) => count));
    expect([...counts.values()].filter((count) => count > least).length).toBeLessThanOrEqual(top.length);
  }
  const prices = rows.flatMap(({ price }) => (price === null ? [] : [Number(price)]));
  const { values } = fieldOf(profile, "price") ?? {};
  const distribution = values?.kind === "number" ? values.distribution : null;
  expect(distribution === null).toBe(prices.length === 0);
  for (const own of distribution?.quantiles ?? []) expect(own.value).toBe(quantile(prices, own.quantile));
  expect(distribution?.bins.reduce((sum, { count }) => sum + count, 0) ?? 0).toBeGreaterThanOrEqual(
    0.99 * prices.length,
  );
}

function expectLabels(profile: Profile, rows: readonly Row[]): void {
  const latest = Math.max(...rows.map(({ time }) => Number(time)));
  for (const name of ["click", "buy"] as const) {
    const known = rows.filter((row) => row[name] !== null && Number(row["time"]) + DELAYS[name] <= latest);
    const label = profile.labels.find((own) => own.name === name);
    const countOf = (some: readonly Row[]) => ({
      known: some.length,
      positive: some.filter((row) => row[name] === 1).length,
    });
    expect(label).toMatchObject(countOf(known));
    for (const { surface, ...own } of label?.bySurface ?? []) {
      expect(own).toEqual(countOf(known.filter((row) => (row["surface"] ?? "missing") === surface)));
    }
    for (const { dayMs, ...own } of label?.byDay ?? []) {
      expect(own).toEqual(countOf(known.filter(({ time }) => Math.floor(Number(time) / DAY_MS) * DAY_MS === dayMs)));
    }
    for (const [w, { window, ...own }] of (label?.byWindow ?? []).entries()) {
      const { name: expected, fromMs, untilMs } = WINDOWS[w]!;
      expect(window).toBe(expected);
      expect(own).toEqual(countOf(known.filter(({ time }) => Number(time) >= fromMs && Number(time) < untilMs)));
    }
  }
}

function expectHistories(profile: Profile, rows: readonly Row[]): void {
  const past = pastOf(rows);
  const perUser = [...counted(rows.map(({ user }) => user)).values()];
  for (const own of profile.histories.perEvent?.quantiles ?? []) expect(own.value).toBe(quantile(past, own.quantile));
  for (const own of profile.histories.perUser?.quantiles ?? []) expect(own.value).toBe(quantile(perUser, own.quantile));
  const instants = new Set(rows.map(({ user, time }) => `${user} ${time}`)).size;
  expect(profile.time?.tied).toBeCloseTo((rows.length - instants) / rows.length, 12);
  const seen = new Set(rows.filter(({ time }) => Number(time) < WINDOWS[0]!.untilMs).map(({ item }) => item));
  const test = rows.filter(({ time }) => Number(time) >= WINDOWS[2]!.fromMs && Number(time) < WINDOWS[2]!.untilMs);
  const share = test.filter(({ item }) => seen.has(item ?? null)).length / Math.max(1, test.length);
  expect(profile.windows[2]).toMatchObject({ events: test.length });
  expect(profile.windows[2]?.knownItems).toBeCloseTo(share, 12);
}

describe("a profile", () => {
  it("says of 12 generated logs what counting their rows says", async () => {
    await fc.assert(
      fc.asyncProperty(logs, async (rows) => {
        const profile = await profileOf(rows);
        expect(profile.numEvents).toBe(rows.length);
        expectFields(profile, rows);
        expectLabels(profile, rows);
        expectHistories(profile, rows);
      }),
      { numRuns: 12, endOnFailure: true },
    );
  });

  it("is the same JSON for the same store, and holds finite numbers", async () => {
    const rows = plainLog(500);
    const [once, twice] = [await profileOf(rows), await profileOf(rows)];
    expect({ ...once, store: "" }).toEqual({ ...twice, store: "" });
    const numbers: number[] = [];
    JSON.stringify(once, (_, value) => {
      if (typeof value === "number") numbers.push(value);
      return value;
    });
    expect(numbers.length).toBeGreaterThan(200);
    expect(numbers.every(Number.isFinite)).toBe(true);
  });

  it("counts hashed ids by their rows in the table, and shows none", async () => {
    const rows = plainLog(400);
    const profile = await profileOf(rows, (path) => ({ ...plainConfig(path), itemIds: { kind: "hash", buckets: 8 } }));
    const item = fieldOf(profile, "item");
    expect(item?.distinct.count).toBeLessThanOrEqual(8);
    const top = item?.values.kind === "category" ? item.values.top : [];
    expect(top.reduce((sum, { count }) => sum + count, 0)).toBe(rows.length);
    expect(top.every(({ value }) => value === null)).toBe(true);
  });
});
