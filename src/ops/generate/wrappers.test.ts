import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { buildInfo } from "../../torch/index.ts";
import { OPERATORS } from "../../torch/operators/operators.ts";
import { WINGS } from "../operators.ts";
import { generateWrappers } from "./wrappers.ts";

// This file runs as dist/src/ops/generate/wrappers.test.js.
const SOURCES = join(import.meta.dirname, "../../../../src");

describe("the generated wrappers", () => {
  // The checked-in text is that of the libtorch that we pin; another writes some schemas differently.
  test.runIf(buildInfo().torch.startsWith("1.13."))("are what `npm run generate` would write", () => {
    for (const [file, text] of Object.entries(generateWrappers())) {
      expect(readFileSync(join(SOURCES, file), "utf8")).toBe(text);
    }
  });

  test("are generated alike twice, one per operator", () => {
    const texts = generateWrappers();
    expect(generateWrappers()).toEqual(texts);
    const documented = [
      ...Object.values(texts)
        .join("")
        .matchAll(/\/\*\*(?:\n \*)? `(?:aten|lapidary)::/g),
    ];
    expect(documented).toHaveLength([...OPERATORS, ...Object.values(WINGS).flat()].length);
  });
});
