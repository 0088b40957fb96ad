/** How events see each other, what the candidate sees of them, and what levels of a pyramid make of them: against loops. */
import { beforeAll, describe, expect, test } from "vitest";
import type { SequenceAttention } from "../../config/model/architecture.ts";
import { type Linear, MultiHeadAttention, QueryKeyNorm } from "../../nn/index.ts";
import { checkLayerGrads, initial64, naiveLinear, perturb } from "../../nn/testing.ts";
import { JaggedTensor, type Lookup, plainAttention } from "../../ops/index.ts";
import { random64, randomJagged, segmentsOf } from "../../ops/jagged/testing.ts";
import { cat, fromArray, grad, noGrad, setThreads, type Tensor } from "../../torch/index.ts";
import { toBeClose } from "../../torch/testing.ts";
import {
  examplesOf,
  meanOf,
  naiveHstu,
  naiveMlp,
  naiveNorm,
  naiveRms,
  naiveSelfAttention,
  naiveSequenceBlock,
  plus,
  type Rows,
  type Sees,
} from "../naive.test.support.ts";
import { type CandidateAndEvents, CandidateAttention } from "./candidate-attention.ts";
import { HstuAttention } from "./hstu.ts";
import { PyramidLevel } from "./pyramid-level.ts";
import { SequenceBlock } from "./sequence-block.ts";

const DIM = 4;
const SIZES = { dim: DIM, numHeads: 2 };
const PREFIX = 2;
/** Of events and the CLS rows; the longest is of several blocks of 64. */
const LENGTHS = [2, 140, 3, 70, 12];
const CLOSE = { rtol: 1e-9, atol: 1e-9 };

const sequence = randomJagged(LENGTHS, DIM);
const summary = random64([LENGTHS.length, 3, DIM], 3);

/** What an event sees of the events, written down once more; CLS rows see all, and are not seen. */
const EVENTS_SEE: Readonly<Record<Exclude<SequenceAttention, "full" | "hstu">, Sees>> = {
  causal: (row, key) => key <= row,
  block: (row, key) => Math.floor(row / 64) === Math.floor(key / 64),
  semiLocal: (row, key) => key <= row && (row - key < 64 || key < 64),
};

/** Every event's attribute a row of its own. @shape [L, n·D] → n features [L] */
function lookedUp({ values, rows }: JaggedTensor, dim: number): Lookup {
  const tables = Array.from({ length: (values.shape[1] ?? 0) / dim }, (_, f) => f);
  const all = Int32Array.from({ length: rows }, (_, row) => row);
  return {
    tables: tables.map((f) => values.slice(1, f * dim, (f + 1) * dim).clone()),
    features: tables.map((table) => ({ table, codes: fromArray(all, [rows]) })),
  };
}

/** Candidates and events as a batch has them. @shape own [B, F, D], common [L, F·D], told [L, G·D] */
function comparedOf(
  own: Tensor,
  { common, eventOnly }: { common: JaggedTensor; eventOnly: JaggedTensor },
): CandidateAndEvents {
  const [, count = 0, dim = 1] = own.shape;
  return {
    candidate: Array.from({ length: count }, (_, f) => own.select(1, f)),
    events: lookedUp(common, dim),
    eventOnly: lookedUp(eventOnly, dim),
    offsets: common.offsets,
  };
}

function seesOf(attention: SequenceAttention, clsTokens = PREFIX): Sees | undefined {
  if (attention === "full" || attention === "hstu") return undefined;
  const events = EVENTS_SEE[attention];
  return (row, key) => row < clsTokens || (key >= clsTokens && events(row - clsTokens, key - clsTokens));
}

const ATTENTIONS = ["full", "causal", "block", "semiLocal", "hstu"] as const;

const blockOf = (attention: SequenceAttention, options: object = {}): SequenceBlock =>
  perturb(SequenceBlock.init({ ...SIZES, attention, clsTokens: PREFIX, maxLength: 150, ...options }, initial64()));

