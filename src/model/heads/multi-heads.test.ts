/** MMoE, PLE and STAR against loops, example by example. */
import { beforeAll, describe, expect, test } from "vitest";
import type { Linear, Mlp } from "../../nn/index.ts";
import { checkLayerGrads, dot, initial64, naiveLinear, naiveSoftmax, perturb } from "../../nn/testing.ts";
import { random64, rowsOf } from "../../ops/jagged/testing.ts";
import { noGrad, setThreads, type Tensor, zeros } from "../../torch/index.ts";
import { toBeClose } from "../../torch/testing.ts";
import { type PerSurface, SurfaceRoute } from "../inputs/surfaces.ts";
import type { Experts, Towers } from "./experts.ts";
import { MmoeHeads } from "./mmoe-heads.ts";
import { PleHeads } from "./ple-heads.ts";
import { StarHeads } from "./star-heads.ts";
import type { TaskHeads } from "./task-heads.ts";

const WIDTH = 5;
const CONFIG = { in: WIDTH, hidden: [6], outputs: [1, 1, 1], numSurfaces: 3 };
/** Surface 0 has no examples; the order is mixed. */
const SURFACES = Int32Array.of(2, 1, 2, 2, 1);
const SIZE = SURFACES.length;
const x = random64([SIZE, WIDTH]);
const CLOSE = { rtol: 1e-10, atol: 1e-10 };

const routeOf = (surfaces: Int32Array): SurfaceRoute =>
  SurfaceRoute.of({ size: surfaces.length, contextual: { surface: surfaces } }, CONFIG.numSurfaces);
const route = routeOf(SURFACES);

const relu = (v: readonly number[]): number[] => v.map((value) => Math.max(0, value));

function naiveMlp(v: readonly number[], { layers }: Mlp): number[] {
  return layers.reduce<number[]>((h, layer, i) => naiveLinear(i === 0 ? h : relu(h), layer), [...v]);
}

/** The rows of each expert. */
function naiveExperts(v: readonly number[], { map, count }: Experts): number[][] {
  const all = relu(naiveLinear(v, map));
  const width = all.length / count;
  return Array.from({ length: count }, (_, e) => all.slice(e * width, (e + 1) * width));
}

function mixture(gates: readonly number[], experts: readonly number[][]): number[] {
  const weights = naiveSoftmax(gates);
  return (experts[0] ?? []).map((_, j) =>
    dot(
      weights,
      experts.map((expert) => expert[j] ?? NaN),
    ),
  );
}

const gateOf = (gates: PerSurface<Linear>, surface: number): Linear => {
  const gate = gates.copies[surface];
  if (gate === undefined) throw new Error(`no gate of surface ${surface}`);
  return gate;
};

const towersOf = ({ towers }: Towers, mixed: readonly (readonly number[])[]): number[] =>
  towers.flatMap((tower, t) => naiveMlp(mixed[t] ?? [], tower));

/** Every example by itself, through what its surface has. */
const byExample = (one: (row: number[], surface: number) => number[]): number[] =>
  rowsOf(x).flatMap((row, b) => one(row, SURFACES[b] ?? NaN));

function naiveMmoe({ experts, gates, towers }: MmoeHeads): number[] {
  return byExample((row, surface) => {
    const actual = naiveExperts(row, experts);
    const all = naiveLinear(row, gateOf(gates, surface));
    const mixed = towers.towers.map((_, t) => mixture(all.slice(t * actual.length, (t + 1) * actual.length), actual));
    return towersOf(towers, mixed);
  });
}

function naivePle({ levels, towers }: PleHeads): number[] {
  return byExample((row, surface) => {
    let [own, shared] = [towers.towers.map(() => row), row];
    for (const level of levels) {
      const common = naiveExperts(shared, level.shared);
      const actual = level.own.map((experts, t) => naiveExperts(own[t] ?? [], experts));
      const next = own.map((of, t) => {
        const gates = naiveLinear(of, gateOf(level.gates[t] as PerSurface<Linear>, surface));
        return mixture(gates, [...(actual[t] ?? []), ...common]);
      });
      if (level.sharedGate !== null) {
        shared = mixture(naiveLinear(shared, gateOf(level.sharedGate, surface)), [...actual.flat(), ...common]);
      }
      own = next;
    }
    return towersOf(towers, own);
  });
}

function naiveStar({ layers, indicators, auxiliary }: StarHeads): number[] {
  return byExample((row, surface) => {
    const main = layers.reduce<number[]>((h, { centre, points }, i) => {
      const from = i === 0 ? h : relu(h);
      const [weight, own] = [rowsOf(centre.weight), rowsOf(points[surface]?.weight as Tensor)];
      const [bias, shift] = [centre.bias?.detach().toNumbers(), points[surface]?.bias.detach().toNumbers()];
      return weight.map((w, o) => {
        const starred = w.map((value, j) => value * (own[o]?.[j] ?? NaN));
        return dot(starred, from) + (bias?.[o] ?? NaN) + (shift?.[o] ?? NaN);
      });
    }, row);
    const auxiliaryLogits = naiveMlp([...row, ...(rowsOf(indicators)[surface] ?? [])], auxiliary);
    return main.map((value, t) => value + (auxiliaryLogits[t] ?? NaN));
  });
}

const mmoe = perturb(MmoeHeads.init(CONFIG, initial64()));
const ple = perturb(PleHeads.init({ ...CONFIG, levels: 3 }, initial64()));
const cgc = perturb(PleHeads.init({ ...CONFIG, levels: 1 }, initial64()));
const star = perturb(StarHeads.init(CONFIG, initial64()));

beforeAll(() => setThreads(1));

describe.each<[string, TaskHeads, () => number[]]>([
  ["MMoE", mmoe, () => naiveMmoe(mmoe)],
  ["PLE of three levels", ple, () => naivePle(ple)],
  ["PLE of one level", cgc, () => naivePle(cgc)],
  ["STAR", star, () => naiveStar(star)],
])("%s", (_, heads, naive) => {
  test("is the loop over examples", () => {
    const logits = heads.apply(x, route);
    expect(logits.shape).toEqual([SIZE, CONFIG.outputs.length]);
    toBeClose(logits, naive(), CLOSE);
  });
  test("of no examples gives no logits", () => {
    const none = heads.apply(zeros([0, WIDTH], { dtype: "float64" }), routeOf(new Int32Array(0)));
    expect(none.shape).toEqual([0, CONFIG.outputs.length]);
  });
  test("depends on the surface, of the example alone", () => {
    const before = rowsOf(heads.apply(x, route));
    const after = rowsOf(heads.apply(x, routeOf(Int32Array.of(2, 1, 2, 1, 1))));
    for (const [b, row] of before.entries()) {
      if (b === 3) expect(after[b]).not.toEqual(row);
      else toBeClose(heads.apply(x, routeOf(Int32Array.of(2, 1, 2, 1, 1))).select(0, b), row, CLOSE);
    }
  });
  test("gradients", () => {
    checkLayerGrads(heads, (h, input) => h.apply(input as Tensor, route), { inputs: [x], rtol: 1e-5 });
  });
});

describe("STAR", () => {
  test("begins with every surface as the centre", () => {
    const fresh = StarHeads.init(CONFIG, initial64());
    noGrad(() => fresh.indicators.zero_());
    toBeClose(fresh.apply(x, route), fresh.apply(x, routeOf(Int32Array.of(1, 1, 1, 0, 2))), CLOSE);
  });
});
