import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../../data/events.test.support.ts";
import type { FeatureSpec } from "../../features/spec.ts";
import { checkBegunInputs } from "./begun-inputs.ts";
import { CheckpointFolder } from "./checkpoint.ts";

const price = { name: "price", table: "price@bucket", cardinality: 128 };
const specOf = (scale?: number): FeatureSpec => ({
  ...{
    contextual: [],
    candidate: [],
    numbers: [{ name: "price", mean: 0.1 + 0.2, deviation: 1e-17 }],
    objectives: ["click"],
  },
  history: [scale === undefined ? price : { ...price, scale }],
});

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder[Symbol.dispose]());

/** A run's folder with the inputs that it was begun with, and with a checkpoint or without. */
function begun(spec: FeatureSpec | null, checkpoint = "best") {
  const [inputs, checkpoints] = [join(folder.path, "inputs"), join(folder.path, "checkpoints")];
  mkdirSync(inputs);
  mkdirSync(join(checkpoints, checkpoint), { recursive: true });
  if (spec !== null) writeFileSync(join(inputs, "facts.json"), JSON.stringify({ spec, rates: [0.1] }, null, 2));
  return { path: folder.path, inputs, checkpoints: new CheckpointFolder(checkpoints) };
}

describe("a run that goes on", () => {
  it("goes on with the inputs that it was begun with, to the last bit", () => {
    expect(() => checkBegunInputs(begun(specOf(16)), specOf(16))).not.toThrow();
  });

  it.each([undefined, 8])("is refused with others: a number's scale was %s", (scale) => {
    expect(() => checkBegunInputs(begun(specOf(scale)), specOf(16))).toThrowError(
      expect.objectContaining({ code: "RUN_CHANGED", where: folder.path }),
    );
  });

  it("begins again where nothing was learned, or nothing is known of its inputs", () => {
    expect(() => checkBegunInputs(begun(specOf(8), ".step-1.partial"), specOf(16))).not.toThrow();
  });

  it("is told by its checkpoints where it has no facts", () => {
    expect(() => checkBegunInputs(begun(null), specOf(16))).not.toThrow();
  });
});
