import { describe, expect, it } from "vitest";
import { LapidaryError } from "../../base/errors.ts";
import { resolveConfig } from "../resolve.ts";

const EVENTS = {
  ...{ from: "data/*.csv", id: "event_id", user: "user_id", item: "ad_id", time: { from: "ts", unit: "s" } },
  ...{ action: { value: "view" }, surface: { value: "feed" } },
};
const DAY = 86_400_000;
const LOG = { log: "buys/*.parquet", id: "click_id", time: "bought", window: "7d" };

const CLICKED = { ...LOG, id: undefined, user: "buyer", item: "sku", attribution: "lastClick" };

const resolve = (objectives: object, events: object = {}) =>
  resolveConfig(
    {
      ...{ events: { ...EVENTS, ...events }, objectives: { click: {}, ...objectives } },
      split: { trainUntil: "2022-04-18", validationUntil: "2022-04-20", testUntil: "2022-04-22" },
      models: { base: { kind: "baseRate" } },
    },
    "/project/lapidary.config.ts",
  ).events.outcomes;

function problems(objectives: object, events: object = {}): string {
  try {
    resolve(objectives, events);
  } catch (error) {
    if (error instanceof LapidaryError)
      return `${error.where}: expected ${error.expected}, got ${error.got}. ${error.hint}`;
    throw error;
  }
  throw new Error("the configuration was accepted");
}

describe("objectives of each kind", () => {
  it("are outcomes that hold flags, amounts or counts", () => {
    const found = resolve({
      spend: { kind: "value", from: "revenue" },
      views: { kind: "count" },
      like: { kind: "binary" },
    });
    const shared = { delayMs: 0, objective: true, windowOf: null };
    expect(found).toEqual({
      click: { ...shared, from: "click", kind: "flag" },
      spend: { ...shared, from: "revenue", kind: "value" },
      views: { ...shared, from: "views", kind: "count" },
      like: { ...shared, from: "like", kind: "flag" },
    });
  });

  it("of a log are the sum of its values, or how many there were, with the others beside them", () => {
    const spend = resolve({ spend: { ...LOG, kind: "value", value: "amount", count: true } });
    expect(Object.keys(spend)).toEqual(["click", "spend", "spendCount"]);
    expect(spend["spend"]).toMatchObject({ from: "amount", kind: "value", objective: true, delayMs: 7 * DAY });
    expect(spend["spend"]?.arrival?.measure).toBe("sum");
    expect(spend["spendCount"]).toMatchObject({ kind: "number", objective: false, arrival: { measure: "count" } });
    const buys = resolve({ buys: { ...LOG, kind: "count", value: "amount" } });
    expect(Object.keys(buys)).toEqual(["click", "buys", "buysValue"]);
    expect(buys["buys"]).toMatchObject({
      from: "bought",
      kind: "count",
      objective: true,
      arrival: { measure: "count" },
    });
  });

  it("may be windows of one of their own kind", () => {
    const week = { ...LOG, kind: "count" };
    const { day } = resolve({ week, day: { ...week, window: "1d", windowOf: "week" } });
    expect(day).toMatchObject({ kind: "count", windowOf: "week", delayMs: DAY });
    expect(problems({ week, day: { ...LOG, window: "1d", windowOf: "week" } })).toContain("of its kind");
  });

  it.each([
    [{ spend: { kind: "money" } }, "objectives.spend.kind"],
    [{ spend: { kind: "number" } }, "objectives.spend.kind"],
    [{ spend: { kind: "value", at: "bought_at", window: "1d" } }, "objectives.spend.kind: expected a log of its own"],
    [{ spend: { ...LOG, kind: "value" } }, "objectives.spend.value: expected a field of its log, whose sum it is"],
    [{ buys: { ...LOG, kind: "count", count: true } }, "objectives.buys.count: expected nothing"],
  ])("are refused as %j", (objectives, said) => expect(problems(objectives)).toContain(said));

  it("that are no flags are no clicks to attribute to", () => {
    expect(problems({ click: { kind: "count" }, buy: CLICKED })).toContain("an outcome `click`");
  });
});

