import { closeSync, existsSync, openSync, readFileSync, readSync } from "node:fs";
import { join, resolve } from "node:path";
import type { EventsConfig } from "../../config/types.ts";
import { sha256 } from "../../files/digest.ts";
import { VersionedFolder } from "../../files/versioned-folder.ts";
import { EventStore } from "../store/event-store.ts";
import {
  CONTRADICTIONS_FILE,
  DEAD_LETTER_FILE,
  INPUTS_FILE,
  type OutcomeCounts,
  type Repeats,
  type RowCounts,
} from "../store/format.ts";
import { STORE } from "../store/store-versions.ts";
import { checkUnchanged } from "./files/index.ts";
import { removeOthers } from "./kept/database.ts";
import { openOutcomeLogs } from "./outcomes/outcome-logs.ts";
import type { Contradiction } from "./rows/repeats.ts";
import { type OpenLog, openLog } from "./sources/open-log.ts";
import { batchesOf } from "./sources/read-log.ts";
import { filesOf, type Job, numStages, runStages } from "./stages.ts";
import { Workspace } from "./workspace.ts";

/** Options of {@link ingest}. */
export interface IngestOptions {
  /** Folder of the store. */
  readonly store: string;
  /** Threads of the query engine. @default all cores */
  readonly threads?: number;
  /** Write the store again even if it was made from these very files. @default false */
  readonly force?: boolean;
  /** Called as a stage begins, with the number of stages before it and of all. */
  readonly onStage?: (stage: string, done: number, total: number) => void;
  /** Ends the ingest, in the middle of a stage too; the next one continues behind the last finished stage. */
  readonly signal?: AbortSignal;
}

/** What an ingest did. */
export interface IngestResult {
  /** True if the store had already been made from these files and nothing was done. */
  readonly upToDate: boolean;
  /** The files of all logs, and how many of them were not read, because they are as they were when they last were. */
  readonly files: { readonly total: number; readonly notRead: number };
  /** Null if the log has no users. */
  readonly numUsers: number | null;
  readonly rows: RowCounts;
  /** Number of rejected rows by reason. */
  readonly rejections: Readonly<Record<string, number>>;
  /** The rejected rows, those of logs of outcomes included, one JSON object per line. */
  readonly deadLetterFile: string;
  readonly repeats: RepeatsTold;
  /** Where outcomes with times of their own went, by outcome. */
  readonly outcomes: Readonly<Record<string, OutcomeCounts>>;
}

/** What rows that speak of one event brought to it. */
export interface RepeatsTold extends Repeats {
  /** The first events of which rows say different things. */
  readonly firstContradictions: readonly Contradiction[];
  /** All of them, one JSON object per line. */
  readonly contradictionsFile: string;
}

/** Contradictions that are told of at once. */
const MOST_TOLD = 10;
/** Room of their lines, ids of the largest size included. @unit bytes */
const TOLD_BYTES = 1 << 18;

/**
 * Reads a log into an event store. The store appears, or replaces the one before, by one atomic rename; an ingest
 * that was interrupted continues behind its last finished stage, with the same bytes as result.
 *
 * @throws {LapidaryError} EVENTS_* for what is wrong with the log, INGEST_BUSY, INGEST_LOST_ROWS
 * @throws the signal's reason, if it is aborted
 */
