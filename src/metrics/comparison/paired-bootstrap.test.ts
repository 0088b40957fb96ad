import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { auc, aucOf } from "../auc.ts";
import { groupRows } from "../groups.ts";
import { logLoss } from "../log-loss.ts";
import type { Predictions } from "../metric.ts";
import { normalizedEntropy } from "../normalized-entropy.ts";
import { sigmoid } from "../predictions.ts";
import {
  type BootstrapOptions,
  type ComparedPredictions,
  normalizedEntropyDifferences,
  type PairedComparison,
  pairedBootstraps,
  quantile,
} from "./paired-bootstrap.ts";
import { type RandomInteger, seededIntegers } from "./random.ts";
import { userResamples } from "./user-resamples.ts";
import { weightedAuc } from "./weighted-auc.ts";

/** The same examples scored by two models. */
interface PairedPredictions extends Omit<ComparedPredictions, "candidates"> {
  readonly candidate: ComparedPredictions["baseline"];
}

/** The comparison of one model. */
function pairedBootstrap({ candidate, ...examples }: PairedPredictions, options?: BootstrapOptions): PairedComparison {
  const [compared] = pairedBootstraps({ ...examples, candidates: [candidate] }, options);
  if (compared === undefined) throw new Error("compared with nothing");
  return compared;
}

const uniform = (draw: RandomInteger): number => (draw(2 ** 30) + 0.5) / 2 ** 30;
const normal = (draw: RandomInteger): number =>
  Math.sqrt(-2 * Math.log(uniform(draw))) * Math.cos(2 * Math.PI * uniform(draw));

/** Users with a taste of their own; the candidate knows more of it than the baseline. */
function simulate(
  draw: RandomInteger,
  { numUsers, perUser }: { numUsers: number; perUser: number },
): PairedPredictions {
  const table = Array.from({ length: numUsers * perUser }, () => ({ label: 0, user: 0, baseline: 0, candidate: 0 }));
  let taste = 0;
  table.forEach((row, i) => {
    if (i % perUser === 0) taste = normal(draw);
    const truth = -1 + taste + 0.5 * normal(draw);
    row.user = Math.floor(i / perUser);
    row.label = uniform(draw) < sigmoid(truth) ? 1 : 0;
    row.baseline = -0.9;
    row.candidate = truth + 0.7 * normal(draw);
    row.baseline += 0.5 * (truth + 1) + 0.5 * normal(draw);
  });
  return {
    labels: table.map((r) => r.label),
    users: table.map((r) => r.user),
    baseline: table.map((r) => r.baseline),
    candidate: table.map((r) => r.candidate),
  };
}

