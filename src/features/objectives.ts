/** What a model outputs of its objectives: one column of a yes/no objective, more of those whose outcomes are spread. */
import type { ObjectiveKind } from "../config/events/objective-kinds.ts";
import type { FeatureSpec } from "./spec.ts";

/**
 * Outputs of an objective of each kind, in their order. `binary`: the logit of its probability. `count`: the logarithm of
 * its rate. `value`: the logit of its being above 0; then mean and, by {@link LEAST_SIGMA}, deviation of its logarithm.
 */
export const OUTPUTS: Readonly<Record<ObjectiveKind, readonly string[]>> = {
  binary: ["logit"],
  count: ["logRate"],
  value: ["logit", "mu", "rawSigma"],
};

/**
 * Least deviation of the logarithm of an amount, `σ = LEAST_SIGMA + softplus(raw)`: of amounts that do not vary, a density
 * would grow without bound, and its gradient with it.
 */
export const LEAST_SIGMA = 0.05;

/** The outputs of one objective: the columns [from, to). */
export interface Objective {
  readonly name: string;
  readonly kind: ObjectiveKind;
  readonly from: number;
  readonly to: number;
}

/** What of a spec decides the outputs of a model. */
export type ObjectiveSpec = Pick<FeatureSpec, "objectives" | "objectiveKinds">;

/** The objectives of a spec, in its order, with the columns of their outputs. */
export function objectivesOf({ objectives, objectiveKinds = {} }: ObjectiveSpec): readonly Objective[] {
  let end = 0;
  return objectives.map((name) => {
    const kind = Object.hasOwn(objectiveKinds, name) ? (objectiveKinds[name] ?? "binary") : "binary";
    const from = end;
    end += OUTPUTS[kind].length;
    return { name, kind, from, to: end };
  });
}

/** Columns of each objective's outputs. @shape → [T] */
export function outputWidths(spec: ObjectiveSpec): readonly number[] {
  return objectivesOf(spec).map(({ from, to }) => to - from);
}

/** Columns of all outputs, W. */
export function outputWidth(spec: ObjectiveSpec): number {
  return objectivesOf(spec).at(-1)?.to ?? 0;
}

/** The spec of some of the objectives. */
export function withObjectives(spec: FeatureSpec, objectives: readonly string[]): FeatureSpec {
  const { objectiveKinds = {}, ...rest } = spec;
  const kinds = Object.entries(objectiveKinds).filter(([name]) => objectives.includes(name));
  return { ...rest, objectives, ...(kinds.length === 0 ? {} : { objectiveKinds: Object.fromEntries(kinds) }) };
}
