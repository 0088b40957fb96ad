import { describe, expect, it } from "vitest";
import { MODEL_KINDS, STUDENT_KINDS, TEACHER_KINDS } from "../config/model/model.ts";
import { checkLayerGrads } from "../nn/testing.ts";
import type { Tensor } from "../torch/index.ts";
import { toBeClose } from "../torch/testing.ts";
import { isStudent, isTeacher } from "./index.ts";
import { TINY_SPEC, tinyBatch, tinyModel } from "./testing.ts";
import { Vertical } from "./vertical.ts";

function vertical(): Vertical {
  const model = tinyModel("vertical");
  if (!(model instanceof Vertical)) throw new Error("another kind");
  return model;
}

describe("the vertical model", () => {
  it("computes the user's part once for any number of candidates", () => {
    const model = vertical();
    const one = tinyBatch([4]);
    const many = tinyBatch([4, 4, 4, 4], 7);
    const user = model.user(one);
    const candidates = { ...one, size: 4, candidate: many.candidate, numbers: many.numbers };
    const scores = model.score(user.expand([4, user.shape[1] ?? 0]), candidates);
    for (let b = 0; b < 4; b++) {
      const candidate = Object.fromEntries(
        Object.entries(many.candidate).map(([name, codes]) => [name, codes.slice(b, b + 1)]),
      );
      const alone = model.logits({ ...one, candidate, numbers: many.numbers.slice(2 * b, 2 * b + 2) });
      toBeClose(scores.slice(0, b, b + 1), alone, { rtol: 1e-12, atol: 1e-12 });
    }
  });

  it("has the gradient of finite differences", () => {
    const model = vertical();
    const batch = tinyBatch([3, 0, 1]);
    checkLayerGrads(model, (replaced) => replaced.logits(batch));
  });
});

describe("a teacher", () => {
  it.each(TEACHER_KINDS)("of kind %s gives its logits and one embedding per example", (kind) => {
    const model = tinyModel(kind);
    const batch = tinyBatch([3, 0, 2]);
    if (!isTeacher(model)) throw new Error("no teacher");
    const { logits, embedding } = model.represent(batch);
    expect(logits.equal(model.logits(batch))).toBe(true);
    expect(embedding.shape).toEqual([3, kind === "vertical" ? 16 : 4]);
    expect(embedding.isfinite().all().item()).toBe(1);
  });

  it.each(["baseRate", "logistic", "wukong"] as const)("is no model of kind %s", (kind) => {
    expect(isTeacher(tinyModel(kind))).toBe(false);
  });
});

describe("a student", () => {
  it("is a model of just the kinds that a teacher may be named for", () => {
    expect(MODEL_KINDS.filter((kind) => isStudent(tinyModel(kind))).toSorted()).toEqual(STUDENT_KINDS.toSorted());
  });

  it.each(STUDENT_KINDS)("of kind %s makes its logits of its backbone", (kind) => {
    const model = tinyModel(kind);
    const batch = tinyBatch([3, 0, 2]);
    if (!isStudent(model)) throw new Error("no student");
    const backbone = model.backbone(batch);
    expect(backbone.shape[0]).toBe(3);
    expect(model.outputs(backbone, batch).equal(model.logits(batch))).toBe(true);
  });

  it.each(STUDENT_KINDS)("of kind %s reads the user's past embeddings, zeros where a batch has none", (kind) => {
    const model = tinyModel(kind, { spec: { ...TINY_SPEC, pastEmbeddings: 3 } });
    const batch = tinyBatch([2, 1]);
    const past = new Float32Array(6);
    const withPast = (): Tensor => model.logits({ ...batch, knowledge: { logits: past, mask: past, past } });
    const none = model.logits(batch);
    expect(withPast().equal(none)).toBe(true);
    past[3] = 1;
    const moved = withPast().sub(none).abs();
    expect(moved.slice(0, 0, 1).sum().item()).toBe(0);
    expect(moved.slice(0, 1, 2).sum().item()).toBeGreaterThan(0);
  });

  it.each(STUDENT_KINDS)("of kind %s has the gradient of finite differences in its past embeddings", (kind) => {
    const batch = tinyBatch([2, 1]);
    const past = Float32Array.of(0.3, -1, 0.2, 0.7, 0.1, -0.4);
    const knowledge = { logits: past, mask: past, past };
    const model = tinyModel(kind, { spec: { ...TINY_SPEC, pastEmbeddings: 3 } });
    checkLayerGrads(model, (replaced) => replaced.logits({ ...batch, knowledge }), { rtol: 1e-5, step: 1e-7 });
  });
});