describe("pairedBootstraps", () => {
  it("reports the metrics of both models and their difference", () => {
    const paired = simulate(seededIntegers(3), { numUsers: 30, perUser: 5 });
    const result = pairedBootstrap(paired, { resamples: 50 });
    for (const side of ["baseline", "candidate"] as const) {
      const model = { logits: paired[side], labels: paired.labels };
      expect(result.auc[side]).toBeCloseTo(aucOf(model) ?? Number.NaN, 12);
      expect(result.logLoss[side]).toBeCloseTo(logLoss.compute(logLoss.add(logLoss.empty(), model)) ?? Number.NaN, 12);
      const ne = normalizedEntropy.compute(normalizedEntropy.add(normalizedEntropy.empty(), model));
      expect(result.normalizedEntropy[side]).toBeCloseTo(ne ?? Number.NaN, 12);
    }
    for (const { baseline, candidate, difference, low, high } of [
      result.auc,
      result.logLoss,
      result.normalizedEntropy,
    ]) {
      expect(difference).toBeCloseTo((candidate ?? 0) - (baseline ?? 0), 14);
      expect(low ?? Number.NaN).toBeLessThan(high ?? Number.NaN);
    }
    expect(result.users).toBe(30);
  });

  it("is, of several models at once, what drawing the examples of users again and again gives", () => {
    const { candidate, ...paired } = simulate(seededIntegers(9), { numUsers: 12, perUser: 6 });
    const { labels, users, baseline } = paired;
    // The second one has ties among positives and negatives.
    const candidates = [candidate, Array.from(candidate, (z) => Math.round(2 * z) / 2)];
    const [resamples, seed] = [200, 4];
    const found = pairedBootstraps({ ...paired, candidates }, { resamples, seed });
    const alone = normalizedEntropyDifferences({ ...paired, candidates }, { resamples, seed });
    expect(alone).toEqual(found.map(({ normalizedEntropy }) => normalizedEntropy));
    const draws = Array.from(userResamples(12, { resamples, seed }), (weights) =>
      Array.from(users).flatMap((user, i) => Array<number>(weights[user]!).fill(i)),
    );
    const at = (column: ArrayLike<number>, rows: readonly number[]) => rows.map((i) => column[i]!);
    const metrics = {
      normalizedEntropy: (of: Predictions) =>
        normalizedEntropy.compute(normalizedEntropy.add(normalizedEntropy.empty(), of)),
      logLoss: (of: Predictions) => logLoss.compute(logLoss.add(logLoss.empty(), of)),
      auc: (of: Predictions) => auc.compute(auc.add(auc.empty(), of)),
    };
    for (const [c, logits] of candidates.entries()) {
      for (const [name, metric] of Object.entries(metrics)) {
        const differences = draws.map((rows) => {
          const drawn = at(labels, rows);
          const [was, is] = [baseline, logits].map((z) => metric({ logits: at(z, rows), labels: drawn }));
          return (is ?? Number.NaN) - (was ?? Number.NaN);
        });
        const sorted = Float64Array.from(differences).sort();
        const { low, high } = found[c]![name as keyof typeof metrics];
        expect(low).toBeCloseTo(quantile(sorted, 0.025) ?? Number.NaN, 12);
        expect(high).toBeCloseTo(quantile(sorted, 0.975) ?? Number.NaN, 12);
      }
    }
  });

  it("covers the true difference at about the nominal rate", () => {
    const draw = seededIntegers(11);
    const truth = pairedBootstrap(simulate(draw, { numUsers: 40_000, perUser: 5 }), { resamples: 1 });
    const covered = { normalizedEntropy: 0, logLoss: 0, auc: 0 };
    const trials = 200;
    for (let t = 0; t < trials; t++) {
      const result = pairedBootstrap(simulate(draw, { numUsers: 100, perUser: 5 }), { resamples: 200, seed: t });
      for (const metric of ["normalizedEntropy", "logLoss", "auc"] as const) {
        const { low, high } = result[metric];
        const difference = truth[metric].difference ?? Number.NaN;
        if ((low ?? Number.NaN) <= difference && difference <= (high ?? Number.NaN)) covered[metric]++;
      }
    }
    // 0.95 ± 4 standard errors of 200 trials, and a little less for the known narrowness of small bootstraps.
    for (const hits of Object.values(covered)) {
      expect(hits / trials).toBeGreaterThan(0.88);
      expect(hits / trials).toBeLessThan(0.995);
    }
  });

  it("resamples users: copies of a user's examples do not narrow the interval", () => {
    const once = simulate(seededIntegers(5), { numUsers: 60, perUser: 1 });
    const repeat = (column: ArrayLike<number>): number[] => Array.from(column).flatMap((value) => Array(9).fill(value));
    const copies = {
      labels: repeat(once.labels),
      users: repeat(once.users),
      baseline: repeat(once.baseline),
      candidate: repeat(once.candidate),
    };
    const [a, b] = [pairedBootstrap(once, { resamples: 100 }), pairedBootstrap(copies, { resamples: 100 })];
    expect(b.logLoss.low).toBeCloseTo(a.logLoss.low ?? Number.NaN, 12);
    expect(b.auc.high).toBeCloseTo(a.auc.high ?? Number.NaN, 12);
  });

  it("gives the same interval for the same seed and another for another", () => {
    const paired = simulate(seededIntegers(2), { numUsers: 50, perUser: 2 });
    const [a, b, c] = [7, 7, 8].map((seed) => pairedBootstrap(paired, { resamples: 100, seed }));
    expect(a).toEqual(b);
    expect(a?.auc.low).not.toBe(c?.auc.low);
  });

  it("is zero of a model against itself, and changes sign when the models change places", () => {
    const paired = simulate(seededIntegers(2), { numUsers: 50, perUser: 2 });
    const same = pairedBootstrap({ ...paired, candidate: paired.baseline }, { resamples: 20 });
    expect(same.auc).toMatchObject({ difference: 0, low: 0, high: 0 });
    const forth = pairedBootstrap(paired, { resamples: 100 }).logLoss;
    const back = pairedBootstrap(
      { ...paired, baseline: paired.candidate, candidate: paired.baseline },
      { resamples: 100 },
    ).logLoss;
    expect(back.low).toBeCloseTo(-(forth.high ?? Number.NaN), 14);
  });

  it("has no interval without examples, with one user, or where the metric is not defined", () => {
    const none = pairedBootstrap({ labels: [], users: [], baseline: [], candidate: [] });
    expect(none.logLoss).toEqual({ baseline: null, candidate: null, difference: null, low: null, high: null });
    const one = pairedBootstrap({ labels: [0, 1], users: [4, 4], baseline: [0, 0], candidate: [0, 1] });
    expect(one.auc).toEqual({ baseline: 0.5, candidate: 1, difference: 0.5, low: null, high: null });
    const negatives = pairedBootstrap({ labels: [0, 0], users: [1, 2], baseline: [0, 0], candidate: [1, 1] });
    expect(negatives.auc.difference).toBeNull();
    expect(negatives.logLoss.low).toBeGreaterThan(0);
  });

  it("leaves out resamples with one class only", () => {
    const paired = { labels: [1, 0, 0], users: [1, 2, 3], baseline: [0, 1, 2], candidate: [2, 1, 0] };
    const { low, high } = pairedBootstrap(paired, { resamples: 200 }).auc;
    expect([low, high]).toEqual([1, 1]);
  });

  it.each([{ resamples: 0 }, { resamples: 1.5 }, { level: 1 }, { level: Number.NaN }])("refuses %o", (options) => {
    const paired = { labels: [1], users: [1], baseline: [0], candidate: [0] };
    expect(() => pairedBootstrap(paired, options)).toThrow(expect.objectContaining({ code: "METRIC_OPTION" }));
  });
});

