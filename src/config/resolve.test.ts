import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LapidaryError } from "../base/errors.ts";
import { applyOverrides } from "./overrides.ts";
import { resolveConfig } from "./resolve.ts";
import { CONFIG_SCHEMA, schemaText, type UserConfig } from "./schema.ts";

const USER: UserConfig = {
  events: {
    from: "data/*.parquet",
    user: "user_id",
    item: "ad_id",
    time: "ts",
    action: "action",
    surface: { value: "feed" },
    attributes: { brand: "category", price: { from: "price_usd", kind: "number" } },
    outcomes: { liked: { from: "label", kind: "flag", delay: "1h" } },
  },
  objectives: { click: { from: "is_click" }, conversion: { from: "is_conversion", delay: "7d" } },
  split: { trainUntil: "2022-04-18", validationUntil: "2022-04-20T12:00", testUntil: 1_650_672_000_000 },
  training: { epochs: 3 },
  models: { big: { kind: "foundation", history: 2048, training: { seed: 7 } }, base: { kind: "baseRate" } },
};

const FILE = "/project/lapidary.config.ts";

const resolved = (...overrides: string[]) => resolveConfig(applyOverrides(USER, overrides), FILE);

function failure(value: unknown): LapidaryError {
  try {
    resolveConfig(value, FILE);
  } catch (error) {
    if (error instanceof LapidaryError) return error;
    throw error;
  }
  throw new Error("the configuration was accepted");
}
const failed = (...overrides: string[]) => failure(applyOverrides(USER, overrides));

