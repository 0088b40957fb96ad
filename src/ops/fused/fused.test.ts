import { beforeAll, describe, expect, test } from "vitest";
import {
  type DType,
  fromArray,
  grad,
  linear,
  RandomGenerator,
  randn,
  Scope,
  setThreads,
  type Tensor,
  threads,
} from "../../torch/index.ts";
import { checkGrads, toBeClose } from "../../torch/testing.ts";
import { random64 } from "../jagged/testing.ts";
import { biasActivation, dense, gated, maskedLogLoss, norm, residualNorm } from "./generated.ts";
import { plainActivation, plainDense, plainGated, plainMultiObjectiveLoss, plainNorm } from "./plain.test.support.ts";

const [INF, NAN] = [Number.POSITIVE_INFINITY, Number.NaN];
const EPS = 1e-5;
const ROWS = [0, 1, 5, 130];
const WIDTHS = [1, 3, 16, 17, 64, 257];
const SHAPES = ROWS.flatMap((rows) => WIDTHS.map((width) => [rows, width] as const));
const KINDS = ["layer", "rms"] as const;
const ACTIVATIONS = ["none", "relu", "gelu", "silu"] as const;
const GATES = ["sigmoid", "silu"] as const;

/** A fused operator and its plain composition, of the same inputs. */
interface Pair {
  readonly name: string;
  readonly fused: (...inputs: Tensor[]) => Tensor;
  readonly plain: (...inputs: Tensor[]) => Tensor;
  /** Shapes of the inputs for a number of rows and a width. */
  readonly shapes: (rows: number, width: number) => readonly (readonly number[])[];
}

const matrixAndRows = (rows: number, width: number): readonly (readonly number[])[] => [
  [rows, width],
  [width],
  [width],
];

const NORMS: readonly Pair[] = KINDS.map((kind) => ({
  name: `norm ${kind}`,
  fused: (x, scale, shift) => norm(x as Tensor, scale as Tensor, kind === "layer" ? (shift ?? null) : null, kind, EPS),
  plain: (x, scale, shift) => plainNorm(x as Tensor, { kind, scale: scale as Tensor, shift: shift ?? null, eps: EPS }),
  shapes: (rows, width) => matrixAndRows(rows, width).slice(0, kind === "layer" ? 3 : 2),
}));

const RESIDUAL_NORMS: readonly Pair[] = KINDS.map((kind) => ({
  name: `residual_norm ${kind}`,
  fused: (x, residual, scale) => {
    const [y, sum] = residualNorm(x as Tensor, residual as Tensor, scale as Tensor, null, kind, EPS);
    return y.add(sum.mul(0.5));
  },
  plain: (x, residual, scale) => {
    const sum = (x as Tensor).add(residual as Tensor);
    return plainNorm(sum, { kind, scale: scale as Tensor, shift: null, eps: EPS }).add(sum.mul(0.5));
  },
  shapes: (rows, width) => [[rows, width], [rows, width], [width]],
}));

const GATED: readonly Pair[] = GATES.map((activation) => ({
  name: `gated ${activation}`,
  fused: (z, x) => gated(z as Tensor, x as Tensor, activation),
  plain: (z, x) => plainGated(z as Tensor, x as Tensor, activation),
  shapes: (rows, width) => [
    [rows, width],
    [rows, width],
  ],
}));

const BIASED: readonly Pair[] = ACTIVATIONS.map((activation) => ({
  name: `bias_activation ${activation}`,
  fused: (x, bias) => biasActivation(x as Tensor, bias ?? null, activation),
  plain: (x, bias) => plainActivation((x as Tensor).add(bias as Tensor), activation),
  shapes: (rows, width) => [[rows, width], [width]],
}));

const DENSE: readonly Pair[] = ACTIVATIONS.map((activation) => ({
  name: `dense ${activation}`,
  fused: (x, weight, bias) => dense(x as Tensor, weight as Tensor, bias ?? null, activation),
  plain: (x, weight, bias) => plainDense(x as Tensor, { weight: weight as Tensor, bias: bias ?? null }, activation),
  shapes: (rows, width) => [[rows, width], [7, width], [7]],
}));

const [LOSS]: readonly [Pair] = [
  {
    name: "masked_log_loss",
    fused: (z) => maskedLogLoss(z as Tensor, ...targetsOf(z as Tensor)),
    plain: (z) => {
      const [labels, mask, known] = targetsOf(z as Tensor);
      return plainMultiObjectiveLoss(z as Tensor, { labels, mask, known });
    },
    shapes: (rows, width) => [[rows, width]],
  },
];

