import { createReadStream, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LapidaryError } from "../../config/errors.ts";
import { ORIGINS } from "../../features/schema.ts";
import { CONTRADICTIONS_FILE, DEAD_LETTER_FILE, INPUTS_FILE, type Manifest, type RowCounts } from "../store/format.ts";
import { StoreWriter } from "../store/store-writer.ts";
import { arrivalColumns, toldUntilOf } from "./arrivals.ts";
import { emptyLog } from "./check-fields.ts";
import { allLayouts, layoutColumns, writeEvents } from "./columns.ts";
import { countRejections, type RecordSource, writeDeadLetters } from "./dead-letters.ts";
import { buildCodes, dictionaryIds } from "./dictionaries.ts";
import { checkUnchanged, type LogFile } from "./files/index.ts";
import { countOutcomes, joinOutcomes } from "./join-outcomes.ts";
import { latestOutcome, type OutcomeLogs, outcomeLetters, readOutcomeLog } from "./outcome-logs.ts";
import { schemaOf } from "./plan.ts";
import { batchesOf, judgeLog, prepareRows, type ReadableLog, readBatch, stageName } from "./read-log.ts";
import { recordsOf } from "./records.ts";
import { countRepeats, joinRepeats, writeContradictions } from "./repeats.ts";
import { queryNumber } from "./sql.ts";
import type { Workspace } from "./workspace.ts";

/** What all stages of one ingest share. */
export interface Job extends ReadableLog {
  readonly workspace: Workspace;
  readonly store: string;
  readonly fingerprint: string;
  readonly outcomes: OutcomeLogs;
  readonly signal: AbortSignal | undefined;
  /** Begins a stage. @throws the signal's reason */
  readonly onStage: (stage: string) => void;
}

/** Stages besides those of reading: prepare, judge, join, dictionaries, columns, publish. */
const SHARED_STAGES = 6;

/** Number of the stages of an ingest, `publish` included. */
export function numStages({ config, parts, outcomes }: Pick<Job, "config" | "parts" | "outcomes">): number {
  const ofOutcomes = outcomes.logs.length === 0 ? 0 : outcomes.logs.length + 1;
  return batchesOf(config, parts).length + ofOutcomes + SHARED_STAGES;
}

/** Runs all stages but the last, each once: what an earlier run finished is left as it is. */
export async function runStages(job: Job): Promise<void> {
  const { config, plan, parts, workspace } = job;
  const { connection } = workspace;
  const stage = (name: string, work: () => Promise<void>) => {
    job.onStage(name);
    return workspace.stage(name, work);
  };
  await stage("prepare", () => prepareRows(connection, job));
  for (const batch of batchesOf(config, parts)) {
    await stage(stageName(batch, parts.length), async () => {
      await readBatch(connection, job, { batch, folder: workspace.scratch("frames") });
    });
  }
  await stage("judge rows", () => judgeLog(connection, job));
  await stage("join rows of one event", () => joinRepeats(connection, plan));
  for (const [log, outcomes] of job.outcomes.logs.entries()) {
    await stage(`read outcomes (${log + 1} of ${job.outcomes.logs.length})`, () =>
      readOutcomeLog(workspace, outcomes, { log, signal: job.signal }),
    );
  }
  if (job.outcomes.logs.length > 0) {
    await stage("join outcomes", () => joinOutcomes(connection, plan, job.outcomes.logOf));
  }
  await stage("build dictionaries", async () => {
    for (const column of plan.all) if (column.ids !== null) await buildCodes(connection, plan, column);
  });
  await stage("write columns", () => writeVersion(job));
}

