/** What can stand in Wukong's place or beside it, against loops. */
import { beforeAll, describe, expect, test } from "vitest";
import { checkLayerGrads, initial64, naiveLinear, naiveSoftmax, perturb, replaceParameters } from "../../nn/testing.ts";
import { random64 } from "../../ops/jagged/testing.ts";
import { fromArray, setThreads, type Tensor } from "../../torch/index.ts";
import { toBeClose } from "../../torch/testing.ts";
import {
  at,
  examplesOf,
  mapRows,
  meanOf,
  naiveCompress,
  naiveGate,
  naiveNorm,
  naiveSoftmaxAttention,
  naiveWukong,
  plus,
  type Rows,
  weighted,
} from "../naive.test.support.ts";
import { Gating, gateOf } from "./gating.ts";
import { DcnInteraction, InteractionExperts, initInteraction, LayerConnections } from "./interaction.ts";
import { type WukongConfig, WukongLayer } from "./wukong.ts";

const CONFIG: WukongConfig = { dim: 4, tokensIn: 5, interacted: 2, compressed: 3, compressedDim: 3, hidden: [6] };
const CLOSE = { rtol: 1e-9, atol: 1e-9 };
const x = random64([3, CONFIG.tokensIn, CONFIG.dim]);

beforeAll(() => setThreads(1));

test("WukongLayer is the whole formula in loops, with and without a compressed residual", () => {
  for (const config of [CONFIG, { ...CONFIG, interacted: 1, compressed: 2 }]) {
    const layer = perturb(WukongLayer.init(config, initial64()));
    toBeClose(
      layer.apply(x),
      examplesOf(x).flatMap((tokens) => naiveWukong(tokens, layer).flat()),
      CLOSE,
    );
  }
});

describe("CrossInteraction", () => {
  const layer = perturb(DcnInteraction.init({ ...CONFIG, interacted: 1, compressed: 3 }, initial64()));

  test("is LN(LCB(x ⊙ (U (Vᵀ x) + b) + x)) of the flattened tokens", () => {
    const expected = examplesOf(x).flatMap((tokens) => {
      const flat = tokens.flat();
      const mapped = naiveLinear(naiveLinear(flat, layer.cross.down), layer.cross.up);
      const crossed = flat.map((value, i) => value * at(mapped, i) + value);
      const rows = tokens.map((row, i) => row.map((_, d) => at(crossed, i * CONFIG.dim + d)));
      return naiveCompress(rows, layer.compress).flatMap((row) => naiveNorm(row, layer.norm));
    });
    expect(layer.apply(x).shape).toEqual([3, 4, CONFIG.dim]);
    toBeClose(layer.apply(x), expected, CLOSE);
  });
  test("gradients", () => checkLayerGrads(layer, (l, input) => l.apply(input as Tensor), { inputs: [x] }));
});

describe("InteractionExperts", () => {
  const experts = [1, 2, 3].map((seed) => perturb(WukongLayer.init(CONFIG, initial64(seed)), seed));
  const layer = perturb(InteractionExperts.init(experts, CONFIG, initial64()));

  function naive(tokens: Rows): number[] {
    const weights = naiveSoftmax(naiveLinear(meanOf(tokens), layer.gate));
    const actual = experts.map((expert) => naiveWukong(tokens, expert).flat());
    return weighted(weights, actual, actual[0]?.length ?? 0);
  }

  test("is a mixture of what each expert makes, weighed by a softmax of the mean token", () => {
    toBeClose(layer.apply(x), examplesOf(x).flatMap(naive), CLOSE);
  });
  test("of equal experts is one of them", () => {
    const [one] = experts;
    if (one === undefined) throw new Error("no expert");
    const same = new InteractionExperts(
      [one, one],
      perturb(InteractionExperts.init([one, one], CONFIG, initial64())).gate,
    );
    toBeClose(same.apply(x), one.apply(x), CLOSE);
  });
  test("are made by the architecture's number, one being no mixture", () => {
    const actual = (experts: number, interaction: "wukong" | "dcn") =>
      initInteraction(CONFIG, { experts, interaction }, initial64());
    expect(actual(1, "wukong")).toBeInstanceOf(WukongLayer);
    expect(actual(1, "dcn")).toBeInstanceOf(DcnInteraction);
    const two = actual(2, "dcn");
    expect(two instanceof InteractionExperts && two.experts.map((expert) => expert.constructor)).toEqual([
      DcnInteraction,
      DcnInteraction,
    ]);
  });
  test("gradients", () => checkLayerGrads(layer, (l, input) => l.apply(input as Tensor), { inputs: [x] }));
});

