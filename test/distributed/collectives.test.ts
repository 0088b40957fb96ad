import { beforeAll, describe, expect, it } from "vitest";
import { type Results, resultsOf } from "./cases.ts";
import { CASES } from "./collective-cases.ts";

const program = new URL("./collectives-worker.js", import.meta.url);

describe.each([1, 2, 3])("a process group of %i", (size) => {
  let results: readonly Results[] = [];

  beforeAll(async () => {
    results = await resultsOf(program, size);
  });

  it.each(Object.keys(CASES))("%s", (name) => {
    expect(results.map((result) => result.get(name))).toEqual(new Array(size).fill(null));
  });
});
