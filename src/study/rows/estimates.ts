/** How good a model is on examples, with the draws of users that intervals and paired differences are made of. */
import { mapValues } from "../../base/map-values.ts";
import { sha256 } from "../../files/digest.ts";
import type { Estimate } from "../../metrics/comparison/seed-interval.ts";
import { ratioOfSums, userResamples, type WeightedMetric } from "../../metrics/comparison/user-resamples.ts";
import { groupRows } from "../../metrics/groups.ts";
import { normalizedOf } from "../../metrics/normalized-deviance.ts";
import { SCORED_COLUMNS, takeRows } from "../../metrics/scored-examples.ts";
import type { Predictions } from "../../train/index.ts";

/** By name of the surface, then by objective. */
export type BySurface<T> = Readonly<Record<string, Readonly<Record<string, T>>>>;

/** Something of all examples, by objective, and of those of each surface. */
export interface Sliced<T> {
  readonly overall: Readonly<Record<string, T>>;
  readonly bySurface: BySurface<T>;
}

/** The examples that were scored. */
export interface ScoredSet {
  /** Of each event, its user and its labels: equal ones are of the same examples, whose draws of users are the same. */
  readonly digest: string;
  /** With a known label of the first objective; and the users of all. */
  readonly examples: number;
  readonly users: number;
}

/** Draws of the users: the standard deviation of 400 is itself known to 4%. */
const RESAMPLES = 400;
/** Digits of a draw: far more than an interval has, and few enough to be kept. */
const DIGITS = 9;

/**
 * NE of each objective, overall and by surface, where it is defined, and of each draw of the users. Users are numbered by
 * their codes: the draws are the same whoever scored these examples, in whatever order.
 */
export function estimatesOf(
  predictions: Predictions,
  { set, names }: { readonly set: Predictions; readonly names: Readonly<Record<number, string>> },
): Sliced<Estimate> {
  const users = numberUsers(set);
  const bySurface = mapValues(surfacesOf(predictions, names), (examples) => metricsOf(examples, users));
  return resample({ overall: metricsOf(predictions, users), bySurface }, users.count);
}

/** What {@link ScoredSet} says of predictions. */
export function scoredSetOf(predictions: Predictions): ScoredSet {
  const parts = mapValues(predictions, ({ rows, users, labels }) => {
    const order = Int32Array.from(rows.keys()).sort((a, b) => rows[a]! - rows[b]!);
    const columns = [rows, users, labels].map((column) => Float64Array.from(order, (i) => column[i]!));
    return columns.map((column) => sha256(new Uint8Array(column.buffer)));
  });
  const digest = sha256(JSON.stringify(Object.entries(parts)));
  return {
    digest,
    ...{ examples: Object.values(predictions)[0]?.rows.length ?? 0, users: numberUsers(predictions).count },
  };
}

/** The examples of several models, each of a part, as if one had scored them. */
export function joined(parts: readonly Predictions[]): Predictions {
  const [first = {}, ...others] = parts;
  if (others.length === 0) return first;
  return mapValues(first, (examples, objective) => {
    const all = parts.map((part) => part[objective] ?? examples);
    const values = SCORED_COLUMNS.map(
      (key) => [key, Float64Array.from(all.flatMap((one) => Array.from(one[key])))] as const,
    );
    return { ...examples, ...Object.fromEntries(values) };
  });
}

interface UserNumbers {
  readonly count: number;
  readonly numberOf: ReadonlyMap<number, number>;
}

/** One numbering of the users of all objectives, whose examples with known labels differ. */
function numberUsers(predictions: Predictions): UserNumbers {
  const all = new Set(Object.values(predictions).flatMap(({ users }) => Array.from(new Set(users))));
  const codes = Float64Array.from(all).sort();
  return { count: codes.length, numberOf: new Map(Array.from(codes, (code, number) => [code, number])) };
}

/** NE of each objective that has one, by the users drawn; with one class only it has none, whoever scores. */
function metricsOf(
  predictions: Predictions,
  { count, numberOf }: UserNumbers,
): Readonly<Record<string, WeightedMetric>> {
  const everyone = new Uint8Array(count).fill(1);
  const metrics = Object.entries(predictions).map(([objective, examples]) => {
    const groupOf = Int32Array.from(examples.users, (user) => numberOf.get(user) ?? 0);
    return [objective, ratioOfSums(examples, { groups: { count, groupOf }, of: normalizedOf(examples.kind) })] as const;
  });
  return Object.fromEntries(metrics.filter(([, metric]) => metric(everyone) !== null));
}

/** The predictions on each surface, by its name. */
function surfacesOf(
  predictions: Predictions,
  names: Readonly<Record<number, string>>,
): Readonly<Record<string, Predictions>> {
  const found: Record<string, Predictions> = {};
  for (const [objective, examples] of Object.entries(predictions)) {
    const { count, offsets, rows } = groupRows(examples.surfaces);
    for (let g = 0; g < count; g++) {
      const surfaceExamples = takeRows(examples, rows.subarray(offsets[g]!, offsets[g + 1]!));
      const surface = names[surfaceExamples.surfaces[0]!] ?? String(surfaceExamples.surfaces[0]);
      found[surface] = { ...found[surface], [objective]: surfaceExamples };
    }
  }
  return found;
}

/** Every metric on the same draws of the users. */
function resample({ overall, bySurface }: Sliced<WeightedMetric>, numUsers: number): Sliced<Estimate> {
  const everyone = new Uint8Array(numUsers).fill(1);
  const estimates: { readonly metric: WeightedMetric; readonly resampled: Float64Array }[] = [];
  const begin = (metric: WeightedMetric): Estimate => {
    const resampled = new Float64Array(RESAMPLES);
    estimates.push({ metric, resampled });
    return { value: metric(everyone) ?? Number.NaN, resampled };
  };
  const found = {
    overall: mapValues(overall, begin),
    bySurface: mapValues(bySurface, (objectives) => mapValues(objectives, begin)),
  };
  let draw = 0;
  for (const weights of userResamples(numUsers, { resamples: RESAMPLES, seed: 1 })) {
    for (const { metric, resampled } of estimates)
      resampled[draw] = Number((metric(weights) ?? Number.NaN).toPrecision(DIGITS));
    draw++;
  }
  return found;
}