describe("CrossLayerAttention", () => {
  const layer = perturb(LayerConnections.init(CONFIG.dim, initial64()));
  const earlier = [random64([3, 2, CONFIG.dim], 7), random64([3, 4, CONFIG.dim], 8)];

  test("is LN(x + attention to the tokens of all earlier layers)", () => {
    const past = earlier.map(examplesOf);
    const expected = examplesOf(x).flatMap((tokens, b) => {
      const rows = past.flatMap((layerTokens) => layerTokens[b] ?? []);
      const keysAndValues = { keys: mapRows(rows, layer.key), values: mapRows(rows, layer.value), numHeads: 1 };
      return tokens.flatMap((token) => {
        const mixed = naiveSoftmaxAttention(naiveLinear(token, layer.query), keysAndValues);
        return naiveNorm(plus(token, naiveLinear(mixed, layer.output)), layer.norm);
      });
    });
    toBeClose(layer.apply(x, earlier), expected, CLOSE);
  });
  test("the order of earlier layers does not matter", () => {
    toBeClose(layer.apply(x, earlier.toReversed()), layer.apply(x, earlier), CLOSE);
  });
  test("gradients", () => {
    checkLayerGrads(layer, (l, input, ...past) => l.apply(input as Tensor, past), {
      inputs: [x, ...earlier],
    });
  });
});

describe("the order of features", () => {
  const order = [3, 0, 4, 2, 1];
  const permuted = (axis: number, tensor: Tensor): Tensor =>
    tensor.indexSelect(axis, fromArray(Int32Array.from(order), [order.length]).to({ dtype: "int64" }));

  test("does not matter to the products of a factorization machine, whose rows come in the tokens' order", () => {
    const factor = random64([3, CONFIG.tokensIn, CONFIG.compressedDim], 9);
    const products = (tokens: Tensor, y: Tensor): Tensor => tokens.matmul(tokens.transpose(1, 2).matmul(y));
    toBeClose(products(permuted(1, x), permuted(1, factor)), permuted(1, products(x, factor)), CLOSE);
  });
  test("does not matter to Wukong whose maps over tokens are in the same order", () => {
    const layer = perturb(WukongLayer.init({ ...CONFIG, interacted: 1, compressed: 2 }, initial64()));
    const { interact, compress, residual } = layer;
    const k = CONFIG.compressedDim;
    const columns = order.flatMap((i) => Array.from({ length: k }, (_, j) => i * k + j)); // Of flattened [n, k].
    const byColumn = (axis: number, tensor: Tensor): Tensor =>
      tensor.indexSelect(axis, fromArray(Int32Array.from(columns), [columns.length]).to({ dtype: "int64" }));
    const swap = new Map<Tensor, Tensor>();
    for (const { map } of [interact.compress, compress, ...(residual === null ? [] : [residual])]) {
      swap.set(map.weight, permuted(1, map.weight));
    }
    const [last, first] = [interact.factor.layers.at(-1), interact.mix.layers[0]];
    if (last?.bias == null || first === undefined) throw new Error("no factor");
    swap.set(last.weight, byColumn(0, last.weight));
    swap.set(last.bias, byColumn(0, last.bias));
    swap.set(interact.norm.scale, byColumn(0, interact.norm.scale));
    swap.set(interact.norm.shift, byColumn(0, interact.norm.shift));
    swap.set(first.weight, byColumn(1, first.weight));
    const turned = replaceParameters(layer, swap);
    toBeClose(turned.apply(permuted(1, x)), layer.apply(x), CLOSE);
  });
  test("does not matter to a mixture's gate, nor to cross-layer attention beyond the order of its results", () => {
    const two = [WukongLayer.init(CONFIG, initial64()), WukongLayer.init(CONFIG, initial64())];
    const { gate } = perturb(InteractionExperts.init(two, CONFIG, initial64()));
    toBeClose(gate.apply(permuted(1, x).mean([1])), gate.apply(x.mean([1])), CLOSE);
    const layer = perturb(LayerConnections.init(CONFIG.dim, initial64()));
    const past = random64([3, CONFIG.tokensIn, CONFIG.dim], 7);
    toBeClose(layer.apply(permuted(1, x), [permuted(1, past)]), permuted(1, layer.apply(x, [past])), CLOSE);
  });
});

describe("gates", () => {
  test.each(["scaled", "squashed"] as const)("%s: the formula in a loop", (kind) => {
    const gating = perturb(Gating.init(CONFIG.dim, initial64(), kind));
    toBeClose(
      gating.apply(x),
      examplesOf(x).flatMap((rows) => rows.flatMap((row) => naiveGate(row, gating))),
      CLOSE,
    );
    checkLayerGrads(gating, (g, input) => g.apply(input as Tensor), { inputs: [x] });
  });
  test("none is none", () => {
    expect(gateOf("none", 4, initial64())).toBeNull();
    expect(gateOf("squashed", 4, initial64())?.kind).toBe("squashed");
    expect(gateOf("scaled", 4, initial64())?.kind).toBe("scaled");
  });
  test("squashed lies in [0, 1] and is finite at extremes", () => {
    const gating = perturb(Gating.init(CONFIG.dim, initial64(), "squashed"));
    for (const scale of [0, 89, -89, 1e4, -1e4]) {
      const actual = gating.apply(x.mul(scale)).toNumbers();
      expect(actual.every((value) => value >= 0 && value <= 1)).toBe(true);
    }
    expect(gating.apply(x.mul(0)).toNumbers()).toEqual(new Array(x.numel).fill(0.5));
  });
});