describe("resolveConfig", () => {
  it("refuses one character for two things", () => {
    const error = failed("events.delimiter=';'", "events.quote=';'");
    expect(error).toMatchObject({ code: "CONFIG_INVALID", where: expect.stringContaining("events.quote") });
    expect(failed("events.delimiter='\n'")).toMatchObject({ code: "CONFIG_INVALID" });
  });

  it("tells no quote from the format's own, in overrides too", () => {
    const quoteOf = (...overrides: string[]) =>
      resolveConfig(applyOverrides(USER, overrides), "/project/x").events.text.quote;
    expect([quoteOf(), quoteOf("+events.quote=null"), quoteOf('+events.quote="\'"')]).toEqual([null, "", "'"]);
    expect(failed("+events.quote=''")).toMatchObject({ code: "CONFIG_INVALID" });
    expect(failed("+events.quote=ab")).toMatchObject({
      code: "CONFIG_INVALID",
      expected: "one character, or null for none",
    });
  });

  it("fills in defaults and expands shorthands", () => {
    const config = resolved();
    expect(config.store).toBe("/project/.lapidary/store");
    expect(config.runs).toBe("/project/runs");
    expect(config.events).toEqual({
      from: ["/project/data/*.parquet"],
      sql: null,
      format: "parquet",
      text: { delimiter: null, quote: null, escape: null, encoding: "utf-8", nulls: ["\\N"], decimal: "." },
      partitions: [],
      id: null,
      user: "user_id",
      item: { from: "ad_id" },
      time: { from: "ts", unit: "ms" },
      action: { from: "action" },
      surface: { value: "feed" },
      origin: { value: "organic" },
      earliestMs: Date.UTC(2000, 0, 1),
      latestMs: Date.UTC(2100, 0, 1),
      itemIds: { kind: "dictionary" },
      attributes: {
        brand: { from: "brand", kind: "category", ids: { kind: "dictionary" } },
        price: { from: "price_usd", kind: "number", ids: { kind: "dictionary" } },
      },
      outcomes: {
        click: { from: "is_click", kind: "flag", delayMs: 0, objective: true, windowOf: null },
        conversion: { from: "is_conversion", kind: "flag", delayMs: 604_800_000, objective: true, windowOf: null },
        liked: { from: "label", kind: "flag", delayMs: 3_600_000, objective: false, windowOf: null },
      },
    });
    expect(Object.keys(config.events.outcomes)).toEqual(["click", "conversion", "liked"]);
    expect(config.split).toEqual({
      kind: "time",
      trainUntilMs: Date.UTC(2022, 3, 18),
      validationUntilMs: Date.UTC(2022, 3, 20, 12),
      testUntilMs: 1_650_672_000_000,
    });
  });

  it.each(["nothing", "click", "early", "conversion"])("refuses a window of %s", (windowOf) => {
    // click is known at once, early is a window itself, and a window of conversion must be known before it.
    const delay = windowOf === "conversion" ? "7d" : "1h";
    const early = { windowOf: "conversion", delay: "1d" };
    const objectives = { ...USER.objectives, early, window: { windowOf, delay } };
    const refused = expect.objectContaining({ code: "CONFIG_INVALID", where: `${FILE}: objectives.window.windowOf` });
    expect(() => resolveConfig({ ...USER, objectives }, FILE)).toThrow(refused);
    const right = { ...USER.objectives, early };
    expect(resolveConfig({ ...USER, objectives: right }, FILE).events.outcomes["early"]?.windowOf).toBe("conversion");
  });

  it.each([
    ["models.m.objectives", { models: { m: { kind: "foundation", objectives: ["click", "conversion", "click"] } } }, 2],
    [
      "models.m.architecture.summary",
      { models: { m: { kind: "foundation", architecture: { summary: ["cls", "cls"] } } } },
      1,
    ],
    ["training.fullPrecision", { training: { fullPrecision: ["heads", "heads"] } }, 1],
    ["events.partitions", { events: { ...USER.events, partitions: ["dt", "dt"] } }, 1],
  ])("refuses an item that stands twice in %s", (path, written, at) => {
    const problem = { code: "CONFIG_INVALID", where: `${FILE}: ${path}.${at}` };
    const expected = `another item than that of ${path}.0`;
    const refused = expect.objectContaining({ ...problem, expected, hint: "Remove it." });
    expect(() => resolveConfig({ ...USER, ...written }, FILE)).toThrow(refused);
  });

  it("takes a key written as undefined as not written", () => {
    const config = resolveConfig({ ...USER, store: undefined, training: { epochs: undefined } }, FILE);
    expect(config.store).toBe("/project/.lapidary/store");
    expect(config.models["big"]?.training.epochs).toBe(1);
  });

  it("freezes every level", () => {
    const config = resolved();
    expect(() => Object.assign(config.events.time ?? {}, { unit: "s" })).toThrow(TypeError);
    expect(() => Object.assign(config.models["big"]?.training ?? {}, { seed: 2 })).toThrow(TypeError);
  });

  it.each([
    ["[a.csv, b.csv.gz]", "csv"],
    ["a.TSV.gz", "tsv"],
    ["a.ndjson", "jsonl"],
  ])("tells the format of %s", (from, format) => expect(resolved(`events.from=${from}`).events.format).toBe(format));

  it("resolves hashed ids", () => {
    expect(resolved("events.itemIds={hash: 100}").events.itemIds).toEqual({ kind: "hash", buckets: 100 });
  });

  it("resolves vectors and lists", () => {
    const { attributes } = resolved(
      "events.attributes.image={kind: vector, dim: 32, from: creative}",
      "events.attributes.tags={kind: categories, delimiter: '|', ids: {hash: 9}}",
      "events.attributes.words=categories",
    ).events;
    expect(attributes).toMatchObject({
      image: { kind: "vector", from: "creative", dim: 32 },
      tags: { kind: "categories", from: "tags", delimiter: "|", ids: { kind: "hash", buckets: 9 } },
      words: { kind: "categories", from: "words", delimiter: "|", ids: { kind: "dictionary" } },
    });
  });

  it.each(["age", "hourOfDay", "dayOfWeek", "historyLength", "row", "priceBucket"])(
    "lets an attribute be called %s",
    (name) => {
      const { attributes } = resolved(`events.attributes.${name}=number`).events;
      expect(attributes[name]).toMatchObject({ kind: "number", from: name });
    },
  );
});

