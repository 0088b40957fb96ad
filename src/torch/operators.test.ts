import { beforeAll, describe, expect, test } from "vitest";
import { Scope, setThreads } from "./index.ts";
import { NO_GRADIENT, type OperatorCase } from "./operators.test.support.ts";
import { OPERATORS, type OperatorLine } from "./operators.ts";
import { ELEMENTWISE } from "./operators-elementwise.test.support.ts";
import { FUSED } from "./operators-fused.test.support.ts";
import { IN_PLACE, MAKING, OURS, SPARSE } from "./operators-making.test.support.ts";
import { LAYERS, PRODUCTS, REDUCTIONS } from "./operators-reductions.test.support.ts";
import { COPIES, GATHERS, SHAPES } from "./operators-shapes.test.support.ts";

const FAMILIES = [
  ELEMENTWISE,
  PRODUCTS,
  REDUCTIONS,
  LAYERS,
  SHAPES,
  COPIES,
  GATHERS,
  MAKING,
  IN_PLACE,
  SPARSE,
  OURS,
  FUSED,
];

/** Every operator: one that is left out does not compile. */
const CASES: Readonly<Record<OperatorLine, OperatorCase>> = {
  ...ELEMENTWISE,
  ...PRODUCTS,
  ...REDUCTIONS,
  ...LAYERS,
  ...SHAPES,
  ...COPIES,
  ...GATHERS,
  ...MAKING,
  ...IN_PLACE,
  ...SPARSE,
  ...OURS,
  ...FUSED,
};

function inScope(body: () => void): () => void {
  return () => {
    using _ = new Scope();
    body();
  };
}

beforeAll(() => setThreads(1));

describe.each(OPERATORS)("%s", (line) => {
  const { value, gradient } = CASES[line];
  test("values", inScope(value));
  if (typeof gradient === "function") test("gradient", inScope(gradient));
});

describe("the table", () => {
  test("has each operator once, with a gradient case or a reason for none", () => {
    const lines = FAMILIES.flatMap((family) => Object.keys(family));
    expect(lines.toSorted()).toEqual(OPERATORS.toSorted());
    const without = OPERATORS.filter((line) => {
      const { gradient } = CASES[line];
      return typeof gradient !== "function" && !(gradient in NO_GRADIENT);
    });
    expect(without).toEqual([]);
  });

  test("uses every reason it names", () => {
    const used = new Set<unknown>(Object.values(CASES).map(({ gradient }) => gradient));
    expect(Object.keys(NO_GRADIENT).filter((reason) => !used.has(reason))).toEqual([]);
  });
});
