import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LapidaryError } from "../../config/errors.ts";
import type { EventsConfig } from "../../config/types.ts";
import { ORIGINS } from "../../features/schema.ts";
import { DEAD_LETTER_FILE, INPUTS_FILE, type Manifest, type RowCounts } from "../store/format.ts";
import { StoreWriter } from "../store/store-writer.ts";
import { emptyLog } from "./check-fields.ts";
import { layoutColumns, writeEvents } from "./columns.ts";
import { countRejections, type RecordSource, writeDeadLetters } from "./dead-letters.ts";
import { buildCodes, dictionaryIds } from "./dictionaries.ts";
import { checkUnchanged } from "./files/index.ts";
import type { LogPart } from "./log.ts";
import { schemaOf } from "./plan.ts";
import { batchesOf, judgeLog, prepareRows, type ReadableLog, readBatch, stageName } from "./read-log.ts";
import { recordsOf } from "./records.ts";
import { countRepeats, joinRepeats } from "./repeats.ts";
import { queryNumber } from "./sql.ts";
import type { Workspace } from "./workspace.ts";

/** What all stages of one ingest share. */
export interface Job extends ReadableLog {
  readonly workspace: Workspace;
  readonly store: string;
  readonly fingerprint: string;
  /** Begins a stage. @throws the signal's reason */
  readonly onStage: (stage: string) => void;
}

/** Stages besides those of reading: prepare, judge, join, dictionaries, columns, publish. */
const SHARED_STAGES = 6;

/** Number of the stages of an ingest, `publish` included. */
export function numStages(config: EventsConfig, parts: readonly LogPart[]): number {
  return batchesOf(config, parts).length + SHARED_STAGES;
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
  await stage("build dictionaries", async () => {
    for (const column of plan.all) if (column.ids !== null) await buildCodes(connection, plan, column);
  });
  await stage("write columns", () => writeVersion(job));
}

async function writeVersion(job: Job): Promise<void> {
  const { config, plan, parts, workspace, store, fingerprint } = job;
  const { connection } = workspace;
  const layouts = await layoutColumns(connection, plan);
  const folder = join(store, workspace.output);
  const writer = new StoreWriter(folder, layouts);
  await writeEvents(connection, plan, { writer, layouts });
  for (const column of plan.all) {
    // Rows that are users of their own have no ids to look up.
    if (column.ids?.kind !== "dictionary" || "row" in column.source) continue;
    writer.addDictionary(column.name, await dictionaryIds(connection, column));
  }
  writer.addDictionary("origin", ORIGINS);
  const paths = parts.map(({ file }) => file.path);
  const records: RecordSource = recordsOf(connection, { config, parts });
  writer.addDigest(
    DEAD_LETTER_FILE,
    await writeDeadLetters(connection, writer.openFile(DEAD_LETTER_FILE), { plan, paths, records }),
  );
  await checkUnchanged(parts.map(({ file }) => file));
  writeFileSync(join(folder, INPUTS_FILE), fingerprint, { flush: true });
  const rejections = await countRejections(connection, plan);
  const { duplicates, ...repeats } = await countRepeats(connection, plan);
  const rows = await countRows(job, { rejections, duplicates });
  checkRows(writer.finish({ schema: schemaOf(config), rows, rejections, repeats }), job);
}

async function countRows(
  { workspace: { connection } }: Job,
  { rejections, duplicates }: { rejections: Readonly<Record<string, number>>; duplicates: number },
): Promise<RowCounts> {
  const count = (from: string) => queryNumber(connection, `SELECT coalesce(${from}, 0)`);
  // The files' own count, so that rows lost by our reading of them would show.
  const framed = await count("(SELECT sum(records) FROM read_files)");
  const broken = await count("(SELECT count(*) FROM broken)");
  const rejected = Object.values(rejections).reduce((sum, n) => sum + n, 0);
  const accepted = await count("(SELECT count(*) FROM accepted)");
  return { rowsRead: framed + broken, accepted, duplicates, rejected };
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
