/** What a candidate sees of events by a vector, against loops. */
import { beforeAll, describe, expect, test } from "vitest";
import type { ContentColumns } from "../../features/spec.ts";
import { checkLayerGrads, dot, initial64, naiveLinear, naiveSoftmax, perturb } from "../../nn/testing.ts";
import type { Lookup } from "../../ops/index.ts";
import { boundsOf, random64, rowsOf } from "../../ops/jagged/testing.ts";
import { fromArray, setThreads } from "../../torch/index.ts";
import { toBeClose } from "../../torch/testing.ts";
import { at, naiveRms, type Row, weighted } from "../naive.test.support.ts";
import { VectorAttention } from "./vector-attention.ts";

const FEATURE = { name: "image", dim: 5, scale: 1 };
const [TOLD, DIM, OUTCOMES] = [2, 4, 3];
/** Eight that are learned, and what came of an event. */
const VALUES = 8 + OUTCOMES;
const SIZES = { feature: FEATURE, eventOnlyWidth: TOLD * DIM, outcomes: OUTCOMES };
const GAIN = 4;
const SHARPNESS = [4, 10, 25];
const LENGTHS = [3, 0, 1, 6];

beforeAll(() => setThreads(1));

/** Vectors of which every fourth is missing, as a batch has them. */
function vectorsOf(rows: number, seed: number): ContentColumns {
  const inputs = Float32Array.from(random64([rows, FEATURE.dim + 1], seed).toNumbers());
  for (let row = 0; row < rows; row++) {
    const vector = inputs.subarray(row * (FEATURE.dim + 1), (row + 1) * (FEATURE.dim + 1));
    if (row % 4 === 3) vector.fill(0);
    else vector[FEATURE.dim] = 1;
  }
  return { vectors: { image: inputs }, lists: {} };
}

/** Each event's rows of what only events have. */
function toldOf(rows: number): Lookup {
  const codes = fromArray(
    Int32Array.from({ length: rows }, (_, row) => row),
    [rows],
  );
  const tables = Array.from({ length: TOLD }, (_, g) => random64([Math.max(1, rows), DIM], 20 + g));
  return { tables, features: tables.map((_, table) => ({ table, codes })) };
}

function inputsOf(lengths: readonly number[]) {
  const bounds = boundsOf(lengths);
  const rows = bounds.at(-1) ?? 0;
  const outcomes = random64([rows, OUTCOMES], 30);
  return {
    candidate: vectorsOf(lengths.length, 5),
    events: vectorsOf(rows, 6),
    eventOnly: toldOf(rows),
    outcomes,
    bounds,
  };
}

const rowOf = ({ vectors }: ContentColumns, row: number): Row => [
  ...(vectors["image"] ?? []).slice(row * (FEATURE.dim + 1), (row + 1) * (FEATURE.dim + 1)),
];

describe("VectorAttention", () => {
  const layer = perturb(VectorAttention.init(SIZES, initial64()));
  const inputs = inputsOf(LENGTHS);

  /** `s_hl` and `y_h` of one example in loops, the learned row first. */
  function naive(b: number): number[] {
    const { candidate, events, eventOnly, outcomes, bounds } = inputs;
    const key = (row: Row): number[] => naiveRms(naiveLinear(row, layer.map), layer.norm);
    const unit = (row: Row): number[] => row.map((x) => x / Math.sqrt(dot(row, row) / row.length + 1e-5));
    const [first, last] = [bounds[b] ?? 0, bounds[b + 1] ?? 0];
    const past = Array.from({ length: last - first }, (_, i) => {
      const told = eventOnly.tables.flatMap((table) => unit(rowsOf(table)[first + i] ?? []));
      return { key: key(rowOf(events, first + i)), told, came: rowsOf(outcomes)[first + i] ?? [] };
    });
    const own = key(rowOf(candidate, b));
    const values = [
      layer.priorValue.toNumbers(),
      ...past.map(({ told, came }) => [...naiveLinear(told, layer.value), ...came]),
    ];
    return SHARPNESS.flatMap((sharpness, h) => {
      const kappa = sharpness * at(layer.sharpness.toNumbers(), h);
      const scores = past.map(
        (event) => dot(own, event.key) / FEATURE.dim + at(naiveLinear(event.told, layer.importance), 0),
      );
      const weights = naiveSoftmax([at(layer.prior.toNumbers(), 0), ...scores].map((score) => kappa * score));
      return weighted(weights, values, VALUES).map((value) => GAIN * value);
    });
  }

  test("is the attention of each candidate to its events, head by head", () => {
    const expected = LENGTHS.flatMap((_, b) => naive(b));
    const actual = layer.apply(inputs);
    expect(layer.width).toBe(SHARPNESS.length * VALUES);
    toBeClose(actual, fromArray(Float64Array.from(expected), actual.shape), { rtol: 1e-9, atol: 1e-9 });
  });

  test("gradients", () => {
    checkLayerGrads(layer, (each) => each.apply(inputs));
  });

  test("begins with a likeness that is the vectors' own", () => {
    const fresh = VectorAttention.init(SIZES, initial64(3));
    const rows = rowsOf(fresh.map.weight.detach());
    for (const [i, row] of rows.entries()) {
      for (const [j, other] of rows.entries()) expect(dot(row, other)).toBeCloseTo(i === j ? 1 : 0, 12);
    }
  });

  test("without examples it gives none, without events what is believed before any", () => {
    expect(layer.apply(inputsOf([])).shape).toEqual([0, layer.width]);
    const believed = SHARPNESS.flatMap(() => layer.priorValue.toNumbers().map((value) => GAIN * value));
    toBeClose(layer.apply(inputsOf([0])), fromArray(Float64Array.from(believed), [1, layer.width]), {
      rtol: 1e-12,
      atol: 1e-12,
    });
  });

  test("names what a batch lacks", () => {
    expect(() => layer.apply({ ...inputs, events: undefined })).toThrow("the batch has no feature image");
  });
});
