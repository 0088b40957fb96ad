import { resolve as resolvePath } from "node:path";
import { join, type Problem, show } from "../../base/check.ts";
import { fillIn } from "../defaults.ts";
import type { UserConfig } from "../schema.ts";
import { type EventsConfig, type FoldSplit, SPLITS, type Split, type SplitConfig, type TimeSplit } from "../types.ts";
import { resolveTime } from "./resolve-events.ts";
import { BY_CHANCE } from "./split-schema.ts";

type UserSplit = UserConfig["split"];
type Report = (problem: Problem) => void;
type UserTimes = Extract<UserSplit, { trainUntil: unknown }>;

/** The split, resolved: times in milliseconds, windows that do not overlap. */
export function resolveSplit({ split, events }: Pick<UserConfig, "split" | "events">, report: Report): SplitConfig {
  if ("trainUntil" in split) {
    if (events.time === undefined) report(timeless());
    return resolveTimes(split, report);
  }
  if ("files" in split) return { kind: "fold", ...windows((window) => [window]) };
  if ("by" in split) {
    const fold: FoldSplit = { kind: "fold", ...windows((window) => split[window]) };
    checkApart(fold, report);
    return fold;
  }
  const { random, seed } = fillIn(BY_CHANCE, split);
  const { validation, test } = random;
  if (validation + test >= 1) {
    const hint = "Leave a share for training.";
    const got = show(validation + test);
    report({ code: "CONFIG_INVALID", path: "split.random", expected: "shares that add up to less than 1", got, hint });
  }
  return { kind: "random", validation, test, seed };
}

/** What the event store must keep of each event for the split; nothing if it is by time or by chance. */
export function foldOf(split: UserSplit, root: string): Pick<EventsConfig, "fold"> {
  if ("by" in split) return { fold: { from: split.by } };
  if (!("files" in split)) return {};
  const { files } = split;
  return { fold: { files: windows((window) => [files[window]].flat().map((path) => resolvePath(root, path))) } };
}

function timeless(): Problem {
  return {
    code: "CONFIG_INVALID",
    path: "split",
    expected: "a split that needs no times, because events.time is absent: { by }, { files } or { random }",
    got: "one by time",
    hint: "Name the field of the time in events.time, or split in another way.",
  };
}

function windows<T>(of: (window: Split) => T): Record<Split, T> {
  return Object.fromEntries(SPLITS.map((window) => [window, of(window)])) as Record<Split, T>;
}

function resolveTimes(split: UserTimes, report: Report): TimeSplit {
  const at = (key: keyof UserTimes) => resolveTime(split[key], `split.${key}`, report);
  const resolved: TimeSplit = {
    kind: "time",
    trainUntilMs: at("trainUntil"),
    validationUntilMs: at("validationUntil"),
    testUntilMs: at("testUntil"),
  };
  const ordered = (earlier: "trainUntil" | "validationUntil", later: "validationUntil" | "testUntil") => {
    if (resolved[`${earlier}Ms`] < resolved[`${later}Ms`]) return;
    report({
      code: "CONFIG_INVALID",
      path: join("split", later),
      expected: `a time after split.${earlier} (${show(split[earlier])})`,
      got: show(split[later]),
      hint: "The three windows follow each other: training, validation, test.",
    });
  };
  ordered("trainUntil", "validationUntil");
  ordered("validationUntil", "testUntil");
  return resolved;
}

/** What is measured on must not have been learned from. */
function checkApart(fold: FoldSplit, report: Report): void {
  const owners = new Map<string, Split>();
  for (const window of SPLITS) {
    for (const value of fold[window]) {
      const owner = owners.get(value);
      if (owner !== undefined && owner !== window) {
        const got = `${show(value)}, which is one of ${owner}`;
        const hint = "Name each value once.";
        report({ code: "CONFIG_INVALID", path: join("split", window), expected: "values of its own", got, hint });
      }
      owners.set(value, window);
    }
  }
}