const PAIRS: readonly Pair[] = [...NORMS, ...RESIDUAL_NORMS, ...GATED, ...BIASED, ...DENSE, LOSS];

/** Labels, mask and numbers of known labels that depend on the shape only; one objective has none. */
function targetsOf(z: Tensor): [Tensor, Tensor, Tensor] {
  const { dtype } = z;
  const labels = random64(z.shape, 7).sigmoid().to({ dtype });
  const mask = random64(z.shape, 8).gt(0).to({ dtype });
  const open = random64([z.shape[1] ?? 0], 9)
    .gt(-1)
    .to({ dtype });
  const counted = mask.mul(open);
  return [labels, counted, counted.sum([0])];
}

function leavesOf(pair: Pair, [rows, width]: readonly [number, number], dtype: DType): Tensor[] {
  return pair.shapes(rows, width).map((shape, i) => {
    const leaf = randn(shape, { generator: RandomGenerator.seeded(i + 1), dtype: "float64" }).to({ dtype });
    leaf.requiresGrad = true;
    return leaf;
  });
}

/** The result and the gradient of every input, for one random cotangent. */
function runPair(apply: Pair["fused"], inputs: readonly Tensor[]): readonly Tensor[] {
  const result = apply(...inputs);
  const cotangent = random64(result.shape, 99).to({ dtype: result.dtype });
  return [result, ...grad([result], inputs, { gradients: [cotangent] }).map((g) => g as Tensor)];
}

function expectSame(fused: readonly Tensor[], plain: readonly Tensor[], tolerance: number): void {
  fused.forEach((tensor, i) => {
    const wanted = plain[i] as Tensor;
    const scale = wanted.numel === 0 ? 1 : Math.max(1, wanted.detach().abs().amax().item());
    toBeClose(tensor.to({ dtype: "float64" }), wanted.to({ dtype: "float64" }), {
      rtol: tolerance,
      atol: tolerance * scale,
    });
  });
}

beforeAll(() => setThreads(2));

describe.each(PAIRS)("$name", (pair) => {
  test("is its plain composition, with every gradient, in float64", () => {
    for (const shape of SHAPES) {
      using _ = new Scope();
      const inputs = leavesOf(pair, shape, "float64");
      expectSame(runPair(pair.fused, inputs), runPair(pair.plain, inputs), 1e-11);
    }
  });

  test("in float32 is that of float64, within rounding", () => {
    for (const shape of SHAPES) {
      using _ = new Scope();
      const single = leavesOf(pair, shape, "float32");
      const double = single.map((leaf) => {
        const wide = leaf.detach().to({ dtype: "float64" });
        wide.requiresGrad = true;
        return wide;
      });
      expectSame(runPair(pair.fused, single), runPair(pair.plain, double), 5e-5);
    }
  });

  test("has the gradients of central differences", () => {
    using _ = new Scope();
    checkGrads(pair.fused, leavesOf(pair, [5, 17], "float64"));
  });

  test.each(["float32", "float64"] as const)("is the same to the bit with one thread and two, in %s", (dtype) => {
    using _ = new Scope();
    const inputs = leavesOf(pair, [1500, 64], dtype);
    const results = [2, 1, 2].map((count) => {
      setThreads(count);
      return runPair(pair.fused, inputs);
    });
    expect(threads()).toBe(2);
    // The bits of a matrix product on several threads are the BLAS's own affair.
    const others = pair.name.startsWith("dense") ? results.slice(2) : results.slice(1);
    for (const other of others) {
      for (const [i, tensor] of other.entries()) expect(tensor.equal(results[0]?.[i] as Tensor)).toBe(true);
    }
  });

  test("computes without recording what it computes when recording", () => {
    using _ = new Scope();
    const inputs = leavesOf(pair, [5, 17], "float32");
    const still = pair.fused(...inputs.map((leaf) => leaf.detach()));
    expect(still.requiresGrad).toBe(false);
    expect(still.equal(pair.fused(...inputs))).toBe(true);
  });

  test("takes columns out of order", () => {
    using _ = new Scope();
    const inputs = leavesOf(pair, [6, 17], "float64").map((leaf) => leaf.detach());
    const turned = inputs.map((x) => (x.shape.length === 2 ? x.t().contiguous().t() : x));
    expect(pair.fused(...turned).equal(pair.fused(...inputs))).toBe(true);
  });
});

