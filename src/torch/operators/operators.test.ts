import { describeOperators, type OperatorCase } from "./operators.test.support.ts";
import { OPERATORS, type OperatorLine } from "./operators.ts";
import { ELEMENTWISE } from "./operators-elementwise.test.support.ts";
import { IN_PLACE, MAKING, SPARSE } from "./operators-making.test.support.ts";
import { LAYERS, PRODUCTS, REDUCTIONS } from "./operators-reductions.test.support.ts";
import { COPIES, GATHERS, SHAPES } from "./operators-shapes.test.support.ts";

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
};

describeOperators(OPERATORS, CASES);
