import { describe, expect, test } from "vitest";
import { embedding, grad, gradientOf, noGrad, Scope, setGradient, type Tensor, zeros } from "./index.ts";
import { f64, i64, random64 } from "./operators/operators.test.support.ts";
import { expectNoLeaks, toBeClose } from "./testing.ts";

const refused = expect.objectContaining({ code: "TORCH_OPERATOR" });
const argument = expect.objectContaining({ code: "TORCH_ARGUMENT" });

/** A float64 leaf that gradients flow to. */
function leafOf(numbers: readonly number[]): Tensor {
  const leaf = f64(numbers);
  leaf.requiresGrad = true;
  return leaf;
}

describe("noGrad", () => {
  const recording = (): boolean => leafOf([1]).mul(2).requiresGrad;

  test("records nothing inside, and gives what the body gives", () => {
    expect(noGrad(() => [recording(), 5])).toEqual([false, 5]);
    expect(recording()).toBe(true);
  });

  test("nests: only the outermost end turns recording on again", () => {
    const recordings = noGrad(() => [noGrad(recording), recording()]);
    expect([...recordings, recording()]).toEqual([false, false, true]);
  });

  test("turns recording on again when the body throws", () => {
    expect(() => noGrad(() => f64([1, 2]).mm(f64([1])))).toThrow(refused);
    const body = () =>
      noGrad(() => {
        throw new RangeError("inner");
      });
    expect(() => noGrad(body)).toThrow("inner");
    expect(recording()).toBe(true);
  });

  test("lets leaves be changed in place, which is refused while recording", () => {
    const leaf = leafOf([1, 2]);
    expect(() => leaf.mul_(2)).toThrow(refused);
    noGrad(() => leaf.mul_(2));
    toBeClose(leaf, [2, 4]);
  });
});

describe("backward", () => {
  test("adds to the gradients of the leaves", () => {
    const leaf = leafOf([1, 2]);
    expect(gradientOf(leaf)).toBeNull();
    leaf.square().sum().backward();
    toBeClose(gradientOf(leaf) as Tensor, [2, 4]);
    leaf.sum().backward();
    toBeClose(gradientOf(leaf) as Tensor, [3, 5]);
  });

  test("takes the factors of what is no scalar", () => {
    const leaf = leafOf([1, 2]);
    expect(() => leaf.square().backward()).toThrow(refused);
    leaf.square().backward(f64([10, -1]));
    toBeClose(gradientOf(leaf) as Tensor, [20, -4]);
    expect(() => leaf.square().backward(f64([1, 2, 3]))).toThrow(refused);
  });

  test("works once, and again where the graph is retained", () => {
    const leaf = leafOf([3]);
    const once = leaf.square().sum();
    once.backward();
    expect(() => once.backward()).toThrow(/a second time/);
    const twice = leaf.square().sum();
    twice.backward(null, true);
    twice.backward();
    expect(gradientOf(leaf)?.item()).toBe(18);
    expect(() => twice.backward()).toThrow(refused);
  });

  test("is refused where nothing was recorded", () => {
    expect(() => f64([1]).sum().backward()).toThrow(refused);
    expect(() => noGrad(() => leafOf([1]).sum()).backward()).toThrow(refused);
  });

  test("is refused when a recorded tensor was changed in place", () => {
    const leaf = leafOf([1, 2]);
    const middle = leaf.mul(1);
    const loss = middle.square().sum();
    middle.mul_(2);
    expect(() => loss.backward()).toThrow(/modified by an inplace operation/);
  });

  test("needs no tensor of the graph but the last", () => {
    const leaf = leafOf([1, 2, 3]);
    expectNoLeaks(() => {
      using scope = new Scope();
      let loss = leaf.sum();
      {
        using inner = new Scope();
        loss = inner.keep(leaf.square().mul(leaf).sum());
      }
      loss.backward();
      expect(scope).toBeDefined();
    });
    toBeClose(gradientOf(leaf) as Tensor, [3, 12, 27]);
  });

  test("carries NaN and infinities", () => {
    const leaf = leafOf([0, -1, 4]);
    leaf.sqrt().sum().backward();
    toBeClose(gradientOf(leaf) as Tensor, [Number.POSITIVE_INFINITY, Number.NaN, 0.25]);
  });
});

