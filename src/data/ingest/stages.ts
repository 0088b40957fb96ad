import { createReadStream, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LapidaryError } from "../../base/errors.ts";
import { ORIGINS } from "../../features/schema.ts";
import type { Staging } from "../../files/versioned-folder.ts";
import { CONTRADICTIONS_FILE, DEAD_LETTER_FILE, INPUTS_FILE, type Manifest, type RowCounts } from "../store/format.ts";
import { StoreWriter } from "../store/store-writer.ts";
import { allLayouts, layoutColumns, writeEvents } from "./columns.ts";
import { countRejections, writeDeadLetters } from "./dead-letters.ts";
import { buildCodes, dictionaryIds } from "./dictionaries.ts";
import { checkUnchanged, type LogFile } from "./files/index.ts";
import { KEPT } from "./kept/database.ts";
import { pruneEntries } from "./kept/entries.ts";
import { arrivalColumns, toldUntilOf } from "./outcomes/arrivals.ts";
import { countOutcomes, joinOutcomes } from "./outcomes/join-outcomes.ts";
import { latestOutcome, type OutcomeLogs, outcomeLetters, readOutcomeLog } from "./outcomes/outcome-logs.ts";
import { schemaOf } from "./plan.ts";
import { countRepeats, joinRepeats, writeContradictions } from "./rows/repeats.ts";
import { emptyLog, unusableLog } from "./sources/check-fields.ts";
import {
  batchesOf,
  countKept,
  openReading,
  type ReadableLog,
  readBatch,
  readParts,
  stageName,
  viewReadable,
} from "./sources/read-log.ts";
import { queryNumber } from "./sql.ts";
import type { Workspace } from "./workspace.ts";

/** What all stages of one ingest share. */
export interface Job extends ReadableLog {
  readonly workspace: Workspace;
  /** Where the version is written. */
  readonly staging: Staging;
  readonly fingerprint: string;
  readonly outcomes: OutcomeLogs;
  /** Files that this run reads. */
  readonly filesRead: FilesRead;
  readonly signal: AbortSignal | undefined;
  /** Begins a stage, with the number of the batches of files that are to be read if it is known. @throws the signal's reason */
  readonly onStage: (stage: string, numBatches?: number) => void;
}

/** How many files a run reads. */
export interface FilesRead {
  number: number;
}

/** Stages besides those of reading: prepare, gather, join, dictionaries, columns, publish. */
const SHARED_STAGES = 6;

/** Number of the stages of an ingest that reads its files in so many batches, `publish` included. */
export function numStages({ outcomes }: Pick<Job, "outcomes">, numBatches: number): number {
  const ofOutcomes = outcomes.logs.length === 0 ? 0 : outcomes.logs.length + 1;
  return numBatches + ofOutcomes + SHARED_STAGES;
}

const GATHER = "gather rows";

/**
 * Runs all stages but the last, each once: what an earlier run finished is left as it is. False if it cannot be, because
 * rows that it rests on are no longer kept.
 */
export async function runStages(job: Job): Promise<boolean> {
  const { plan, workspace } = job;
  const { connection } = workspace;
  const stage = (name: string, work: () => Promise<void>) => {
    job.onStage(name);
    return workspace.stage(name, work);
  };
  if (!(await readFiles(job))) return false;
  await stage("join rows of one event", () => joinRepeats(connection, plan));
  const readBefore = new Map<string, number>();
  for (const [log, outcomes] of job.outcomes.logs.entries()) {
    await stage(`read outcomes (${log + 1} of ${job.outcomes.logs.length})`, async () => {
      const numRead = await readOutcomeLog(workspace, outcomes, { log, signal: job.signal });
      // Files that outcomes read in several ways are files once.
      const files = JSON.stringify(outcomes.parts.map(({ file }) => file.path));
      const before = readBefore.get(files) ?? 0;
      readBefore.set(files, Math.max(before, numRead));
      job.filesRead.number += Math.max(0, numRead - before);
    });
  }
  if (job.outcomes.logs.length > 0) {
    await stage("join outcomes", () => joinOutcomes(connection, plan, job.outcomes.logOf));
  }
  await stage("build dictionaries", async () => {
    for (const column of plan.all) if (column.ids !== null) await buildCodes(connection, plan, column);
  });
  await stage("write columns", () => writeVersion(job));
  return true;
}

/** Reads the files whose rows are not kept: not a stage of its own, because what is read is kept. */
async function readFiles(job: Job): Promise<boolean> {
  const { config, parts, workspace } = job;
  job.onStage("prepare");
  const { files, missing } = await openReading(workspace, job);
  if (missing.length > 0 && workspace.isDone(GATHER)) return false;
  const numKept = countKept(job, files);
  job.filesRead.number += parts.length - numKept;
  const batches = batchesOf(config, missing);
  for (const batch of batches) {
    job.onStage(stageName(batch, parts.length), batches.length);
    await workspace.keep(() => readBatch(workspace, job, { batch, folder: workspace.scratch("frames") }));
  }
  const unread = numKept === 0 ? "" : `: ${numKept} of ${parts.length} files unchanged, not read again`;
  job.onStage(`${GATHER}${unread}`, batches.length);
  const read = await readParts(workspace, job);
  // Only now: whoever names the wrong files has not lost the right ones before these were read.
  await workspace.keep(() => pruneEntries(workspace.connection, read));
  await workspace.stage(GATHER, () => viewReadable(workspace, job, read));
  return true;
}

async function writeVersion(job: Job): Promise<void> {
  const { config, plan, workspace, staging, fingerprint, outcomes } = job;
  const { connection } = workspace;
  const toldUntil = await toldUntilOf(connection, plan, async (arrival) => {
    const log = outcomes.logOf(arrival);
    return log === null ? 0 : latestOutcome(connection, log);
  });
  const arrivals = arrivalColumns(plan, outcomes.logOf, toldUntil);
  const stored = { layouts: await layoutColumns(connection, plan), arrivals };
  const writer = new StoreWriter(staging.folder, allLayouts(stored));
  await writeEvents(connection, plan, { writer, stored });
  for (const column of plan.all) {
    // Rows that are users of their own have no ids to look up.
    if (column.ids?.kind !== "dictionary" || "row" in column.source) continue;
    writer.addDictionary(column.name, await dictionaryIds(connection, column));
  }
  writer.addDictionary("origin", ORIGINS);
  await writeLists(job, writer);
  await checkUnchanged(filesOf(job));
  writeFileSync(join(staging.folder, INPUTS_FILE), fingerprint);
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
async function writeLists(job: Job, writer: StoreWriter): Promise<void> {
  const { plan, workspace, outcomes } = job;
  const { connection } = workspace;
  const letters = writer.openFile(DEAD_LETTER_FILE);
  await writeDeadLetters(connection, letters, await readParts(workspace, job));
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
  const framed = `SELECT coalesce(sum(records), 0) FROM ${KEPT}.files`;
  const broken = `SELECT count(*) FROM ${KEPT}.broken`;
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
  const log = config.sql === null ? config.from.join(", ") : "events.from.sql";
  throw rows.rowsRead === 0 ? emptyLog(log, "no rows") : unusableLog(log, config, rejections);
}
