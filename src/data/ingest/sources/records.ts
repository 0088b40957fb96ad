import type { DuckDBConnection } from "@duckdb/node-api";
import type { EventsConfig } from "../../../config/types.ts";
import { duckPath, readRecords } from "../files/index.ts";
import { hidesPlace } from "../rows/relations.ts";
import { queryRows } from "../sql.ts";
import type { LogPart } from "./log.ts";
import type { RawRecord, RecordSource } from "./record-source.ts";
import { textOptionsOf } from "./text-options.ts";

/** Reads records as they stand in their files. */
export function recordsOf(connection: DuckDBConnection, config: EventsConfig): RecordSource {
  return async function* ({ part, firstSeq }, seqs) {
    if (seqs.length === 0) return;
    const rows = seqs.map((seq) => seq - firstSeq);
    const found = config.format === "parquet" ? parquetRows(connection, part, rows) : textRows(part, config, rows);
    for await (const { row, ...record } of found) yield { seq: firstSeq + row, ...record };
  };
}

type FoundRow = Omit<RawRecord, "seq"> & { readonly row: number };

async function* textRows({ file }: LogPart, config: EventsConfig, rows: readonly number[]): AsyncGenerator<FoundRow> {
  for await (const { record, line, raw } of readRecords(file, textOptionsOf(config), rows))
    yield { row: record, line, raw };
}

/** Rows of Parquet as JSON, all fields of them. */
async function* parquetRows(
  connection: DuckDBConnection,
  { place, types }: LogPart,
  rows: readonly number[],
): AsyncGenerator<FoundRow> {
  const rowNumber = hidesPlace(types) ? "row_number() OVER () - 1" : "source.file_row_number";
  const found = await queryRows(
    connection,
    `SELECT place::VARCHAR, to_json(row)::VARCHAR FROM (SELECT ${rowNumber} AS place, source AS row
       FROM read_parquet(${duckPath(place)}, hive_partitioning = false) AS source)
     WHERE place IN (${rows.join(", ")}) ORDER BY place`,
  );
  for (const [place, text] of found) {
    const row = Number(place);
    yield { row, line: row + 1, raw: Buffer.from(String(text)) };
  }
}