describe("grad", () => {
  test("gives a gradient per input, and leaves those of the leaves alone", () => {
    const [a, b] = [leafOf([2]), leafOf([5])];
    const [da, db] = grad([a.square().mul(b)], [a, b], { gradients: [f64([1])] });
    expect([da?.item(), db?.item()]).toEqual([20, 4]);
    expect([gradientOf(a), gradientOf(b)]).toEqual([null, null]);
  });

  test("gives null where no output depends on the input", () => {
    const [a, b] = [leafOf([2]), leafOf([5])];
    const [da, db] = grad([a.square().sum()], [a, b]);
    expect([da?.item(), db]).toEqual([4, null]);
    expect(grad([], [a])).toEqual([null]);
  });

  test("adds over outputs, and reaches what is no leaf", () => {
    const a = leafOf([2, 3]);
    const middle = a.square();
    const [dMiddle] = grad([middle.sum(), middle.mul(10)], [middle], { gradients: [f64([1]).sum(), f64([1, -1])] });
    toBeClose(dMiddle as Tensor, [11, -9]);
  });

  test("gives second and third derivatives where its own graph is recorded", () => {
    const x = leafOf([2, -1]);
    const [first] = grad([x.pow(4).sum()], [x], { createGraph: true });
    const [second] = grad([(first as Tensor).sum()], [x], { createGraph: true });
    const [third] = grad([(second as Tensor).sum()], [x]);
    toBeClose(first as Tensor, [32, -4]);
    toBeClose(second as Tensor, [48, 12]);
    toBeClose(third as Tensor, [48, -24]);
    expect([first?.requiresGrad, third?.requiresGrad]).toEqual([true, false]);
  });

  test("without its own graph has no second derivative", () => {
    const x = leafOf([2]);
    const cube = x.pow(3).sum();
    const [first] = grad([cube], [x]);
    expect(() => grad([(first as Tensor).sum()], [x])).toThrow(refused);
    expect(() => grad([cube], [x])).toThrow(/a second time/);
  });

  test("refuses what does not fit together", () => {
    const x = leafOf([1, 2]);
    expect(() => grad([x.square()], [x])).toThrow(refused);
    expect(() => grad([x.square()], [x], { gradients: [f64([1])] })).toThrow(refused);
    expect(() => grad([x.sum(), x.sum()], [x], { gradients: [f64([1]).sum()] })).toThrow(refused);
    expect(() => grad([f64([1]).sum()], [x])).toThrow(refused);
    expect(() => grad([x.sum()], [f64([1])])).toThrow(/does not require grad/);
    expect(() => grad([x.sum()], [])).toThrow(refused);
  });
});

describe("the gradient of a leaf", () => {
  test("can be replaced and cleared", () => {
    const leaf = leafOf([1, 2]);
    setGradient(leaf, f64([5, 6]));
    leaf.sum().backward();
    toBeClose(gradientOf(leaf) as Tensor, [6, 7]);
    setGradient(leaf, null);
    expect(gradientOf(leaf)).toBeNull();
    leaf.sum().backward();
    toBeClose(gradientOf(leaf) as Tensor, [1, 1]);
  });

  test("is the tensor that was set, into which backward adds", () => {
    const leaf = leafOf([1, 2]);
    const flat = f64([0, 0, 0]);
    setGradient(leaf, flat.slice(0, 1));
    leaf.square().sum().backward();
    toBeClose(flat, [0, 2, 4]);
  });

  test("cannot differ from it in shape, dtype or device", () => {
    const leaf = leafOf([1, 2]);
    const others = [
      f64([1]),
      f64([1, 2], [1, 2]),
      f64([1, 2]).to({ dtype: "float32" }),
      zeros([2], { device: "meta" }),
    ];
    for (const other of others) expect(() => setGradient(leaf, other)).toThrow(argument);
    expect(gradientOf(leaf)).toBeNull();
  });

  test("can be sparse", () => {
    const table = random64([4, 2]);
    table.requiresGrad = true;
    embedding(table, i64([1, 1]), -1, false, true)
      .sum()
      .backward();
    const gradient = gradientOf(table) as Tensor;
    expect(gradient.isSparse).toBe(true);
    setGradient(table, null);
    setGradient(table, gradient);
    expect(gradientOf(table)?.values().shape).toEqual([2, 2]);
  });

  test("can be asked of leaves of floats only", () => {
    const integers = i64([1]);
    expect(() => {
      integers.requiresGrad = true;
    }).toThrow(refused);
    const inner = leafOf([1]).mul(2);
    expect(() => {
      inner.requiresGrad = false;
    }).toThrow(refused);
  });
});
