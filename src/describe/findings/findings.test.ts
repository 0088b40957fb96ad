import { describe, expect, it } from "vitest";
import { DAY_MS } from "../../base/units.ts";
import type { EventsConfig } from "../../config/types.ts";
import { FIRST_MS, plainConfig, plainLog, profileOf, type Row } from "../describe.test.support.ts";
import { FINDINGS, type FindingCode } from "../finding.ts";

const DICTIONARY = { kind: "dictionary" } as const;

/** What is done to a log in which nothing is wrong. */
interface Plant {
  readonly code: FindingCode;
  readonly field: string;
  /** The row that takes the place of one; null leaves it out. */
  readonly row?: (row: Row, i: number) => Row | null;
  readonly config?: (config: EventsConfig) => EventsConfig;
}

const numberFrom = (name: string): Pick<Plant, "config"> => ({
  config: (config) => {
    const attributes = { ...config.attributes, [name]: { from: name, kind: "number", ids: DICTIONARY } as const };
    return { ...config, attributes };
  },
});

const categoryFrom = (name: string): Pick<Plant, "config"> => ({
  config: (config) => {
    const attributes = { ...config.attributes, [name]: { from: name, kind: "category", ids: DICTIONARY } as const };
    return { ...config, attributes };
  },
});

const withDelay = (delayMs: number): Pick<Plant, "config"> => ({
  config: (config) => {
    const buy = { from: "buy", kind: "flag", delayMs, objective: true, windowOf: null } as const;
    return { ...config, outcomes: { ...config.outcomes, buy } };
  },
});

const vectorOf = (dim: number): Pick<Plant, "config"> => ({
  config: (config) => {
    const look = { from: "look", kind: "vector", dim } as const;
    return { ...config, attributes: { ...config.attributes, look } };
  },
});

/** A vector of each item. */
const lookOf = (row: Row): readonly number[] => {
  const item = Number(String(row["item"]).slice(1));
  return [1, 2, 3, 4].map((c) => Math.sin(c * (item + 1)));
};

const dayOf = (row: Row): number => Math.floor((Number(row["time"]) - FIRST_MS) / DAY_MS);

