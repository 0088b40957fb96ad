import { describe, expect, it } from "vitest";
import { deriveSpec } from "./derive-spec.ts";
import type { EventSchema } from "./schema.ts";
import { Vocabulary } from "./vocabulary.ts";

const SCHEMA: EventSchema = {
  attributes: [
    { name: "brand", kind: "category" },
    { name: "price", kind: "number" },
    { name: "isNew", kind: "flag" },
  ],
  outcomes: [
    { name: "click", kind: "flag", delayMs: 0, objective: true },
    { name: "reason", kind: "category", delayMs: 5, objective: false },
    { name: "playTime", kind: "number", delayMs: 5, objective: false },
  ],
};
const CARDINALITIES = { user: 11, item: 101, action: 3, surface: 4, origin: 3, brand: 6, reason: 9 };

describe("deriveSpec", () => {
  it("puts each fact where it may be read", () => {
    const spec = deriveSpec(SCHEMA, { cardinalities: CARDINALITIES });
    const names = (features: readonly { name: string }[]) => features.map(({ name }) => name);
    expect(names(spec.contextual)).toEqual(["user", "surface", "@hourOfDay", "@dayOfWeek"]);
    expect(names(spec.candidate)).toEqual(["item", "origin", "brand", "price", "isNew"]);
    expect(names(spec.numbers)).toEqual(["price", "@historyLength"]);
    const facts = ["brand", "price", "isNew", "click", "reason", "playTime"];
    expect(names(spec.history)).toEqual(["item", "action", "surface", "origin", ...facts, "@age"]);
    expect(spec.objectives).toEqual(["click"]);
  });

  it("leaves out of the history what it is told to, there alone", () => {
    const attributes = SCHEMA.attributes.map((field) =>
      field.name === "isNew" ? field : ({ ...field, history: false } as typeof field),
    );
    const left = deriveSpec({ ...SCHEMA, attributes }, { cardinalities: CARDINALITIES });
    const { history, ...rest } = deriveSpec(SCHEMA, { cardinalities: CARDINALITIES });
    const kept = history.filter(({ name }) => !["brand", "price"].includes(name));
    expect(left).toEqual({ ...rest, history: kept });
    expect(history.length - kept.length).toBe(2);
  });

  it("never gives an outcome of the event itself as an input", () => {
    const spec = deriveSpec(SCHEMA, { cardinalities: CARDINALITIES });
    const inputs = [...spec.contextual, ...spec.candidate, ...spec.numbers].map(({ name }) => name);
    for (const { name } of SCHEMA.outcomes) expect(inputs).not.toContain(name);
  });

  it("standardizes dense inputs as it is told, and leaves the others as they are", () => {
    const moments = { price: { mean: 3, deviation: 2 } };
    const { numbers } = deriveSpec(SCHEMA, { cardinalities: CARDINALITIES, moments });
    expect(numbers).toEqual([
      { name: "price", mean: 3, deviation: 2 },
      { name: "@historyLength", mean: 0, deviation: 1 },
    ]);
  });

  it("tells the moments of outcomes, in the history alone", () => {
    const outcomeMoments = { click: { mean: 1.1, deviation: 0.3 }, price: { mean: 70, deviation: 2 } };
    const { contextual, candidate, history } = deriveSpec(SCHEMA, { cardinalities: CARDINALITIES, outcomeMoments });
    const told = [...contextual, ...candidate, ...history].filter(({ moments }) => moments !== undefined);
    expect(told).toEqual([{ name: "click", table: "click", cardinality: 3, moments: { mean: 1.1, deviation: 0.3 } }]);
  });

  it("scales a number alike wherever its table is read, and says so only where it is scaled", () => {
    const bucketScales = { price: 1024, playTime: 1 / 8 };
    const spec = deriveSpec(SCHEMA, { cardinalities: CARDINALITIES, bucketScales });
    const scales = [...spec.contextual, ...spec.candidate, ...spec.history].flatMap(({ table, scale }) => {
      return scale === undefined ? [] : [[table, scale]];
    });
    expect(scales).toEqual([
      ["price@bucket", 1024],
      ["price@bucket", 1024],
      ["playTime@bucket", 1 / 8],
    ]);
    const unscaled = deriveSpec(SCHEMA, { cardinalities: CARDINALITIES, bucketScales: { price: 1 } });
    expect(unscaled).toEqual(deriveSpec(SCHEMA, { cardinalities: CARDINALITIES }));
    expect(JSON.stringify(unscaled)).not.toContain("scale");
  });

  it("gives one table one size, and shares it between candidate and history", () => {
    const vocabularies = {
      item: new Vocabulary(Float64Array.of(Number.POSITIVE_INFINITY, 5, Number.POSITIVE_INFINITY, 5)),
    };
    const spec = deriveSpec(SCHEMA, { cardinalities: CARDINALITIES, vocabularies });
    const sizes = new Map<string, number>();
    for (const { table, cardinality } of [...spec.contextual, ...spec.candidate, ...spec.history]) {
      expect(sizes.get(table) ?? cardinality).toBe(cardinality);
      sizes.set(table, cardinality);
    }
    expect(Object.fromEntries(sizes)).toEqual({
      ...CARDINALITIES,
      item: 3,
      "@hourOfDay": 25,
      "@dayOfWeek": 8,
      isNew: 3,
      click: 3,
      "price@bucket": 128,
      "playTime@bucket": 128,
      "@age": 57,
    });
  });

  it("reads vectors and lists of the candidate and of past events, and each number once", () => {
    const schema: EventSchema = {
      ...SCHEMA,
      attributes: [
        ...SCHEMA.attributes,
        { name: "image", kind: "vector", dim: 3 },
        { name: "tags", kind: "categories" },
        { name: "age", kind: "number" },
      ],
    };
    const vocabularies = { tags: new Vocabulary(Float64Array.of(Number.POSITIVE_INFINITY, 5)) };
    const facts = { cardinalities: { ...CARDINALITIES, tags: 70 }, vocabularies };
    const spec = deriveSpec(schema, { ...facts, scales: { image: 4 } });
    expect(spec.content).toEqual({
      vectors: [{ name: "image", dim: 3, scale: 4 }],
      lists: [{ name: "tags", table: "tags", cardinality: 2 }],
    });
    const names = [...spec.candidate, ...spec.history].map(({ name }) => name);
    expect(names.filter((name) => name === "image" || name === "tags")).toEqual([]);
    const ages = spec.history.filter(({ name }) => name.includes("age"));
    expect(ages.map(({ name, table }) => [name, table])).toEqual([
      ["age", "age@bucket"],
      ["@age", "@age"],
    ]);
    expect(deriveSpec(SCHEMA, facts)).not.toHaveProperty("content");
  });

  it("says which cardinality is missing", () => {
    const { brand: _, ...cardinalities } = CARDINALITIES;
    expect(() => deriveSpec(SCHEMA, { cardinalities })).toThrow(/deriveSpec: brand: .*INTERNAL/);
  });
});
