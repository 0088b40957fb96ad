import { emitFunctions, emitTensor } from "../../torch/generate/emit.ts";
import { wrapperOf } from "../../torch/generate/wrappers.ts";
import { OPERATORS } from "../../torch/operators/operators.ts";
import { WING_NAMES, WINGS } from "../operators.ts";

/** The wrappers of all operators in use by the file, below `src/`, that holds them. */
export function generateWrappers(): Readonly<Record<string, string>> {
  const wings = WING_NAMES.map((wing) => {
    return [`ops/${wing}/generated.ts`, emitFunctions(WINGS[wing].map(wrapperOf))] as const;
  });
  return { "torch/generated/tensor.ts": emitTensor(OPERATORS.map(wrapperOf)), ...Object.fromEntries(wings) };
}
