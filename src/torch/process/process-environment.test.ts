import { describe, expect, it } from "vitest";
import { isDistributed, readProcessEnvironment } from "./process-environment.ts";
import { ProcessGroup } from "./process-group.ts";

const PLACE = { MASTER_ADDR: "10.0.0.1", MASTER_PORT: "29500", RANK: "3", WORLD_SIZE: "8" };

describe("the place of a process", () => {
  it("is read from what every launcher sets", () => {
    const place = readProcessEnvironment(PLACE);
    expect(place).toEqual({
      ...{ rank: 3, size: 8, localRank: 3, localSize: 8, address: "10.0.0.1", port: 29_500 },
      ...{ serve: false, prefix: "lapidary/0" },
    });
  });

  it("has a part on this machine", () => {
    const { localRank, localSize } = readProcessEnvironment({ ...PLACE, LOCAL_RANK: "1", LOCAL_WORLD_SIZE: "2" });
    expect([localRank, localSize]).toEqual([1, 2]);
    expect(readProcessEnvironment({ ...PLACE, LOCAL_WORLD_SIZE: "2" }).localRank).toBe(1);
  });

  it("serves the store on rank 0, unless torchrun's agent does; a restarted job has keys of its own", () => {
    expect(readProcessEnvironment({ ...PLACE, RANK: "0" }).serve).toBe(true);
    const restarted = { ...PLACE, RANK: "0", TORCHELASTIC_USE_AGENT_STORE: "True", TORCHELASTIC_RESTART_COUNT: "2" };
    expect(readProcessEnvironment(restarted)).toMatchObject({ serve: false, prefix: "lapidary/2" });
  });

  it.each([
    ["no address", { MASTER_ADDR: undefined }],
    ["an empty address", { MASTER_ADDR: "" }],
    ["no rank", { RANK: undefined }],
    ["a rank that is too large", { RANK: "8" }],
    ["a negative rank", { RANK: "-1" }],
    ["a rank that is no integer", { RANK: "1.5" }],
    ["a port of text", { MASTER_PORT: "http" }],
    ["port 0", { MASTER_PORT: "0" }],
    ["a port that is too large", { MASTER_PORT: "65536" }],
    ["no processes", { WORLD_SIZE: "0" }],
    ["more processes on this machine than there are", { LOCAL_WORLD_SIZE: "9" }],
    ["a local rank outside of this machine", { LOCAL_WORLD_SIZE: "2", LOCAL_RANK: "2" }],
  ])("must not have %s", (_, wrong) => {
    const [name = ""] = Object.keys(wrong).toReversed();
    const error = expect.objectContaining({ code: "DISTRIBUTED_ENVIRONMENT", message: expect.stringContaining(name) });
    expect(() => ProcessGroup.fromEnvironment({}, { ...PLACE, ...wrong })).toThrow(error);
  });

  it("is none without a rank and a number of processes", () => {
    expect(isDistributed({ MASTER_ADDR: "10.0.0.1" })).toBe(false);
    expect([isDistributed({ RANK: "0" }), isDistributed({ WORLD_SIZE: "1" })]).toEqual([true, true]);
  });
});

describe("connecting", () => {
  it.each([{ timeoutMs: 0 }, { rendezvousTimeoutMs: Number.NaN }, { backend: "mpi" as "gloo" }])(
    "refuses %j",
    (options) => {
      const place = readProcessEnvironment(PLACE);
      expect(() => ProcessGroup.connect(place, options)).toThrow(expect.objectContaining({ code: "TORCH_ARGUMENT" }));
    },
  );
});
