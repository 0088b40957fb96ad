import type { DuckDBConnection } from "@duckdb/node-api";
import { checkParquet, duckPath } from "./files/index.ts";
import type { LogPart } from "./log.ts";
import { hidesPlace, type ParquetScan, parquetRelation } from "./relations.ts";
import { checkedSql, ROWS_PER_FILE, type StageContext, stagedSql } from "./staging.ts";
import { unreadable } from "./unreadable.ts";

/** Checks the pages of Parquet files, and counts their rows in `read_files` by the files' own count. */
export async function readParquet(connection: DuckDBConnection, parts: readonly LogPart[]): Promise<void> {
  for (const { file, index } of parts) {
    try {
      const { numRows: rows } = await checkParquet(file);
      await connection.run(`INSERT INTO read_files VALUES (${index}, ${index * ROWS_PER_FILE}, ${rows})`);
    } catch (cause) {
      throw unreadable(file.path, "parquet", cause);
    }
  }
}

/** Makes the rows of a log of Parquet, which stays where it is, the views `staged` and `checked`. */
export async function viewParquet(
  connection: DuckDBConnection,
  parts: readonly LogPart[],
  context: StageContext,
): Promise<void> {
  const relations = runsOf(parts).map((run) => parquetRelation(scanOf(run)));
  const view = (name: string, sql: typeof stagedSql) =>
    connection.run(`CREATE VIEW ${name} AS ${relations.map((each) => sql(each, context)).join(" UNION ALL ")}`);
  await view("staged", stagedSql);
  await view("checked", checkedSql);
}

function scanOf(run: readonly LogPart[]): ParquetScan {
  const [first] = run;
  return {
    paths: run.map(({ place }) => duckPath(place)),
    types: first?.types ?? new Map(),
    nested: first?.nested ?? new Set(),
    constants: run.map(({ constants }) => constants),
    firstSeqs: run.map(({ index }) => index * ROWS_PER_FILE),
  };
}

/** Splits the files into runs of neighbours with the same fields, each of which one scan reads. */
function runsOf(parts: readonly LogPart[]): readonly (readonly LogPart[])[] {
  const runs: { parts: LogPart[]; key: string }[] = [];
  for (const part of parts) {
    const key = JSON.stringify([[...part.types], [...part.nested]]);
    const last = runs.at(-1);
    if (last?.key === key && !hidesPlace(part.types)) last.parts.push(part);
    else runs.push({ parts: [part], key });
  }
  return runs.map(({ parts: run }) => run);
}
