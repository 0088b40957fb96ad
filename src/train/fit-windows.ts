import type { ProjectConfig } from "../config/project.ts";
import { type EventStore, type EventWindow, newestShareMs, timeSplitOf, windowOf } from "../data/index.ts";
import type { TrainingSlice } from "./run/run-config.ts";

/** Parts of the training window from which a model is fitted. */
export interface FitWindows {
  /** Examples that it learns from; their labels are as known at the end of the training window. */
  readonly examples: EventWindow;
  /** Events of which the rates of labels, and the moments of numbers and vectors, are. */
  readonly facts: EventWindow;
  /** Events whose ids may have rows of their own, each from its admission on. */
  readonly vocabulary: EventWindow;
}

/** What of a training decides its windows. */
export interface FitWindowsOptions {
  /** @default the whole window */
  readonly slice?: TrainingSlice | undefined;
  /** @default 1, the whole window */
  readonly share?: number | undefined;
}

/** The windows that a training is fitted to: all of the training window, one slice of it, or its newest share. */
export function fitWindowsOf(
  { split }: Pick<ProjectConfig, "split">,
  store: EventStore,
  { slice, share = 1 }: FitWindowsOptions,
): FitWindows {
  if (slice !== undefined) return windowsOfSlice(split, slice);
  const all = windowOf(split, "train");
  return share === 1 ? { examples: all, facts: all, vocabulary: all } : windowsOfShare(split, store, share);
}

/**
 * A vocabulary knows when each id was admitted, so that one for all slices tells none of the future, and the tables of all
 * have the same rows.
 */
function windowsOfSlice(split: ProjectConfig["split"], { fromMs, toMs, factsUntilMs }: TrainingSlice): FitWindows {
  timeSplitOf(split, "training slice by slice");
  const vocabulary = windowOf(split, "train");
  return {
    examples: { ...vocabulary, fromMs, untilMs: toMs },
    facts: { ...vocabulary, untilMs: factsUntilMs },
    vocabulary,
  };
}

/**
 * The newest share, so that no gap parts it from the days that models are compared on, and only the amount differs. Rates
 * and rows of ids are those of the share too; histories reach back to the beginning, as those of serving do.
 */
function windowsOfShare(split: ProjectConfig["split"], store: EventStore, share: number): FitWindows {
  timeSplitOf(split, "the newest share of the training window");
  const all = windowOf(split, "train");
  const newest = { ...all, fromMs: newestShareMs(store, all, share) };
  return { examples: newest, facts: newest, vocabulary: newest };
}

/** The split that a run is recorded with. A slice has nothing to validate on: what follows it is scored by it, and must not have been chosen by. */
export function splitOf({ split }: Pick<ProjectConfig, "split">, slice?: TrainingSlice): ProjectConfig["split"] {
  if (slice === undefined) return split;
  const times = timeSplitOf(split, "training slice by slice");
  return { ...times, trainUntilMs: slice.untilMs, validationUntilMs: slice.untilMs };
}
