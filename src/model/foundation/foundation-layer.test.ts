/** One whole layer of the foundation model, InterFormer's, in loops over plain numbers. */
import { beforeAll, describe, expect, test } from "vitest";
import { ARCHITECTURE_DEFAULTS, type ArchitectureConfig } from "../../config/model/architecture.ts";
import type { AttentionPooling } from "../../nn/index.ts";
import { checkLayerGrads, initial64, naiveLinear, perturb } from "../../nn/testing.ts";
import { JaggedTensor } from "../../ops/index.ts";
import { random64, randomJagged, rowsOf, segmentsOf } from "../../ops/jagged/testing.ts";
import { cat, setThreads, type Tensor } from "../../torch/index.ts";
import { toBeClose } from "../../torch/testing.ts";
import { SurfaceRoute } from "../inputs/surfaces.ts";
import { clsTokens, type HistorySummary } from "../interaction/cross-arch.ts";
import { WukongLayer } from "../interaction/wukong.ts";
import {
  examplesOf,
  mapRows,
  naiveCompress,
  naiveGate,
  naiveMlp,
  naiveNorm,
  naiveSequenceBlock,
  naiveSoftmaxAttention,
  naiveWukong,
  plus,
  type Rows,
} from "../naive.test.support.ts";
import { SequenceBlock } from "../sequence/sequence-block.ts";
import { FoundationLayer } from "./foundation-layer.ts";

// Heads of 4 columns: the norm of 2 that are near zero is too steep for finite differences.
const SIZES = { dim: 8, layers: 1, numHeads: 2, hidden: [6], tokens: 2, compressedDim: 3 };
const TOKENS_IN = 5;
const EVENTS = [3, 0, 1, 9];
const SURFACES = Int32Array.of(1, 0, 2, 1);
const CLOSE = { rtol: 1e-8, atol: 1e-8 };

const route = SurfaceRoute.of({ size: 4, contextual: { surface: SURFACES } }, 3);
const x = random64([4, TOKENS_IN, SIZES.dim]);

function layerOf(choices: Partial<ArchitectureConfig>): FoundationLayer {
  const architecture = { ...ARCHITECTURE_DEFAULTS, ...choices };
  const config = { sizes: SIZES, architecture, history: 9, numSurfaces: 3, tokensIn: TOKENS_IN, tokens: SIZES.tokens };
  return perturb(FoundationLayer.init(config, initial64()));
}

/** As many histories as the layer reads, each with its CLS tokens in front. */
function historiesOf({ sequences }: FoundationLayer, choices: Partial<ArchitectureConfig>): JaggedTensor[] {
  const cls = clsTokens({ ...ARCHITECTURE_DEFAULTS, ...choices });
  return sequences.map((_, h) => {
    const events = randomJagged(h === 0 ? EVENTS : EVENTS.toReversed(), SIZES.dim, 4 + h);
    return cls === 0 ? events : events.prepend(random64([4, cls, SIZES.dim], 6 + h));
  });
}

function naivePooling(rows: Rows, { queries, key, value, output, numHeads }: AttentionPooling): number[][] {
  const keysAndValues = { keys: mapRows(rows, key), values: mapRows(rows, value), numHeads };
  return rowsOf(queries).map((query) => naiveLinear(naiveSoftmaxAttention(query, keysAndValues), output));
}

/** `gate([S_CLS ∥ PMA(S) ∥ S_recent])` of the normalized rows, zeros before the oldest of the recent ones, CLS tokens none of them. */
function naiveHistorySummary(events: Rows, { norm, pooling, gate, choices }: HistorySummary): number[][] {
  const rows = events.map((row) => naiveNorm(row, norm, 0.01));
  const blank = new Array<number>(SIZES.dim).fill(0);
  const pieces = [
    ...(choices.summary.includes("cls") ? rows.slice(0, 4) : []),
    ...(pooling === null ? [] : naivePooling(rows, pooling)),
    ...(choices.summary.includes("recent") ? [blank, blank, ...rows.slice(clsTokens(choices))].slice(-2) : []),
  ];
  return pieces.map((row) => naiveGate(row, gate));
}

