import { rmSync } from "node:fs";
import { join } from "node:path";
import {
  BIGINT,
  BLOB,
  DuckDBBlobValue,
  type DuckDBConnection,
  DuckDBDataChunk,
  INTEGER,
  VARCHAR,
} from "@duckdb/node-api";
import { makeFolder } from "../../config/durable-file.ts";
import { duckPath, type FramedText, frameText, type RecordLines, unescapeSql } from "./files/index.ts";
import { setUnusableAside } from "./json-rows.ts";
import type { LogPart } from "./log.ts";
import { jsonRelation, type TextScan, textRelation } from "./relations.ts";
import { ROWS_PER_FILE, type StageContext, stagedSql } from "./staging.ts";
import { textOptionsOf } from "./text-options.ts";
import { unreadable } from "./unreadable.ts";

/** Where the records of each file of text begin, by the file's index. */
export type LinesOfFiles = ReadonlyMap<number, RecordLines>;

/** A part of the log that has been framed. */
interface FramedPart {
  readonly part: LogPart;
  readonly text: FramedText;
}

/** Reads files of text into `staged`; what cannot be framed goes into `broken`, and their records are counted in `read_files`. */
export async function readText(
  connection: DuckDBConnection,
  parts: readonly LogPart[],
  { context, folder }: { context: StageContext; folder: string },
): Promise<LinesOfFiles> {
  makeFolder(folder);
  try {
    const framed: FramedPart[] = [];
    for (const part of parts) framed.push({ part, text: await framePart(connection, part, { context, folder }) });
    for (const group of groupsOf(framed)) await stageGroup(connection, group, context);
    return new Map(framed.map(({ part, text }) => [part.index, text.lines]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function framePart(
  connection: DuckDBConnection,
  { file, index }: LogPart,
  { context, folder }: { context: StageContext; folder: string },
): Promise<FramedText> {
  try {
    const text = await frameText(file, textOptionsOf(context.config), join(folder, `${index}`));
    await keepBroken(connection, index, text);
    return text;
  } catch (cause) {
    throw unreadable(file.path, context.config.format, cause);
  }
}

async function keepBroken(connection: DuckDBConnection, index: number, text: FramedText): Promise<void> {
  if (text.broken.numRecords === 0) return;
  const appender = await connection.createAppender("broken");
  for await (const { line, code, reason, raw } of text.broken) {
    const chunk = DuckDBDataChunk.create([INTEGER, BIGINT, VARCHAR, VARCHAR, BLOB]);
    chunk.setColumns([[index], [BigInt(line)], [code], [reason], [new DuckDBBlobValue(raw)]]);
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}

/** Groups of files that one scan can read. */
function groupsOf(framed: readonly FramedPart[]): readonly (readonly FramedPart[])[] {
  const groups = new Map<string, FramedPart[]>();
  for (const each of framed) {
    const { part, text } = each;
    if (text.numRecords === 0) continue;
    const key = JSON.stringify([part.names, [...part.constants], text.skipLines, text.isEscaped]);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()];
}

async function stageGroup(
  connection: DuckDBConnection,
  group: readonly FramedPart[],
  context: StageContext,
): Promise<void> {
  const [first] = group;
  if (first === undefined) return;
  const { config, plan } = context;
  const { delimiter } = textOptionsOf(config);
  const firstSeq = first.part.index * ROWS_PER_FILE;
  const scan: TextScan = {
    paths: group.map(({ text }) => duckPath(text.path)),
    fields: config.format === "jsonl" ? null : first.part.names,
    constants: first.part.constants,
    skipLines: first.text.skipLines,
    unescape: first.text.isEscaped ? (sql) => unescapeSql(sql, delimiter) : (sql) => sql,
    firstSeq,
  };
  const relation = config.format === "jsonl" ? jsonRelation(scan, plan) : textRelation(scan, config);
  await connection.run(`INSERT INTO staged ${stagedSql(relation, context)}`);
  if (config.format === "jsonl") await setUnusableAside(connection, scan, plan);
  let next = firstSeq;
  const places = group.map(({ part, text }) => {
    next += text.numRecords;
    return `(${part.index}, ${next - text.numRecords}, ${text.numRecords})`;
  });
  await connection.run(`INSERT INTO read_files VALUES ${places.join(", ")}`);
}
