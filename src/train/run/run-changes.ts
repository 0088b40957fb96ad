import { isPlainObject } from "../../base/check.ts";
import { sha256 } from "../../files/digest.ts";
import type { RunConfig } from "./run-config.ts";

/** One setting that two runs do not share. */
export interface SettingChange {
  /** Where a user writes it: `models.foundation.training.epochs`, `split.trainUntil`; `events` is the store's content. */
  readonly path: string;
  /** As text, in each of the two; null where it is not set. */
  readonly was: string | null;
  readonly now: string | null;
}

/** A setting's place in {@link RunConfig}, and its value. */
type Leaf = readonly [path: string, value: unknown];

/**
 * Settings that cannot change what is trained: results are equal bit for bit for any number of threads and wherever
 * checkpoints are cut, and the test window is read by evaluation alone.
 */
const WITHOUT_EFFECT: readonly string[] = [
  "model.training.threads",
  "model.training.checkpointEverySteps",
  "split.testUntilMs",
];

/** Digits of a fingerprint that are shown. */
const SHOWN_DIGITS = 12;

/** The settings that decide the result of a run and are others in `now` than in `was`. */
export function changesOf(was: RunConfig, now: RunConfig): readonly SettingChange[] {
  return differencesOf([was, now])
    .filter(({ key }) => !WITHOUT_EFFECT.includes(key))
    .map(({ path, values: [before = null, after = null] }) => ({ path, was: before, now: after }));
}

/** One setting that is not the same in all of several runs. */
export interface SettingDifference {
  /** Its place in {@link RunConfig}. */
  readonly key: string;
  /** Where a user writes it. */
  readonly path: string;
  /** As text, run by run; null where it is not set. */
  readonly values: readonly (string | null)[];
}

/** All settings that are not the same in all runs, whether they can change a result or not. */
export function differencesOf(configs: readonly RunConfig[]): readonly SettingDifference[] {
  const runs = configs.map((config) => new Map(settingsOf(config)));
  const keys = [...new Set(runs.flatMap((run) => [...run.keys()]))];
  const names = new Set(configs.map(({ name }) => name));
  const model = names.size === 1 ? `models.${[...names].join("")}` : "model";
  return keys.flatMap((key) => {
    const values = runs.map((run) => (run.has(key) ? settingText(key, run.get(key)) : null));
    return new Set(values).size === 1 ? [] : [{ key, path: pathOf(key, model), values }];
  });
}

/** Digest of the settings that decide the result of a run. */
export function settingsDigest(config: RunConfig): string {
  const decisive = settingsOf(config).filter(([key]) => !WITHOUT_EFFECT.includes(key));
  return sha256(JSON.stringify(decisive.toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

/** The settings of a run, each with its place. */
export function settingsOf(config: RunConfig): readonly Leaf[] {
  return leavesOf(config, "");
}

function leavesOf(value: unknown, path: string): readonly Leaf[] {
  if (!isPlainObject(value)) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, path === "" ? key : `${path}.${key}`));
}

/** Where a user writes the setting at a place of {@link RunConfig}: times are written without their unit. */
export function pathOf(key: string, model: string): string {
  return key
    .replace(/^model(?=\.)/, model)
    .replace(/^losses\.(.*)$/, "objectives.$1.loss")
    .replace(/Ms$/, "");
}

/** A setting's value as text: times as dates, a fingerprint by its beginning. */
export function settingText(key: string, value: unknown): string {
  if (key === "events" || key === "from.checkpoint" || key.startsWith("modules."))
    return String(value).slice(0, SHOWN_DIGITS);
  if (typeof value === "string") return value;
  if (typeof value !== "number" || !key.endsWith("Ms")) return JSON.stringify(value);
  if (key === "negatives.windowMs" || key.startsWith("counters.")) return `${value}ms`;
  const date = new Date(value);
  // Slices begin at the first of all times, which is no date.
  return Number.isNaN(date.getTime())
    ? "the beginning"
    : date.toISOString().replace("T00:00:00.000Z", "").replace(".000Z", "Z");
}
