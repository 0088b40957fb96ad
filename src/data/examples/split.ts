/** Which window of its split an event is in: the one place that decides it. */
import { LapidaryError } from "../../base/errors.ts";
import type { RandomSplit, Split, SplitConfig, TimeSplit } from "../../config/types.ts";
import { FOLD_COLUMN } from "../../features/schema.ts";
import type { EventStore } from "../store/event-store.ts";
import { hashOf, mix } from "./mix.ts";

/** A half-open window of time. @unit ms since 1970, UTC */
export interface TimeWindow {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Events of a window of time: all, or those of one part of a split that is not by time. Plain data, the same in every thread. */
export interface EventWindow extends TimeWindow {
  /** @default all */
  readonly part?: SplitPart;
}

/** One window of a split that is not by time. */
export type SplitPart =
  | { readonly kind: "fold"; readonly values: readonly string[] }
  /** The users whose draw lies in [from, to), of [0, 1). */
  | { readonly kind: "random"; readonly seed: number; readonly from: number; readonly to: number };

const ALWAYS: TimeWindow = Object.freeze({ fromMs: Number.MIN_SAFE_INTEGER, untilMs: Number.MAX_SAFE_INTEGER });

/**
 * The events of one window of a split.
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { windowOf } from "lapidary/data";
 *
 * const { fromMs, untilMs } = windowOf((await loadProject()).split, "validation");
 * console.log(new Date(fromMs).toISOString(), new Date(untilMs).toISOString());
 * // 2025-03-04T00:00:00.000Z 2025-03-05T00:00:00.000Z
 */
export function windowOf(split: SplitConfig, window: Split): EventWindow {
  if (split.kind === "time") return timesOf(split, window);
  return { ...ALWAYS, part: split.kind === "fold" ? { kind: "fold", values: split[window] } : shareOf(split, window) };
}

function timesOf({ trainUntilMs, validationUntilMs, testUntilMs }: TimeSplit, window: Split): TimeWindow {
  const windows: Readonly<Record<Split, TimeWindow>> = {
    train: { fromMs: ALWAYS.fromMs, untilMs: trainUntilMs },
    validation: { fromMs: trainUntilMs, untilMs: validationUntilMs },
    test: { fromMs: validationUntilMs, untilMs: testUntilMs },
  };
  return windows[window];
}

/** Training comes last, so that a larger share for another window only takes users from it. */
function shareOf({ validation, test, seed }: RandomSplit, window: Split): SplitPart {
  const shares: Readonly<Record<Split, readonly [number, number]>> = {
    test: [0, test],
    validation: [test, test + validation],
    train: [test + validation, 1],
  };
  const [from, to] = shares[window];
  return { kind: "random", seed, from, to };
}

/**
 * A split by time, for what makes sense only there.
 *
 * @param what needs it, as the subject of a sentence
 * @throws {LapidaryError} SPLIT_KIND
 * @example
 * import { loadProject } from "lapidary";
 * import { timeSplitOf } from "lapidary/data";
 *
 * const { split } = await loadProject();
 * const { trainUntilMs } = timeSplitOf(split, "this example");
 * console.log(new Date(trainUntilMs).toISOString()); // 2025-03-04T00:00:00.000Z
 */
export function timeSplitOf(split: SplitConfig, what: string): TimeSplit {
  if (split.kind === "time") return split;
  throw new LapidaryError({
    code: "SPLIT_KIND",
    where: "split",
    expected: `a split by time: ${what} needs to know what comes after what`,
    got: split.kind === "fold" ? "one by a field or by file" : "a random one",
    hint: "Give trainUntil, validationUntil and testUntil in `split`.",
  });
}

/** Which rows of a user are in a part: all, none, or those that pass a test. */
export type PartOfUser = (user: number) => ((row: number) => boolean) | "all" | "none";

/** Finds the rows of a part. @throws {LapidaryError} SPLIT_VALUE if it names a value that no event has */
export function partTest(store: EventStore, part: SplitPart | undefined): PartOfUser {
  if (part === undefined) return () => "all";
  if (part.kind === "random") {
    const seed = mix(part.seed);
    // Of users, not of rows: else a model learns a user's later events and is measured on its earlier ones.
    const draw = (user: number): number => hashOf(user, seed) / 2 ** 32;
    return (user) => (draw(user) >= part.from && draw(user) < part.to ? "all" : "none");
  }
  const column = store.column(FOLD_COLUMN);
  const codes = codesOf(store, part.values);
  const isIn = (row: number): boolean => codes.has(column.at(row));
  return () => isIn;
}

function codesOf(store: EventStore, values: readonly string[]): ReadonlySet<number> {
  const dictionary = store.dictionary(FOLD_COLUMN);
  const codes = new Set<number>();
  for (const value of values) {
    const code = dictionary?.code(value) ?? 0;
    if (code === 0) throw unknownValue(store, value);
    codes.add(code);
  }
  return codes;
}

function unknownValue(store: EventStore, value: string): LapidaryError {
  const dictionary = store.dictionary(FOLD_COLUMN);
  const known = Array.from({ length: Math.min(20, (dictionary?.cardinality ?? 1) - 1) }, (_, i) =>
    dictionary?.id(i + 1),
  );
  return new LapidaryError({
    code: "SPLIT_VALUE",
    where: "split",
    expected: `values that events have: ${known.join(", ")}`,
    got: value,
    hint: "Correct the values in `split`, and ingest again if another field or other files are meant.",
  });
}
