import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Predictions } from "../../train/index.ts";
import { estimatesOf, joined, scoredSetOf } from "./estimates.ts";
import { type CellRow, keep, readKept } from "./kept-file.ts";

const NAMES = { 1: "feed", 2: "stories" };

interface Example {
  readonly logit: number;
  readonly label: number;
  readonly user: number;
  readonly surface: number;
}

const example = fc.record({
  logit: fc.double({ min: -4, max: 4, noNaN: true }),
  label: fc.integer({ min: 0, max: 1 }),
  user: fc.integer({ min: 1, max: 6 }),
  surface: fc.integer({ min: 1, max: 2 }),
});

/** Predictions of one objective, in an order of their rows. */
function predictionsOf(examples: readonly Example[], order: readonly number[]): Predictions {
  const column = (of: (one: Example, row: number) => number) =>
    Float64Array.from(order, (row) => of(examples[row]!, row));
  return {
    click: {
      rows: column((_, row) => row),
      logits: column(({ logit }) => logit),
      labels: column(({ label }) => label),
      users: column(({ user }) => user),
      surfaces: column(({ surface }) => surface),
      historyLengths: column(() => 0),
    },
  };
}

const estimates = (predictions: Predictions) => estimatesOf(predictions, { set: predictions, names: NAMES });

/** NE by its definition. */
function entropyOf(examples: readonly Example[]): number {
  const rate = examples.reduce((sum, { label }) => sum + label, 0) / examples.length;
  const loss = ({ logit, label }: Example): number => Math.log1p(Math.exp(label === 1 ? -logit : logit));
  const base = -(rate * Math.log(rate) + (1 - rate) * Math.log(1 - rate));
  return examples.reduce((sum, one) => sum + loss(one), 0) / examples.length / base;
}

describe("the estimates of a cell", () => {
  const examples = fc.array(example, { minLength: 20, maxLength: 40 }).filter((all) => {
    const labels = new Set(all.map(({ label }) => label));
    return labels.size === 2;
  });

  it("are those of the examples, in whatever order and in how many parts they were scored", () => {
    fc.assert(
      fc.property(examples, fc.integer({ min: 1, max: 19 }), (all, cut) => {
        const rows = [...all.keys()];
        const whole = predictionsOf(all, rows);
        const turned = joined([predictionsOf(all, rows.slice(cut).reverse()), predictionsOf(all, rows.slice(0, cut))]);
        const [one, other] = [estimates(whole), estimates(turned)];
        expect(one.overall["click"]?.value).toBeCloseTo(entropyOf(all), 9);
        expect(scoredSetOf(turned)).toEqual(scoredSetOf(whole));
        for (const [r, draw] of (one.overall["click"]?.resampled ?? []).entries()) {
          const same = other.overall["click"]?.resampled[r] ?? Number.NaN;
          if (!Number.isNaN(draw)) expect(same).toBeCloseTo(draw, 6);
        }
        const feed = all.filter(({ surface }) => surface === 1);
        const entropy = one.bySurface["feed"]?.["click"]?.value;
        if (entropy !== undefined) expect(entropy).toBeCloseTo(entropyOf(feed), 9);
      }),
      { numRuns: 20 },
    );
  });

  it("tell other labels and other users from these", () => {
    const all = Array.from({ length: 9 }, (_, i) => ({ logit: 0, label: i % 2, user: 1 + (i % 3), surface: 1 }));
    const rows = [...all.keys()];
    const digests = [
      all,
      all.map((one, i) => (i === 4 ? { ...one, label: 1 - one.label } : one)),
      all.map((one, i) => (i === 4 ? { ...one, user: 9 } : one)),
    ].map((own) => scoredSetOf(predictionsOf(own, rows)).digest);
    expect(new Set(digests).size).toBe(3);
    // What was said of them is no part of it.
    const said = all.map((one) => ({ ...one, logit: 2 }));
    expect(scoredSetOf(predictionsOf(said, rows)).digest).toBe(digests[0]);
  });
});

describe("a kept row", () => {
  it("is what it was, draws without a value too; one of another form is none", () => {
    const folder = mkdtempSync(join(tmpdir(), "lapidary-rows-"));
    try {
      const file = join(folder, "studies", "s", "cell.json");
      const estimate = { value: 0.9, resampled: Float64Array.of(0.8, Number.NaN, 1) };
      const row: CellRow = {
        settings: "s",
        origin: { commit: null, lapidary: "1" },
        set: { digest: "d", examples: 3, users: 2 },
        cost: {
          flopsPerExample: 1,
          compute: 2,
          examples: 2,
          denseParameters: 3,
          tableParameters: 4,
          seconds: 5,
          bytes: null,
        },
        estimates: { overall: { click: estimate }, bySurface: { feed: { click: estimate } } },
      };
      expect(readKept(file)).toBeNull();
      keep(file, row);
      expect(readKept<CellRow>(file)).toEqual(row);
      keep(file, { ...row, form: 0 });
      expect(readKept(file)).toBeNull();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