describe("problems", () => {
  it.each([
    ["models.big.histroy=5", "models.big.histroy", "history"],
    ["trainning={}", "trainning", "training"],
    ["events.time={from: ts, units: s}", "events.time.units", "unit"],
    ["models.big.training.learning_rate=1", "models.big.training.learning_rate", "learningRate"],
  ])("%s: the nearest key is named", (override, path, guess) => {
    const error = failed(override);
    expect(error.code).toBe("CONFIG_UNKNOWN_KEY");
    expect(error.where).toBe(`${FILE}: ${path}`);
    expect(error.hint).toContain(`Did you mean '${guess}'?`);
  });

  it.each([
    ["~split.trainUntil", "split.trainUntil", "nothing"],
    ["training.globalBatchSize=0", "training.globalBatchSize", "0"],
    ["training.epochs=1.5", "training.epochs", "1.5"],
    ["training.learningRate=inf", "training.learningRate", "Infinity"],
    ["training.learningRate=nan", "training.learningRate", "NaN"],
    ["training.learningRate=0", "training.learningRate", "0"],
    ["training.warmupRatio=1.1", "training.warmupRatio", "1.1"],
    ["training.decayRatio=-0.1", "training.decayRatio", "-0.1"],
    ["models.big.size=huge", "models.big.size", "'huge'"],
    ["models={}", "models", "{}"],
    ["events.from=[]", "events.from", "[]"],
    ["events.from=[a.csv, 5]", "events.from.1", "5"],
    ["events.from=[a.csv, b.tsv]", "events.format", "nothing"],
    ["events.from=a.log", "events.format", "nothing"],
    ["events.user=''", "events.user", "''"],
    ["events.origin={value: paid}", "events.origin.value", "'paid'"],
    ["events.latest=1999-01-01", "events.latest", "'1999-01-01'"],
    ["objectives.click.delay=7", "objectives.click.delay", "7"],
    ["objectives.click.delay=7days", "objectives.click.delay", "'7days'"],
    ["split.trainUntil=2022-02-30", "split.trainUntil", "'2022-02-30'"],
    ["split.validationUntil=2022-04-18", "split.validationUntil", "'2022-04-18'"],
    ["split.testUntil=2022-01-01", "split.testUntil", "'2022-01-01'"],
    ["events.attributes.Click=number", "objectives.click", "'click', which is already events.attributes.Click"],
    ["events.attributes.Surface=number", "events.attributes.Surface", "'Surface', which is already a key"],
    ["events.attributes.embedding={kind: vector, dim: 2}", "events.attributes.embedding", "'embedding', which is"],
    ["events.attributes.bids=number", "events.attributes.bids", "'bids', which is already a key"],
    ["events.attributes.image=vector", "events.attributes.image", "'vector'"],
    ["events.attributes.image={kind: vector}", "events.attributes.image.dim", "nothing"],
    ["events.attributes.image={kind: vector, dim: 0}", "events.attributes.image.dim", "0"],
    ["events.attributes.image={kind: vector, dim: 1025}", "events.attributes.image.dim", "1025"],
    ["events.attributes.image={dim: 3}", "events.attributes.image.kind", "nothing"],
    ["events.attributes.tags={kind: categories, delimiter: ''}", "events.attributes.tags.delimiter", "''"],
    ["events.outcomes.tags={kind: categories}", "events.outcomes.tags.kind", "'categories'"],
    ["events.outcomes.click={kind: flag}", "events.outcomes.click", "'click', which is already objectives.click"],
    [
      "events.attributes.clicked={from: is_click, kind: flag}",
      "events.attributes.clicked.from",
      "'is_click', which objectives",
    ],
  ])("%s", (override, path, got) => {
    const error = failed(override);
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.where).toBe(`${FILE}: ${path}`);
    expect(error.got.slice(0, got.length)).toBe(got);
  });

  it("are all reported at once", () => {
    const error = failed("training.epochs=0", "models.big.kind=gpt", "events.usr=x");
    expect(error.message).toContain("training.epochs");
    expect(error.message).toContain("models.big.kind");
    expect(error.message).toContain("events.usr");
  });

  it.each([null, undefined, 5, "text", [], new Date(0), () => USER])("%s is no configuration", (value) => {
    expect(failure(value).where).toBe(FILE);
  });

  it("refuses keys that reach prototypes", () => {
    for (const key of ["__proto__", "constructor", "prototype", "toString"]) {
      const objectives: unknown = JSON.parse(`{"click": {}, "${key}": {"from": "x"}}`);
      expect(failure({ ...USER, objectives }).code).toBe("CONFIG_UNKNOWN_KEY");
    }
    expect(failure(JSON.parse('{"__proto__": {"store": "x"}}')).code).toBe("CONFIG_UNKNOWN_KEY");
    expect({}).not.toHaveProperty("store");
  });

  it("of 2,000 mutated configurations are errors as data", () => {
    const place = fc.array(fc.nat(), { minLength: 1, maxLength: 5 });
    const junk = fc.oneof(
      fc.anything({ withDate: true, withMap: true, withNullPrototype: true }),
      fc.constantFrom("", -1, Number.POSITIVE_INFINITY, "2022-99-99"),
    );
    const key = fc.option(fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "from", "kind")));
    let refused = 0;
    fc.assert(
      fc.property(place, junk, key, (path, value, newKey) => {
        try {
          resolveConfig(mutate(USER, path, { value, newKey }), FILE);
        } catch (error) {
          expect(error).toBeInstanceOf(LapidaryError);
          expect((error as LapidaryError).code).not.toBe("INTERNAL");
          refused++;
        }
      }),
      { numRuns: 2_000 },
    );
    expect(refused).toBeGreaterThan(1_000);
  });
});

