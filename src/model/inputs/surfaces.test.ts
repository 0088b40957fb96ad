/** What surfaces have of their own, for any distribution of examples over surfaces. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { Linear } from "../../nn/index.ts";
import { checkLayerGrads, initial64, naiveLinear, naiveSoftmax, perturb } from "../../nn/testing.ts";
import { random64, rowsOf } from "../../ops/jagged/testing.ts";
import { grad, Scope, setThreads, type Tensor } from "../../torch/index.ts";
import { toBeClose } from "../../torch/testing.ts";
import { ExpertHeads, initTaskHeads, ObjectiveHeads, type TaskHeadsConfig } from "../heads/task-heads.ts";
import {
  at,
  examplesOf,
  meanOf,
  naiveMlp,
  naiveNorm,
  plus,
  type Row,
  sigmoid,
  weighted,
} from "../naive.test.support.ts";
import { FeedForward, PerSurface, SurfaceGate, SurfaceRoute } from "./surfaces.ts";

const SURFACES = 4;
const DIM = 4;
const CLOSE = { rtol: 1e-9, atol: 1e-9 };
const HEADS: TaskHeadsConfig = { in: 5, hidden: [6], outputs: [1, 1], numSurfaces: SURFACES };

/** Mixed, all of one surface, of the last one, one example, none. */
const DISTRIBUTIONS: readonly (readonly number[])[] = [[2, 0, 1, 2, 0, 3], [0, 0, 0], [3, 3], [1], []];
const codes = fc.array(fc.integer({ min: 0, max: SURFACES - 1 }), { maxLength: 12 });

const routeOf = (surfaces: readonly number[]): SurfaceRoute =>
  SurfaceRoute.of({ size: surfaces.length, contextual: { surface: Int32Array.from(surfaces) } }, SURFACES);

/** Every example alone, by a function of its row and surface. */
function eachOf(x: Tensor, surfaces: readonly number[], make: (row: Row, surface: number) => Row): number[] {
  return rowsOf(x).flatMap((row, b) => [...make(row, surfaces[b] ?? Number.NaN)]);
}

function onSurfaces(body: (surfaces: readonly number[]) => void): void {
  const property = fc.property(codes, (surfaces) => {
    using _ = new Scope();
    body(surfaces);
  });
  fc.assert(property, { examples: DISTRIBUTIONS.map((surfaces): [number[]] => [[...surfaces]]), numRuns: 25 });
}

beforeAll(() => setThreads(1));

describe("SurfaceRoute", () => {
  test("splits examples by surface in their order, and joins them again", () => {
    onSurfaces((surfaces) => {
      const x = random64([surfaces.length, DIM]);
      const rows = rowsOf(x);
      const route = routeOf(surfaces);
      const parts = route.split(x);
      const expected = Array.from({ length: SURFACES }, (_, s) => rows.filter((_, b) => surfaces[b] === s));
      expect(parts.map(rowsOf)).toEqual(expected);
      expect([...route.counts]).toEqual(expected.map((own) => own.length));
      const filled = parts.filter((part) => (part.shape[0] ?? 0) > 0);
      if (filled.length > 0) expect(rowsOf(route.join(filled))).toEqual(rows);
    });
  });
  test("of one surface, or of a batch without surfaces, is all examples in one", () => {
    const batch = { size: 3, contextual: { surface: Int32Array.of(1, 0, 1) } };
    expect([...SurfaceRoute.of(batch, 1).counts]).toEqual([3]);
    expect([...SurfaceRoute.of({ size: 3, contextual: {} }, SURFACES).counts]).toEqual([3, 0, 0, 0]);
  });
});

describe("PerSurface", () => {
  const layer = PerSurface.init(SURFACES, () => perturb(Linear.init({ in: DIM, out: 3 }, initial64())));
  perturb(layer, 5);

  test("is each example through its own surface's copy", () => {
    onSurfaces((surfaces) => {
      const x = random64([surfaces.length, DIM]);
      const actual = layer.apply(x, routeOf(surfaces));
      expect(actual.shape).toEqual([surfaces.length, 3]);
      toBeClose(
        actual,
        eachOf(x, surfaces, (row, s) => naiveLinear(row, layer.copies[s] as Linear)),
        CLOSE,
      );
    });
  });
  test("gives a gradient to the copies of surfaces with examples, and to no other", () => {
    const weights = layer.copies.map(({ weight }) => weight);
    const actual = layer.apply(random64([2, DIM]), routeOf([1, 3]));
    const gradients = grad([actual.sum()], weights);
    expect(gradients.map((gradient) => (gradient?.abs().amax().item() ?? 0) > 0)).toEqual([false, true, false, true]);
  });
  test("gradients", () => {
    const route = routeOf([2, 0, 1, 2]);
    checkLayerGrads(layer, (l, x) => l.apply(x as Tensor, route), { inputs: [random64([4, DIM])] });
  });
});

