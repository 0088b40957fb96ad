import { describe, expect, it } from "vitest";
import type { TextConfig } from "../types.ts";
import { PLAIN_TEXT, textOfFormat } from "./resolve-fields.ts";

describe("textOfFormat", () => {
  const text: TextConfig = { ...PLAIN_TEXT, delimiter: ";", encoding: "latin-1", decimal: ",", nulls: ["NULL"] };

  it("is what is said of the log, of files of its own format alone", () => {
    expect(textOfFormat({ format: "csv", text }, "csv")).toEqual(text);
    for (const other of ["tsv", "jsonl", "parquet"] as const)
      expect(textOfFormat({ format: "csv", text }, other)).toEqual(PLAIN_TEXT);
  });

  it("of a log that is no text is of the text beside it", () => {
    expect(textOfFormat({ format: "parquet", text }, "csv")).toEqual(text);
  });
});
