/** The models that peers are written of: whoever changes one here must change it there. */
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { setThreads, threads } from "../src/torch/index.ts";
import { foundationSides } from "./step.ts";
import { previousSides } from "./train-step.ts";
import { TrainingPair, type TrainingSides } from "./training-pair.ts";

const SHAPE = { size: 6, history: 12, power: 2 } as const;
const NUM_BATCHES = 3;

const SIDES: Readonly<Record<string, () => TrainingSides>> = {
  foundation: () => foundationSides({ size: "tiny", shape: SHAPE }, NUM_BATCHES),
  previous: () => previousSides({ size: "tiny", threads: 1, shape: SHAPE }, NUM_BATCHES),
};

/** The pair; where this machine has no PyTorch, the test is left out. */
async function started(sides: TrainingSides, { skip }: TestContext): Promise<TrainingPair> {
  try {
    return await TrainingPair.start(sides);
  } catch (error) {
    if ((error as { readonly code?: string }).code === "BENCH_PEER_UNAVAILABLE") skip("no python3-torch");
    throw error;
  }
}

let before: number;
beforeAll(() => {
  before = threads();
});
afterAll(() => setThreads(before));

describe.each(Object.entries(SIDES))("TrainingPair of %s", (_, sides) => {
  it("has the same losses on both sides", async (context) => {
    await using pair = await started(sides(), context);
    await pair.checkLosses("test", 1e-5);
    expect(await pair.peerSecondsFor?.(1)).toBeGreaterThan(0);
  });

  it("tells losses apart that one update makes", async (context) => {
    await using pair = await started(sides(), context);
    pair.step();
    await expect(pair.checkLosses("test", 1e-5)).rejects.toMatchObject({ code: "BENCH_MISMATCH" });
  });

  it("trains alone, and has nothing to compare", async () => {
    await using pair = await TrainingPair.start({ ...sides(), peer: null });
    expect(pair.peerSecondsFor).toBeNull();
    await pair.checkLosses("test", 0);
    expect(pair.losses()).toHaveLength(NUM_BATCHES);
  });
});
