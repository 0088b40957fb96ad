import { describe, test } from "vitest";
import { checkLayerGrads, initial64, naiveLinear, perturb } from "../../nn/testing.ts";
import { random64, rowsOf } from "../../ops/jagged/testing.ts";
import type { Tensor } from "../../torch/index.ts";
import { toBeClose } from "../../torch/testing.ts";
import { DcnLayer } from "./dcn-layer.ts";

describe("DcnLayer", () => {
  const layer = perturb(DcnLayer.init(3, initial64()));
  const [x0, x] = [random64([4, 3], 1), random64([4, 3], 2)];

  test("is x₀ ⊙ (W x + b) + x", () => {
    const start = rowsOf(x0);
    const expected = rowsOf(x).flatMap((row, b) =>
      naiveLinear(row, layer.map).map((value, i) => (start[b]?.[i] ?? 0) * value + (row[i] ?? 0)),
    );
    toBeClose(layer.apply(x0, x), expected);
  });
  test("gradients", () => {
    checkLayerGrads(layer, (l, a, b) => l.apply(a as Tensor, b as Tensor), { inputs: [x0, x] });
  });
});
