import { describe, it } from "vitest";
import { TRAINING_DEFAULTS } from "../../config/model/training.ts";
import { ProcessMesh } from "../../distributed/index.ts";
import { tinyBatch } from "../../model/testing.ts";
import { EmbeddingTable, type Initializer } from "../../nn/index.ts";
import { initial64 } from "../../nn/testing.ts";
import { fromArray, type Tensor, tensor } from "../../torch/index.ts";
import { toBeClose } from "../../torch/testing.ts";
import { Learner } from "../learner.ts";
import { stepTouchedRows } from "./step-rows.ts";

const codesOf = (...codes: number[]): Tensor => fromArray(BigInt64Array.from(codes, BigInt), [codes.length]);

describe("a step of touched rows with a penalty", () => {
  it("adds λ w to the gradient of each row that was read, once however often it was", () => {
    const values = tensor([1, 2, 3, 4, 5, 6], [3, 2]);
    const table = { name: "t", tensor: values, leaf: values, moments: tensor([0, 0.5, 0]) };
    const rows = { indices: codesOf(1, 2, 1), values: tensor([0.5, 0, -1, 1, 0.25, 0.5], [3, 2]) };
    stepTouchedRows([table], [rows], { learningRate: 0.1, l2: 0.2, eps: 0 });
    // Row 1 has the gradient (0.75, 0.5) + 0.2 (3, 4), row 2 (−1, 1) + 0.2 (5, 6).
    const [g1, g2] = [
      [1.35, 1.3],
      [0, 2.2],
    ] as const;
    const v1 = 0.5 + (g1[0] ** 2 + g1[1] ** 2) / 2;
    const v2 = (g2[0] ** 2 + g2[1] ** 2) / 2;
    const step = (w: number, g: number, v: number): number => w - (0.1 * g) / Math.sqrt(v);
    const expected = [1, 2, step(3, g1[0], v1), step(4, g1[1], v1), step(5, g2[0], v2), step(6, g2[1], v2)];
    toBeClose(values, expected, { rtol: 1e-6 });
    toBeClose(table.moments, [0, v1, v2], { rtol: 1e-6 });
  });

  it("adds nothing to a row that was read and has no gradient", () => {
    const values = tensor([1, 2, 3, 4], [2, 2]);
    const table = { name: "t", tensor: values, leaf: values, moments: tensor([0, 0]) };
    const rows = { indices: codesOf(0, 1, 0), values: tensor([0, 0, 0, 1, 0, 0], [3, 2]) };
    stepTouchedRows([table], [rows], { learningRate: 0.1, l2: 0.2 });
    toBeClose(values.slice(0, 0, 1), [1, 2]);
    toBeClose(table.moments.slice(0, 0, 1), [0]);
  });

  it("is what autograd makes of the penalty in the loss", () => {
    const l2 = 0.3;
    const codes = codesOf(3, 1, 3, 4);
    const learn = (penalized: boolean): Tensor => {
      const table = EmbeddingTable.init({ rows: 6, dim: 3 }, initial64(5) as Initializer);
      const read = (): Tensor =>
        table
          .lookup(codes)
          .mul(tensor([1, 2, 3]))
          .square()
          .sum();
      const penalty = (): Tensor =>
        table
          .lookup(codesOf(1, 3, 4))
          .square()
          .sum()
          .mul(l2 / 2);
      const loss = (): Tensor => (penalized ? read().add(penalty()) : read());
      const learner = Learner.of({ logits: () => tensor([0]), table } as never, { extra: {}, loss });
      const training = { ...TRAINING_DEFAULTS, tableL2: penalized ? 0 : l2 };
      for (let step = 0; step < 3; step++) {
        learner.update(tinyBatch([1]), training, { mesh: ProcessMesh.single(), schedule: () => 1 });
      }
      return table.weight;
    };
    toBeClose(learn(false), learn(true).toNumbers());
  });
});