describe("weightedAuc", () => {
  it("is the AUC of examples repeated as often as their group's weight", () => {
    const row = fc.record({
      z: fc.integer({ min: 0, max: 5 }),
      y: fc.constantFrom(0, 1),
      user: fc.integer({ min: 0, max: 3 }),
    });
    const weights = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 25 }), weights, (rows, w) => {
        const groups = groupRows(rows.map((r) => r.user));
        const repeated = rows.flatMap((r, i) => Array(w[groups.groupOf[i] ?? 0]).fill(r) as typeof rows);
        const expected = aucOf({ logits: repeated.map((r) => r.z), labels: repeated.map((r) => r.y) });
        const got = weightedAuc({ logits: rows.map((r) => r.z), labels: rows.map((r) => r.y) }, groups)(w);
        if (expected === null) expect(got).toBeNull();
        else expect(got).toBeCloseTo(expected, 12);
      }),
    );
  });
});

describe("groupRows", () => {
  it("lists every row once, under its key, in order", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3, max: 3 })), (keys) => {
        const { count, offsets, rows, groupOf } = groupRows(keys);
        const lists = Array.from({ length: count }, (_, g) => [...rows.subarray(offsets[g], offsets[g + 1])]);
        const expected = [...new Set(keys)].map((key) => keys.flatMap((k, i) => (k === key ? [i] : [])));
        expect(lists).toEqual(expected);
        lists.forEach((list, g) => {
          for (const i of list) expect(groupOf[i]).toBe(g);
        });
      }),
    );
  });
});

describe("seededIntegers", () => {
  it("is uniform over its range", () => {
    const draw = seededIntegers(1);
    const counts = new Float64Array(10);
    for (let i = 0; i < 20_000; i++) {
      const value = draw(10);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    const chiSquared = counts.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0);
    expect(chiSquared).toBeLessThan(33.7); // 99.99% of χ² with 9 degrees of freedom
  });
  it("differs between neighbouring seeds, also beyond 32 bits", () => {
    const first = [0, 1, 2, 2 ** 32, 2 ** 32 + 1, -1].map((seed) => seededIntegers(seed)(2 ** 32));
    expect(new Set(first).size).toBe(first.length);
  });
});

describe("quantile", () => {
  it("is linear between neighbours", () => {
    expect(quantile(Float64Array.of(1, 2, 4), 0.75)).toBe(3);
    expect(quantile(Float64Array.of(5), 0.1)).toBe(5);
    expect(quantile(new Float64Array(0), 0.5)).toBeNull();
  });
});
