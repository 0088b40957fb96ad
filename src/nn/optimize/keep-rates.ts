import { parametersOf } from "./parameters.ts";

/**
 * Gives the maps of a model learning rates of the same effect as those of `base` have, a model of the same layers whose
 * rate is known: `η · in_base / in` for the weight of a map that reads `in` inputs and `in_base` there. Adam moves each weight
 * by about its rate, and so each output of a map by `in` times that; now outputs move alike in every update, whatever the
 * width. Biases, scales, and maps that `base` does not have, keep their rate.
 *
 * @see arXiv 2203.03466 table 8 (maximal update parametrization, Adam) and appendix H (base shapes)
 * @example
 * import { Initializer, keepRates, Mlp } from "lapidary/nn";
 * import { RandomGenerator } from "lapidary/torch";
 *
 * const initial = new Initializer(RandomGenerator.seeded(1));
 * const mlpOf = (width: number) => Mlp.init({ in: 3, hidden: [width], out: 1 }, initial);
 * const wide = mlpOf(64);
 * keepRates(wide, mlpOf(16));
 * console.log(wide.layers.map(({ rateFactor }) => rateFactor)); // [ 1, 0.25 ]
 */
export function keepRates(model: object, base: object): void {
  const widths = new Map(parametersOf(base).dense.map(({ name, map }) => [name, map?.in]));
  for (const { name, tensor, map } of parametersOf(model).dense) {
    if (map !== undefined && tensor === map.weight) map.rateFactor = (widths.get(name) ?? map.in) / Math.max(1, map.in);
  }
}