/** The layer's tokens and histories of one example. */
function naiveLayer(
  { tokens, histories, surface }: { tokens: Rows; histories: readonly Rows[]; surface: number },
  layer: FoundationLayer,
): { tokens: number[][]; histories: number[][][] } {
  const { cross, interaction, feedForward, sequences } = layer;
  if (!(interaction instanceof WukongLayer)) throw new Error("no Wukong");
  const features =
    cross && naiveCompress(tokens, cross.features.compress).map((row) => naiveGate(row, cross.features.gate));
  const summaries = histories.flatMap((rows, h) => {
    const summary = cross?.histories[h];
    return summary === undefined ? [] : naiveHistorySummary(rows, summary);
  });
  const own = feedForward?.copies[surface];
  return {
    tokens: naiveWukong([...tokens, ...summaries], interaction).map((row) =>
      own === undefined ? row : plus(row, naiveMlp(naiveNorm(row, own.norm), own.mlp)),
    ),
    histories: histories.map((rows, h) => {
      const block = sequences[h];
      if (!(block instanceof SequenceBlock)) throw new Error("no sequence block");
      return naiveSequenceBlock(rows, block, { summary: features });
    }),
  };
}

const VARIANTS: Readonly<Record<string, Partial<ArchitectureConfig>>> = {
  "as published": {},
  "two histories": { streams: "origin" },
  "squashed gates, a shorter summary": { gates: "squashed", summary: ["pooled", "recent"] },
  "no gates, CLS tokens alone": { gates: "none", summary: ["cls"] },
  "shared surfaces": { domains: "shared" },
  "not interleaved": { interleaved: false },
  "normed queries and keys": { queryKeyNorm: true },
  "HSTU in the sequence": { attention: "hstu" },
};

beforeAll(() => setThreads(1));

describe.each(Object.entries(VARIANTS))("FoundationLayer, %s", (_, choices) => {
  const layer = layerOf(choices);
  const histories = historiesOf(layer, choices);

  test("is X' = FFN(Wukong([X ∥ S_sum])), S' = Sequence(S, X_sum), both from the layer's inputs", () => {
    const examples = examplesOf(x);
    const segments = histories.map(segmentsOf);
    const expected = examples.map((tokens, b) => {
      const own = segments.map((rows) => rows[b] ?? []);
      return naiveLayer({ tokens, histories: own, surface: SURFACES[b] ?? Number.NaN }, layer);
    });
    const actual = layer.apply({ x, histories }, route, [x]);
    expect(actual.x.shape).toEqual([4, 2 * SIZES.tokens, SIZES.dim]);
    toBeClose(
      actual.x,
      expected.flatMap(({ tokens }) => tokens.flat()),
      CLOSE,
    );
    expect(actual.histories.length).toBe(histories.length);
    for (const [h, history] of actual.histories.entries()) {
      toBeClose(
        history.values,
        expected.flatMap((one) => one.histories[h]?.flat() ?? []),
        CLOSE,
      );
    }
  });

  test("gradients", () => {
    const bounds = histories.map((history) => history.bounds);
    checkLayerGrads(
      layer,
      (l, features, ...values) => {
        const actual = l.apply(
          { x: features as Tensor, histories: values.map((v, h) => JaggedTensor.of(v, bounds[h] as Int32Array)) },
          route,
          [features as Tensor],
        );
        return cat([actual.x.reshape([-1, SIZES.dim]), ...actual.histories.map((history) => history.values)], 0);
      },
      { inputs: [x, ...histories.map(({ values }) => values)] },
    );
  });
});

test("without a cross arch neither side reads the other; with one each does", () => {
  for (const interleaved of [true, false]) {
    const layer = layerOf({ interleaved });
    const histories = historiesOf(layer, {});
    const before = layer.apply({ x, histories }, route, [x]);
    const otherFeatures = layer.apply({ x: x.add(1), histories }, route, [x]);
    expect(otherFeatures.histories[0]?.values.equal(before.histories[0]?.values as Tensor)).toBe(!interleaved);
    const moved = histories.map((history) => history.with(history.values.add(1)));
    expect(layer.apply({ x, histories: moved }, route, [x]).x.equal(before.x)).toBe(!interleaved);
  }
});
