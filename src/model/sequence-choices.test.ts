/** How events see each other, what the candidate sees of them, and what levels of a pyramid make of them: against loops. */
import { beforeAll, describe, expect, test } from "vitest";
import type { SequenceAttention } from "../config/architecture.ts";
import { JaggedTensor } from "../jagged/index.ts";
import { random64, randomJagged, segmentsOf } from "../jagged/testing.ts";
import { type Linear, MultiHeadAttention, plainAttention, QueryKeyNorm } from "../nn/index.ts";
import { checkLayerGrads, initial64, naiveLinear, perturb } from "../nn/testing.ts";
import { cat, fromArray, grad, noGrad, setThreads, type Tensor } from "../torch/index.ts";
import { toBeClose } from "../torch/testing.ts";
import { CandidateAttention, type Compared } from "./candidate-attention.ts";
import { HstuAttention } from "./hstu.ts";
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
} from "./naive.test.support.ts";
import { PyramidLevel } from "./pyramid-level.ts";
import { SequenceBlock } from "./sequence-block.ts";

const DIM = 4;
const SIZES = { dim: DIM, numHeads: 2 };
const PREFIX = 2;
/** Of events and the rows in front; the longest is of several blocks of 64. */
const LENGTHS = [2, 140, 3, 70, 12];
const CLOSE = { rtol: 1e-9, atol: 1e-9 };

const sequence = randomJagged(LENGTHS, DIM);
const summary = random64([LENGTHS.length, 3, DIM], 3);

/** What an event sees of the events, written down once more; rows in front see all, and are not seen. */
const EVENTS_SEE: Readonly<Record<Exclude<SequenceAttention, "full" | "hstu">, Sees>> = {
  causal: (row, key) => key <= row,
  block: (row, key) => Math.floor(row / 64) === Math.floor(key / 64),
  semiLocal: (row, key) => key <= row && (row - key < 64 || key < 64),
};

/** Candidates and events as a batch has them: every event's attribute a row of its own. @shape own [B, F, D], [L, F·D] */
function comparedOf(own: Tensor, { values, rows }: JaggedTensor): Compared {
  const [, count = 0, dim = 0] = own.shape;
  const attributes = Array.from({ length: count }, (_, f) => f);
  const codes = fromArray(
    Int32Array.from({ length: rows }, (_, row) => row),
    [rows],
  );
  return {
    candidate: attributes.map((f) => own.select(1, f)),
    events: {
      tables: attributes.map((f) => values.slice(1, f * dim, (f + 1) * dim).clone()),
      features: attributes.map((table) => ({ table, codes })),
    },
  };
}

function seesOf(attention: SequenceAttention, front = PREFIX): Sees | undefined {
  if (attention === "full" || attention === "hstu") return undefined;
  const events = EVENTS_SEE[attention];
  return (row, key) => row < front || (key >= front && events(row - front, key - front));
}

const ATTENTIONS = ["full", "causal", "block", "semiLocal", "hstu"] as const;

