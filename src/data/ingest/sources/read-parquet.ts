import type { DuckDBConnection } from "@duckdb/node-api";
import type { EventsConfig } from "../../../config/types.ts";
import { checkParquet, duckPath } from "../files/index.ts";
import { KEPT } from "../kept/database.ts";
import { type KeptFile, nextPlace } from "../kept/entries.ts";
import { hidesPlace, type ParquetScan, parquetRelation, type Relation } from "../rows/relations.ts";
import { type StageContext, stagedSql } from "../rows/staging.ts";
import type { LogPart } from "./log.ts";
import { unreadable } from "./unreadable.ts";

/** A part of the log that was read. */
export interface ReadPart extends KeptFile {
  readonly part: LogPart;
}

/**
 * Larger files of Parquet stay where they are: to decode their columns again costs no more than to read a copy of them,
 * which would have to be written first. Of many small ones, to open each in every stage is what costs. @unit bytes
 */
const LARGE_BYTES = 2 ** 17;

/** Whether the rows of a file of Parquet are not copied. */
export function staysInPlace({ file }: LogPart, { format }: Pick<EventsConfig, "format">): boolean {
  return format === "parquet" && file.sizeBytes > LARGE_BYTES;
}

/** Checks the pages of Parquet files, and puts the rows of the small ones into `staged`. */
export async function readParquet(
  connection: DuckDBConnection,
  parts: readonly LogPart[],
  context: StageContext,
): Promise<readonly ReadPart[]> {
  const read: ReadPart[] = [];
  let { id, seq } = await nextPlace(connection);
  for (const part of parts) {
    try {
      const { numRows: numRecords } = await checkParquet(part.file);
      read.push({ part, id, firstSeq: seq, numRecords, keys: [] });
      id += 1;
      seq += numRecords;
    } catch (cause) {
      throw unreadable(part.file.path, "parquet", cause);
    }
  }
  for (const relation of parquetRelations(read.filter(({ part }) => !staysInPlace(part, context.config)))) {
    await connection.run(`INSERT INTO ${KEPT}.staged ${stagedSql(relation, context)}`);
  }
  return read;
}

/** The rows of files of Parquet, by runs of neighbours with the same fields, each of which one scan reads. */
export function parquetRelations(parts: readonly ReadPart[]): readonly Relation[] {
  const runs: { parts: ReadPart[]; key: string }[] = [];
  for (const each of parts) {
    const { types, nested } = each.part;
    const key = JSON.stringify([[...types], [...nested]]);
    const last = runs.at(-1);
    if (last?.key === key && !hidesPlace(types)) last.parts.push(each);
    else runs.push({ parts: [each], key });
  }
  return runs.map((run) => parquetRelation(scanOf(run.parts)));
}

function scanOf(run: readonly ReadPart[]): ParquetScan {
  const [first] = run;
  return {
    paths: run.map(({ part }) => duckPath(part.place)),
    types: first?.part.types ?? new Map(),
    nested: first?.part.nested ?? new Set(),
    constants: run.map(({ part }) => part.constants),
    firstSeqs: run.map(({ firstSeq }) => firstSeq),
  };
}