/** The same rows with others from a row on, in one segment. */
function changedFrom(x: JaggedTensor, segment: number, row: number): JaggedTensor {
  const first = (x.bounds[segment] ?? 0) + row;
  const values = x.values.clone();
  noGrad(() => values.slice(0, first, x.bounds[segment + 1] ?? 0).add_(1));
  return x.with(values);
}

beforeAll(() => setThreads(1));

describe.each(ATTENTIONS)("SequenceBlock, %s", (attention) => {
  const sees = seesOf(attention);

  test.each([{}, { queryKeyNorm: true }, { personalized: false }])("is two steps in loops: %o", (options) => {
    const block = blockOf(attention, options);
    const tokens = examplesOf(summary);
    const blockSummary = block.feedForward === null ? null : summary;
    const expected = segmentsOf(sequence).flatMap((rows, b) =>
      naiveSequenceBlock(rows, block, { summary: blockSummary && (tokens[b] ?? null), sees }).flat(),
    );
    toBeClose(block.apply(sequence, blockSummary).values, expected, CLOSE);
  });

  test("the future changes nothing where it is not to be seen, and what is seen counts", () => {
    const block = blockOf(attention);
    const [segment, row] = [1, 100];
    const start = sequence.bounds[segment] ?? 0;
    const [before, after] = [sequence, changedFrom(sequence, segment, row)].map((x) => block.apply(x, summary).values);
    const past = (x: Tensor | undefined): Tensor => (x as Tensor).slice(0, start + PREFIX, start + row);
    const isCausal = attention === "causal" || attention === "semiLocal" || attention === "hstu";
    expect(past(after).equal(past(before))).toBe(isCausal);
    const later = (x: Tensor | undefined): Tensor => (x as Tensor).slice(0, start + row, start + row + 1);
    expect(later(after).equal(later(before))).toBe(false);
  });

  test("CLS rows see every event", () => {
    const block = blockOf(attention);
    const clsRows = (x: JaggedTensor): Tensor => block.apply(x, summary).first(PREFIX).select(0, 1);
    const before = clsRows(sequence);
    for (const row of [PREFIX, 70, 139]) {
      const other = sequence.values.clone();
      const at = (sequence.bounds[1] ?? 0) + row;
      noGrad(() =>
        other
          .slice(0, at, at + 1)
          .select(1, 0)
          .add_(1),
      );
      const change = clsRows(sequence.with(other)).sub(before).abs().amax([1]).toNumbers();
      expect(Math.min(...change)).toBeGreaterThan(1e-6);
    }
  });

  test("no segment sees another", () => {
    const block = blockOf(attention);
    const [before, after] = [sequence, changedFrom(sequence, 1, 0)].map((x) => block.apply(x, summary).values);
    const end = sequence.bounds[2] ?? 0;
    expect(after?.slice(0, end).equal(before?.slice(0, end) as Tensor)).toBe(true);
    expect(after?.slice(0, 0, 2).equal(before?.slice(0, 0, 2) as Tensor)).toBe(true);
  });
});

test.each(ATTENTIONS.filter((kind) => kind !== "hstu"))(
  "SequenceBlock, %s: padding-free equals padded and masked, also its gradients",
  (attention) => {
    const [free, padded] = [{}, { attend: plainAttention }].map((options) => {
      const values = sequence.values.detach().clone();
      values.requiresGrad = true;
      const actual = blockOf(attention, options).apply(sequence.with(values), summary).values;
      const [gradient] = grad([actual], [values], { gradients: [random64(actual.shape, 8)] });
      return { made: actual, gradient: gradient as Tensor };
    });
    toBeClose(free?.made as Tensor, padded?.made as Tensor, CLOSE);
    toBeClose(free?.gradient as Tensor, padded?.gradient as Tensor, CLOSE);
  },
);

