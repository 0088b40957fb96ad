import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CASES } from "./collective-cases.ts";
import { endWorlds, startWorld } from "./world.ts";

const program = new URL("./collectives-worker.js", import.meta.url);

afterAll(endWorlds);

describe.each([1, 2, 3])("a process group of %i", (size) => {
  const results: Map<string, string | null>[] = [];
  const codes: (number | null)[] = [];

  beforeAll(async () => {
    for (const { ended, lines } of await startWorld({ size, program })) {
      codes.push(await ended);
      const entries = lines.map((line) => JSON.parse(line) as { name: string; problem: string | null });
      results.push(new Map(entries.map(({ name, problem }) => [name, problem])));
    }
  });

  it.each(Object.keys(CASES))("%s", (name) => {
    expect(results.map((result) => result.get(name))).toEqual(new Array(size).fill(null));
  });

  it("ends well", () => {
    expect(codes).toEqual(new Array(size).fill(0));
  });
});
