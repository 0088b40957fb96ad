import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { makeFolder, syncFolder, writeFileAtomic } from "../../config/durable-file.ts";
import type { EventsConfig } from "../../config/types.ts";
import { currentFolder, EventStore } from "../store/event-store.ts";
import { CURRENT_FILE, DEAD_LETTER_FILE, INPUTS_FILE, MANIFEST_FILE, type RowCounts } from "../store/format.ts";
import { checkUnchanged } from "./files/index.ts";
import { openLog } from "./open-log.ts";
import { type Job, numStages, runStages } from "./stages.ts";
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
  readonly numUsers: number;
  readonly rows: RowCounts;
  /** Number of rejected rows by reason. */
  readonly rejections: Readonly<Record<string, number>>;
  /** The rejected rows, one JSON object per line. */
  readonly deadLetterFile: string;
}

/**
 * Reads a log into an event store. The store appears, or replaces the one before, by one atomic rename; an ingest
 * that was interrupted continues behind its last finished stage, with the same bytes as result.
 *
 * @throws {LapidaryError} EVENTS_* for what is wrong with the log, INGEST_BUSY, INGEST_LOST_ROWS
 * @throws the signal's reason, if it is aborted
 */
export async function ingest(config: EventsConfig, options: IngestOptions): Promise<IngestResult> {
  const store = resolve(options.store);
  using log = await openLog(config, `${store}.query`);
  const { plan, parts, fingerprint } = log;
  if (options.force !== true && isMadeFrom(store, fingerprint)) return resultOf(store, true);
  const run = { fingerprint, output: nextVersion(store) };
  const workspace = await Workspace.open(`${store}.ingest`, run, options.threads ?? null);
  const onStage = stageCounter(options, numStages(config, parts));
  const job: Job = { config, plan, parts, workspace, store, fingerprint, onStage };
  const interrupt = () => workspace.connection.interrupt();
  options.signal?.addEventListener("abort", interrupt);
  let isWhole: boolean;
  try {
    await runStages(job);
    // The store may have been removed since an earlier run wrote this version.
    isWhole = existsSync(join(store, workspace.output, MANIFEST_FILE));
    if (isWhole) publish(job);
  } catch (error) {
    workspace.close();
    // What is thrown after an interrupt or a change of the log is only a consequence.
    options.signal?.throwIfAborted();
    await checkUnchanged(parts.map(({ file }) => file));
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", interrupt);
  }
  workspace.remove();
  return isWhole ? resultOf(store, false) : ingest(config, options);
}

function stageCounter({ onStage, signal }: IngestOptions, total: number): (stage: string) => void {
  let done = 0;
  return (stage) => {
    signal?.throwIfAborted();
    onStage?.(stage, done++, total);
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

function nextVersion(store: string): string {
  makeFolder(store);
  const current = currentFolder(store);
  return `v${current === null ? 1 : Number(basename(current).slice(1)) + 1}`;
}

function resultOf(store: string, upToDate: boolean): IngestResult {
  const opened = EventStore.open(store);
  const { folder, numUsers, manifest } = opened;
  opened.close();
  const { rows, rejections } = manifest;
  return { upToDate, numUsers, rows, rejections, deadLetterFile: join(folder, DEAD_LETTER_FILE) };
}
