import { describe, expect, test } from "vitest";
import { countElements, parametersOf } from "../../nn/index.ts";
import { checkLayerGrads, initial64, naiveLinear, perturb } from "../../nn/testing.ts";
import { random64, rowsOf } from "../../ops/jagged/testing.ts";
import type { Tensor } from "../../torch/index.ts";
import { toBeClose } from "../../torch/testing.ts";
import { DcnLayer } from "./dcn-layer.ts";

describe("DcnLayer", () => {
  const layer = perturb(DcnLayer.init({ in: 3, rank: 2 }, initial64()));
  const [x0, x] = [random64([4, 3], 1), random64([4, 3], 2)];

  test("is x₀ ⊙ (U (Vᵀ x) + b) + x", () => {
    const start = rowsOf(x0);
    const expected = rowsOf(x).flatMap((row, b) =>
      naiveLinear(naiveLinear(row, layer.down), layer.up).map(
        (value, i) => (start[b]?.[i] ?? 0) * value + (row[i] ?? 0),
      ),
    );
    toBeClose(layer.apply(x0, x), expected);
  });
  test("has a map of low rank: its parameters grow with the width, not with its square", () => {
    const count = (width: number): number =>
      countElements(parametersOf(DcnLayer.init({ in: width, rank: 5 }, initial64())).dense);
    expect([count(100), count(200)]).toEqual([100 * 11, 200 * 11]);
  });
  test("gradients", () => {
    checkLayerGrads(layer, (l, a, b) => l.apply(a as Tensor, b as Tensor), { inputs: [x0, x] });
  });
});
