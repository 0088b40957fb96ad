import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseExactJson } from "./exact-json.ts";

const parse = (text: string) => parseExactJson(Buffer.from(text));

describe("parseExactJson", () => {
  it("reads everything else as JSON.parse does", () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: "grapheme" }), (text) => {
        // Long numbers have a test of their own.
        fc.pre(!/\d{16}/.test(text.replace(/"(?:[^"\\]|\\.)*"/g, "")));
        expect(parse(text)).toEqual({ value: JSON.parse(text), repeated: null });
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["[12345678901234567890]", ["12345678901234567890"]],
    ["-12345678901234567", "-12345678901234567"],
    ["[-12345678901234567, 123456789012345]", ["-12345678901234567", 123456789012345]],
    ['{"a":9007199254740993,"b":"9007199254740993"}', { a: "9007199254740993", b: "9007199254740993" }],
    [
      "[0.12345678901234566, 12345678901234568e0, 1234567890123456.5]",
      [0.12345678901234566, 12345678901234568, 1234567890123456.5],
    ],
    ['{"12345678901234567":[{"a\\"":1234567890123456}]}', { "12345678901234567": [{ 'a"': "1234567890123456" }] }],
  ])("keeps the digits of %s", (text, value) => expect(parse(text)).toEqual({ value, repeated: null }));

  it.each([
    ['{"a":1,"a":1}', "a"],
    ['{"a":1,"\\u0061":2}', "a"],
    ['{"events":[{"a":{"a":1}},{"a":"a\\":","time":{},"time":null}]}', "events[1].time"],
    ['[[],[1,{"x":[{"b":1},{"":0,"b":{},"":0}]}]]', "[1][1].x[1]."],
    ['{"a":{"b":1},"c":{"b":1},"a":{"b":2}}', "a"],
    ['{"__proto__":1,"__proto__":2}', "__proto__"],
  ])("names the repeated key of %s", (text, path) => expect(parse(text).repeated).toBe(path));

  it.each([
    '{"a":{"a":[{"a":1},{"a":2}]},"b":"a"}',
    '{"a:":":","b":"\\\\","c":"\\":\\""}',
    '{"é":1,"e\\u0301":2}',
    '":"',
    "[]",
  ])("finds none in %s", (text) => expect(parse(text).repeated).toBeNull());

  it.each(["", "{", '{"a":1,}', "[01]", '"\\"'])("throws at %j", (text) => {
    expect(() => parse(text)).toThrow(SyntaxError);
  });
});