describe("QueryKeyNorm in attention", () => {
  const layer = perturb(MultiHeadAttention.init({ ...SIZES, queryKeyNorm: true }, initial64()));

  test("is the norm of each head's queries and keys, in loops", () => {
    const expected = segmentsOf(sequence).flatMap((rows) => naiveSelfAttention(rows, layer).flat());
    toBeClose(layer.apply(sequence).values, expected, CLOSE);
  });
  test("bounds the scores, however large the rows are", () => {
    const { norm, query, key, numHeads } = layer;
    if (norm === null) throw new Error("no norm");
    const width = DIM / numHeads;
    const [scaleQ = 0, scaleK = 0] = [norm.query, norm.key].map(({ scale }) => scale.abs().amax().item());
    const bound = scaleQ * scaleK * width * (1 + 1e-9);
    for (const factor of [1, 1e4, 1e8]) {
      const x = sequence.values.mul(factor);
      const heads = (map: Linear): Tensor => map.apply(x).reshape([sequence.rows, numHeads, width]).transpose(0, 1);
      const scores = norm.query.apply(heads(query)).matmul(norm.key.apply(heads(key)).transpose(1, 2)); // [H, L, L]
      expect(scores.abs().amax().item()).toBeLessThanOrEqual(bound);
    }
  });
  test("makes attention blind to the scale of its inputs, but for the values", () => {
    const large = layer.apply(sequence.with(sequence.values.mul(1e4))).values;
    toBeClose(large.div(1e4), layer.apply(sequence.with(sequence.values.mul(1e3))).values.div(1e3), {
      rtol: 1e-3,
      atol: 1e-3,
    });
  });
  test("gradients", () => {
    const { values, bounds } = randomJagged([3, 0, 2], DIM);
    checkLayerGrads(layer, (l, v) => l.apply(JaggedTensor.of(v as Tensor, bounds)).values, { inputs: [values] });
    checkLayerGrads(
      QueryKeyNorm.init(DIM, initial64()),
      (n, v) => n.query.apply(v as Tensor).add(n.key.apply(v as Tensor)),
      {
        inputs: [values],
      },
    );
  });
});

describe("HstuAttention", () => {
  const layer = perturb(HstuAttention.init({ ...SIZES, maxLength: 150 }, initial64()));

  test("is the formula in loops, distances beyond its reach sharing the last bias", () => {
    const far = randomJagged([140, 0, 1], DIM, 5);
    for (const x of [sequence, far]) {
      toBeClose(
        layer.apply(x).values,
        segmentsOf(x).flatMap((rows) => naiveHstu(rows, layer).flat()),
        CLOSE,
      );
    }
  });
  test("the bias by position counts", () => {
    const other = perturb(HstuAttention.init({ ...SIZES, maxLength: 150 }, initial64()));
    noGrad(() => other.positionBias.zero_());
    expect(other.apply(sequence).values.equal(layer.apply(sequence).values)).toBe(false);
  });
  test("of no rows is nothing", () => expect(layer.apply(randomJagged([0, 0], DIM)).rows).toBe(0));
});

