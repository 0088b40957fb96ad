/** The readers of histories of SASRec and HSTU against loops, and what they may not see. */
import { beforeAll, describe, expect, test } from "vitest";
import type { LayerNorm } from "../../nn/index.ts";
import { checkLayerGrads, dot, initial64, naiveLinear, perturb } from "../../nn/testing.ts";
import { JaggedTensor } from "../../ops/index.ts";
import { random64, randomJagged, rowsOf, segmentsOf } from "../../ops/jagged/testing.ts";
import { cat, noGrad, setThreads, type Tensor } from "../../torch/index.ts";
import { toBeClose } from "../../torch/testing.ts";
import { HstuEncoder } from "../baselines/hstu-encoder.ts";
import { SasrecBlock, SasrecEncoder } from "../baselines/sasrec.ts";
import { HstuAttention } from "./hstu.ts";
import { SequenceBlock } from "./sequence-block.ts";

const DIM = 4;
const HEADS = 2;
const RAGGED = [3, 0, 1, 5];
const SIZES = { dim: DIM, layers: 2, numHeads: HEADS };
const MAX_LENGTH = 11;
const CLOSE = { rtol: 1e-10, atol: 1e-10 };

const history = randomJagged(RAGGED, DIM);
const candidate = random64([RAGGED.length, DIM], 4);
/** Two contextual tokens, and one that is none. */
const features = random64([RAGGED.length, 3, DIM], 5);
const context = features.slice(1, 0, 2);

const sum = (a: readonly number[], b: readonly number[]): number[] => a.map((value, j) => value + (b[j] ?? NaN));
const silu = (value: number): number => value / (1 + Math.exp(-value));

function naiveNorm(v: readonly number[], { scale, shift }: LayerNorm): number[] {
  const mean = v.reduce((total, value) => total + value, 0) / v.length;
  const variance = v.reduce((total, value) => total + (value - mean) ** 2, 0) / v.length;
  const [factors, terms] = [scale.detach().toNumbers(), shift.detach().toNumbers()];
  return v.map((value, j) => ((value - mean) / Math.sqrt(variance + 1e-5)) * (factors[j] ?? NaN) + (terms[j] ?? NaN));
}

/** HSTU's attention of one segment, row by row and head by head. */
function naiveHstu(rows: readonly number[][], layer: HstuAttention): number[][] {
  const width = DIM / HEADS;
  const parts = rows.map((row) => naiveLinear(row, layer.inputs).map(silu));
  const part = (i: number, which: number, head: number): number[] =>
    (parts[i] ?? []).slice(which * DIM + head * width, which * DIM + (head + 1) * width);
  const bias = rowsOf(layer.positionBias);
  const reach = ((bias[0]?.length ?? 1) - 1) / 2;
  return rows.map((_, i) => {
    const mixed = Array.from({ length: HEADS }, (_, head) => {
      const result = new Array<number>(width).fill(0);
      for (let j = 0; j <= i; j++) {
        const score = dot(part(i, 2, head), part(j, 3, head)) / Math.sqrt(width) + (bias[head]?.[i - j + reach] ?? NaN);
        for (let c = 0; c < width; c++) result[c]! += (silu(score) / MAX_LENGTH) * (part(j, 1, head)[c] ?? NaN);
      }
      return result;
    }).flat();
    const gates = (parts[i] ?? []).slice(0, DIM);
    const gated = naiveNorm(mixed, layer.norm).map((value, j) => value * (gates[j] ?? NaN));
    return naiveLinear(gated, layer.output);
  });
}

function hstuOf(block: unknown): { attention: HstuAttention; attentionNorm: LayerNorm } {
  if (block instanceof SequenceBlock && block.attention instanceof HstuAttention) {
    return { attention: block.attention, attentionNorm: block.attentionNorm };
  }
  throw new Error("no HSTU");
}

beforeAll(() => setThreads(1));

