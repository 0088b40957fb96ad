import { expect, test } from "vitest";
import { fromArray, noGrad } from "../../torch/index.ts";
import { Linear } from "../linear.ts";
import { Mlp } from "../mlp.ts";
import { LayerNorm } from "../norms.ts";
import { FULL_PRECISION, withPrecision } from "../precision-policy.ts";
import { initial64 } from "../testing.ts";
import { keepRates } from "./keep-rates.ts";
import { initAdamW, stepAdamW } from "./optimizers.ts";
import { DenseParameters, parametersOf, type RateSpan } from "./parameters.ts";

const modelOf = (width: number) => ({
  mlp: Mlp.init({ in: 3, hidden: [width], out: 2 }, initial64()),
  norm: LayerNorm.init(width, initial64()),
  ...(width > 4 ? { more: Linear.init({ in: width, out: 1 }, initial64()) } : {}),
});

const factorsOf = (spans: readonly RateSpan[]): number[] =>
  spans.flatMap(({ from, to, factor }) => new Array<number>(to - from).fill(factor));

/** The factor of every parameter, by its name. */
function ratesOf(model: object): Record<string, readonly number[]> {
  const { parts, spans } = DenseParameters.gather(parametersOf(model).dense);
  const rates = factorsOf(spans);
  let start = 0;
  const entries = parts.map(({ name, tensor }) => {
    start += tensor.numel;
    return [name, [...new Set(rates.slice(start - tensor.numel, start))]] as const;
  });
  return Object.fromEntries(entries);
}

test("keepRates scales the weights of maps by what they read here and in the base; nothing else", () => {
  const model = modelOf(16);
  keepRates(model, modelOf(4));
  const expected = {
    "mlp.layers.0.weight": [1],
    "mlp.layers.0.bias": [1],
    "mlp.layers.1.weight": [0.25],
    "mlp.layers.1.bias": [1],
    "norm.scale": [1],
    "norm.shift": [1],
    "more.weight": [1],
    "more.bias": [1],
  };
  expect(ratesOf(model)).toEqual(expected);
  const half = withPrecision(model, () => ({ ...FULL_PRECISION, half: true }));
  expect(ratesOf(half)).toEqual(expected);
});

test("the first step is each parameter's own rate, its decay the same for all", () => {
  const model = modelOf(16);
  keepRates(model, modelOf(4));
  const dense = DenseParameters.gather(parametersOf(model).dense);
  const before = dense.values.clone().toNumbers();
  const signs = before.map((_, i) => (i % 3 === 0 ? -1 : 1));
  const gradient = fromArray(
    Float64Array.from(signs, (sign) => 3 * sign),
    [signs.length],
  );
  noGrad(() => dense.gradient.copy_(gradient));
  stepAdamW(initAdamW(dense.values), dense, { learningRate: 0.01, weightDecay: 0.5 });
  const factors = factorsOf(dense.spans);
  const expected = before.map((w, i) => w - 0.01 * ((factors[i] ?? Number.NaN) * (signs[i] ?? Number.NaN) + 0.5 * w));
  expect(Math.max(...dense.values.toNumbers().map((w, i) => Math.abs(w - (expected[i] ?? Number.NaN))))).toBeLessThan(
    1e-6,
  );
});
