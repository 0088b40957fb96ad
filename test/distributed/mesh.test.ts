import { beforeAll, describe, expect, it } from "vitest";
import { ProcessMesh } from "../../src/distributed/index.ts";
import { type Results, resultsOf } from "./cases.ts";
import { MESH_CASES } from "./mesh-cases.ts";

const program = new URL("./mesh-worker.js", import.meta.url);

describe.each([1, 3])("a mesh of %i", (size) => {
  let results: readonly Results[] = [];

  beforeAll(async () => {
    results = await resultsOf(program, size);
  });

  it.each(Object.keys(MESH_CASES))("%s", (name) => {
    expect(results.map((result) => result.get(name))).toEqual(new Array(size).fill(null));
  });
});

describe("a mesh of the environment", () => {
  it("is this process alone where the environment names none, or names one", () => {
    const alone = { MASTER_ADDR: "127.0.0.1", MASTER_PORT: "1", RANK: "0", WORLD_SIZE: "1" };
    for (const variables of [{}, alone]) expect(ProcessMesh.fromEnvironment({}, variables).size).toBe(1);
  });

  it("is an error where the environment says only a part", () => {
    const error = expect.objectContaining({ code: "DISTRIBUTED_ENVIRONMENT" });
    expect(() => ProcessMesh.fromEnvironment({}, { WORLD_SIZE: "2" })).toThrow(error);
  });
});
