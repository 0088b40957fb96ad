import Type from "typebox";
import { describe, expect, expectTypeOf, it } from "vitest";
import { defaultsOf, type Filled, fillIn, withDefault } from "./defaults.ts";
import { choice, integer, named, record, text } from "./schema-parts.ts";

const SCHEMA = record(
  {
    name: text("Required."),
    size: withDefault(integer("How large."), 3),
    title: Type.Optional(text("Without a default.")),
    colours: withDefault(Type.Array(choice(["red", "blue"], "A colour.")), ["red"]),
    part: Type.Optional(
      record({ depth: withDefault(integer("How deep."), 0), note: Type.Optional(text("Words.")) }, "Part."),
    ),
    others: Type.Optional(named(integer("One."), { description: "By name." })),
  },
  "A thing.",
);
const DEFAULTS = { size: 3, title: null, colours: ["red"], part: { depth: 0, note: null }, others: null };

describe("filling in", () => {
  it("takes the default of what was left out, null where there is none, and what was written as it is", () => {
    expect(fillIn(SCHEMA, { name: "a" })).toEqual({ name: "a", ...DEFAULTS });
    const written = { name: "a", size: 0, title: "t", colours: [], part: { note: "n" }, others: { one: 1 } };
    expect(fillIn(SCHEMA, written)).toEqual({ ...written, part: { depth: 0, note: "n" } });
  });

  it("has the keys of the schema in its order, and no others", () => {
    const mixed = { size: 1, more: 2, name: "a" };
    expect(Object.keys(fillIn(SCHEMA, mixed))).toEqual(["name", "size", "title", "colours", "part", "others"]);
  });

  it("leaves what was written as it was", () => {
    const written = Object.freeze({ name: "a", part: Object.freeze({}) });
    fillIn(SCHEMA, written);
    expect(written).toEqual({ name: "a", part: {} });
  });

  it("has a type that says so, and that nothing may be written to", () => {
    expectTypeOf<Filled<typeof SCHEMA>>().toEqualTypeOf<{
      readonly name: string;
      readonly size: number;
      readonly title: string | null;
      readonly colours: readonly ("red" | "blue")[];
      readonly part: { readonly depth: number; readonly note: string | null };
      readonly others: { readonly [name: string]: number } | null;
    }>();
  });
});

describe("the defaults of a schema", () => {
  it("are what holds if nothing is written, without what must be", () => {
    expect(defaultsOf(SCHEMA)).toEqual(DEFAULTS);
  });

  it("stand in the JSON Schema that editors read", () => {
    expect(JSON.parse(JSON.stringify(SCHEMA))).toMatchObject({
      required: ["name"],
      properties: { size: { type: "integer", default: 3, description: "How large." } },
    });
  });
});
