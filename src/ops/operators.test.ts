import type { OperatorCase } from "../torch/operators/operators.test.support.ts";
import { describeOperators } from "../torch/operators/operators.test.support.ts";
import { FUSED } from "./fused/operator-cases.test.support.ts";
import { OURS } from "./operator-cases.test.support.ts";
import { type OurOperator, WING_NAMES, WINGS } from "./operators.ts";

/** Every operator: one that is left out does not compile. */
const CASES: Readonly<Record<OurOperator, OperatorCase>> = { ...OURS, ...FUSED };

describeOperators(
  WING_NAMES.flatMap((wing) => WINGS[wing] as readonly OurOperator[]),
  CASES,
);