const PLANTS: readonly Plant[] = [
  { code: "LABEL_UNKNOWN", field: "buy", ...withDelay(40 * DAY_MS) },
  { code: "LABEL_CONSTANT", field: "buy", row: (row) => ({ ...row, buy: 0 }) },
  { code: "LABEL_CONSTANT", field: "click", row: (row) => ({ ...row, click: 1 }) },
  {
    code: "LABEL_TOLD",
    field: "answer",
    row: (row) => ({ ...row, answer: row["click"] === 1 ? "yes" : "no" }),
    ...categoryFrom("answer"),
  },
  {
    code: "LABEL_TOLD",
    field: "clickedAt",
    row: (row) => ({ ...row, clickedAt: row["click"] === 1 ? Number(row["time"]) % 1e6 : null }),
    ...numberFrom("clickedAt"),
  },
  {
    code: "LABEL_TOLD",
    field: "watched",
    row: (row, i) => ({ ...row, watched: Number(row["click"]) * 1000 + ((i * 7) % 990) }),
    ...numberFrom("watched"),
  },
  {
    code: "LABEL_NEARLY_TOLD",
    field: "watched",
    row: (row, i) => ({ ...row, watched: (i % 12 === 0 ? 0 : Number(row["click"])) * 1000 + ((i * 7) % 990) }),
    ...numberFrom("watched"),
  },
  {
    code: "LABEL_TOLD_BY_VALUE",
    field: "format",
    row: (row, i) => ({ ...row, format: row["click"] === 1 && i % 5 === 0 ? "opened" : "plain" }),
    ...categoryFrom("format"),
  },
  {
    code: "OUTCOME_COPIED",
    field: "seconds",
    row: (row) => ({ ...row, seconds: Number(row["dwell"]) / 1000 }),
    ...numberFrom("seconds"),
  },
  { code: "WINDOW_EMPTY", field: "test", row: (row) => (dayOf(row) < 17 ? row : null) },
  { code: "TIME_ONE_INSTANT", field: "time", row: (row) => ({ ...row, time: FIRST_MS }) },
  { code: "TIME_UNIT", field: "time", row: (row) => ({ ...row, time: Math.floor(Number(row["time"]) / 1000) }) },
  { code: "TIME_UNIT", field: "time", row: (row) => ({ ...row, time: Number(row["time"]) + 400 * DAY_MS }) },
  { code: "TIME_MIDNIGHT", field: "time", row: (row) => ({ ...row, time: FIRST_MS + DAY_MS * dayOf(row) }) },
  {
    code: "TIME_TIES",
    field: "time",
    row: (row) => ({ ...row, time: FIRST_MS + 43_200_000 * Math.floor((Number(row["time"]) - FIRST_MS) / 43_200_000) }),
  },
  { code: "USER_CONSTANT", field: "user", row: (row) => ({ ...row, user: "me" }) },
  { code: "ITEM_CONSTANT", field: "item", row: (row) => ({ ...row, item: "it" }) },
  { code: "USER_PER_ROW", field: "user", row: (row) => ({ ...row, user: row["id"] ?? null }) },
  { code: "ITEM_PER_ROW", field: "item", row: (row) => ({ ...row, item: row["id"] ?? null }) },
  {
    code: "ID_DOMINATES",
    field: "user",
    row: (row, i) => (i % 3 === 0 || i % 50 === 0 ? { ...row, user: "bot" } : row),
  },
  {
    code: "ID_PLACEHOLDER",
    field: "user",
    row: (row, i) => (i % 30 === 0 ? { ...row, user: "00000000-0000-0000-0000-000000000000" } : row),
  },
  { code: "ID_PLACEHOLDER", field: "item", row: (row, i) => (i % 30 === 0 ? { ...row, item: "null" } : row) },
  {
    code: "LABEL_NEVER_ON_SURFACE",
    field: "click",
    row: (row) => (row["surface"] === "search" ? { ...row, click: 0 } : row),
  },
  {
    code: "LABEL_RATE_JUMPS",
    field: "click",
    row: (row, i) => (dayOf(row) >= 14 && dayOf(row) < 17 && i % 3 !== 0 ? { ...row, click: 1 } : row),
  },
  {
    code: "LABEL_RATE_FALLS_AT_END",
    field: "click",
    row: (row, i) => (dayOf(row) >= 18 && i % 5 !== 0 ? { ...row, click: 0 } : row),
  },
  {
    code: "WINDOW_NEW_ITEMS",
    field: "test",
    row: (row) => (dayOf(row) >= 17 ? { ...row, item: `new${row["item"]}` } : row),
  },
  {
    code: "WINDOW_NEW_USERS",
    field: "validation",
    row: (row) => (dayOf(row) >= 14 ? { ...row, user: `new${row["user"]}` } : row),
  },
  { code: "ROWS_REJECTED", field: "rows", row: (row, i) => (i % 100 === 0 ? { ...row, user: null } : row) },
  { code: "ROWS_DUPLICATED", field: "id", row: (row, i) => (i % 100 === 0 ? { ...row, id: "e1" } : row) },
  {
    code: "ROWS_REPEATED",
    field: "rows",
    row: (row, i) => (i % 20 < 2 ? { ...FIRST_ROW, id: row["id"] ?? null } : row),
  },
  {
    code: "EVENTS_OUTSIDE_SPLIT",
    field: "split",
    row: (row, i) => (i % 100 === 0 ? { ...row, time: Number(row["time"]) + 20 * DAY_MS } : row),
  },
  { code: "FIELD_MISSING", field: "brand", row: (row) => ({ ...row, brand: null }) },
  { code: "FIELD_MOSTLY_MISSING", field: "brand", row: (row, i) => (i % 200 === 0 ? row : { ...row, brand: null }) },
  { code: "FIELD_CONSTANT", field: "price", row: (row) => ({ ...row, price: 7 }) },
  {
    code: "NUMBER_LOOKS_LIKE_ID",
    field: "creative_id",
    row: (row, i) => ({ ...row, creative_id: (i * 31) % 300 }),
    ...numberFrom("creative_id"),
  },
  {
    code: "NUMBER_LOOKS_LIKE_ID",
    field: "campaign",
    row: (row, i) => ({ ...row, campaign: 70_000_000 + ((i * 977) % 5000) }),
    ...numberFrom("campaign"),
  },
  {
    code: "NUMBER_LOOKS_LIKE_TIME",
    field: "start",
    row: (row) => ({ ...row, start: Math.floor(Number(row["time"]) / 1000) }),
    ...numberFrom("start"),
  },
  {
    code: "CATEGORY_LOOKS_LIKE_NUMBER",
    field: "bid",
    row: (row, i) => ({ ...row, bid: ((i * 7) % 400) / 8 }),
    ...categoryFrom("bid"),
  },
  {
    code: "CATEGORY_PER_ROW",
    field: "request",
    row: (row) => ({ ...row, request: `r${row["id"]}` }),
    ...categoryFrom("request"),
  },
  {
    code: "VECTOR_COMPONENT_LARGE",
    field: "look",
    row: (row, i) => ({ ...row, look: [...lookOf(row), 1e6 + (i % 7)] }),
    ...vectorOf(5),
  },
  {
    code: "VECTOR_COMPONENT_CONSTANT",
    field: "look",
    row: (row) => ({ ...row, look: [...lookOf(row), 1] }),
    ...vectorOf(5),
  },
  {
    code: "VECTOR_ZERO",
    field: "look",
    row: (row, i) => ({ ...row, look: i % 20 === 0 ? [0, 0, 0, 0] : lookOf(row) }),
    ...vectorOf(4),
  },
  {
    code: "VECTOR_SHARED",
    field: "look",
    row: (row) => ({ ...row, look: Number(String(row["item"]).slice(1)) < 12 ? [1, 2, 3, 4] : lookOf(row) }),
    ...vectorOf(4),
  },
  {
    code: "LIST_NOT_SPLIT",
    field: "tags",
    row: (row, i) => ({ ...row, tags: `red,t${i % 5}` }),
    config: (config) => {
      const tags = { from: "tags", kind: "categories", ids: DICTIONARY, delimiter: ";" } as const;
      return { ...config, attributes: { ...config.attributes, tags } };
    },
  },
  {
    code: "OUTCOME_LATE",
    field: "sale",
    row: (row, i) => ({ ...row, sale: i % 4 === 0 ? Number(row["time"]) + (i % 12 === 0 ? 3 : 0.5) * DAY_MS : null }),
    config: (config) => {
      const arrival = { windowMs: DAY_MS, log: null, attribution: null, measure: "any" } as const;
      const sale = { from: "sale", kind: "flag", delayMs: DAY_MS, objective: true, windowOf: null, arrival } as const;
      return { ...config, outcomes: { ...config.outcomes, sale } };
    },
  },
  { code: "OUTCOME_AT_ONCE", field: "buy", ...withDelay(0) },
];

