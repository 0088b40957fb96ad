/**
 * The coordinate check of the parametrization: how far a few updates at one learning rate move what models say, and what
 * their heads read, over widths, depths and sizes.
 *
 * @see arXiv 2203.03466 appendix D.1
 */
import { beforeAll, describe, expect, test } from "vitest";
import { ARCHITECTURE_DEFAULTS } from "../config/model/architecture.ts";
import { MODEL_SIZES } from "../config/types.ts";
import type { Batch } from "../features/spec.ts";
import { DenseParameters, Initializer, initAdamW, multiObjectiveLoss, parametersOf, stepAdamW } from "../nn/index.ts";
import { fromArray, noGrad, RandomGenerator, Scope, setThreads, type Tensor } from "../torch/index.ts";
import { buildModel, type ModelShape } from "./build.ts";
import type { Student } from "./model.ts";
import { TINY_SPEC, tinyBatch } from "./testing.ts";

const KINDS = ["previous", "foundation"] as const;
const UPDATES = 5;
const LEARNING_RATE = 1e-3;
const OBJECTIVES = TINY_SPEC.objectives.length;

const batch = tinyBatch(Array.from({ length: 32 }, (_, b) => (b * 7) % 13));

type Shape = Partial<Pick<ModelShape, "size" | "dim" | "layers">>;

function modelOf(kind: (typeof KINDS)[number], shape: Shape): Student {
  const config: ModelShape = {
    ...{ kind, size: "small", dim: null, layers: 2, history: 16, options: {}, architecture: ARCHITECTURE_DEFAULTS },
    ...shape,
  };
  const initial = new Initializer(RandomGenerator.seeded(3));
  return buildModel(config, { spec: TINY_SPEC, rates: [0.3, 0.3], initial }) as Student;
}

function lossOf(model: Student, { labels, labelMask, size }: Batch): Tensor {
  const at = (values: Float32Array): Tensor => fromArray(values, [size, OBJECTIVES]);
  return multiObjectiveLoss(model.logits(batch), { labels: at(labels), mask: at(labelMask) });
}

const rms = (x: Tensor): number => Math.sqrt(x.square().mean().item());

/** How far the updates move the logits, and what the heads read relative to what it was. */
function moved(model: Student, { plain = false } = {}): { readonly logits: number; readonly backbone: number } {
  using _ = new Scope();
  const { values, gradient, spans } = DenseParameters.gather(parametersOf(model).dense);
  const look = (): readonly [Tensor, Tensor] =>
    noGrad(() => [model.logits(batch).clone(), model.backbone(batch).clone()]);
  const [logits, backbone] = look();
  let state = initAdamW(values);
  for (let step = 0; step < UPDATES; step++) {
    gradient.zero_();
    lossOf(model, batch).backward();
    const at = { values, gradient, ...(plain ? {} : { spans }) };
    state = stepAdamW(state, at, { learningRate: LEARNING_RATE });
  }
  const [logitsAfter, backboneAfter] = look();
  return { logits: rms(logitsAfter.sub(logits)), backbone: rms(backboneAfter.sub(backbone)) / rms(backbone) };
}

/** The largest over the smallest. */
const spread = (values: readonly number[]): number => Math.max(...values) / Math.min(...values);

beforeAll(() => setThreads(1));

describe.each(KINDS)("one learning rate moves %s alike", (kind) => {
  const moves = (shapes: readonly Shape[], options = {}) => shapes.map((shape) => moved(modelOf(kind, shape), options));
  const widths = [8, 16, 32, 64].map((dim) => ({ dim }));

  test("at every width; without the factors of the rates it would not", () => {
    const actual = moves(widths);
    expect(spread(actual.map(({ logits }) => logits))).toBeLessThan(3);
    expect(spread(actual.map(({ backbone }) => backbone))).toBeLessThan(2.5);
    const plain = moves(widths, { plain: true });
    expect(spread(plain.map(({ logits }) => logits))).toBeGreaterThan(4);
  });

  test("at every depth", () => {
    const actual = moves([1, 2, 4].map((layers) => ({ layers })));
    expect(spread(actual.map(({ logits }) => logits))).toBeLessThan(2);
    expect(spread(actual.map(({ backbone }) => backbone))).toBeLessThan(4);
  });

  test("at every size", () => {
    const actual = moves(MODEL_SIZES.slice(0, 3).map((size) => ({ size, layers: null })));
    expect(spread(actual.map(({ logits }) => logits))).toBeLessThan(2.5);
    expect(spread(actual.map(({ backbone }) => backbone))).toBeLessThan(4);
  });
});
