import { pathOf, settingsOf, settingText } from "../train/run/run-changes.ts";
import type { RunConfig } from "../train/run/run-config.ts";
import type { ResultTable } from "./result-table.ts";
/** What is said above {@link settingsTable}. */
export const SETTINGS_CAPTION = "Settings of each run, those first that differ (≠)";

/** One row per setting: whether the runs differ in it, and its value in each; those that differ come first. */
export function settingsTable(
  runs: readonly { readonly run: string; readonly config: RunConfig | null }[],
): ResultTable {
  const configured = runs.flatMap(({ run, config }) => (config === null ? [] : [{ run, config }]));
  const settings = configured.map(({ config }) => new Map(settingsOf(config)));
  const keys = [...new Set(settings.flatMap((setting) => [...setting.keys()]))];
  const rows = keys.map((key) => {
    const values = settings.map((setting) => (setting.has(key) ? settingText(key, setting.get(key)) : null));
    return [new Set(values).size > 1 ? "≠" : "", pathOf(key, "model"), ...values];
  });
  const columns = [{ label: "differs" }, { label: "setting" }, ...configured.map(({ run }) => ({ label: run }))];
  return { columns, rows: rows.toSorted(([a], [b]) => Number(b === "≠") - Number(a === "≠")) };
}
