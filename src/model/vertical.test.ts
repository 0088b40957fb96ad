import { describe, expect, it } from "vitest";
import { TEACHER_KINDS } from "../config/types.ts";
import { checkLayerGrads } from "../nn/testing.ts";
import { zeros } from "../torch/index.ts";
import { toBeClose } from "../torch/testing.ts";
import { isTeacher } from "./index.ts";
import { TINY_SPEC, tinyBatch, tinyModel } from "./testing.ts";
import { Vertical } from "./vertical.ts";

function vertical(pastEmbeddings = 0): Vertical {
  const model = tinyModel("vertical", { spec: { ...TINY_SPEC, pastEmbeddings } });
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
    const scores = model.score(user.expand([4, model.width]), candidates);
    for (let b = 0; b < 4; b++) {
      const candidate = Object.fromEntries(
        Object.entries(many.candidate).map(([name, codes]) => [name, codes.slice(b, b + 1)]),
      );
      const alone = model.logits({ ...one, candidate, numbers: many.numbers.slice(2 * b, 2 * b + 2) });
      toBeClose(scores.slice(0, b, b + 1), alone, { rtol: 1e-12, atol: 1e-12 });
    }
  });

  it("reads the user's past embeddings, zeros where a batch has none", () => {
    const model = vertical(3);
    const batch = tinyBatch([2, 0]);
    const knowledge = { logits: new Float32Array(4), mask: new Float32Array(4), past: new Float32Array(6) };
    const none = model.logits(batch);
    expect(model.logits({ ...batch, knowledge }).equal(none)).toBe(true);
    knowledge.past[3] = 1;
    const moved = model
      .logits({ ...batch, knowledge })
      .sub(none)
      .abs();
    expect(moved.slice(0, 0, 1).equal(zeros([1, 2], { dtype: "float64" }))).toBe(true);
    expect(moved.slice(0, 1, 2).sum().item()).toBeGreaterThan(0);
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
    expect(embedding.shape).toEqual([3, 4]);
    expect(embedding.isfinite().all().item()).toBe(1);
  });

  it.each(["baseRate", "logistic", "vertical", "wukong"] as const)("is no model of kind %s", (kind) => {
    expect(isTeacher(tinyModel(kind))).toBe(false);
  });
});
