import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { EventsConfig } from "../../config/types.ts";
import { makeFolder, syncFolder, writeFileAtomic } from "../../files/durable-file.ts";
import { currentFolder, EventStore } from "../store/event-store.ts";
import {
  CONTRADICTIONS_FILE,
  CURRENT_FILE,
  DEAD_LETTER_FILE,
  INPUTS_FILE,
  MANIFEST_FILE,
  type OutcomeCounts,
  type Repeats,
  type RowCounts,
} from "../store/format.ts";
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
  const numFiles = filesOf({ parts, outcomes }).length;
  if (options.force !== true && isMadeFrom(store, fingerprint)) return resultOf(store, { numFiles, numRead: null });
  const run = { fingerprint, output: nextVersion(store) };
  const place = { folder: `${store}.ingest`, kept: log.kept, ...(options.threads && { threads: options.threads }) };
  const workspace = await Workspace.open(place, run);
  const onStage = stageCounter(options, { outcomes }, batchesOf(config, parts).length);
  const { signal } = options;
  const filesRead = { number: 0 };
  const job: Job = { config, plan, parts, outcomes, workspace, store, fingerprint, filesRead, signal, onStage };
  const interrupt = () => workspace.connection.interrupt();
  signal?.addEventListener("abort", interrupt);
  let isWhole: boolean;
  try {
    // The store may have been removed since an earlier run wrote this version.
    isWhole = (await runStages(job)) && existsSync(join(store, workspace.output, MANIFEST_FILE));
    if (isWhole) publish(job);
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

/** Makes the finished version the current one; safe to repeat after a crash. */
function publish({ store, workspace, onStage }: Job): void {
  onStage("publish");
  syncFolder(store);
  syncFolder(dirname(store));
  writeFileAtomic(join(store, CURRENT_FILE), workspace.output);
  for (const name of readdirSync(store)) {
    if (/^v\d+$/.test(name) && name !== workspace.output) rmSync(join(store, name), { recursive: true, force: true });
  }
}

function isMadeFrom(store: string, fingerprint: string): boolean {
  const folder = currentFolder(store);
  if (folder === null || existsSync(`${store}.ingest`)) return false;
  const inputs = join(folder, INPUTS_FILE);
  return existsSync(inputs) && readFileSync(inputs, "utf8") === fingerprint;
}

/** Digest of the configuration and the files of all logs. */
function sharedFingerprint([first, ...others]: readonly Pick<OpenLog, "fingerprint">[]): string {
  const own = first?.fingerprint ?? "";
  if (others.length === 0) return own;
  const all = [own, ...others.map(({ fingerprint }) => fingerprint)];
  return createHash("sha256").update(JSON.stringify(all)).digest("hex");
}

function nextVersion(store: string): string {
  makeFolder(store);
  const current = currentFolder(store);
  return `v${current === null ? 1 : Number(basename(current).slice(1)) + 1}`;
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
  const told = { ...repeats, firstContradictions: firstOf(contradictionsFile), contradictionsFile };
  const deadLetterFile = join(folder, DEAD_LETTER_FILE);
  return { upToDate, files, numUsers, rows, rejections, deadLetterFile, repeats: told, outcomes };
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
