import { describe, expect, it } from "vitest";
import { baseRateWarnings, idWarnings, negativesWarnings, oneClassWarnings, type TrainingEnd } from "./warnings.ts";

const END: TrainingEnd = {
  validation: { click: { baseRate: 0.1, normalizedEntropy: 1.2 } },
  labels: { click: { known: 10_000, positive: 1000 } },
  ...{ steps: 5000, lastLoss: null, baseLoss: 0.325, rowless: [] },
};
const said = (changes: Partial<TrainingEnd>): readonly string[] =>
  baseRateWarnings({ ...END, ...changes }).map(({ text }) => text);
const WORSE = "click is worse than its base rate on the validation window (NE 1.2000): ";

describe("a model that is worse than its base rate", () => {
  it("is told of with what it may come from", () => {
    expect(said({})).toEqual([`${WORSE}nothing plain to see: try other learning rates`]);
    expect(said({ labels: { click: { known: 10_000, positive: 60 } } })[0]).toContain(
      "only 60 positive labels to learn from",
    );
    expect(said({ labels: { click: { known: 1000, positive: 990 } } })[0]).toContain("only 10 negative labels");
    expect(said({ steps: 12 })).toEqual([`${WORSE}only 12 updates: make more epochs, or smaller batches`]);
    expect(said({ rowless: ["item", "user"] })).toEqual([`${WORSE}no id of item, user has a row of its own`]);
    expect(said({ lastLoss: 0.1 })[0]).toContain(
      "it fits its training examples (loss 0.100, base rates 0.325) and not",
    );
    expect(said({ lastLoss: 0.5 })[0]).toContain("it does not fit even its training examples");
    expect(said({ lastLoss: 0.33 })).toEqual(said({}));
  });

  it("may come from a label rate that moved", () => {
    // Always saying 30% where 10% are positive costs 0.1 ln(1/0.3) + 0.9 ln(1/0.7) = 0.4414 nats instead of 0.3251.
    const labels = { click: { known: 10_000, positive: 3000 } };
    const at = (normalizedEntropy: number) =>
      said({ labels, validation: { click: { baseRate: 0.1, normalizedEntropy } } });
    expect(at(1.3)[0]).toContain("its label rate moved, from 30.0% in training to 10.0%");
    // 0.4414 / 0.3251 = 1.358: of a model that is ten times as bad the rate explains little.
    expect(at(5)[0]).not.toContain("moved");
  });

  it("is one of each objective by itself, and never one that only rounding parts from 1", () => {
    const validation = {
      click: { baseRate: 0.1, normalizedEntropy: 0.9 },
      buy: { baseRate: 0.1, normalizedEntropy: 1.01 },
      view: { baseRate: 0.1, normalizedEntropy: 1.00001 },
      none: { baseRate: null, normalizedEntropy: null },
    };
    const texts = said({ validation });
    expect(texts).toHaveLength(1);
    expect(texts[0]).toMatch(/^buy is worse/);
  });
});

describe("labels of one class", () => {
  const labels = (positive: number) => [{ objective: "click", from: "is_click", known: 50, positive }];
  const whole = { where: "previous", isWhole: true };

  it("are refused, with what to do", () => {
    const refused = (positive: number) => {
      try {
        oneClassWarnings(labels(positive), whole);
      } catch (error) {
        return error as Error & { code: string; got: string; hint: string };
      }
      throw new Error("they were accepted");
    };
    expect(refused(50)).toMatchObject({ code: "TRAIN_ONE_CLASS", got: "50 labels, all positive" });
    expect(refused(50).hint).toContain("declare the negatives, as rows whose field is_click is 0");
    expect(refused(0)).toMatchObject({ code: "TRAIN_ONE_CLASS", got: "50 labels, all negative" });
    expect(refused(0).hint).toContain("Check the mapping: `objectives.click` reads the field is_click");
  });

  it("of a part of the training window are told of", () => {
    const texts = oneClassWarnings(labels(50), { ...whole, isWhole: false }).map(({ text }) => text);
    expect(texts).toEqual(["all labels of click here are 1"]);
    expect(oneClassWarnings(labels(49), whole)).toEqual([]);
  });
});

describe("tables without ids of their own", () => {
  const own = { table: "surface", ids: 1, admitted: 1 };
  const at = { where: "previous", minCount: 2 };

  it("are told of, unless the log has no ids for them", () => {
    const tables = [{ table: "user", ids: 90, admitted: 0 }, { table: "brand", ids: 0, admitted: 0 }, own];
    expect(idWarnings(tables, at)).toEqual([
      {
        code: "IDS_NOT_ADMITTED",
        text: "no user of 90 was seen 2 times in the training window (minCount): all share one row, and the model cannot tell them apart",
      },
    ]);
    expect(idWarnings([own], at)).toEqual([]);
  });

  it("are refused if they are all tables", () => {
    const tables = [
      { table: "user", ids: 90, admitted: 0 },
      { table: "item", ids: 5, admitted: 0 },
    ];
    expect(() => idWarnings(tables, at)).toThrow(
      expect.objectContaining({ code: "TRAIN_IDS", got: "none in any of the tables user, item" }),
    );
  });
});

describe("negatives that are drawn", () => {
  it("are told of with what a probability then means, or that there is no need for them", () => {
    expect(negativesWarnings({ drawn: ["click", "buy"], changing: [] }, { perPositive: 4 })).toEqual([
      {
        code: "NEGATIVES_DRAWN",
        text: "click, buy have no negatives in the log: a probability is that of the positive among one positive and 4 candidates drawn uniformly from the items seen by then; whether it is calibrated for items that are shown is not known",
      },
    ]);
    const changing = [{ name: "device", share: 0.634 }];
    expect(negativesWarnings({ drawn: ["click"], changing }, { perPositive: 1 }).map(({ code }) => code)).toEqual([
      "NEGATIVES_DRAWN",
      "NEGATIVES_ATTRIBUTE",
    ]);
    expect(negativesWarnings({ drawn: ["click"], changing }, { perPositive: 1 })[1]?.text).toContain(
      "device is another one in 63% of an item's next events",
    );
    expect(negativesWarnings({ drawn: [], changing: [] }, { perPositive: 4 }).map(({ code }) => code)).toEqual([
      "NEGATIVES_UNUSED",
    ]);
  });
});