describe("numbers at the edges", () => {
  const EDGES = [0, -0, 89, -89, 1e4, -1e4, 1e-30, INF, -INF, NAN];

  // Of ∞ libtorch 2's own gelu is NaN; ours is the limit.
  const edgesOf = (name: string): readonly number[] => (name.endsWith("gelu") ? EDGES.filter((x) => x !== INF) : EDGES);

  test("gelu of ∞ is ∞", () => {
    const y = biasActivation(fromArray(Float32Array.of(INF), [1, 1]), null, "gelu");
    toBeClose(y, [INF]);
  });

  test.each([...GATED, ...BIASED])("$name gives what the plain composition gives", ({ name, fused, plain, shapes }) => {
    const edges = edgesOf(name);
    for (const dtype of ["float32", "float64"] as const) {
      using _ = new Scope();
      const x = fromArray(Float64Array.from(edges), [edges.length, 1]).to({ dtype });
      const ones = shapes(edges.length, 1)
        .slice(1)
        .map((shape) => random64(shape, 3).mul(0).add(1).to({ dtype }));
      const inputs = [x, ...ones].map((tensor) => {
        const leaf = tensor.detach().clone();
        leaf.requiresGrad = true;
        return leaf;
      });
      const tolerance = { rtol: 1e-5, atol: 1e-6 };
      toBeClose(fused(...inputs), plain(...inputs), tolerance);
      const of = (f: Pair["fused"]): Tensor => grad([f(...inputs).sum()], inputs)[0] as Tensor;
      toBeClose(of(fused), of(plain), tolerance);
    }
  });

  test.each([...NORMS, ...DENSE])("$name keeps them in their own row", ({ fused, shapes }) => {
    for (const dtype of ["float32", "float64"] as const) {
      using _ = new Scope();
      const inputs = shapes(EDGES.length + 1, 33).map((shape, i) => random64(shape, i + 1).to({ dtype }));
      const clean = inputs[0] as Tensor;
      const dirty = clean.clone();
      for (const [row, value] of EDGES.entries()) dirty.select(0, row).slice(0, 5, 6).fill_(value);
      const gradientOfFirst = (x: Tensor): Tensor => {
        const leaf = x.detach().clone();
        leaf.requiresGrad = true;
        return grad([fused(leaf, ...inputs.slice(1)).sum()], [leaf])[0] as Tensor;
      };
      const last = (x: Tensor): Tensor => x.slice(0, EDGES.length);
      expect(last(fused(dirty, ...inputs.slice(1))).equal(last(fused(clean, ...inputs.slice(1))))).toBe(true);
      expect(last(gradientOfFirst(dirty)).equal(last(gradientOfFirst(clean)))).toBe(true);
      expect(last(gradientOfFirst(clean)).isfinite().all().item()).toBe(1);
    }
  });

  test("a mask of zeros gives zero and a gradient of zeros", () => {
    using _ = new Scope();
    const z = random64([6, 3]);
    z.requiresGrad = true;
    const zeros = z.detach().mul(0);
    const loss = maskedLogLoss(z, zeros, zeros, zeros.sum([0]));
    expect(loss.item()).toBe(0);
    expect((grad([loss], [z])[0] as Tensor).abs().amax().item()).toBe(0);
  });

  test("labels with a gradient get it", () => {
    using _ = new Scope();
    const [z, ones] = [random64([4, 2]), random64([4, 2]).mul(0).add(1)];
    checkGrads((y) => maskedLogLoss(z, y, ones, ones.sum([0])), [random64([4, 2], 2)]);
  });
});

describe("what is not of one shape is refused", () => {
  const bad = expect.objectContaining({ code: "TORCH_OPERATOR" });
  const x = random64([4, 3]);
  test.each([
    ["norm", () => norm(x, random64([4]), null, "layer", EPS)],
    ["norm", () => norm(x, random64([3]), null, "batch", EPS)],
    ["norm", () => norm(x, random64([3]), random64([3]), "rms", EPS)],
    ["residual_norm", () => residualNorm(x, random64([3, 3]), random64([3]), null, "rms", EPS)],
    ["gated", () => gated(x, random64([3]), "sigmoid")],
    ["gated", () => gated(x, x, "tanh")],
    ["bias_activation", () => biasActivation(x, random64([4]), "relu")],
    ["dense", () => dense(x, random64([3, 4]), null, "relu")],
    ["dense", () => dense(x, random64([2, 3]), random64([3]), "relu")],
    ["masked_log_loss", () => maskedLogLoss(x, x, x, random64([4]))],
  ])("%s", (_, run) => expect(run).toThrow(bad));

  test("16-bit tensors take the plain composition", () => {
    const half = x.to({ dtype: "bfloat16" });
    const expected = linear(half, half, null).relu();
    toBeClose(dense(half, half, null, "relu"), expected);
    toBeClose(gated(half, half, "silu"), plainGated(half, half, "silu"));
  });
});
