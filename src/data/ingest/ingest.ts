import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { syncFolder, writeFileAtomic } from "../../config/durable-file.ts";
import { LapidaryError } from "../../config/errors.ts";
import type { EventsConfig } from "../../config/types.ts";
import { ORIGINS } from "../../features/schema.ts";
import { currentFolder, EventStore } from "../store/event-store.ts";
import {
  CURRENT_FILE,
  DEAD_LETTER_FILE,
  FORMAT_VERSION,
  INPUTS_FILE,
  MANIFEST_FILE,
  type Manifest,
  type RowCounts,
} from "../store/format.ts";
import { StoreWriter } from "../store/store-writer.ts";
import { checkFields, checkJsonFields } from "./check-fields.ts";
import { layoutColumns, writeEvents } from "./columns.ts";
import { CREATE_BROKEN_SQL, collectUnsplit, lookUpParquetRows, writeDeadLetters } from "./dead-letters.ts";
import { buildCodes, dictionaryIds } from "./dictionaries.ts";
import { type IngestPlan, planIngest, schemaOf } from "./plan.ts";
import { createRowsSql, sharedIdTypes, stageFileSql } from "./scan.ts";
import { checkUnchanged, type LogFile, listLogFiles, unreadable } from "./sources.ts";
import { queryNumber } from "./sql.ts";
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

/** What all stages of one ingest share. */
interface Job {
  readonly config: EventsConfig;
  readonly plan: IngestPlan;
  readonly files: readonly LogFile[];
  readonly workspace: Workspace;
  readonly store: string;
  readonly fingerprint: string;
  /** Begins a stage. @throws the signal's reason */
  readonly onStage: (stage: string) => void;
}

/** Stages besides the one of each file: prepare, duplicates, dictionaries, columns, publish. */
const SHARED_STAGES = 5;

/**
 * Reads a log into an event store. The store appears, or replaces the one before, by one atomic rename; an ingest
 * that was interrupted continues behind its last finished stage, with the same bytes as result.
 *
 * @throws {LapidaryError} EVENTS_* for what is wrong with the log, INGEST_BUSY, INGEST_LOST_ROWS
 * @throws the signal's reason, if it is aborted
 */