const blockOf = (attention: SequenceAttention, options: object = {}): SequenceBlock =>
  perturb(SequenceBlock.init({ ...SIZES, attention, prefix: PREFIX, maxLength: 150, ...options }, initial64()));

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
    const told = block.feedForward === null ? null : summary;
    const expected = segmentsOf(sequence).flatMap((rows, b) =>
      naiveSequenceBlock(rows, block, { summary: told && (tokens[b] ?? null), sees }).flat(),
    );
    toBeClose(block.apply(sequence, told).values, expected, CLOSE);
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

  test("rows in front see every event", () => {
    const block = blockOf(attention);
    const front = (x: JaggedTensor): Tensor => block.apply(x, summary).first(PREFIX).select(0, 1);
    const before = front(sequence);
    for (const row of [PREFIX, 70, 139]) {
      const other = sequence.values.clone();
      const at = (sequence.bounds[1] ?? 0) + row;
      noGrad(() =>
        other
          .slice(0, at, at + 1)
          .select(1, 0)
          .add_(1),
      );
      const change = front(sequence.with(other)).sub(before).abs().amax([1]).toNumbers();
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
      const made = blockOf(attention, options).apply(sequence.with(values), summary).values;
      const [gradient] = grad([made], [values], { gradients: [random64(made.shape, 8)] });
      return { made, gradient: gradient as Tensor };
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
  const ATTRIBUTES = 3;
  const layer = perturb(CandidateAttention.init({ dim: DIM, attributes: ATTRIBUTES }, initial64()));
  const lengths = [3, 0, 1, 5];
  const history = randomJagged(lengths, DIM);
  const attributes = randomJagged(lengths, ATTRIBUTES * DIM, 6);
  const candidate = random64([4, ATTRIBUTES, DIM], 5);
  const apply = (own: Tensor, tokens = history, events = attributes): Tensor =>
    layer.apply(tokens, comparedOf(own, events));

  /** `s_fl` and `y_f` in loops, the learned row first. */
  function naive(b: number): number[] {
    const norm = (row: readonly number[]): number[] => naiveRms([...row], layer.attributeNorm);
    const tokens = (segmentsOf(history)[b] ?? []).map((row) => naiveNorm(row, layer.eventNorm));
    const own = examplesOf(candidate)[b] ?? [];
    const [sharpness, prior] = [layer.sharpness.toNumbers(), layer.prior.toNumbers()];
    return own.flatMap((row, f) => {
      const scores = tokens.map((token, l) => {
        const other = ((segmentsOf(attributes)[b] ?? [])[l] ?? []).slice(f * DIM, (f + 1) * DIM);
        const alike = norm(row).reduce((sum, x, i) => sum + x * (norm(other)[i] ?? 0), 0) / DIM;
        return 4 * ((sharpness[f] ?? 0) * alike + (naiveLinear(token, layer.importance)[f] ?? 0));
      });
      const columns = (all: readonly number[]): readonly number[] => all.slice(4 * f, 4 * f + 4);
      const values = tokens.map((token) => columns(naiveLinear(token, layer.value)));
      const all = [{ score: 4 * (prior[f] ?? 0), value: columns(layer.priorValue.toNumbers()) }].concat(
        scores.map((score, l) => ({ score, value: values[l] ?? [] })),
      );
      const total = all.reduce((sum, { score }) => sum + Math.exp(score), 0);
      return [0, 1, 2, 3].map((i) =>
        all.reduce((sum, { score, value }) => sum + (Math.exp(score) / total) * (value[i] ?? 0), 0),
      );
    });
  }

  test("is what was believed before and what the own events say, by their likeness, in loops", () => {
    const made = apply(candidate);
    expect(made.shape).toEqual([4, CandidateAttention.width(ATTRIBUTES)]);
    toBeClose(made, [0, 1, 2, 3].flatMap(naive), CLOSE);
  });
  test("without events is what was believed before", () => {
    const none = [randomJagged([0, 0, 0, 0], DIM), randomJagged([0, 0, 0, 0], ATTRIBUTES * DIM)] as const;
    toBeClose(apply(candidate, ...none), new Array(4).fill(layer.priorValue.toNumbers()).flat(), CLOSE);
  });
  test("at first already weighs an event that is alike 55 times as much, whatever the scale of its embedding", () => {
    const fresh = CandidateAttention.init({ dim: 64, attributes: 1 }, initial64());
    const events = cat([1, 0, 0].map((_, i) => random64([1, 64], 70 + i).mul(10 ** -i)));
    const one = (values: Tensor): JaggedTensor => JaggedTensor.of(values, Int32Array.of(0, 3));
    const tokens = random64([3, 64], 8);
    const made = fresh.apply(one(tokens), {
      ...comparedOf(events.slice(0, 1, 2).mul(0.2).unsqueeze(0), one(events)),
    });
    const values = fresh.value.apply(fresh.eventNorm.apply(tokens));
    // The prior weighs as much as the one event that is alike.
    const expected = values.select(0, 1).div(2);
    expect(made.select(0, 0).sub(expected).abs().amax().item()).toBeLessThan(0.2);
  });
  test("another candidate changes nothing, and the order of events does not matter", () => {
    const other = candidate.clone();
    noGrad(() => other.select(0, 0).mul_(random64([ATTRIBUTES, DIM], 9)));
    const [before, after] = [candidate, other].map((rows) => apply(rows));
    expect(after?.slice(0, 1, 4).equal(before?.slice(0, 1, 4) as Tensor)).toBe(true);
    expect(after?.slice(0, 0, 1).equal(before?.slice(0, 0, 1) as Tensor)).toBe(false);
    const [tokens, events] = [randomJagged([5], DIM, 6), randomJagged([5], ATTRIBUTES * DIM, 7)];
    const turned = (x: JaggedTensor): JaggedTensor => {
      const rows = [4, 2, 0, 1, 3].map((i) => x.values.slice(0, i, i + 1));
      return x.with(cat(rows, 0));
    };
    const first = candidate.slice(0, 0, 1);
    toBeClose(apply(first, turned(tokens), turned(events)), apply(first, tokens, events), CLOSE);
  });
  test("gradients", () => {
    checkLayerGrads(
      layer,
      (l, own, tokens) => l.apply(history.with(tokens as Tensor), comparedOf(own as Tensor, attributes)),
      { inputs: [candidate, history.values] },
    );
  });
});

describe("PyramidLevel", () => {
  const levelOf = (merged: number, prefix: number): PyramidLevel =>
    perturb(PyramidLevel.init({ ...SIZES, merged, prefix, attention: "causal" }, initial64()));

  /** Groups that end with the newest event, zeros before the oldest. */
  function groupsOf(rows: Rows, count: number): number[][][] {
    const missing = (count - (rows.length % count)) % count;
    const all = [
      ...Array.from({ length: missing }, () => new Array<number>(DIM).fill(0)),
      ...rows.map((row) => [...row]),
    ];
    return Array.from({ length: all.length / count }, (_, g) => all.slice(g * count, (g + 1) * count));
  }

  function naive(rows: Rows, told: Rows, level: PyramidLevel): number[][] {
    const { merged, prefix } = level;
    const attended = naiveSequenceBlock(rows, level.block, { summary: told, sees: seesOf("causal", prefix) });
    const seen = groupsOf(attended.slice(prefix), merged);
    const made = groupsOf(rows.slice(prefix), merged).map((group, g) => {
      const flat = group.flat();
      const branches = [
        naiveLinear((seen[g] ?? []).flat(), level.attended),
        naiveLinear(flat, level.compress),
        naiveMlp(flat, level.mix),
      ];
      return naiveNorm(plus(meanOf(group), ...branches), level.norm);
    });
    return [...attended.slice(0, prefix), ...made];
  }

  test.each([
    [2, 0],
    [2, 2],
    [3, 2],
    [1, 1],
    [5, 0],
  ])("of %i events and %i rows in front: attention, compression and mixer in loops", (merged, prefix) => {
    const level = levelOf(merged, prefix);
    const x = randomJagged([2, 9, 3, 12, 4], DIM);
    const told = examplesOf(summary);
    const expected = segmentsOf(x).map((rows, b) => naive(rows, told[b] ?? [], level));
    const made = level.apply(x, summary);
    expect(segmentsOf(made).map((rows) => rows.length)).toEqual(expected.map((rows) => rows.length));
    toBeClose(made.values, expected.flat(2), CLOSE);
  });
  test("the newest events are always a whole group: older ones before them change no later group's members", () => {
    const level = levelOf(3, 0);
    const older = randomJagged([2], DIM, 9);
    const alone = randomJagged([6], DIM, 10);
    const longer = alone.prepend(older.values.reshape([1, 2, DIM]));
    const told = summary.slice(0, 0, 1);
    expect(level.apply(alone, told).rows).toBe(2);
    expect(level.apply(longer, told).rows).toBe(3);
    const newer = changedFrom(longer, 0, 5);
    const [before, after] = [longer, newer].map((x) => level.apply(x, told).values);
    expect(after?.slice(0, 0, 2).equal(before?.slice(0, 0, 2) as Tensor)).toBe(true);
    expect(after?.slice(0, 2, 3).equal(before?.slice(0, 2, 3) as Tensor)).toBe(false);
  });
  test("gradients, with an empty history among others", () => {
    const { values, bounds } = randomJagged([5, 2, 3], DIM);
    const told = summary.slice(0, 0, 3);
    checkLayerGrads(levelOf(2, 2), (l, v, s) => l.apply(JaggedTensor.of(v as Tensor, bounds), s as Tensor).values, {
      inputs: [values, told],
    });
  });
});