const ROWS = plainLog(4000);
const FIRST_ROW: Row = ROWS[0] ?? {};

describe("findings", () => {
  it("are none in a plain log, of several seeds", async () => {
    for (const seed of [1, 2, 3]) expect((await profileOf(plainLog(4000, seed))).findings).toEqual([]);
  });

  it.each(PLANTS)(
    "$code of $field is found where it was planted",
    async ({ code, field, row = (own) => own, config = (own) => own }) => {
      const rows = ROWS.map(row).filter((own) => own !== null);
      const { findings } = await profileOf(rows, (path) => config(plainConfig(path)));
      const found = findings.filter((own) => own.code === code && own.field === field);
      expect(found, JSON.stringify(findings, null, 1)).toHaveLength(1);
      expect(found[0]).toMatchObject(FINDINGS[code]);
      expect(found[0]?.evidence).toMatch(/\d|missing in all|same value/);
      expect(Object.values(found[0]?.numbers ?? {}).every(Number.isFinite)).toBe(true);
    },
  );

  it("are none of a log of positives beside which negatives are drawn", async () => {
    const rows = ROWS.map((row) => ({ ...row, click: 1, buy: 0 }));
    const { findings } = await profileOf(rows, plainConfig, { drawsNegatives: true });
    // What is never positive teaches nothing all the same.
    expect(findings.filter(({ code }) => code === "LABEL_CONSTANT").map(({ field }) => field)).toEqual(["buy"]);
  });

  it("are none of items, times and delays that the log says it has not", async () => {
    const config = (path: string): EventsConfig => {
      const { outcomes, ...rest } = plainConfig(path);
      const click = { ...outcomes["click"]!, delayMs: 0 };
      return { ...rest, user: null, time: null, item: { value: "all" }, outcomes: { click } };
    };
    const rows = ROWS.map((row, i) => ({ ...row, click: i % 3 === 0 ? 1 : 0 }));
    const windows = [{ name: "train", fromMs: -1, untilMs: 1 }];
    const { findings, time } = await profileOf(rows, config, { windows });
    expect([findings.map(({ code }) => code), time]).toEqual([[], null]);
  });

  it("has a plant for every code", () => {
    expect([...new Set(PLANTS.map(({ code }) => code))].toSorted()).toEqual(Object.keys(FINDINGS).toSorted());
  });
});