export async function ingest(config: EventsConfig, options: IngestOptions): Promise<IngestResult> {
  const store = resolve(options.store);
  const files = await listFiles(config);
  checkFields(config, files);
  const fingerprint = fingerprintOf(config, files);
  if (options.force !== true && isMadeFrom(store, fingerprint)) return resultOf(store, true);
  const run = { fingerprint, output: nextVersion(store) };
  const workspace = await Workspace.open(`${store}.ingest`, run, options.threads ?? null);
  const job: Job = {
    config,
    plan: planIngest(config),
    files,
    workspace,
    store,
    fingerprint,
    onStage: stageCounter(options, files.length + SHARED_STAGES),
  };
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
    await checkUnchanged(files, config.format);
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

async function runStages(job: Job): Promise<void> {
  const { config, plan, files, workspace, onStage } = job;
  const { connection } = workspace;
  const idTypes = sharedIdTypes(plan, files);
  const stage = (name: string, work: () => Promise<void>) => {
    onStage(name);
    return workspace.stage(name, work);
  };
  await stage("prepare", async () => {
    for (const sql of createRowsSql(files, { config, plan, idTypes })) await connection.run(sql);
    await connection.run(CREATE_BROKEN_SQL);
  });
  for (const [index, file] of files.entries()) {
    await stage(`read ${basename(file.path)} (${index + 1} of ${files.length})`, () => stageFile(job, index));
  }
  await stage("find duplicates", () => findDuplicates(job));
  await stage("build dictionaries", () => buildDictionaries(job));
  await stage("write columns", () => writeVersion(job));
}

async function stageFile({ config, plan, files, workspace: { connection } }: Job, index: number): Promise<void> {
  const file = files[index];
  if (!file) return;
  try {
    await connection.run(stageFileSql(file, index, { config, plan, idTypes: sharedIdTypes(plan, files) }));
  } catch (cause) {
    throw unreadable(file.path, config.format, cause);
  }
  if (config.format === "parquet") await lookUpParquetRows(connection, file, index);
  else await collectUnsplit(connection, index);
}

async function findDuplicates({ plan, config, files, workspace: { connection } }: Job): Promise<void> {
  if (config.format === "jsonl") await checkJsonFields(connection, plan, files);
  if (plan.id === null) {
    await connection.run("CREATE TABLE duplicates (seq BIGINT)");
  } else {
    const id = `v${plan.all.indexOf(plan.id)}`;
    await connection.run(
      `CREATE TABLE duplicates AS SELECT seq FROM readable
       JOIN (SELECT ${id} AS id, min(seq) AS kept FROM readable GROUP BY ${id} HAVING count(*) > 1) ON id = ${id}
       WHERE seq <> kept`,
    );
  }
  await connection.run("CREATE VIEW accepted AS SELECT * FROM readable ANTI JOIN duplicates USING (seq)");
}

async function buildDictionaries({ plan, workspace: { connection } }: Job): Promise<void> {
  for (const column of plan.all) {
    if (column.ids !== null) await buildCodes(connection, plan, column);
  }
}

async function writeVersion(job: Job): Promise<void> {
  const { config, plan, files, workspace, store, fingerprint } = job;
  const { connection } = workspace;
  const layouts = await layoutColumns(connection, plan);
  const folder = join(store, workspace.output);
  const writer = new StoreWriter(folder, layouts);
  await writeEvents(connection, plan, { writer, layouts });
  await checkUnchanged(files, config.format);
  for (const column of plan.all) {
    if (column.ids?.kind === "dictionary") writer.addDictionary(column.name, await dictionaryIds(connection, column));
  }
  writer.addDictionary("origin", ORIGINS);
  const { rejections, digest } = await writeDeadLetters(connection, files, writer.openFile(DEAD_LETTER_FILE));
  writer.addDigest(DEAD_LETTER_FILE, digest);
  writeFileSync(join(folder, INPUTS_FILE), fingerprint, { flush: true });
  const rows = await countRows(job, rejections);
  checkRows(writer.finish({ schema: schemaOf(config), rows, rejections }), job);
}

async function countRows(
  { config, files, workspace: { connection } }: Job,
  rejections: Readonly<Record<string, number>>,
): Promise<RowCounts> {
  const count = (table: string) => queryNumber(connection, `SELECT count(*) FROM ${table}`);
  let rowsRead = 0;
  if (config.format !== "parquet") rowsRead = (await count("staged")) + (await count("broken"));
  else {
    // The files' own count, so that rows lost by our reading of them would show.
    for (const { path } of files) rowsRead += await count(`read_parquet('${path.replaceAll("'", "''")}')`);
  }
  const rejected = Object.values(rejections).reduce((sum, n) => sum + n, 0);
  return { rowsRead, accepted: await count("accepted"), duplicates: await count("duplicates"), rejected };
}

function checkRows({ numEvents, rows, rejections }: Manifest, { config }: Job): void {
  const where = config.from.join(", ");
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
  const got = worst ? `${rows.rowsRead} rows, all rejected, most of them because of "${worst[0]}"` : "no rows";
  throw new LapidaryError({
    code: "EVENTS_EMPTY",
    where,
    expected: "at least one event",
    got,
    hint: "Check the mapping in `events`.",
  });
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

async function listFiles(config: EventsConfig): Promise<readonly LogFile[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    return await listLogFiles(connection, config);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function fingerprintOf(config: EventsConfig, files: readonly LogFile[]): string {
  const inputs = files.map(({ path, sizeBytes, modifiedMs }) => [path, sizeBytes, modifiedMs]);
  return createHash("sha256")
    .update(JSON.stringify([FORMAT_VERSION, config, inputs]))
    .digest("hex");
}

function isMadeFrom(store: string, fingerprint: string): boolean {
  const folder = currentFolder(store);
  if (folder === null || existsSync(`${store}.ingest`)) return false;
  const inputs = join(folder, INPUTS_FILE);
  return existsSync(inputs) && readFileSync(inputs, "utf8") === fingerprint;
}

function nextVersion(store: string): string {
  mkdirSync(store, { recursive: true });
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
