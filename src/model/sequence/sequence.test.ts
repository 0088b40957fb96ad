import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { ARCHITECTURE_DEFAULTS } from "../../config/model/architecture.ts";
import { checkLayerGrads, dot, initial64, naiveLinear, naiveSoftmax, perturb } from "../../nn/testing.ts";
import { JaggedTensor } from "../../ops/index.ts";
import { boundsOf, RAGGED_LENGTHS, random64, randomJagged, rowsOf, segmentsOf } from "../../ops/jagged/testing.ts";
import { cat, fromArray, grad, Scope, setThreads, type Tensor } from "../../torch/index.ts";
import { toBeClose } from "../../torch/testing.ts";
import { CrossArch, type HistorySummary, SUMMARY_TOKENS, summaryTokens } from "../interaction/cross-arch.ts";
import { naiveNorm, naivePersonalized } from "../naive.test.support.ts";
import { DinPooling } from "./din-pooling.ts";
import { PersonalizedFeedForward, SequenceBlock } from "./sequence-block.ts";

const DIM = 4;
const TOKENS = 3;
const RAGGED = [3, 0, 1, 5];
const CLOSE = { rtol: 1e-10, atol: 1e-10 };
const anyLengths = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 5 });
const examples = RAGGED_LENGTHS.map((lengths): [number[]] => [[...lengths]]);

function onRagged(body: (x: JaggedTensor) => void): void {
  const property = fc.property(anyLengths, (lengths) => {
    using _ = new Scope();
    body(randomJagged(lengths, DIM));
  });
  fc.assert(property, { examples, numRuns: 15 });
}

beforeAll(() => setThreads(1));

describe("DinPooling", () => {
  const pooling = perturb(DinPooling.init({ dim: DIM, hidden: [6] }, initial64()));
  const [first, second] = pooling.relevance.layers;

  function naive(events: readonly number[][], candidate: readonly number[]): number[] {
    const scores = events.map((event) => {
      const joint = [
        ...event,
        ...candidate,
        ...event.map((value, j) => value - (candidate[j] ?? NaN)),
        ...event.map((value, j) => value * (candidate[j] ?? NaN)),
      ];
      const hidden = first === undefined ? [] : naiveLinear(joint, first).map((value) => Math.max(0, value));
      return (second === undefined ? [] : naiveLinear(hidden, second))[0] ?? NaN;
    });
    const weights = naiveSoftmax(scores);
    return candidate.map((_, j) =>
      dot(
        weights,
        events.map((event) => event[j] ?? NaN),
      ),
    );
  }

  test("is the loop, zero for an empty history", () => {
    onRagged((history) => {
      const candidate = random64([history.size, DIM], 4);
      const rows = rowsOf(candidate);
      const expected = segmentsOf(history).flatMap((events, b) => naive(events, rows[b] ?? []));
      toBeClose(pooling.apply(history, candidate), expected, CLOSE);
    });
  });
  test("does not depend on the order of events", () => {
    const history = randomJagged([3], DIM);
    const turned = cat(
      [2, 0, 1].map((i) => history.values.slice(0, i, i + 1)),
      0,
    );
    const candidate = random64([1, DIM], 4);
    toBeClose(pooling.apply(history.with(turned), candidate), pooling.apply(history, candidate), CLOSE);
  });
  test("gradients", () => {
    const { values, bounds } = randomJagged(RAGGED, DIM);
    checkLayerGrads(pooling, (p, v, c) => p.apply(JaggedTensor.of(v as Tensor, bounds), c as Tensor), {
      inputs: [values, random64([4, DIM], 4)],
    });
  });
  test("no gradient of an all-empty batch is NaN", () => {
    const candidate = random64([2, DIM]);
    candidate.requiresGrad = true;
    const [gradient] = grad([pooling.apply(randomJagged([0, 0], DIM), candidate).sum()], [candidate]);
    expect(gradient?.toNumbers()).toEqual(new Array(2 * DIM).fill(0));
  });
});

describe.each([1, 2])("PersonalizedFeedForward of %i heads", (numHeads) => {
  const layer = PersonalizedFeedForward.init({ dim: DIM, numHeads }, initial64());

  test("is act(q kᵀ / √d) v in a loop, each event with its own example's summary", () => {
    onRagged((sequence) => {
      const summary = random64([sequence.size, TOKENS, DIM], 3);
      const tokens = rowsOf(summary.reshape([sequence.size * TOKENS, DIM]));
      const expected = segmentsOf(sequence).flatMap((rows, b) =>
        rows.flatMap((row) => naivePersonalized(row, tokens.slice(b * TOKENS, (b + 1) * TOKENS), layer)),
      );
      toBeClose(layer.apply(sequence, summary).values, expected, CLOSE);
    });
  });
  test("gradients", () => {
    const { values, bounds } = randomJagged(RAGGED, DIM);
    checkLayerGrads(layer, (l, v, s) => l.apply(JaggedTensor.of(v as Tensor, bounds), s as Tensor).values, {
      inputs: [values, random64([4, TOKENS, DIM], 3)],
    });
  });
});

