/** What a teacher says of amounts and counts: kept, found again, and learned from. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/train/project.ts";
import { ProcessMesh } from "../distributed/index.ts";
import { objectivesOf } from "../features/objectives.ts";
import type { FeatureSpec } from "../features/spec.ts";
import { buildModel, Vertical } from "../model/index.ts";
import { TINY_SPEC, tinyBatch, tinyConfig } from "../model/testing.ts";
import { parametersOf } from "../nn/index.ts";
import { initial64 } from "../nn/testing.ts";
import { gradientOf, type Tensor } from "../torch/index.ts";
import { KnowledgeStore } from "./knowledge-store.ts";
import { KnowledgeWriter } from "./knowledge-writer.ts";
import { distillationOf } from "./student.ts";

const KINDS = { spend: "value", views: "count" } as const;
const SPEC: FeatureSpec = { ...TINY_SPEC, objectives: ["click", "spend", "views"], objectiveKinds: KINDS };
const over = { mesh: ProcessMesh.single(), weights: null, objectives: objectivesOf(SPEC) };

describe("knowledge of amounts and counts", () => {
  it("is found by the columns of each objective, in the order of the student", () => {
    using folder = temporaryFolder();
    const dir = join(folder.path, "teacher");
    const snapshot = { run: "r", checkpoint: "", horizonMs: 0, fromMs: 0, untilMs: 20 };
    const objectives = ["views", "spend", "click"];
    const facts = { id: "a", teacher: "t", events: "", objectives, objectiveKinds: KINDS, snapshots: [snapshot] };
    const writer = new KnowledgeWriter(dir, facts);
    writer.add({
      snapshot: 0,
      rows: Float64Array.of(0, 2),
      users: Int32Array.of(1, 1),
      times: Float64Array.of(5, 6),
      logits: Float32Array.of(1, 2, 3, 4, 5, -1, -2, -3, -4, -5),
      embeddings: new Float32Array(2),
    });
    writer.publish();
    const store = KnowledgeStore.open(dir);
    const batch = { ...tinyBatch([0, 0, 0]), rows: Float64Array.of(2, 1, 0) };
    const { logits, mask } = store.knowledgeOf(batch, SPEC);
    expect([...logits]).toEqual([-5, -2, -3, -4, -1, 0, 0, 0, 0, 0, 5, 2, 3, 4, 1]);
    expect([...mask]).toEqual([1, 1, 1, 0, 0, 0, 1, 1, 1]);
    // What it knows as an amount says nothing of an objective that is yes or no.
    const { mask: other } = store.knowledgeOf(batch, { objectives: ["spend", "click"] });
    expect([...other]).toEqual([0, 1, 0, 0, 0, 1]);
    store.close();
  });
});

describe("a student of amounts and counts", () => {
  const labels = Float32Array.of(1, 3.5, 2, 0, 0, 0, 1, 20, 1);
  const batch = { ...tinyBatch([2, 0, 3]), labels, labelMask: new Float32Array(9).fill(1) };
  const student = (technique: "none" | "distill" | "full") => {
    const inputs = { spec: SPEC, rates: [0.3, 0.5, 0.5], initial: initial64(7) };
    const amounts = { spend: { mean: 5, logDeviation: 1 }, views: { mean: 1, logDeviation: 1 } };
    const model = buildModel(tinyConfig("vertical"), { ...inputs, amounts });
    if (!(model instanceof Vertical)) throw new Error("another kind");
    const config = { technique, labelScale: 1.5, gradientScale: 1, lossWeight: 0.5 };
    return { model, supervision: distillationOf(model, config, { ...inputs, amounts }) };
  };
  const outputGradient = (
    { model, supervision }: ReturnType<typeof student>,
    logits: Float32Array,
  ): readonly number[] => {
    const past = new Float32Array(0);
    supervision.loss({ ...batch, knowledge: { logits, mask: new Float32Array(9).fill(1), past } }, over).backward();
    return (gradientOf(model.output.bias as Tensor) as Tensor).toNumbers();
  };

  it("that says what its teacher says learns from the labels alone", () => {
    const distilled = student("distill");
    const agreed = Float32Array.from(distilled.model.logits(batch).toNumbers());
    const alone = outputGradient(student("none"), agreed);
    const own = outputGradient(distilled, agreed);
    for (const [i, gradient] of own.entries()) expect(gradient).toBeCloseTo(alone[i] ?? Number.NaN, 6);
    const apart = outputGradient(
      student("distill"),
      agreed.map((value) => value + 1),
    );
    for (const [i, gradient] of apart.entries()) expect(Math.abs(gradient - (alone[i] ?? 0))).toBeGreaterThan(1e-3);
  });

  it("has heads and an adapter of every column, which all learn", () => {
    const full = student("full");
    outputGradient(full, new Float32Array(15).fill(0.3));
    const { dense } = parametersOf({ model: full.model, ...full.supervision.extra });
    const beside = dense.filter(({ name }) => name.includes("transfer"));
    expect(beside.length).toBeGreaterThan(0);
    for (const { name, tensor } of beside) {
      const gradient = gradientOf(tensor)?.toNumbers() ?? [];
      expect([name, gradient.some((value) => value !== 0) && gradient.every(Number.isFinite)]).toEqual([name, true]);
    }
    const heads = beside.filter(({ tensor }) => tensor.shape[0] === 5 && tensor.shape.length === 2);
    expect(heads).toHaveLength(2);
  });
});