describe("HstuReader", () => {
  const reader = perturb(HstuEncoder.init({ sizes: SIZES, numContextual: 2, history: MAX_LENGTH - 3 }, initial64()));

  test("is the candidate's row after the blocks in a loop, history or none", () => {
    const [candidates, contexts] = [rowsOf(candidate), rowsOf(context.flatten(0, 1))];
    const expected = segmentsOf(history).flatMap((events, b) => {
      let rows = [...contexts.slice(2 * b, 2 * b + 2), ...events, candidates[b] ?? []];
      for (const block of reader.stack.blocks) {
        const { attention, attentionNorm } = hstuOf(block);
        const actual = naiveHstu(
          rows.map((row) => naiveNorm(row, attentionNorm)),
          attention,
        );
        rows = rows.map((row, i) => sum(row, actual[i] ?? []));
      }
      return naiveNorm(rows.at(-1) ?? [], reader.stack.norm);
    });
    toBeClose(reader.apply(history, candidate, features), expected, CLOSE);
  });

  test("a longest history of another example changes no bit of this one's part", () => {
    const longer = randomJagged([...RAGGED, 60], DIM);
    const short = JaggedTensor.of(longer.values.slice(0, 0, 9), history.bounds);
    const more = (x: Tensor): Tensor => cat([x, x.slice(0, 0, 1)], 0);
    const all = reader.apply(longer, more(candidate), more(features));
    toBeClose(all.slice(0, 0, 4), reader.apply(short, candidate, features), { rtol: 0, atol: 0 });
  });

  test("another candidate changes no state of the history, and each event changes the candidate's", () => {
    const states = (c: Tensor): JaggedTensor =>
      reader.stack.blocks.reduce((s, block) => block.apply(s, null), history.prepend(context).append(c.unsqueeze(1)));
    const [before, after] = [segmentsOf(states(candidate)), segmentsOf(states(candidate.add(1)))];
    for (const [b, rows] of before.entries()) {
      expect(after[b]?.slice(0, -1)).toEqual(rows.slice(0, -1));
      expect(after[b]?.at(-1)).not.toEqual(rows.at(-1));
    }
    const read = (values: Tensor): number[][] => rowsOf(reader.apply(history.with(values), candidate, features));
    for (let row = 0; row < history.rows; row++) {
      const moved = history.values.clone();
      noGrad(() => moved.select(0, row).mul_(-2));
      const changed = read(moved).map((y, b) => `${y}` !== `${read(history.values)[b]}`);
      expect(changed).toEqual(
        RAGGED.map((_, b) => row >= (history.bounds[b] ?? 0) && row < (history.bounds[b + 1] ?? 0)),
      );
    }
  });

  test("gradients", () => {
    checkLayerGrads(reader, (r, ...[v, c, x]) => r.apply(history.with(v as Tensor), c as Tensor, x as Tensor), {
      inputs: [history.values, candidate, features],
      rtol: 1e-5,
      step: 1e-7,
    });
  });
});

describe("SasrecBlock", () => {
  const block = perturb(SasrecBlock.init(SIZES, initial64()));

  test("is causal attention and a feed-forward, each residual and normalized before", () => {
    const { attention, feedForward } = block;
    const normed = history.with(attention.attentionNorm.apply(history.values));
    const attended = history.values.add(attention.attention.apply(normed).values);
    const [first, second] = feedForward.mlp.layers;
    const expected = rowsOf(attended).flatMap((row) => {
      if (first === undefined || second === undefined) throw new Error("no MLP of two layers");
      const hidden = naiveLinear(naiveNorm(row, feedForward.norm), first).map((value) => Math.max(0, value));
      return sum(row, naiveLinear(hidden, second));
    });
    toBeClose(block.apply(history).values, expected, CLOSE);
  });

  test("no row sees a later one, and each sees the earlier ones", () => {
    const long = randomJagged([8], DIM);
    for (let t = 1; t < 8; t++) {
      const moved = long.values.clone();
      noGrad(() => moved.select(0, t).mul_(-2));
      const [before, after] = [rowsOf(block.apply(long).values), rowsOf(block.apply(long.with(moved)).values)];
      expect(after.slice(0, t)).toEqual(before.slice(0, t));
      for (let later = t; later < 8; later++) expect(after[later]).not.toEqual(before[later]);
    }
  });

  test("gradients", () => {
    checkLayerGrads(block, (b, v) => b.apply(history.with(v as Tensor)).values, { inputs: [history.values] });
  });
});

describe("SasrecReader", () => {
  const reader = perturb(SasrecEncoder.init(SIZES, initial64()));

  test("reads the normalized state of the newest event, zero without events", () => {
    const states = reader.stack.blocks.reduce((s, block) => block.apply(s, null), history);
    const expected = segmentsOf(states).flatMap((rows) => {
      const last = rows.at(-1);
      return last === undefined ? new Array<number>(DIM).fill(0) : naiveNorm(last, reader.stack.norm);
    });
    toBeClose(reader.apply(history), expected, CLOSE);
  });

  test("gradients", () => {
    checkLayerGrads(reader, (r, v) => r.apply(history.with(v as Tensor)), { inputs: [history.values], rtol: 1e-5 });
  });
});
