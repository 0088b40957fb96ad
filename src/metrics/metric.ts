import type { AmountKind } from "../config/events/objective-kinds.ts";

/** A column of numbers, one per example. */
export type Column = ArrayLike<number>;

/**
 * What every metric reads: one logit `z` and one label `y` of 0 or 1 per example; of an objective of another kind its score,
 * the logarithm of the predicted mean, and an amount or a count.
 */
export interface Predictions {
  readonly logits: Column;
  readonly labels: Column;
  /** @default labels are 0 or 1 */
  readonly kind?: AmountKind | undefined;
}

/** {@link Predictions} with the user of each example; equal codes are one user. */
export interface UserPredictions extends Predictions {
  readonly users: Column;
}

/**
 * A metric as pure functions over a state value, so that processes can add up their parts: whatever the order and
 * the grouping, `compute(merge(add(empty(), a), add(empty(), b)))` is `compute(add(empty(), ab))` up to rounding.
 * A result is `null` where the metric is not defined (no examples, one class only).
 */
export interface Metric<State, Examples = Predictions, Result = number | null> {
  readonly empty: () => State;
  /** @throws {LapidaryError} METRIC_COLUMNS, METRIC_NON_FINITE or METRIC_LABEL when the columns are not what they should be */
  readonly add: (state: State, examples: Examples) => State;
  readonly merge: (a: State, b: State) => State;
  readonly compute: (state: State) => Result;
  /** The state as numbers, for an all-gather. */
  readonly toArray: (state: State) => Float64Array;
  /** The inverse of `toArray`. */
  readonly fromArray: (values: Float64Array) => State;
}

/** The parts of a {@link Metric} that follow from the form of its state alone. */
export type StateForm<State> = Pick<Metric<State>, "empty" | "merge" | "toArray" | "fromArray">;
