import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { JaggedTensor } from "../ops/index.ts";
import { random64 } from "../ops/jagged/testing.ts";
import { ones, setThreads, type Tensor } from "../torch/index.ts";
import { MultiHeadAttention } from "./attention.ts";
import { type DropoutPass, dropout, inGroups, withDropout } from "./dropout.ts";
import { Mlp } from "./mlp.ts";
import { checkLayerGrads, initial64, perturb } from "./testing.ts";

const RATES = { embedding: 0.2, mlp: 0.5, attention: 0.3 };

const passOf = (examples: readonly number[], changes: Partial<DropoutPass> = {}): DropoutPass => ({
  rates: RATES,
  seed: 11,
  examples: Uint32Array.from(examples),
  ...changes,
});

/** The masks of a few places of one pass, row by row. */
function masksOf(pass: DropoutPass, shape: readonly number[], bounds?: Int32Array): string[][] {
  const [rows = 0] = shape;
  const masks = withDropout(pass, () => [1, 2].map(() => dropout(ones(shape), "mlp", bounds)));
  return masks.map((mask) => {
    const values = mask.toNumbers();
    const width = values.length / rows;
    return Array.from({ length: rows }, (_, r) => values.slice(r * width, (r + 1) * width).join());
  });
}

beforeAll(() => setThreads(1));

describe("dropout", () => {
  it("drops nothing outside of a pass with dropout, nor where the rate is 0", () => {
    const x = ones([3, 4]);
    expect(dropout(x, "mlp")).toBe(x);
    const rates = { embedding: 0, mlp: 0, attention: 0.5 };
    expect(withDropout(passOf([1, 2, 3], { rates }), () => dropout(x, "mlp"))).toBe(x);
    expect(() =>
      withDropout(passOf([1]), () => {
        throw new Error("ends the pass");
      }),
    ).toThrow();
    expect(dropout(x, "mlp")).toBe(x);
  });

  it.each(["embedding", "mlp", "attention"] as const)("drops its share of %s, and scales what is left", (part) => {
    const n = 256 * 1024;
    const rate = RATES[part];
    const examples = Array.from({ length: 256 }, (_, b) => b);
    const values = withDropout(passOf(examples), () =>
      dropout(ones([256, 1024], { dtype: "float64" }), part),
    ).toNumbers();
    const kept = values.filter((value) => value !== 0);
    expect(kept.every((value) => value === Math.fround(1 / (1 - rate)))).toBe(true);
    // Six deviations of a binomial share.
    expect(Math.abs(1 - kept.length / n - rate)).toBeLessThan(6 * Math.sqrt((rate * (1 - rate)) / n));
    // Neighbours in a row and in a column are dropped independently of each other.
    for (const step of [1, 1024]) {
      const both = values.filter((value, i) => value === 0 && values[i + step] === 0).length / n;
      expect(Math.abs(both - rate ** 2)).toBeLessThan(6 * Math.sqrt((rate ** 2 * (1 - rate ** 2)) / n) + 1024 / n);
    }
  });

  it("draws the masks of an example from it alone, whoever is beside it", () => {
    const batch = fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(batch, fc.integer({ min: 1, max: 5 }), (examples, each) => {
        const [first = [], second = []] = masksOf(passOf(examples), [examples.length * each, 40]);
        examples.forEach((example, b) => {
          const rows = (masks: readonly string[]): readonly string[] => masks.slice(b * each, (b + 1) * each);
          expect(masksOf(passOf([example]), [each, 40])).toEqual([rows(first), rows(second)]);
        });
        expect(new Set([...first, ...second]).size).toBe(2 * examples.length * each);
      }),
    );
  });

  it("draws those of an example's events from it alone, however many others have", () => {
    const lengths = [3, 0, 1, 5];
    const bounds = Int32Array.of(0, 3, 3, 4, 9);
    const [all = []] = masksOf(passOf([4, 5, 6, 7]), [9, 40], bounds);
    for (const [b, example] of [4, 5, 6, 7].entries()) {
      const length = lengths[b]!;
      if (length === 0) continue;
      const [own] = masksOf(passOf([example]), [length, 40], Int32Array.of(0, length));
      expect(own).toEqual(all.slice(bounds[b], bounds[b + 1]));
    }
  });

  it("draws those of a group of examples from them alone, and goes on as if all had been there", () => {
    const groups = (...places: readonly number[][]): Int32Array[] => places.map((group) => Int32Array.from(group));
    const run = (examples: readonly number[], parts: readonly Int32Array[]): string[][] =>
      withDropout(passOf(examples), () => {
        const inner = inGroups(parts, (g) =>
          dropout(ones([parts[g]!.length, 40]), "mlp")
            .toNumbers()
            .join(" "),
        );
        return [
          inner,
          [
            dropout(ones([examples.length, 40]), "mlp")
              .toNumbers()
              .join(" "),
          ],
        ];
      });
    const [both = [], after = []] = run([1, 2, 3], groups([0, 2], [1]));
    expect(run([1, 3], groups([0, 1], []))[0]?.[0]).toBe(both[0]);
    expect(run([2], groups([], [0]))[0]?.[1]).toBe(both[1]);
    expect(run([1, 2, 3], groups([], [], [0, 1, 2]))[1]).toEqual(after);
  });

  it("draws other masks in another pass, and the same ones in the same", () => {
    const masks = (seed: number) => masksOf(passOf([1, 2, 3], { seed }), [3, 40]);
    expect(masks(1)).toEqual(masks(1));
    expect(new Set([masks(1), masks(2), masks(3)].flat(2)).size).toBe(18);
  });

  it("numbers rows that are no example's, all of them dropped apart", () => {
    const [masks = []] = masksOf(passOf([1, 2, 3]), [7, 40]);
    expect(new Set(masks).size).toBe(7);
  });
});

describe("a layer with dropout", () => {
  const inPass = (body: () => Tensor): Tensor => withDropout(passOf([1, 2]), body);

  it("has the gradient of what it kept: an MLP", () => {
    const mlp = perturb(Mlp.init({ in: 3, hidden: [6, 5], out: 2 }, initial64()));
    checkLayerGrads(mlp, (model, x) => inPass(() => model.apply(x as Tensor)), { inputs: [random64([4, 3], 3)] });
    const x = random64([2, 3], 3);
    expect(inPass(() => mlp.apply(x)).toNumbers()).not.toEqual(mlp.apply(x).toNumbers());
  });

  it("has the gradient of what it kept: attention", () => {
    const attention = MultiHeadAttention.init({ dim: 4, numHeads: 2 }, initial64());
    const bounds = Int32Array.of(0, 3, 5);
    checkLayerGrads(attention, (model, x) => inPass(() => model.apply(JaggedTensor.of(x as Tensor, bounds)).values), {
      inputs: [random64([5, 4], 3)],
    });
  });
});