describe("FeedForward", () => {
  const layer = perturb(FeedForward.init(DIM, initial64()));
  const x = random64([3, 2, DIM]);

  test("is x + MLP(LN(x)), token by token", () => {
    const expected = examplesOf(x).flatMap((tokens) =>
      tokens.flatMap((row) => plus(row, naiveMlp(naiveNorm(row, layer.norm), layer.mlp))),
    );
    toBeClose(layer.apply(x), expected, CLOSE);
  });
  test("begins as next to nothing", () => {
    const fresh = FeedForward.init(DIM, initial64());
    const correction = fresh.apply(x).sub(x).abs().amax().item();
    expect(correction).toBeGreaterThan(0);
    expect(correction).toBeLessThan(0.1 * x.abs().amax().item());
  });
  test("gradients", () => checkLayerGrads(layer, (l, v) => l.apply(v as Tensor), { inputs: [x] }));
});

describe("SurfaceGate", () => {
  const gate = perturb(SurfaceGate.init(DIM, initial64()));
  const [x, surface] = [random64([3, 5, DIM]), random64([3, DIM], 2)];

  test("is 2 σ(MLP([surface ∥ mean(X)])) ⊙ X", () => {
    const surfaceRows = rowsOf(surface);
    const expected = examplesOf(x).flatMap((tokens, b) => {
      const factors = naiveMlp([...(surfaceRows[b] ?? []), ...meanOf(tokens)], gate.gate).map((z) => 2 * sigmoid(z));
      return tokens.flatMap((row) => row.map((value, j) => value * at(factors, j)));
    });
    toBeClose(gate.apply(x, surface), expected, CLOSE);
  });
  test("gradients", () => {
    checkLayerGrads(gate, (g, v, s) => g.apply(v as Tensor, s as Tensor), { inputs: [x, surface] });
  });
});

describe("ObjectiveHeads", () => {
  test.each([
    ["specific", "specific", 2],
    ["shared", "specific", 2],
    ["specific", "shared", 1],
  ] as const)(
    "with surfaces %s and objectives %s are %d MLPs, and a surface's correction",
    (domains, objectives, mlps) => {
      const heads = perturb(ObjectiveHeads.init(HEADS, { domains, objectives }, initial64()));
      expect(heads.shared.map(({ layers }) => layers[0]?.out)).toEqual(
        Array(mlps).fill((2 / mlps) * (HEADS.hidden[0] ?? 0)),
      );
      onSurfaces((surfaces) => {
        const x = random64([surfaces.length, HEADS.in]);
        const expected = eachOf(x, surfaces, (row, s) => {
          const shared = heads.shared.flatMap((head) => naiveMlp(row, head));
          const own = heads.own?.copies[s];
          return own === undefined ? shared : plus(shared, naiveMlp(row, own));
        });
        const actual = heads.apply(x, routeOf(surfaces));
        expect(actual.shape).toEqual([surfaces.length, 2]);
        toBeClose(actual, expected, CLOSE);
      });
      expect(heads.own === null).toBe(domains === "shared");
      const route = routeOf([2, 0, 1, 3]);
      checkLayerGrads(heads, (h, x) => h.apply(x as Tensor, route), { inputs: [random64([4, HEADS.in])] });
    },
  );
});

describe("ExpertHeads", () => {
  const heads = perturb(ExpertHeads.init(HEADS, initial64()));

  test("mix the shared experts and the surface's own, by a softmax per objective", () => {
    onSurfaces((surfaces) => {
      const x = random64([surfaces.length, HEADS.in]);
      const expected = eachOf(x, surfaces, (row, s) => {
        const own = heads.own.copies[s];
        if (own === undefined) throw new Error(`no surface ${s}`);
        const experts = [...heads.shared, own].map((expert) => naiveMlp(row, expert).map((v) => Math.max(0, v)));
        return heads.outputs.flatMap((output, t) => {
          const weights = naiveSoftmax(naiveLinear(row, heads.gates[t] as Linear));
          return naiveLinear(weighted(weights, experts, HEADS.hidden[0] ?? 0), output);
        });
      });
      const actual = heads.apply(x, routeOf(surfaces));
      expect(actual.shape).toEqual([surfaces.length, 2]);
      toBeClose(actual, expected, CLOSE);
    });
  });
  test("gradients", () => {
    const route = routeOf([2, 0, 1, 3]);
    checkLayerGrads(heads, (h, x) => h.apply(x as Tensor, route), { inputs: [random64([4, HEADS.in])] });
  });
});

test("task heads are those that the architecture's domains ask for", () => {
  const actual = (["shared", "specific", "experts"] as const).map((domains) =>
    initTaskHeads(HEADS, { domains, objectives: "specific" }, initial64()),
  );
  const owns = actual.map((heads) => (heads instanceof ObjectiveHeads ? heads.own !== null : heads.constructor));
  expect(owns).toEqual([false, true, ExpertHeads]);
  for (const { outputs } of actual) expect(outputs.map((output) => output?.weight.shape[0])).toEqual([1, 1]);
});
