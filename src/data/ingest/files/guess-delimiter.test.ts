import { describe, expect, it } from "vitest";
import { guessDelimiter } from "./guess-delimiter.ts";

describe("guessDelimiter", () => {
  it.each([
    ["user;item;ts", { delimiter: ";", name: "semicolons" }],
    ["user\titem, of the list\tts", { delimiter: "\t", name: "tabs" }],
    ["user|item", { delimiter: "|", name: "bars" }],
    ["user,item", { delimiter: ",", name: "commas" }],
    ["user", null],
    ["", null],
  ])("of %j is %j", (header, expected) => {
    expect(guessDelimiter(header)).toEqual(expected);
  });
});
