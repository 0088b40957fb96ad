import type { IngestResult, OutcomeCounts } from "../../data/index.ts";
import type { Profile } from "../../describe/index.ts";
import { defineCommand } from "../command.ts";
import { flag } from "../option.ts";
import { findingsText } from "../screen/profile-text.ts";
import { formatCount } from "../screen/progress-line.ts";
import { formatPairs } from "../screen/table.ts";
import { profileWithProgress } from "./describe.ts";

/** `lapidary ingest`: logs → event store. */
export const ingest = defineCommand({
  name: "ingest",
  summary: "reads the log into the event store",
  description:
    "Reads the log into the event store. Rows that cannot be used go to a dead-letter file, each with its reason. " +
    "A store that was made from the same files and the same configuration is left as it is. " +
    "Files that are as they were at the ingest before are not read again.",
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
      const summary = describe(result, store);
      if (result.upToDate) return { result: { ...result, store }, text: summary };
      const { findings, outside } = await lookAt({ project, signal, progress });
      const more = "More of what is in it: lapidary describe";
      const text = [`${summary}${outsideText(outside)}`, findingsText(findings), more].join("\n\n");
      return { result: { ...result, outside, store }, text };
    } finally {
      shown.finish("");
    }
  },
});

/** What is suspicious of the store that was just written. */
async function lookAt(watched: Parameters<typeof profileWithProgress>[1]): Promise<Profile> {
  const { EventStore } = await import("../../data/index.ts");
  const store = EventStore.open(watched.project.store);
  try {
    return await profileWithProgress(store, watched);
  } finally {
    store.close();
  }
}

function outsideText(outside: number): string {
  return outside === 0 ? "" : `\n${formatCount(outside)} events lie in no window of the split.`;
}

function describe(result: IngestResult, store: string): string {
  const { upToDate, files, numUsers, rows, rejections, deadLetterFile, repeats, outcomes } = result;
  const counts = formatPairs([
    ["files", upToDate ? formatCount(files.total) : filesText(files)],
    ["rows", formatCount(rows.rowsRead)],
    ["events", formatCount(rows.accepted)],
    ...(numUsers === null ? [] : [["users", formatCount(numUsers)] as const]),
    ["duplicates", formatCount(rows.duplicates)],
    ...repeatPairs(repeats),
    ["rejected", formatCount(rows.rejected)],
    ...reasonPairs(rejections),
    ...Object.entries(outcomes).flatMap(([name, counted]) => outcomePairs(name, counted)),
    ["store", store],
    ...(hasLetters(result) ? [["rejected rows", deadLetterFile] as const] : []),
  ]);
  return upToDate ? `${counts}\nThe store was already made from these files; --force writes it again.` : counts;
}

function filesText({ total, notRead }: IngestResult["files"]): string {
  return notRead === 0
    ? formatCount(total)
    : `${formatCount(total)} (${formatCount(notRead)} unchanged, not read again)`;
}

type Pair = readonly [string, string];

function reasonPairs(reasons: Readonly<Record<string, number>>): readonly Pair[] {
  const sorted = Object.entries(reasons).sort(([, a], [, b]) => b - a);
  return sorted.map(([reason, count]) => [`  ${reason}`, formatCount(count)]);
}

/** What several rows of one event brought to it; nothing if they said the same. */
function repeatPairs({ completed, contradictions, firstContradictions, contradictionsFile }: IngestResult["repeats"]) {
  const pairs: Pair[] = completed === 0 ? [] : [["  completed by later rows", formatCount(completed)]];
  if (firstContradictions.length === 0) return pairs;
  const columns = Object.entries(contradictions).map(([column, n]): Pair => {
    return [`  contradictions: ${column}`, formatCount(n)];
  });
  const first = firstContradictions.map(({ event }) => event).join(", ");
  return [...pairs, ...columns, ["  contradicting events", `${first} … (${contradictionsFile})`] as const];
}

/** Where the outcomes of a log of their own went, or the times in the events' own rows. */
function outcomePairs(name: string, { rows, matched, duplicates, rejections, unmatched }: OutcomeCounts) {
  const pairs: readonly Pair[] = [
    [`${name}: outcomes`, formatCount(rows)],
    ["  matched", formatCount(matched)],
    ...(duplicates === 0 ? [] : [["  duplicates", formatCount(duplicates)] as const]),
    ...reasonPairs(unmatched),
    ...reasonPairs(rejections),
  ];
  return pairs;
}

function hasLetters({ rows, outcomes }: IngestResult): boolean {
  return rows.rejected > 0 || Object.values(outcomes).some(({ rejections }) => Object.keys(rejections).length > 0);
}