/** A copy with one place replaced, or one key added. */
function mutate(value: unknown, path: readonly number[], change: { value: unknown; newKey: string | null }): unknown {
  const [step, ...rest] = path;
  if (typeof value !== "object" || value === null || step === undefined) return change.value;
  const keys = Object.keys(value);
  const key = keys[step % keys.length];
  if (key === undefined) return change.value;
  if (rest.length === 0 && change.newKey !== null)
    return Object.fromEntries([...Object.entries(value), [change.newKey, change.value]]);
  const entries = Object.entries(value).map(([name, member]): [string, unknown] => [
    name,
    name === key ? mutate(member, rest, change) : member,
  ]);
  return Object.fromEntries(entries);
}

describe("the resolved configuration as JSON", () => {
  it("does not depend on the order in which the keys were written", () => {
    const { events, models, ...others } = USER;
    const [from, ...rest] = Object.entries(events).reverse();
    const shuffled = { models, ...others, events: Object.fromEntries([...rest, ...(from ? [from] : [])]) };
    expect(JSON.stringify(resolveConfig(shuffled, FILE))).toBe(JSON.stringify(resolved()));
  });

  it("keeps every value", () => {
    expect(JSON.parse(JSON.stringify(resolved()))).toEqual(resolved());
  });
});

describe("the schema", () => {
  it("describes every key", () => {
    const missing = undescribed(CONFIG_SCHEMA, "");
    expect(missing).toEqual([]);
  });

  it("is written as plain JSON Schema", () => {
    const parsed: unknown = JSON.parse(schemaText());
    expect(parsed).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      additionalProperties: false,
    });
    expect(schemaText()).not.toContain("~");
  });
});

/** Paths of the members of all `properties` that have no description. */
function undescribed(schema: unknown, path: string): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) => {
    const members = key === "properties" ? Object.entries(value as Record<string, object>) : [];
    const here = members.filter(([, member]) => !("description" in member)).map(([name]) => `${path}.${name}`);
    return [...here, ...undescribed(value, `${path}.${key}`)];
  });
}