async function writeVersion(job: Job): Promise<void> {
  const { config, plan, workspace, store, fingerprint, outcomes } = job;
  const { connection } = workspace;
  const toldUntil = await toldUntilOf(connection, plan, async (arrival) => {
    const log = outcomes.logOf(arrival)?.log;
    return log === undefined ? 0 : latestOutcome(connection, log);
  });
  const arrivals = arrivalColumns(plan, outcomes.logOf, toldUntil);
  const stored = { layouts: await layoutColumns(connection, plan), arrivals };
  const folder = join(store, workspace.output);
  const writer = new StoreWriter(folder, allLayouts(stored));
  await writeEvents(connection, plan, { writer, stored });
  for (const column of plan.all) {
    // Rows that are users of their own have no ids to look up.
    if (column.ids?.kind !== "dictionary" || "row" in column.source) continue;
    writer.addDictionary(column.name, await dictionaryIds(connection, column));
  }
  writer.addDictionary("origin", ORIGINS);
  await writeLists(job, writer);
  await checkUnchanged(filesOf(job));
  writeFileSync(join(folder, INPUTS_FILE), fingerprint, { flush: true });
  const rejections = await countRejections(connection, plan);
  const { duplicates, ...repeats } = await countRepeats(connection, plan);
  const rows = await countRows(job, { rejections, duplicates });
  const counts = plan.arrivals.length === 0 ? {} : { outcomes: await countOutcomes(connection, plan, outcomes.logOf) };
  checkRows(writer.finish({ schema: schemaOf(config, toldUntil), rows, rejections, repeats, ...counts }), job);
}

/** All files that an ingest reads. */
export function filesOf({ parts, outcomes }: Pick<Job, "parts" | "outcomes">): readonly LogFile[] {
  return [...parts, ...outcomes.logs.flatMap((log) => log.parts)].map(({ file }) => file);
}

/** Writes what is told row by row of what was not stored, or not as it stands. */
async function writeLists({ config, plan, parts, workspace, outcomes }: Job, writer: StoreWriter): Promise<void> {
  const { connection } = workspace;
  const paths = parts.map(({ file }) => file.path);
  const records: RecordSource = recordsOf(connection, { config, parts });
  const letters = writer.openFile(DEAD_LETTER_FILE);
  await writeDeadLetters(connection, letters, { plan, paths, records });
  for (const log of outcomes.logs.keys()) {
    for await (const bytes of createReadStream(outcomeLetters(workspace, log))) letters.append(bytes as Buffer);
  }
  writer.addDigest(DEAD_LETTER_FILE, letters.finish());
  const contradictions = writer.openFile(CONTRADICTIONS_FILE);
  await writeContradictions(connection, plan, contradictions);
  writer.addDigest(CONTRADICTIONS_FILE, contradictions.finish());
}

async function countRows(
  { workspace: { connection } }: Job,
  { rejections, duplicates }: { rejections: Readonly<Record<string, number>>; duplicates: number },
): Promise<RowCounts> {
  // The files' own count, so that rows lost by our reading of them would show.
  const framed = "SELECT coalesce(sum(records), 0) FROM read_files";
  const broken = "SELECT count(*) FROM broken";
  const rowsRead = await queryNumber(connection, `SELECT (${framed}) + (${broken})`);
  const rejected = Object.values(rejections).reduce((sum, n) => sum + n, 0);
  const accepted = await queryNumber(connection, "SELECT count(*) FROM accepted");
  return { rowsRead, accepted, duplicates, rejected };
}

function checkRows({ numEvents, rows, rejections }: Manifest, { config, parts }: Job): void {
  const where = parts.length === 0 ? config.from.join(", ") : (parts[0]?.file.path ?? "");
  if (rows.accepted + rows.duplicates + rows.rejected !== rows.rowsRead || numEvents !== rows.accepted) {
    const got = `${numEvents} stored, ${rows.accepted} accepted, ${rows.duplicates} duplicates, ${rows.rejected} rejected`;
    const hint = "This is a defect of lapidary: please report it with the schema of the log.";
    throw new LapidaryError({
      code: "INGEST_LOST_ROWS",
      where,
      expected: `${rows.rowsRead} rows to be accounted for`,
      got,
      hint,
    });
  }
  if (numEvents > 0) return;
  const [worst] = Object.entries(rejections).sort(([, a], [, b]) => b - a);
  throw emptyLog(
    config.from.join(", "),
    worst ? `${rows.rowsRead} rows, all rejected, most of them because of "${worst[0]}"` : "no rows",
  );
}
