import { describe, expect, it } from "vitest";
import type { TransferConfig, TransferTechnique } from "../config/model/transfer.ts";
import { ProcessMesh } from "../distributed/index.ts";
import type { Batch, BatchKnowledge } from "../features/spec.ts";
import { Vertical } from "../model/index.ts";
import { TINY_SPEC, tinyBatch, tinyModel } from "../model/testing.ts";
import { parametersOf } from "../nn/index.ts";
import { initial64 } from "../nn/testing.ts";
import { fromArray, grad, gradientOf, setGradient, type Tensor } from "../torch/index.ts";
import { checkGrads, toBeClose } from "../torch/testing.ts";
import { labelLoss, type Supervision } from "../train/index.ts";
import { distillationOf, StudentAdapter, scaleGradient } from "./student.ts";

const over = { mesh: ProcessMesh.single(), weights: null, objectives: null };
const SCALES = { labelScale: 1.5, gradientScale: 3, lossWeight: 0.5 };

const knowledge = (mask = [1, 1, 0, 1, 0, 0]): BatchKnowledge => ({
  logits: Float32Array.of(-2, 0.5, 9, 1.5, -9, 9),
  mask: Float32Array.from(mask),
  past: new Float32Array(0),
});

const taught = (known: BatchKnowledge = knowledge()): Batch => ({ ...tinyBatch([2, 0, 3]), knowledge: known });

function student(technique: TransferTechnique, scales: Partial<TransferConfig> = {}) {
  const model = tinyModel("vertical");
  if (!(model instanceof Vertical)) throw new Error("another kind");
  const inputs = { spec: TINY_SPEC, rates: [0.1, 0.3], initial: initial64(7) };
  return { model, supervision: distillationOf(model, { technique, ...SCALES, ...scales }, inputs) };
}

/** Gradient of a loss for each dense parameter, by name; zeros where there is none. */
function gradientsOf(model: Vertical, supervision: Supervision, batch: Batch): ReadonlyMap<string, Tensor> {
  const { dense } = parametersOf({ model, ...supervision.extra });
  for (const { tensor } of dense) setGradient(tensor, null);
  supervision.loss(batch, over).backward();
  return new Map(dense.map(({ name, tensor }) => [name, gradientOf(tensor) ?? tensor.detach().mul(0)]));
}

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
const crossEntropy = (z: number, p: number): number => Math.max(z, 0) - z * p + Math.log1p(Math.exp(-Math.abs(z)));

/** Masked mean per objective, added, by hand. */
function meanLoss(logits: readonly number[], labels: readonly number[], mask: ArrayLike<number>): number {
  return [0, 1].reduce((sum, t) => {
    const known = [0, 1, 2].filter((b) => mask[2 * b + t] === 1);
    const losses = known.map((b) => crossEntropy(logits[2 * b + t]!, labels[2 * b + t]!));
    return sum + losses.reduce((a, loss) => a + loss, 0) / Math.max(1, known.length);
  }, 0);
}

describe("gradient scaling", () => {
  it("is the identity forward, bit for bit, and a factor backward", () => {
    const x = fromArray(Float64Array.of(1e-17, -3.3, 1e16, 0.1), [4]);
    x.requiresGrad = true;
    const y = scaleGradient(x, 20);
    expect(y.equal(x)).toBe(true);
    expect(grad([y.mul(x.detach()).sum()], [x])[0]?.toNumbers()).toEqual(x.toNumbers().map((value) => 20 * value));
  });
});

describe("distillation on one head", () => {
  it("adds the cross entropy with the teacher's probability, where there is one", () => {
    const { model, supervision } = student("distill");
    const batch = taught();
    const served = model.logits(batch).toNumbers();
    const soft = [...knowledge().logits].map(sigmoid);
    const expected = meanLoss(served, [...batch.labels], batch.labelMask) + meanLoss(served, soft, knowledge().mask);
    expect(supervision.loss(batch, over).item()).toBeCloseTo(expected, 12);
  });
});