describe("CandidateAttention", () => {
  const [ATTRIBUTES, TOLD] = [3, 2];
  const layer = perturb(CandidateAttention.init({ dim: DIM, attributes: ATTRIBUTES, eventOnly: TOLD }, initial64()));
  /** What is common and what is told of events of those lengths. */
  const eventsOf = (lengths: readonly number[]) => ({
    common: randomJagged(lengths, ATTRIBUTES * DIM, 6),
    eventOnly: randomJagged(lengths, TOLD * DIM, 7),
  });
  const events = eventsOf([3, 0, 1, 5]);
  const candidate = random64([4, ATTRIBUTES, DIM], 5);
  const apply = (own: Tensor, past = events): Tensor => layer.apply(comparedOf(own, past));
  /** Rows divided by their root mean square, without a scale. */
  const plainly = (row: readonly number[]): number[] => {
    const size = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0) / row.length + 1e-5);
    return row.map((x) => x / size);
  };

  /** `s_fl` and `y_f` in loops, the learned row first. */
  function naive(b: number): number[] {
    const norm = (row: readonly number[]): number[] => naiveRms([...row], layer.attributeNorm);
    const segmentRows = (segmentsOf(events.eventOnly)[b] ?? []).map((row) =>
      [0, 1].flatMap((g) => plainly(row.slice(g * DIM, (g + 1) * DIM))),
    );
    const own = examplesOf(candidate)[b] ?? [];
    const [sharpness, prior] = [layer.sharpness.toNumbers(), layer.prior.toNumbers()];
    const byHead = own.map((row, f) => {
      const scores = segmentRows.map((one, l) => {
        const other = ((segmentsOf(events.common)[b] ?? [])[l] ?? []).slice(f * DIM, (f + 1) * DIM);
        const product = norm(row).reduce((sum, x, i) => sum + x * (norm(other)[i] ?? 0), 0) / DIM;
        return 4 * ((sharpness[f] ?? 0) * product + (naiveLinear(one, layer.importance)[f] ?? 0));
      });
      const columns = (all: readonly number[]): readonly number[] => all.filter((_, i) => i % ATTRIBUTES === f);
      const values = segmentRows.map((one) => columns(naiveLinear(one, layer.value)));
      const all = [{ score: 4 * (prior[f] ?? 0), value: columns(layer.priorValue.toNumbers()) }].concat(
        scores.map((score, l) => ({ score, value: values[l] ?? [] })),
      );
      const total = all.reduce((sum, { score }) => sum + Math.exp(score), 0);
      return [0, 1, 2, 3].map((i) =>
        all.reduce((sum, { score, value }) => sum + 4 * (Math.exp(score) / total) * (value[i] ?? 0), 0),
      );
    });
    return [0, 1, 2, 3].flatMap((i) => byHead.map((head) => head[i] ?? 0));
  }

  test("is what was believed before and what the own events say, by their likeness, in loops", () => {
    const actual = apply(candidate);
    expect(actual.shape).toEqual([4, 4 * ATTRIBUTES]);
    toBeClose(actual, [0, 1, 2, 3].flatMap(naive), CLOSE);
  });
  test("without events is what was believed before", () => {
    const believed = layer.priorValue.toNumbers().map((x) => 4 * x);
    toBeClose(apply(candidate, eventsOf([0, 0, 0, 0])), new Array(4).fill(believed).flat(), CLOSE);
  });
  test("at first already weighs an event that is alike 55 times as much, whatever the scale of its embedding", () => {
    const fresh = CandidateAttention.init({ dim: 64, attributes: 1, eventOnly: 1 }, initial64());
    const common = cat([1, 0, 0].map((_, i) => random64([1, 64], 70 + i).mul(10 ** -i)));
    const one = (values: Tensor): JaggedTensor => JaggedTensor.of(values, Int32Array.of(0, 3));
    const eventOnly = random64([3, 64], 8);
    const own = common.slice(0, 1, 2).mul(0.2).unsqueeze(0);
    const actual = fresh.apply(comparedOf(own, { common: one(common), eventOnly: one(eventOnly) }));
    // The prior weighs as much as the one event that is alike.
    const expected = fromArray(
      Float64Array.from(naiveLinear(plainly(eventOnly.select(0, 1).toNumbers()), fresh.value)),
      [4],
    ).mul(4 / 2);
    expect(actual.select(0, 0).sub(expected).abs().amax().item()).toBeLessThan(0.8);
  });
  test("another candidate changes nothing, and the order of events does not matter", () => {
    const other = candidate.clone();
    noGrad(() => other.select(0, 0).mul_(random64([ATTRIBUTES, DIM], 9)));
    const [before, after] = [candidate, other].map((rows) => apply(rows));
    expect(after?.slice(0, 1, 4).equal(before?.slice(0, 1, 4) as Tensor)).toBe(true);
    expect(after?.slice(0, 0, 1).equal(before?.slice(0, 0, 1) as Tensor)).toBe(false);
    const five = eventsOf([5]);
    const turned = (x: JaggedTensor): JaggedTensor => {
      const rows = [4, 2, 0, 1, 3].map((i) => x.values.slice(0, i, i + 1));
      return x.with(cat(rows, 0));
    };
    const first = candidate.slice(0, 0, 1);
    const back = { common: turned(five.common), eventOnly: turned(five.eventOnly) };
    toBeClose(apply(first, back), apply(first, five), CLOSE);
  });
  // Those of the tables are with the operators'.
  test("gradients", () => {
    checkLayerGrads(layer, (l, own) => l.apply(comparedOf(own as Tensor, events)), { inputs: [candidate] });
  });
});

