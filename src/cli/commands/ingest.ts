import type { IngestResult } from "../../data/index.ts";
import { defineCommand } from "../command.ts";
import { flag } from "../option.ts";
import { formatCount } from "../progress-line.ts";
import { formatPairs } from "../table.ts";

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
    const { events, store } = await loadProject();
    const { ingest: run } = await import("../../data/index.ts");
    const shown = progress({ label: "ingest", unit: "stages", total: null, isSteady: false });
    const onStage = (detail: string, done: number, total: number) => shown.update({ done, detail, total });
    try {
      const result = await run(events, { store, force, signal, onStage });
      return { result: { ...result, store }, text: describe(result, store) };
    } finally {
      shown.finish("");
    }
  },
});

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
