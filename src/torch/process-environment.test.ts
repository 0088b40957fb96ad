import { describe, expect, test } from "vitest";
import { isDistributed, readProcessEnvironment, type Variables } from "./process-environment.ts";

const WHOLE: Variables = { MASTER_ADDR: "host", MASTER_PORT: "29500", RANK: "1", WORLD_SIZE: "4" };

describe("the place among processes", () => {
  test("is what the launcher says", () => {
    const place = { rank: 1, size: 4, localSize: 4, address: "host", port: 29500, serve: false, prefix: "lapidary/0" };
    expect(readProcessEnvironment(WHOLE)).toEqual(place);
    expect(readProcessEnvironment({ ...WHOLE, RANK: "0", LOCAL_WORLD_SIZE: "2" })).toEqual({
      ...place,
      rank: 0,
      localSize: 2,
      serve: true,
    });
  });

  test("leaves the store to torchrun's agent, and starts new keys after a restart", () => {
    const agent = { RANK: "0", TORCHELASTIC_USE_AGENT_STORE: "True", TORCHELASTIC_RESTART_COUNT: "2" };
    expect(readProcessEnvironment({ ...WHOLE, ...agent })).toMatchObject({ serve: false, prefix: "lapidary/2" });
  });

  test("names all that is missing", () => {
    expect(() => readProcessEnvironment({ RANK: "0", MASTER_ADDR: "" })).toThrow(
      expect.objectContaining({ code: "DISTRIBUTED_ENVIRONMENT", got: "no MASTER_ADDR, MASTER_PORT, WORLD_SIZE" }),
    );
  });

  test.each([
    ["RANK", "4"],
    ["RANK", "-1"],
    ["RANK", "1.0"],
    ["RANK", " 1"],
    ["WORLD_SIZE", "0"],
    ["WORLD_SIZE", "1e2"],
    ["MASTER_PORT", "0"],
    ["MASTER_PORT", "65536"],
    ["LOCAL_WORLD_SIZE", "5"],
    ["LOCAL_WORLD_SIZE", ""],
  ])("refuses %s=%j", (name, text) => {
    expect(() => readProcessEnvironment({ ...WHOLE, [name]: text })).toThrow(
      expect.objectContaining({ code: "DISTRIBUTED_ENVIRONMENT", where: name, got: JSON.stringify(text) }),
    );
  });

  test("is there once a launcher has set any part of it", () => {
    expect([{}, { MASTER_ADDR: "host" }, { RANK: "0" }, { WORLD_SIZE: "1" }].map(isDistributed)).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });
});