describe("PyramidLevel", () => {
  const levelOf = (merged: number, clsTokens: number): PyramidLevel =>
    perturb(PyramidLevel.init({ ...SIZES, merged, clsTokens, attention: "causal" }, initial64()));

  /** Groups that end with the newest event, zeros before the oldest. */
  function groupsOf(rows: Rows, count: number): number[][][] {
    const missing = (count - (rows.length % count)) % count;
    const all = [
      ...Array.from({ length: missing }, () => new Array<number>(DIM).fill(0)),
      ...rows.map((row) => [...row]),
    ];
    return Array.from({ length: all.length / count }, (_, g) => all.slice(g * count, (g + 1) * count));
  }

  function naive(rows: Rows, summaryTokens: Rows, level: PyramidLevel): number[][] {
    const { merged, clsTokens } = level;
    const attended = naiveSequenceBlock(rows, level.block, {
      summary: summaryTokens,
      sees: seesOf("causal", clsTokens),
    });
    const attendedGroups = groupsOf(attended.slice(clsTokens), merged);
    const actual = groupsOf(rows.slice(clsTokens), merged).map((group, g) => {
      const flat = group.flat();
      const branches = [
        naiveLinear((attendedGroups[g] ?? []).flat(), level.attended),
        naiveLinear(flat, level.compress),
        naiveMlp(flat, level.mix),
      ];
      return naiveNorm(plus(meanOf(group), ...branches), level.norm);
    });
    return [...attended.slice(0, clsTokens), ...actual];
  }

  test.each([
    [2, 0],
    [2, 2],
    [3, 2],
    [1, 1],
    [5, 0],
  ])("of %i events and %i CLS rows: attention, compression and mixer in loops", (merged, clsTokens) => {
    const level = levelOf(merged, clsTokens);
    const x = randomJagged([2, 9, 3, 12, 4], DIM);
    const summaries = examplesOf(summary);
    const expected = segmentsOf(x).map((rows, b) => naive(rows, summaries[b] ?? [], level));
    const actual = level.apply(x, summary);
    expect(segmentsOf(actual).map((rows) => rows.length)).toEqual(expected.map((rows) => rows.length));
    toBeClose(actual.values, expected.flat(2), CLOSE);
  });
  test("the newest events are always a whole group: older ones before them change no later group's members", () => {
    const level = levelOf(3, 0);
    const older = randomJagged([2], DIM, 9);
    const alone = randomJagged([6], DIM, 10);
    const longer = alone.prepend(older.values.reshape([1, 2, DIM]));
    const firstSummaries = summary.slice(0, 0, 1);
    expect(level.apply(alone, firstSummaries).rows).toBe(2);
    expect(level.apply(longer, firstSummaries).rows).toBe(3);
    const newer = changedFrom(longer, 0, 5);
    const [before, after] = [longer, newer].map((x) => level.apply(x, firstSummaries).values);
    expect(after?.slice(0, 0, 2).equal(before?.slice(0, 0, 2) as Tensor)).toBe(true);
    expect(after?.slice(0, 2, 3).equal(before?.slice(0, 2, 3) as Tensor)).toBe(false);
  });
  test("gradients, with an empty history among others", () => {
    const { values, bounds } = randomJagged([5, 2, 3], DIM);
    const firstSummaries = summary.slice(0, 0, 3);
    checkLayerGrads(levelOf(2, 2), (l, v, s) => l.apply(JaggedTensor.of(v as Tensor, bounds), s as Tensor).values, {
      inputs: [values, firstSummaries],
    });
  });
});