describe("the auxiliary head", () => {
  it("learns min(1, α p) with weight w", () => {
    const { model, supervision } = student("auxiliary");
    const batch = taught();
    const head = (supervision.extra as { transfer: { auxiliary: { apply(x: Tensor): Tensor } } }).transfer.auxiliary;
    const served = model.logits(batch).toNumbers();
    const distilled = head.apply(model.backbone(batch)).toNumbers();
    const soft = [...knowledge().logits].map((z) => Math.min(1, 1.5 * sigmoid(z)));
    expect(soft).toContain(1);
    const labels = meanLoss(served, [...batch.labels], batch.labelMask);
    const expected = labels + 0.5 * meanLoss(distilled, soft, knowledge().mask);
    expect(supervision.loss(batch, over).item()).toBeCloseTo(expected, 12);
  });

  it("gives the serving head no gradient, and the backbone w·β times its own", () => {
    const batch = taught();
    const alone = student("none");
    const labels = gradientsOf(alone.model, alone.supervision, batch);
    const excess = (scales: Partial<TransferConfig>) => {
      const { model, supervision } = student("auxiliary", scales);
      const gradients = gradientsOf(model, supervision, batch);
      return new Map([...gradients].map(([name, g]) => [name, labels.has(name) ? g.sub(labels.get(name) ?? g) : g]));
    };
    const [plain, scaled] = [
      excess({ gradientScale: 1, lossWeight: 1 }),
      excess({ gradientScale: 20, lossWeight: 10 }),
    ];
    let moved = 0;
    for (const [name, gradient] of plain) {
      const isOutput = name.startsWith("model.output");
      const factor = name.startsWith("transfer.") ? 10 : 200;
      toBeClose(scaled.get(name) ?? gradient, gradient.mul(factor), { rtol: 1e-9, atol: 1e-12 });
      if (isOutput) expect(gradient.abs().sum().item()).toBe(0);
      else moved += Number(gradient.abs().sum().item() > 0);
    }
    expect(moved).toBeGreaterThan(5);
  });

  it("has the gradient of finite differences where β is 1", () => {
    const { model, supervision } = student("auxiliary", { gradientScale: 1 });
    const { weight } = model.candidateMap;
    const batch = taught();
    const field = model as unknown as { candidateMap: { weight: Tensor } };
    checkGrads(
      (replaced) => {
        field.candidateMap.weight = replaced as Tensor;
        const loss = supervision.loss(batch, over);
        field.candidateMap.weight = weight;
        return loss;
      },
      [weight],
    );
  });
});

describe("the student adapter", () => {
  it("reads the teacher's scalar alone, of its own objective", () => {
    const adapter = StudentAdapter.init(TINY_SPEC, { initial: initial64(1) });
    const of = (...logits: number[]) => adapter.apply(fromArray(Float64Array.from(logits), [1, 2])).toNumbers();
    const [a, b] = [of(0.3, 1), of(0.3, -5)];
    expect(a[0]).toBe(b[0]);
    expect(a[1]).not.toBe(b[1]);
    expect(parametersOf(adapter).dense.reduce((sum, { tensor }) => sum + tensor.numel, 0)).toBe(2 * (16 + 16 + 16 + 1));
  });

  it("gets the gradient of the labels only, and gives the model none", () => {
    const batch = taught();
    const { model, supervision } = student("adapter");
    const whole = gradientsOf(model, supervision, batch);
    const { adapter } = (supervision.extra as { transfer: { adapter: StudentAdapter } }).transfer;
    const own: Supervision = {
      extra: supervision.extra,
      loss: (given) => {
        const { logits, mask } = given.knowledge ?? knowledge();
        const labels = { ...given, labelMask: mask.map((value, i) => value * given.labelMask[i]!) };
        return labelLoss(adapter.apply(fromArray(logits, [3, 2]).to({ dtype: "float64" })), labels, over);
      },
    };
    const alone = gradientsOf(model, own, batch);
    let compared = 0;
    for (const [name, gradient] of alone) {
      if (name.startsWith("transfer.adapter.")) {
        toBeClose(whole.get(name) ?? gradient, gradient, { rtol: 1e-12, atol: 1e-14 });
        compared += 1;
      } else expect(gradient.abs().sum().item()).toBe(0);
    }
    expect(compared).toBe(8);
    expect(whole.get("transfer.adapted.weight")?.abs().sum().item()).toBeGreaterThan(0);
  });

  it("does not reach the serving head", () => {
    const batch = taught();
    const [alone, adapted] = [student("none"), student("adapter")];
    const labels = gradientsOf(alone.model, alone.supervision, batch);
    const all = gradientsOf(adapted.model, adapted.supervision, batch);
    for (const name of ["model.output.weight", "model.output.bias"]) {
      expect(all.get(name)?.equal(labels.get(name) ?? fromArray(new Float64Array(1), [1]))).toBe(true);
    }
    expect(all.get("model.userMap.weight")?.equal(labels.get("model.userMap.weight") as Tensor)).toBe(false);
  });
});

describe.each(["none", "distill", "auxiliary", "adapter", "full"] as const)("%s", (technique) => {
  it("counts all that is said of an objective by its weight", () => {
    const { supervision } = student(technique);
    const loss = (weights: readonly number[] | null): number => supervision.loss(taught(), { ...over, weights }).item();
    const [first, second] = [loss([1, 0]), loss([0, 1])];
    expect(first + second).toBeCloseTo(loss(null), 12);
    expect(loss([3, 0.25])).toBeCloseTo(3 * first + 0.25 * second, 12);
    expect(Math.min(first, second)).toBeGreaterThan(0.1);
  });
});

describe.each(["distill", "auxiliary", "adapter", "full"] as const)("%s without a teacher's value", (technique) => {
  it("learns from the labels alone", () => {
    const { model, supervision } = student(technique);
    const batch = tinyBatch([2, 0, 3]);
    const expected = labelLoss(model.logits(batch), batch, over).item();
    expect(supervision.loss(batch, over).item()).toBe(expected);
    expect(supervision.loss(taught(knowledge([0, 0, 0, 0, 0, 0])), over).item()).toBe(expected);
  });

  it("ignores what stands where there is none", () => {
    const { supervision } = student(technique);
    const other = knowledge();
    other.logits[2] = -1;
    other.logits[5] = 0;
    expect(supervision.loss(taught(other), over).item()).toBe(supervision.loss(taught(), over).item());
  });
});
