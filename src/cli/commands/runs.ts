import { LapidaryError } from "../../base/errors.ts";
import type { ProjectConfig } from "../../config/project.ts";
import type { RunComparison, RunDetails } from "../../evaluate/index.ts";
import type { RunReference } from "../../publish/index.ts";
import type { RunEntry } from "../../train/index.ts";
import { defineCommand, type Outcome } from "../command.ts";
import { flag } from "../option.ts";
import { formatBytes, formatCount, formatDuration } from "../screen/progress-line.ts";
import { formatPairs, formatTable } from "../screen/table.ts";
import { tableText } from "./evaluate.ts";

const ACTIONS = ["list", "show", "compare", "remove"] as const;

/** `lapidary runs`: the project's runs, and what each was made with. */
export const runs = defineCommand({
  name: "runs",
  summary: "lists the project's runs, shows, compares or removes them",
  description:
    "list: name, date, commit, examples, seconds, validation NE, size. show RUN: the settings that are not the default, " +
    "the end of its curves, its results. compare RUN RUN…: settings that differ, and results with differences to the first. " +
    "remove RUN…: asks for --yes, and says what else was made from a run. Results are those that `lapidary evaluate` has left.",
  args: [
    { name: "ACTION", description: `${ACTIONS.join(", ")} (default: list)`, required: false },
    { name: "RUN", description: "name of a run, or path of its folder", required: false, many: true },
  ],
  options: { yes: flag("removes the runs, of which nothing is kept") },
  readsProject: true,
  example: "lapidary runs compare previous foundation",
  resume: "Run `lapidary runs` again.",
  run: async ({ args: [name = "list", ...names], options: { yes }, loadProject }): Promise<Outcome> => {
    const action = ACTIONS.find((known) => known === name);
    if (action === undefined) throw usage(`one of ${ACTIONS.join(", ")}`, name);
    const project = await loadProject();
    if (action === "list") return list(project);
    const least = action === "compare" ? 2 : 1;
    if (names.length < least || (action === "show" && names.length > 1)) {
      throw usage(`${name} with ${action === "show" ? "one run" : `at least ${least} runs`}`, `${names.length}`);
    }
    const { findRun } = await import("../../train/index.ts");
    const found = names.map((run) => findRun(project, run));
    if (action === "show") return show(found[0]!);
    return action === "compare" ? compare(found) : remove(project, found, yes);
  },
});

function usage(expected: string, got: string): LapidaryError {
  const hint = "Run `lapidary runs --help`.";
  return new LapidaryError({ code: "USAGE", where: "lapidary runs", expected, got, hint });
}

async function list(project: ProjectConfig): Promise<Outcome> {
  const { listRuns } = await import("../../train/index.ts");
  const found = listRuns(project);
  if (found.length === 0) return { result: { runs: [] }, text: `no runs yet in ${project.runs}` };
  const columns = ["run", "kind", "begun (UTC)", "commit", "examples", "seconds", "validation NE", "state", "size"];
  const rows = found.map((run) => [
    ...[run.run, run.kind ?? "–", dateText(run.begun), run.commit ?? "–"],
    ...[numberText(run.examples), run.seconds?.toFixed(1) ?? "–", run.normalizedEntropy?.toFixed(4) ?? "–"],
    ...[run.state, formatBytes(run.bytes)],
  ]);
  const right = ["examples", "seconds", "validation NE", "size"];
  const aligns = columns.map((column) => (right.includes(column) ? "right" : "left"));
  return { result: { runs: found }, text: formatTable(columns, rows, aligns) };
}

async function show(entry: RunEntry): Promise<Outcome> {
  const { describeRun } = await import("../../evaluate/index.ts");
  const run = describeRun(entry);
  const settings = run.settings.map(({ path, value, standard }) => [path, value, standard ?? "–"]);
  const curve = run.curve.map(({ step, ...values }) => `step ${step}: ${curveText(values)}`);
  const parts = [
    factsText(run),
    settings.length === 0 ? "all settings are the defaults" : formatTable(["setting", "value", "default"], settings),
    ...(curve.length === 0 ? [] : [curve.join("\n")]),
    ...(await resultTexts(run.results)),
  ];
  return { result: run, text: parts.join("\n\n") };
}

function factsText({ run, kind, state, begun, commit, events, examples, seconds, bytes, path }: RunDetails): string {
  return formatPairs([
    ["run", `${run} (${kind}), ${state}`],
    ["begun (UTC)", dateText(begun)],
    ["commit", commit ?? "–"],
    ["events", events.slice(0, 12)],
    ["examples", numberText(examples)],
    ["in updates", seconds === null ? "–" : formatDuration(seconds)],
    ["size", formatBytes(bytes)],
    ["folder", path],
  ]);
}

function curveText(values: Readonly<Record<string, unknown>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${typeof value === "number" ? Number(value.toPrecision(5)) : String(value)}`)
    .join(", ");
}

async function compare(entries: readonly RunEntry[]): Promise<Outcome> {
  const { compareRuns } = await import("../../evaluate/index.ts");
  const compared = compareRuns(entries);
  const rows = compared.settings.map(({ path, values }) => [path, ...values.map((value) => value ?? "–")]);
  const settings = formatTable(["setting", ...entries.map(({ run }) => run)], rows);
  const parts = [rows.length === 0 ? "all settings are the same" : settings, ...(await resultTexts(compared.results))];
  return { result: compared, text: parts.join("\n\n") };
}

/** A table per window, and the files that its numbers come from. */
async function resultTexts(results: RunComparison["results"]): Promise<readonly string[]> {
  if (results.length === 0) return ["no results yet: lapidary evaluate RUN"];
  const { resultTable } = await import("../../evaluate/index.ts");
  return results.map((saved) => {
    const files = saved.runs.map(({ file }) => `from ${file}`).join("\n");
    return `${saved.window}\n${tableText(resultTable(saved))}\n${files}`;
  });
}

async function remove(project: ProjectConfig, entries: readonly RunEntry[], yes: boolean): Promise<Outcome> {
  const { referencesTo } = await import("../../publish/index.ts");
  const { RunFolder } = await import("../../train/index.ts");
  const found = entries.map((entry) => ({ ...entry, references: referencesTo(project, entry) }));
  const lines = found.flatMap(({ run, bytes, references }) => [
    `${run}: ${formatBytes(bytes)}`,
    ...references.map(referenceText),
  ]);
  if (!yes) {
    const text = [...lines, "nothing was removed: give --yes to remove"].join("\n");
    return { result: { removed: [], runs: found }, text, status: "failed" };
  }
  for (const { path } of entries) RunFolder.remove(path);
  const text = ["removed", ...lines].join("\n");
  return { result: { removed: entries.map(({ run }) => run), runs: found }, text };
}

function referenceText({ kind, path }: RunReference): string {
  const what = { bundle: "the bundle", knowledge: "the knowledge", run: "the run" }[kind];
  return `  ${what} ${path} was made from it, and stays`;
}

function dateText(iso: string): string {
  return iso.replace("T", " ").replace(/:\d+(\.\d+)?Z$/, "");
}

function numberText(value: number | null): string {
  return value === null ? "–" : formatCount(value);
}
