import { LapidaryError } from "../base/errors.ts";
import { mapValues } from "../base/map-values.ts";
import type { ModelConfig } from "../config/model/model.ts";
import { resolveModel } from "../config/model/resolve-models.ts";
import type { UserConfig } from "../config/schema.ts";
import { evaluate } from "../metrics/evaluation.ts";
import { type CurveRecord, readCurve } from "../report/jsonl.ts";
import { type Predictions, readPredictions } from "../train/predict.ts";
import type { RunEntry } from "../train/run/ledger.ts";
import { differencesOf, type SettingDifference, settingsOf, settingText } from "../train/run/run-changes.ts";
import type { RunConfig } from "../train/run/run-config.ts";
import { RunFolder, type RunSummary } from "../train/run/run-folder.ts";
import { compareExamples } from "./compare.ts";
import type { RunEvaluation } from "./evaluation.ts";
import type { ResultRows } from "./evaluation-report.ts";

/** Last points of a curve that are shown. */
const TAIL = 5;

/** What of a run is not as its kind of model is by default. */
export interface OwnSetting {
  readonly path: string;
  readonly value: string;
  /** Null where there is none. */
  readonly standard: string | null;
}

/** One run, as a page of its own shows it. */
export interface RunDetails extends RunEntry {
  readonly settings: readonly OwnSetting[];
  /** Fingerprint of the events that it was trained on. */
  readonly events: string;
  readonly summary: RunSummary | null;
  /** Last points of its curves. */
  readonly curve: readonly CurveRecord[];
  readonly results: readonly SavedResults[];
}

/** Runs beside each other. */
export interface RunComparison {
  readonly runs: readonly RunEntry[];
  readonly settings: readonly SettingDifference[];
  readonly results: readonly SavedResults[];
}

/** The metrics of the scores that evaluations have left in the folders of runs, of one window. */
export interface SavedResults extends ResultRows {
  /** `validation`, `test`, or a surface's part of one. */
  readonly window: string;
  readonly runs: readonly (Pick<RunEvaluation, "run" | "objectives" | "differences"> & { readonly file: string })[];
}

/** All that a run's folder says of it. @throws {LapidaryError} FILE_CORRUPT if it is damaged */
export function describeRun(entry: RunEntry): RunDetails {
  const { config, summary, curve } = openAll([entry])[0]!;
  return {
    ...entry,
    settings: ownSettings(config),
    events: config.events,
    summary,
    curve: readCurve(curve).slice(-TAIL),
    results: savedResults([entry]),
  };
}

/** Runs beside each other: settings that differ, and results with differences to the first. @throws {LapidaryError} FILE_CORRUPT */
export function compareRuns(entries: readonly RunEntry[]): RunComparison {
  const configs = openAll(entries).map(({ config }) => config);
  return { runs: entries, settings: differencesOf(configs), results: savedResults(entries) };
}

function openAll(entries: readonly RunEntry[]): readonly RunFolder[] {
  const damaged = entries.find(({ state }) => state === "damaged");
  if (damaged === undefined) return entries.map(({ path }) => RunFolder.at(path));
  throw new LapidaryError({
    code: "FILE_CORRUPT",
    where: damaged.path,
    expected: "a readable config.json and summary.json",
    got: "others",
    hint: "Train it again with --fresh, or remove it with `lapidary runs remove`.",
  });
}

function ownSettings(config: RunConfig): readonly OwnSetting[] {
  const standard = new Map(settingsOf({ ...config, model: standardModel(config.model) }));
  return settingsOf(config).flatMap(([key, value]) => {
    const isModel = key.startsWith("model.") && key !== "model.kind";
    const setting = { path: key.replace("model.", ""), value: settingText(key, value) };
    if (!isModel) return /^(share|slice|knowledge)/.test(key) ? [{ ...setting, standard: null }] : [];
    const usual = standard.has(key) ? settingText(key, standard.get(key)) : null;
    return usual === setting.value ? [] : [{ ...setting, standard: usual }];
  });
}

/** A model of the same kind of which nothing else is said. */
function standardModel({ kind }: ModelConfig): ModelConfig {
  const user = { objectives: {}, models: {} } as unknown as UserConfig;
  return resolveModel({ kind }, user, { path: "", report: () => {} });
}

function savedResults(entries: readonly RunEntry[]): readonly SavedResults[] {
  const windows = new Set(entries.flatMap(({ path }) => RunFolder.at(path).predicted));
  return [...windows].sort().map((window) => {
    const saved = entries.flatMap(({ run, path }) => {
      const folder = RunFolder.at(path);
      const file = folder.predictions(window);
      return folder.predicted.includes(window) ? [{ run, file, scores: readPredictions(file) }] : [];
    });
    const [first, ...others] = saved;
    const runs = saved.map(({ run, file, scores }) => {
      const objectives = Object.fromEntries(
        Object.entries(scores).map(([name, examples]) => [name, evaluate(examples)]),
      );
      const isFirst = file === first?.file;
      return { run, file, objectives, differences: isFirst ? null : differencesTo(first?.scores ?? {}, scores) };
    });
    return { window, baseline: others.length === 0 ? null : (first?.run ?? null), runs };
  });
}

/** Null if the two were scored on other examples. */
function differencesTo(baseline: Predictions, candidate: Predictions): RunEvaluation["differences"] {
  try {
    const shared = Object.entries(baseline).filter(([objective]) => objective in candidate);
    return mapValues(Object.fromEntries(shared), (examples, objective) => {
      return compareExamples(examples, [candidate[objective]!], null)[0]!.compared;
    });
  } catch (error) {
    if (error instanceof LapidaryError && error.code === "METRIC_COLUMNS") return null;
    throw error;
  }
}