describe("outcomes with times of their own", () => {
  it("are known when their window and their own delay are over", () => {
    expect(resolve({ buy: { at: "bought_at", window: "7d", delay: "1h" } })["buy"]).toEqual({
      ...{ from: "bought_at", kind: "flag", delayMs: 7 * DAY + 3_600_000, objective: true, windowOf: null },
      arrival: { windowMs: 7 * DAY, log: null, attribution: null, measure: "any" },
    });
  });

  it("of a log have absolute files, the unit of the events, and what is counted and added up beside them", () => {
    const { buy, buyCount, buyValue } = resolve({ buy: { ...LOG, value: "amount", count: true } });
    const time = { from: "bought", unit: "s" };
    const files = { from: ["/project/buys/*.parquet"], sql: null, partitions: [] };
    const log = {
      ...files,
      format: "parquet",
      key: { id: "click_id" },
      time,
      value: { from: "amount", kind: "number" },
    };
    const shared = { delayMs: 7 * DAY, windowOf: null };
    const windowMs = 7 * DAY;
    expect(buy).toEqual({
      ...{ ...shared, from: "bought", kind: "flag", objective: true },
      arrival: { windowMs, log, attribution: null, measure: "any" },
    });
    const beside = { ...shared, kind: "number", objective: false };
    expect(buyCount).toEqual({
      ...beside,
      from: "bought",
      arrival: { windowMs, log, attribution: null, measure: "count" },
    });
    expect(buyValue).toEqual({
      ...beside,
      from: "amount",
      arrival: { windowMs, log, attribution: null, measure: "sum" },
    });
  });

  it("of a query, and of folders whose names hold fields, are read as events are", () => {
    const sql = { sql: "SELECT * FROM 'buys.csv'" };
    const rows = { from: [], sql: { query: sql.sql, folder: "/project" }, partitions: [], format: "parquet" };
    expect(resolve({ buy: { ...LOG, log: sql } })["buy"]?.arrival?.log).toMatchObject(rows);
    expect(resolve({ buy: { ...LOG, partitions: ["dt"] } })["buy"]?.arrival?.log).toMatchObject({ partitions: ["dt"] });
    expect(problems({ buy: { at: "bought_at", window: "7d", partitions: ["dt"] } })).toContain("a log of its own");
  });

  it("of a log that names users are attributed", () => {
    const { arrival } = resolve({ buy: CLICKED })["buy"] ?? {};
    expect(arrival).toMatchObject({ attribution: "lastClick", log: { key: { user: "buyer", item: "sku" } } });
  });

  it("may be outcomes that nobody predicts, and windows of each other", () => {
    const { reply, soon } = resolve(
      { buy: LOG, soon: { ...LOG, window: "1d", windowOf: "buy" } },
      { outcomes: { reply: { at: "reply_at", window: "1h" } } },
    );
    expect(reply).toMatchObject({ kind: "flag", objective: false });
    expect(soon).toMatchObject({ windowOf: "buy", delayMs: DAY });
  });

  it("are windows of what reads the same value of the log: rows that differ in it are two", () => {
    const day = { ...LOG, window: "1d", windowOf: "buy" };
    const said = /objectives\.soon\.value: expected the value 'amount', as its whole reads.*got nothing/;
    expect(problems({ buy: { ...LOG, value: "amount" }, soon: day })).toMatch(said);
    expect(problems({ buy: LOG, soon: { ...day, value: "amount" } })).toMatch(/expected no value.*got 'amount'/);
    expect(problems({ buy: { ...LOG, value: "a" }, soon: { ...day, value: "b" } })).toMatch(/expected the value 'a'/);
    const { soonValue } = resolve({ buy: { ...LOG, value: "amount" }, soon: { ...day, value: "amount" } });
    expect(soonValue).toMatchObject({ kind: "number", windowOf: null, delayMs: DAY });
  });

  it.each([
    [{ buy: { at: "a", ...LOG } }, {}, /objectives\.buy\.log: expected one of `at` and `log`/],
    [{ buy: { at: "a" } }, {}, /buy\.window: expected a time after which it does not count, got nothing/],
    [{ buy: { ...LOG, id: undefined } }, {}, /buy\.id: expected a field of its log, got nothing/],
    [{ buy: LOG }, { id: undefined }, /buy\.log: expected events with ids/],
    [{ buy: { ...LOG, attribution: "lastView" } }, {}, /buy\.attribution: expected a log that names users/],
    [{ buy: { ...LOG, id: undefined, user: "u" } }, {}, /buy\.attribution: expected a way to find its event/],
    [{ buy: { ...LOG, user: "u", attribution: "lastView" } }, {}, /buy\.id: expected one of `id` and `user`/],
    [{ click: { at: "a", window: "1d" }, buy: CLICKED }, {}, /buy\.attribution: expected an outcome `click`/],
    [{ buy: LOG }, { time: undefined }, /buy\.log: expected events with times/],
    [{ buy: { ...LOG, log: "buys" } }, {}, /buy\.log: expected files of one format/],
    [{ buy: { at: "a", window: "1d", value: "amount" } }, {}, /buy\.value: expected a log of its own/],
    [{ buy: { window: "1d" } }, {}, /buy\.window: expected an outcome with a time of its own/],
    [{ buy: { ...LOG, count: true }, buyCount: {} }, {}, /objectives\.buyCount: expected a name of its own/],
    [{}, { outcomes: { liked: {} } }, /events\.outcomes\.liked\.kind: expected a kind, got nothing/],
    [{ buy: LOG }, { attributes: { known: "flag" } }, /events\.attributes\.known: expected a name of its own/],
    [
      { buy: { at: "a", window: "1d" } },
      { attributes: { a: "number" } },
      /which objectives\.buy reads as known only later/,
    ],
  ])("are refused where they do not fit together: %#", (objectives, events, expected) => {
    expect(problems(objectives, events)).toMatch(expected);
  });

  it("take no field from a log's own names: the same name may be an attribute of the events", () => {
    expect(resolve({ buy: { ...LOG, value: "price" } }, { attributes: { price: "number" } })).toHaveProperty(
      "buyValue",
    );
  });
});
