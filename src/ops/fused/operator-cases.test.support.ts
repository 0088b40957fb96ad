/** Cases of the fused operators; nn/fused.test.ts holds them against their plain compositions. */

import type { Tensor } from "../../torch/index.ts";
import {
  expectTensor,
  f64,
  type OperatorCases,
  random64,
  smooth,
} from "../../torch/operators/operators.test.support.ts";
import type { OurOperator } from "../operators.ts";
import {
  adamw_,
  biasActivation,
  dense,
  float8Decode,
  float8Encode,
  gated,
  maskedLogLoss,
  norm,
  residualNorm,
  tokenMap,
  tokenProducts,
} from "./generated.ts";

const logistic = (z: number): number => 1 / (1 + Math.exp(-z));

/** One row of norms: `x = [3, 4]`, whose root of the mean of squares is √12.5. */
const ROW = f64([3, 4], [1, 2]);
const SCALE = f64([2, 1]);
const LABELS = random64([5, 3], 4).sigmoid();
const RMS = Math.sqrt(12.5);

/** Cases of norms, gates, linear maps with activation, losses and float8. */
export const FUSED = {
  "lapidary::norm": {
    value: () => {
      expectTensor(norm(ROW, SCALE, f64([0, 1]), "layer", 0), [1, 2], [-2, 2]);
      expectTensor(norm(ROW, SCALE, null, "rms", 0), [1, 2], [6 / RMS, 4 / RMS]);
    },
    gradient: smooth((x) => norm(x, random64([3], 2), random64([3], 3), "layer", 1e-5), [5, 3]),
  },
  "lapidary::residual_norm": {
    value: () => {
      const [y, sum] = residualNorm(ROW.sub(1), ROW.mul(0).add(1), SCALE, null, "rms", 0);
      expectTensor(sum, [1, 2], [3, 4]);
      expectTensor(y, [1, 2], [6 / RMS, 4 / RMS]);
    },
    gradient: smooth(
      (x) => {
        const [y, sum] = residualNorm(x, x.mul(2), random64([3], 2), null, "rms", 1e-5);
        return y.add(sum.square());
      },
      [5, 3],
    ),
  },
  "lapidary::gated": {
    value: () => {
      expectTensor(gated(f64([0, 1]), f64([2, 3]), "sigmoid"), [2], [1, 3 * logistic(1)]);
      expectTensor(gated(f64([0, 2]), f64([2, 3]), "silu"), [2], [0, 6 * logistic(2)]);
    },
    gradient: smooth((x) => gated(x, x.mul(2), "silu"), [5, 3]),
  },
  "lapidary::bias_activation": {
    value: () => {
      expectTensor(biasActivation(f64([1, -2], [1, 2]), f64([1, 1]), "relu"), [1, 2], [2, 0]);
      expectTensor(biasActivation(f64([1, -2]), null, "silu"), [2], [logistic(1), -2 * logistic(-2)]);
      expectTensor(biasActivation(f64([0, -2]), null, "none"), [2], [0, -2]);
    },
    gradient: smooth((x) => biasActivation(x, random64([3], 2), "gelu"), [5, 3]),
  },
  "lapidary::dense": {
    value: () => {
      const [x, weight] = [f64([1, 2], [1, 2]), f64([1, 0, 3, -4], [2, 2])];
      expectTensor(dense(x, weight, f64([1, 1]), "relu"), [1, 2], [2, 0]);
      expectTensor(dense(x, weight, null, "none"), [1, 2], [1, -5]);
    },
    gradient: smooth((x) => dense(x, random64([2, 3], 2), random64([2], 3), "silu"), [5, 3]),
  },
  "lapidary::token_map": {
    value: () => {
      const x = f64([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]);
      expectTensor(
        tokenMap(x, f64([1, 0, 10, -1, 1, 1], [3, 2])),
        [2, 3, 2],
        [1, 2, 7, 16, 4, 6, 5, 6, 43, 52, 12, 14],
      );
    },
    gradient: smooth((x, weight) => tokenMap(x, weight as Tensor), [3, 4, 5], [2, 4]),
  },
  "lapidary::token_products": {
    value: () => {
      const x = f64([1, 2, 3, 4, 0, 0, 1, -1], [2, 2, 2]);
      // Of the first example X Xᵀ is [[5, 11], [11, 25]], of the second [[0, 0], [0, 2]].
      expectTensor(tokenProducts(x, f64([1, 2, 9, 3], [2, 2, 1])), [2, 2, 1], [27, 61, 0, 6]);
    },
    gradient: smooth((x, factor) => tokenProducts(x, factor as Tensor), [3, 4, 5], [3, 4, 2]),
  },
  "lapidary::adamw_": {
    value: () => {
      const [values, first, second, gradient] = [f64([8]), f64([2]), f64([4]), f64([6])];
      const rule = { lr: 0.5, beta1: 0.5, beta2: 0.75, eps: 1, weightDecay: 0.25, step: 2 };
      adamw_(values as Tensor, first as Tensor, second as Tensor, gradient as Tensor, rule);
      // m̂ = 4 ÷ (1 − 1/4), v̂ = 12 ÷ (1 − 9/16).
      expectTensor(first as Tensor, [1], [4]);
      expectTensor(second as Tensor, [1], [12]);
      expectTensor(values as Tensor, [1], [7 - (0.5 * (16 / 3)) / (Math.sqrt(192 / 7) + 1)]);
    },
    gradient: "update",
  },
  "lapidary::masked_log_loss": {
    value: () => {
      const [logits, labels] = [f64([0, 3, 0, 5], [2, 2]), f64([1, 1, 0, 0], [2, 2])];
      const loss = maskedLogLoss(logits, labels, f64([1, 1, 1, 0], [2, 2]), f64([2, 1]));
      expectTensor(loss, [], [Math.LN2 + Math.log1p(Math.exp(-3))]);
    },
    gradient: smooth((x) => maskedLogLoss(x, LABELS, LABELS.mul(0).add(1), f64([5, 1, 2])), [5, 3]),
  },
  "lapidary::float8_encode": {
    value: () => {
      const [codes, scales] = float8Encode(f64([448, -1, 0, 2 ** -9]));
      expectTensor(codes, [4], [0x7e, 0xb8, 0, 1]);
      expectTensor(scales, [1], [1]);
    },
    gradient: "discrete",
  },
  "lapidary::float8_decode": {
    value: () => {
      const [codes, scales] = float8Encode(f64([896, -2, 0, 2 ** -8], [2, 2]));
      expectTensor(float8Decode(codes, scales, [2, 2], "float64"), [2, 2], [896, -2, 0, 2 ** -8]);
    },
    gradient: "discrete",
  },
} satisfies OperatorCases<OurOperator>;
