import { rmSync } from "node:fs";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { makeFolder } from "../../../files/durable-file.ts";
import { appendLetters } from "../dead-letters.ts";
import { type FramedText, frameText, type RecordLines, unescapeSql } from "../files/index.ts";
import { KEPT } from "../kept/database.ts";
import { isOrdered, nextPlace } from "../kept/entries.ts";
import { type KeysOfFiles, setUnusableAside } from "../rows/json-rows.ts";
import { jsonRelation, type TextScan, textRelation } from "../rows/relations.ts";
import { type StageContext, stagedSql } from "../rows/staging.ts";
import type { LogPart } from "./log.ts";
import type { ReadPart } from "./read-parquet.ts";
import { textOptionsOf } from "./text-options.ts";
import { unreadable } from "./unreadable.ts";

/** Where the records of each file of text begin, by the file's index. */
export type LinesOfFiles = ReadonlyMap<number, RecordLines>;

/** A part of the log that has been framed. */
interface FramedPart {
  readonly part: LogPart;
  readonly id: number;
  readonly text: FramedText;
}

/** What {@link readText} read. */
interface ReadText {
  readonly parts: readonly ReadPart[];
  readonly lines: LinesOfFiles;
}

/** Reads files of text into `staged`, what cannot be framed into `broken`, what is no object of JSON into `UNUSABLE`. */
export async function readText(
  connection: DuckDBConnection,
  parts: readonly LogPart[],
  { context, folder }: { context: StageContext; folder: string },
): Promise<ReadText> {
  makeFolder(folder);
  try {
    const first = await nextPlace(connection);
    const framed: FramedPart[] = [];
    for (const [i, part] of parts.entries()) {
      const id = first.id + i;
      framed.push({ part, id, text: await framePart(connection, part, { context, folder, id }) });
    }
    const read: ReadPart[] = [];
    let seq = first.seq;
    for (const group of groupsOf(framed, isOrdered(context))) {
      const keys = await stageGroup(connection, group, { context, firstSeq: seq });
      for (const { part, id, text } of group) {
        read.push({ part, id, firstSeq: seq, numRecords: text.numRecords, keys: [...(keys.get(text.path) ?? [])] });
        seq += text.numRecords;
      }
    }
    return { parts: read, lines: new Map(framed.map(({ part, text }) => [part.index, text.lines])) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function framePart(
  connection: DuckDBConnection,
  { file }: LogPart,
  { context, folder, id }: { context: StageContext; folder: string; id: number },
): Promise<FramedText> {
  try {
    const text = await frameText(file, textOptionsOf(context.config), join(folder, `${id}`));
    await keepBroken(connection, id, text);
    return text;
  } catch (cause) {
    throw unreadable(file.path, context.config.format, cause);
  }
}

async function keepBroken(connection: DuckDBConnection, id: number, { broken }: FramedText): Promise<void> {
  if (broken.numRecords === 0) return;
  await appendLetters(connection, "broken", { id, letters: broken });
}

/** Groups of files that one scan can read; where the order of all rows counts, only of neighbours. */
function groupsOf(framed: readonly FramedPart[], isInOrder: boolean): readonly (readonly FramedPart[])[] {
  const groups = new Map<string, FramedPart[]>();
  let run = 0;
  let last = "";
  for (const each of framed) {
    const { part, text } = each;
    const form = JSON.stringify([part.names, [...part.constants], text.skipLines, text.isEscaped]);
    if (isInOrder && form !== last) run += 1;
    last = form;
    const key = `${run} ${form}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()];
}

/** Reads a group of files, and gives the keys of their records by the paths of their text, of JSON. */
async function stageGroup(
  connection: DuckDBConnection,
  all: readonly FramedPart[],
  { context, firstSeq }: { context: StageContext; firstSeq: number },
): Promise<KeysOfFiles> {
  const group = all.filter(({ text }) => text.numRecords > 0);
  const [first] = group;
  if (first === undefined) return new Map();
  const { config, plan } = context;
  const { delimiter } = textOptionsOf(config);
  const scan: TextScan = {
    paths: group.map(({ text }) => text.path),
    fields: config.format === "jsonl" ? null : first.part.names,
    constants: first.part.constants,
    skipLines: first.text.skipLines,
    unescape: first.text.isEscaped ? (sql) => unescapeSql(sql, delimiter) : (sql) => sql,
    firstSeq,
  };
  const relation = config.format === "jsonl" ? jsonRelation(scan, plan) : textRelation(scan, config);
  await connection.run(`INSERT INTO ${KEPT}.staged ${stagedSql(relation, context)}`);
  return config.format === "jsonl" ? setUnusableAside(connection, scan, plan) : new Map();
}
