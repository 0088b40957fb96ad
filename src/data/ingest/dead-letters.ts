import type { DuckDBConnection } from "@duckdb/node-api";
import type { FileDigest, FileWriter } from "../store/file-writer.ts";
import { ROWS_PER_FILE, unsplitTable } from "./scan.ts";
import type { LogFile } from "./sources.ts";
import { literal, numericColumn, queryNumber, queryRows, streamChunks, textColumn } from "./sql.ts";

const SPLIT_REASONS: Readonly<Record<string, string>> = {
  "MISSING COLUMNS": "too few fields",
  "TOO MANY COLUMNS": "too many fields",
  "UNQUOTED VALUE": "a quote that is misplaced or not closed",
  "INVALID ENCODING": "not UTF-8",
  "LINE SIZE OVER MAXIMUM": "too long a line",
};

/** One rejected row, as a line of the dead-letter file. */
export interface DeadLetter {
  readonly file: string;
  /** Line of the file, from 1; in Parquet, the row. A field with line breaks before it makes it too small. */
  readonly line: number;
  readonly reason: string;
  /** The row as it stands in the file; as JSON if it came from Parquet. */
  readonly raw: string;
}

/** SQL that creates the table of the lines that could not be split into fields. */
export const CREATE_BROKEN_SQL =
  "CREATE TABLE broken (file INTEGER, ordinal BIGINT, line BIGINT, reason VARCHAR, raw VARCHAR)";

/** Keeps the lines of file `index` that its reader could not split. */
export async function collectUnsplit(connection: DuckDBConnection, index: number): Promise<void> {
  const reasons = Object.entries(SPLIT_REASONS).map(
    ([type, reason]) => `WHEN ${literal(type)} THEN ${literal(reason)}`,
  );
  await connection.run(
    `INSERT INTO broken SELECT ${index}, row_number() OVER (ORDER BY line) - 1, line, CASE type ${reasons.join(" ")} ELSE lower(type) END, raw
     FROM (SELECT line, min(error_type::VARCHAR) AS type, coalesce(any_value(csv_line), '') AS raw FROM ${unsplitTable(index)} GROUP BY line)`,
  );
}

/** Looks up the rejected rows of a Parquet file, all fields of them. */
export async function lookUpParquetRows(connection: DuckDBConnection, { path }: LogFile, index: number): Promise<void> {
  const base = index * ROWS_PER_FILE;
  const found = `FROM rejected WHERE seq BETWEEN ${base} AND ${base + ROWS_PER_FILE - 1}`;
  if ((await queryNumber(connection, `SELECT count(*) ${found}`)) === 0) return;
  await connection.run(
    `UPDATE rejected SET raw = found.raw FROM (
       SELECT file_row_number + 1 + ${base} AS seq, to_json(source)::VARCHAR AS raw
       FROM (SELECT file_row_number, struct_pack(*COLUMNS(* EXCLUDE file_row_number)) AS source FROM read_parquet(${literal(path)}, file_row_number = true))
       WHERE file_row_number + 1 + ${base} IN (SELECT seq ${found})
     ) AS found WHERE rejected.seq = found.seq`,
  );
}

/** Writes all rejected rows, in the order of the log, and counts them by reason. */
export async function writeDeadLetters(connection: DuckDBConnection, files: readonly LogFile[], writer: FileWriter) {
  const rejections: Record<string, number> = {};
  for await (const chunk of streamChunks(connection, DEAD_LETTERS_SQL)) {
    const fileIndexes = numericColumn(chunk, 0);
    const lines = numericColumn(chunk, 1);
    const raws = textColumn(chunk, 3);
    const letters = textColumn(chunk, 2).map((reason, i) => {
      rejections[reason] = (rejections[reason] ?? 0) + 1;
      const letter: DeadLetter = { file: files[fileIndexes[i]!]?.path ?? "", line: lines[i]!, reason, raw: raws[i]! };
      return `${JSON.stringify(letter)}\n`;
    });
    writer.append(Buffer.from(letters.join("")));
  }
  const digest: FileDigest = writer.finish();
  return { rejections, digest };
}

// A reader counts only the lines that it could split: the others before a row are added back to its line.
const DEAD_LETTERS_SQL = `
  SELECT file::INTEGER, line::DOUBLE, reason, raw FROM (
    SELECT file, line + (SELECT count(*) FROM broken WHERE broken.file = found.file AND broken.line - broken.ordinal <= found.line) AS line, reason, coalesce(raw, '') AS raw
    FROM (SELECT seq // ${ROWS_PER_FILE} AS file, seq % ${ROWS_PER_FILE} AS line, reason, raw FROM rejected) AS found
    UNION ALL SELECT file, line, reason, raw FROM broken
  ) ORDER BY file, line, reason, raw`;

/** Fields that have no value in any row: in JSONL, where rows have their own fields, the sign of a wrong name. */
export async function fieldsWithoutValues(
  connection: DuckDBConnection,
  fields: ReadonlyMap<string, string>,
): Promise<readonly string[]> {
  if (fields.size === 0) return [];
  const counts = [...fields.values()].map((value) => `count(${value})`);
  const [row] = await queryRows(connection, `SELECT ${counts.join(", ")} FROM staged`);
  return [...fields.keys()].filter((_, i) => Number(row?.[i]) === 0);
}
