import type { NumberFeature } from "../spec.ts";
import type { CounterDefinition, CounterReading } from "./counter.ts";

/** The dense inputs that read one window of a counter: what it has counted is looked up once for all. */
export interface CounterWindowInputs {
  /** Null for all before. @unit ms */
  readonly lengthMs: number | null;
  /** Each with its place among the dense inputs. */
  readonly inputs: readonly { readonly at: number; readonly reads: CounterReading }[];
}

/** The windows of a counter that a model's dense inputs read. */
export function windowInputs(
  { name }: Pick<CounterDefinition, "name">,
  numbers: readonly NumberFeature[],
): readonly CounterWindowInputs[] {
  const placed = numbers.flatMap(({ counter }, at) => (counter?.name === name ? [{ at, ...counter }] : []));
  const lengths = [...new Set(placed.map(({ lengthMs }) => lengthMs))];
  return lengths.map((lengthMs) => ({ lengthMs, inputs: placed.filter((input) => input.lengthMs === lengthMs) }));
}
