/** What a model costs as computed from shapes, beside what the executed operators count. */
import { beforeAll, describe, expect, test } from "vitest";
import { MODEL_KINDS } from "../../config/types.ts";
import { countElements, parametersOf } from "../../nn/index.ts";
import { countFlops, noGrad, Scope, setThreads } from "../../torch/index.ts";
import { CHOICES, choiceBatch, choiceModel } from "../architecture.test.support.ts";
import type { Model } from "../model.ts";
import { tinyBatch, tinyModel } from "../testing.ts";
import { costOf } from "./model-cost.ts";

const LENGTHS = [3, 0, 1, 40, 2, 9];

/** Operations of one forward pass, and of one with its backward, that the engine executed. */
function executed(model: Model, batch: ReturnType<typeof tinyBatch>): { forward: number; both: number } {
  using _ = new Scope();
  return {
    forward: countFlops(() => noGrad(() => model.logits(batch))),
    both: countFlops(() => {
      const total = model.logits(batch).sum();
      if (total.requiresGrad) total.backward();
    }),
  };
}

function check(model: Model, batch: ReturnType<typeof tinyBatch>): void {
  const { parameters, total, parts } = costOf(model, batch);
  const { forward, both } = executed(model, batch);
  const { dense, tables } = parametersOf(model);
  expect(parameters).toEqual({ dense: countElements(dense), tables: countElements(tables) });
  expect(total.forwardFlops * batch.size).toBeCloseTo(forward, 3);
  expect((total.forwardFlops + total.backwardFlops) * batch.size).toBeCloseTo(both, 3);
  const sum = Object.values(parts).reduce((all, { forwardFlops }) => all + forwardFlops, 0);
  expect(sum).toBeCloseTo(total.forwardFlops, 3);
}

beforeAll(() => setThreads(1));

describe("costOf counts what is executed", () => {
  test.each(MODEL_KINDS)("by a %s model", (kind) => check(tinyModel(kind), tinyBatch(LENGTHS)));

  test.each(Object.entries(CHOICES))("by a foundation model with %s", (_, architecture) =>
    check(choiceModel(architecture), choiceBatch(LENGTHS)),
  );

  test("and more of it for longer histories", () => {
    const model = choiceModel({});
    const [short, long] = [
      [1, 1],
      [64, 64],
    ].map((lengths) => costOf(model, choiceBatch(lengths)).total);
    expect(long?.forwardFlops).toBeGreaterThan(2 * (short?.forwardFlops ?? 0));
    expect(long?.activationBytes).toBeGreaterThan(2 * (short?.activationBytes ?? 0));
  });
});
