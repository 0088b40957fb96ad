import { describe, expect, it } from "vitest";
import { random64, rowsOf } from "../../ops/jagged/testing.ts";
import type { Tensor } from "../../torch/index.ts";
import { checkGrads, toBeClose } from "../../torch/testing.ts";
import { numPairs, pairProducts } from "./pair-products.ts";

describe("the products of all pairs", () => {
  const x = random64([3, 4, 5], 1);

  it("are one number for each two tokens, in order", () => {
    const rows = Array.from({ length: 3 }, (_, b) => rowsOf(x.select(0, b)));
    const expected = rows.flatMap((tokens) =>
      tokens.flatMap((a, i) =>
        tokens.slice(i + 1).map((b) => a.reduce((sum, value, d) => sum + value * (b[d] ?? 0), 0)),
      ),
    );
    const products = pairProducts(x);
    expect(products.shape).toEqual([3, numPairs(4)]);
    toBeClose(products, expected);
  });

  it("have their gradients", () => checkGrads((a) => pairProducts(a as Tensor), [x]));

  it("are none of a single token", () => {
    expect(pairProducts(random64([2, 1, 3], 2)).shape).toEqual([2, 0]);
  });
});