export async function ingest(config: EventsConfig, options: IngestOptions): Promise<IngestResult> {
  const store = resolve(options.store);
  const queries = `${store}.query`;
  using log = await openLog(config, { query: { into: queries, where: "events.from.sql" }, store });
  const { plan, parts } = log;
  using outcomes = await openOutcomeLogs(config, { queries, store });
  const fingerprint = sharedFingerprint([log, ...outcomes.logs]);
  const numFiles = new Set(filesOf({ parts, outcomes }).map(({ path }) => path)).size;
  const isUpToDate = options.force !== true && !existsSync(`${store}.ingest`) && isMadeFrom(store, fingerprint);
  if (isUpToDate) return resultOf(store, { numFiles, numRead: null });
  const place = { folder: `${store}.ingest`, kept: log.kept, ...(options.threads && { threads: options.threads }) };
  const workspace = await Workspace.open(place, fingerprint);
  // Who holds the workspace is the only one that writes to the store.
  const staging = new VersionedFolder(store, STORE).resume("ingest");
  const onStage = stageCounter(options, { outcomes }, batchesOf(config, parts).length);
  const { signal } = options;
  const filesRead = { number: 0 };
  const job: Job = { config, plan, parts, outcomes, workspace, staging, fingerprint, filesRead, signal, onStage };
  const interrupt = () => workspace.connection.interrupt();
  signal?.addEventListener("abort", interrupt);
  let isWhole: boolean;
  try {
    isWhole = (await runStages(job)) && publish(job, store);
  } catch (error) {
    workspace.close();
    // What is thrown after an interrupt or a change of the log is only a consequence.
    signal?.throwIfAborted();
    await checkUnchanged(filesOf(job));
    throw error;
  } finally {
    signal?.removeEventListener("abort", interrupt);
  }
  if (isWhole) await workspace.settleKept();
  if (isWhole)
    removeOthers(
      store,
      [log, ...outcomes.logs].flatMap(({ kept }) => kept ?? []),
    );
  workspace.remove();
  return isWhole ? resultOf(store, { numFiles, numRead: filesRead.number }) : ingest(config, options);
}

function stageCounter(
  { onStage, signal }: IngestOptions,
  logs: Pick<Job, "outcomes">,
  planned: number,
): Job["onStage"] {
  let done = 0;
  let batches = planned;
  return (stage, numBatches) => {
    signal?.throwIfAborted();
    batches = numBatches ?? batches;
    onStage?.(stage, done++, numStages(logs, batches));
  };
}

/** Makes the finished version the current one, unless a run that was killed did. False if it is no longer there. */
function publish({ staging, fingerprint, onStage }: Job, store: string): boolean {
  if (staging.isWhole) {
    onStage("publish");
    staging.publish();
    return true;
  }
  // The store may have been removed since an earlier run wrote the version.
  staging[Symbol.dispose]();
  return isMadeFrom(store, fingerprint);
}

function isMadeFrom(store: string, fingerprint: string): boolean {
  const current = new VersionedFolder(store, STORE).current;
  if (current === null) return false;
  const inputs = join(current.folder, INPUTS_FILE);
  return existsSync(inputs) && readFileSync(inputs, "utf8") === fingerprint;
}

/** Digest of the configuration and the files of all logs. */
function sharedFingerprint([first, ...others]: readonly Pick<OpenLog, "fingerprint">[]): string {
  const fingerprint = first?.fingerprint ?? "";
  if (others.length === 0) return fingerprint;
  const all = [fingerprint, ...others.map(({ fingerprint }) => fingerprint)];
  return sha256(JSON.stringify(all));
}

/** What is in the store. `numRead` is null if it had already been made from these files. */
function resultOf(
  store: string,
  { numFiles, numRead }: { readonly numFiles: number; readonly numRead: number | null },
): IngestResult {
  const upToDate = numRead === null;
  const files = { total: numFiles, notRead: numFiles - (numRead ?? 0) };
  const opened = EventStore.open(store);
  const { folder, manifest } = opened;
  opened.close();
  const { rows, rejections, repeats, outcomes = {} } = manifest;
  const numUsers = manifest.schema.without?.includes("user") ? null : manifest.numUsers;
  const contradictionsFile = join(folder, CONTRADICTIONS_FILE);
  const reportedRepeats = { ...repeats, firstContradictions: firstOf(contradictionsFile), contradictionsFile };
  const deadLetterFile = join(folder, DEAD_LETTER_FILE);
  return { upToDate, files, numUsers, rows, rejections, deadLetterFile, repeats: reportedRepeats, outcomes };
}

/** The first lines of a file of contradictions, which may be long. */
function firstOf(file: string): readonly Contradiction[] {
  const bytes = Buffer.alloc(TOLD_BYTES);
  const fd = openSync(file, "r");
  const text = bytes.toString("utf8", 0, readSync(fd, bytes));
  closeSync(fd);
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return lines
    .filter(Boolean)
    .slice(0, MOST_TOLD)
    .map((line) => JSON.parse(line) as Contradiction);
}
