import type { IngestResult } from "../../data/index.ts";
import { defineCommand } from "../command.ts";
import { flag } from "../option.ts";
import { findingsText } from "../profile-text.ts";
import { formatCount } from "../progress-line.ts";
import { formatPairs } from "../table.ts";
import { profileWithProgress } from "./describe.ts";

/** `lapidary ingest`: logs → event store. */
export const ingest = defineCommand({
  name: "ingest",
  summary: "reads the log into the event store",
  description:
    "Reads the log into the event store. Rows that cannot be used go to a dead-letter file, each with its reason. " +
    "A store that was made from the same files and the same configuration is left as it is.",
  options: { force: flag("writes the store again even if it was made from these very files") },
  readsProject: true,
  example: "lapidary ingest --set events.from=logs/*.parquet",
  resume: "Run `lapidary ingest` again: it goes on behind its last finished stage.",
  run: async ({ options: { force }, signal, loadProject, progress }) => {
    const project = await loadProject();
    const { events, store } = project;
    const { ingest: run } = await import("../../data/index.ts");
    const shown = progress({ label: "ingest", unit: "stages", total: null, isSteady: false });
    const onStage = (detail: string, done: number, total: number) => shown.update({ done, detail, total });
    try {
      const result = await run(events, { store, force, signal, onStage });
      shown.finish("");
      const look = result.upToDate ? "" : `\n\n${await lookAt({ project, signal, progress })}`;
      return { result: { ...result, store }, text: `${describe(result, store)}${look}` };
    } finally {
      shown.finish("");
    }
  },
});

/** What is suspicious of the store that was just written. */
async function lookAt(watched: Parameters<typeof profileWithProgress>[1]): Promise<string> {
  const { EventStore } = await import("../../data/index.ts");
  const store = EventStore.open(watched.project.store);
  try {
    const { findings } = await profileWithProgress(store, watched);
    return `${findingsText(findings)}\n\nMore of what is in it: lapidary describe`;
  } finally {
    store.close();
  }
}

function describe({ upToDate, numUsers, rows, rejections, deadLetterFile }: IngestResult, store: string): string {
  const reasons = Object.entries(rejections).sort(([, a], [, b]) => b - a);
  const counts = formatPairs([
    ["rows", formatCount(rows.rowsRead)],
    ["events", formatCount(rows.accepted)],
    ["users", formatCount(numUsers)],
    ["duplicates", formatCount(rows.duplicates)],
    ["rejected", formatCount(rows.rejected)],
    ...reasons.map(([reason, count]): [string, string] => [`  ${reason}`, formatCount(count)]),
    ["store", store],
    ...(rows.rejected === 0 ? [] : [["rejected rows", deadLetterFile] as const]),
  ]);
  return upToDate ? `${counts}\nThe store was already made from these files; --force writes it again.` : counts;
}