describe("SequenceBlock", () => {
  const block = perturb(SequenceBlock.init({ dim: DIM, numHeads: 2 }, initial64()));
  const summary = random64([4, TOKENS, DIM], 3);

  test("is two residual steps, each normalized before", () => {
    const s = randomJagged(RAGGED, DIM);
    const { feedForward, feedForwardNorm } = block;
    if (feedForward === null || feedForwardNorm === null) throw new Error("not personalized");
    const fed = feedForward.apply(s.with(feedForwardNorm.apply(s.values)), summary).values;
    const middle = s.with(s.values.add(fed));
    const attended = block.attention.apply(middle.with(block.attentionNorm.apply(middle.values))).values;
    toBeClose(block.apply(s, summary).values, middle.values.add(attended));
  });
  test("padding cannot change results: a much longer neighbour changes nothing", () => {
    const s = randomJagged([...RAGGED, 60], DIM);
    const short = JaggedTensor.of(s.values.slice(0, 0, 9), boundsOf(RAGGED));
    const wide = cat([summary, random64([1, TOKENS, DIM], 5)], 0);
    toBeClose(block.apply(s, wide).values.slice(0, 0, 9), block.apply(short, summary).values, CLOSE);
  });
  test("keeps the whole sequence, also an empty one", () => {
    onRagged((s) => {
      const result = block.apply(s, random64([s.size, TOKENS, DIM], 3));
      expect(result.bounds).toBe(s.bounds);
      expect(result.values.shape).toEqual(s.values.shape);
    });
  });
  test("gradients", () => {
    const { values, bounds } = randomJagged(RAGGED, DIM);
    checkLayerGrads(block, (b, v, m) => b.apply(JaggedTensor.of(v as Tensor, bounds), m as Tensor).values, {
      inputs: [values, summary],
    });
  });
});

describe("CrossArch", () => {
  const sizes = { dim: DIM, numHeads: 2, tokensIn: 5, numHistories: 1 };
  const cross = perturb(CrossArch.init(sizes, ARCHITECTURE_DEFAULTS, initial64()));
  const features = random64([4, 5, DIM], 3);
  const events = randomJagged(RAGGED, DIM);
  const history = events.prepend(random64([4, SUMMARY_TOKENS.cls, DIM], 6));

  test("summarizes the features by a gated compression", () => {
    const { features: summary } = cross.apply(features, [history]);
    expect(summary.shape).toEqual([4, SUMMARY_TOKENS.features, DIM]);
    toBeClose(summary, cross.features.gate?.apply(cross.features.compress.apply(features)) ?? []);
  });
  test("summarizes the normalized history by its CLS tokens, its pooling and its newest events, gated one by one", () => {
    const { histories: summary } = cross.apply(features, [history]);
    expect(summary.shape).toEqual([4, summaryTokens(ARCHITECTURE_DEFAULTS), DIM]);
    const [{ gate, pooling, norm }] = cross.histories as [HistorySummary];
    const gated = (tokens: Tensor | undefined): Tensor => gate?.apply(tokens as Tensor) as Tensor;
    const normed = ({ values, bounds }: JaggedTensor): JaggedTensor => {
      const rows = rowsOf(values).flatMap((row) => naiveNorm(row, norm, 0.01));
      return JaggedTensor.of(fromArray(Float64Array.from(rows), values.shape), bounds);
    };
    toBeClose(summary.slice(1, 0, 4), gated(normed(history).first(4)));
    toBeClose(summary.slice(1, 4, 6), gated(pooling?.apply(normed(history))));
    toBeClose(summary.slice(1, 6, 8), gated(normed(events).newest(2)));
  });
  test("neither summary reads the other side", () => {
    const other = cross.apply(features.add(1), [history]);
    toBeClose(other.histories, cross.apply(features, [history]).histories);
    const moved = cross.apply(features, [history.with(history.values.add(1))]);
    toBeClose(moved.features, cross.apply(features, [history]).features);
  });
  test("gradients", () => {
    checkLayerGrads(
      cross,
      (c, f, v) => {
        const summary = c.apply(f as Tensor, [JaggedTensor.of(v as Tensor, history.bounds)]);
        return cat([summary.features, summary.histories], 1);
      },
      { inputs: [features, history.values] },
    );
  });
});
