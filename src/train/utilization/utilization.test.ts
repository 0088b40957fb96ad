import { beforeAll, describe, expect, it } from "vitest";
import { makeStore, temporaryFolder, trainAlone } from "../../../test/train/project.ts";
import { ProcessMesh } from "../../distributed/index.ts";
import { tinyBatch } from "../../model/testing.ts";
import { setThreads } from "../../torch/index.ts";
import { peakFlops } from "./peak.ts";
import { bytesOf, WorkMeter } from "./utilization.ts";

const mesh = ProcessMesh.single();
const OPTIONS = { training: { precision: "float32" }, mesh } as const;

beforeAll(() => setThreads(1));

describe("what a meter of work says", () => {
  it("is nothing before the first update", () => {
    const meter = new WorkMeter();
    meter.addWaiting(1);
    expect(meter.utilization({ ...OPTIONS, trainingFlopsPerExample: 1, parts: {} })).toBeNull();
  });

  it("is FLOPs by time and peak, with waiting and without, and the shares of time", () => {
    const meter = new WorkMeter();
    const batch = tinyBatch([2, 0, 3]);
    const phases = { forward: 1, backward: 2, dense: 0.5, tables: 0.5 };
    for (let i = 0; i < 2; i++) meter.addUpdate(batch, { examples: 100, phases });
    meter.addWaiting(1.5);
    meter.addWaiting(0.5);
    meter.addValidation(30);
    const peak = peakFlops("float32");
    const parts = { a: { seconds: 3, flops: 0.6 * peak }, b: { seconds: 1, flops: 0.5 * peak } };
    // 200 examples in 8 s of updates and 2 s of waiting.
    const use = meter.utilization({ ...OPTIONS, trainingFlopsPerExample: peak / 100, parts });
    expect(use?.peakFlops).toBe(peak);
    expect(use?.mfu).toBeCloseTo(0.2, 12);
    expect(use?.updateMfu).toBeCloseTo(0.25, 12);
    expect(use?.waitRatio).toBeCloseTo(0.2, 12);
    expect(use?.validationRatio).toBeCloseTo(0.75, 12);
    expect(use?.batchBytesPerSecond).toBeCloseTo((2 * bytesOf(batch)) / 10, 9);
    expect(use?.phases).toEqual({ forward: 0.25, backward: 0.5, dense: 0.125, tables: 0.125 });
    expect(use?.forwardParts).toEqual({
      a: { timeRatio: 0.75, mfu: expect.closeTo(0.2, 12) },
      b: { timeRatio: 0.25, mfu: expect.closeTo(0.5, 12) },
    });
  });

  it("counts the bytes of every column of a batch, wherever it lies", () => {
    const columns = { a: new Int32Array(3), b: { c: new Float64Array(2), d: [new Uint8Array(5)] }, e: 7, f: null };
    expect(bytesOf(columns)).toBe(3 * 4 + 2 * 8 + 5);
  });
});

describe("a run", () => {
  it.each(["previous", "foundation"])("of %s tells how it used the machine", async (model) => {
    using folder = temporaryFolder();
    const project = await makeStore(folder.path);
    const outcome = await trainAlone(project, { model });
    if (outcome.kind === "stopped") throw new Error("stopped");
    const { utilization: use, costByPart, trainSeconds, trainingFlopsPerExample, steps } = outcome.summary;
    const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
    expect(sum(Object.values(use?.phases ?? {}))).toBeCloseTo(1, 9);
    expect(sum(Object.values(use?.forwardParts ?? {}).map(({ timeRatio }) => timeRatio))).toBeCloseTo(1, 9);
    expect(Object.keys(use?.forwardParts ?? {})).toEqual(expect.arrayContaining(Object.keys(costByPart)));
    expect(use?.mfu).toBeGreaterThan(0);
    expect(use?.mfu).toBeLessThanOrEqual(use?.updateMfu ?? 0);
    // What an update does beside its phases is little; the same clock, at other places.
    const flops = trainingFlopsPerExample * steps * 36;
    const measured = flops / (trainSeconds * (use?.peakFlops ?? 0));
    expect(measured).toBeLessThanOrEqual(use?.updateMfu ?? 0);
  });

  it("without updates does not", async () => {
    using folder = temporaryFolder();
    const outcome = await trainAlone(await makeStore(folder.path), { model: "baseRate" });
    expect(outcome).toMatchObject({ kind: "finished", summary: { utilization: null } });
  });
});
