import type { EventsConfig } from "../../config/types.ts";
import {
  type IdType,
  type IngestPlan,
  idTypeOf,
  type PlannedColumn,
  rejectionsOf,
  stagedType,
  valueSql,
} from "./plan.ts";
import { delimiterOf, type LogFile, linesSql } from "./sources.ts";
import { identifier, literal } from "./sql.ts";

/** Rows that fit between the sequence numbers of two files. */
export const ROWS_PER_FILE = 2 ** 40;

/** How to read rows from a file. */
interface Relation {
  /** SQL of a relation. */
  readonly from: string;
  /** SQL of a row's line. */
  readonly line: string;
  /** SQL of a field's text or value; NULL where it is missing. */
  readonly field: (name: string) => string;
  /** SQL of the reason why a row is no row at all, or NULL. */
  readonly broken: string;
  /** Names of the relation's columns that `raw` needs. */
  readonly kept: readonly string[];
  /** SQL of the row as it stands in the file, or NULL if it is better looked up later. */
  readonly raw: string;
}

/** Table of the lines of file `index` that could not be split into fields. */
export function unsplitTable(index: number): string {
  return `unsplit_${index}`;
}

function keepUnsplit(index: number): string {
  const table = unsplitTable(index);
  return `, store_rejects = true, rejects_table = '${table}', rejects_scan = '${table}_scans', rejects_limit = 0`;
}

/** Files of the same fields, which one scan can read; in Parquet only are there several. */
type Run = readonly [LogFile, ...LogFile[]];

function parquetRelation(run: Run): Relation {
  const [{ fields }] = run;
  const paths = run.map(({ path }) => literal(path)).join(", ");
  const place = run.length === 1 ? "" : `source.file_index * ${ROWS_PER_FILE} + `;
  return {
    from: `read_parquet([${paths}], file_row_number = true) AS source`,
    line: `${place}source.file_row_number + 1`,
    field: (name) => {
      const value = `source.${identifier(name)}`;
      return fields?.get(name) === "VARCHAR" ? `NULLIF(${value}, '')` : value;
    },
    broken: "NULL",
    kept: [],
    raw: "NULL",
  };
}

function textRelation({ path, fields }: LogFile, index: number, format: EventsConfig["format"]): Relation {
  const delimiter = delimiterOf(format);
  const names = [...(fields ?? [])].map(([name]) => name);
  // By position, because names may hold anything. TSV knows no quoting.
  const columns = names.map((_, i) => `'f${i}': 'VARCHAR'`).join(", ");
  const quoting = format === "tsv" ? "quote = '', escape = ''" : `quote = '"', escape = '"'`;
  const options = `columns = {${columns}}, auto_detect = false, header = true, delim = ${literal(delimiter)}, ${quoting}`;
  return {
    from: `read_csv(${literal(path)}, ${options}${keepUnsplit(index)})`,
    // The header is line 1.
    line: "row_number() OVER () + 1",
    field: (name) => `NULLIF(f${names.indexOf(name)}, '')`,
    broken: "NULL",
    kept: names.map((_, i) => `f${i}`),
    raw: `array_to_string([${names.map((_, i) => `ifnull(f${i}, '')`).join(", ")}], ${literal(delimiter)})`,
  };
}

function jsonRelation({ path }: LogFile, index: number, plan: IngestPlan): Relation {
  const names = [...new Set(plan.all.flatMap(({ source }) => ("from" in source ? [source.from] : [])))];
  const structure = JSON.stringify(Object.fromEntries(names.map((name) => [name, "VARCHAR"])));
  const isObject = "json_valid(text) AND ltrim(text)[1] = '{'";
  const nested = names.map((name) => {
    const pointer = literal(`/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`);
    const value = `fields.${identifier(name)}`;
    // The type is looked up only for values that may be nested: it costs a second parse.
    return `WHEN ${value}[1] IN ('{', '[') AND json_type(text, ${pointer}) IN ('OBJECT', 'ARRAY') THEN ${literal(`${name}: an object or a list`)}`;
  });
  const lines = `SELECT row_number() OVER () AS line, text FROM ${linesSql(path, keepUnsplit(index))}`;
  return {
    from: `(SELECT line, text, CASE WHEN ${isObject} THEN json_transform(text::JSON, ${literal(structure)}) END AS fields FROM (${lines}) WHERE trim(text) <> '')`,
    line: "line",
    field: (name) => `NULLIF(fields.${identifier(name)}, '')`,
    broken: `CASE WHEN fields IS NULL THEN 'not a JSON object' ${nested.join(" ")} END`,
    kept: ["text"],
    raw: "text",
  };
}

function relationOf(run: Run, index: number, { config, plan }: StageContext): Relation {
  if (config.format === "parquet") return parquetRelation(run);
  const [file] = run;
  return config.format === "jsonl" ? jsonRelation(file, index, plan) : textRelation(file, index, config.format);
}

/** Types of the ids over all files: the one that all files share, else text. */
export function sharedIdTypes(plan: IngestPlan, files: readonly LogFile[]): readonly IdType[] {
  return plan.all.map((column) => {
    const types = new Set(files.map((file) => idTypeOf(typeOf(file, column))));
    const [only] = types;
    return types.size === 1 && only !== undefined ? only : "VARCHAR";
  });
}

function typeOf({ fields }: LogFile, { source }: PlannedColumn): string {
  return ("from" in source ? fields?.get(source.from) : undefined) ?? "VARCHAR";
}

/** What the SQL of rows needs besides the files. */
export interface StageContext {
  readonly config: EventsConfig;
  readonly plan: IngestPlan;
  readonly idTypes: readonly IdType[];
}

/**
 * SQL that creates the tables and views of the log's rows: `readable` and `rejected`. Text is parsed once, into the
 * table `staged`. Parquet is its own staging table: to decode its columns again is cheaper than to store a copy.
 */
export function createRowsSql(files: readonly LogFile[], context: StageContext): readonly string[] {
  const { config, plan, idTypes } = context;
  if (config.format === "parquet") {
    const selects = runsOf(files).map(({ run, index }) => selectSql(run, index, context));
    return [
      "CREATE TABLE rejected (seq BIGINT, reason VARCHAR, raw VARCHAR)",
      `CREATE VIEW readable AS SELECT * EXCLUDE (reason, raw) FROM (${selects.join(" UNION ALL ")}) ANTI JOIN rejected USING (seq)`,
    ];
  }
  const columns = plan.all.map((column, i) => `v${i} ${stagedType(column, idTypes[i] ?? "VARCHAR")}`);
  return [
    `CREATE TABLE staged (seq BIGINT, ${columns.join(", ")}, reason VARCHAR, raw VARCHAR)`,
    "CREATE VIEW rejected AS SELECT seq, reason, raw FROM staged WHERE reason IS NOT NULL",
    "CREATE VIEW readable AS SELECT * EXCLUDE (reason, raw) FROM staged WHERE reason IS NULL",
  ];
}

/** Splits the files into runs of neighbours with the same fields, each with the index of its first file. */
function runsOf(files: readonly LogFile[]): { readonly run: Run; readonly index: number }[] {
  const runs: { run: [LogFile, ...LogFile[]]; index: number; fields: string }[] = [];
  for (const [index, file] of files.entries()) {
    const names = [...(file.fields?.keys() ?? [])];
    const fields = JSON.stringify([...(file.fields ?? [])]);
    const last = runs.at(-1);
    // A field of that name would hide the file's place in the scan.
    const isAlone = names.some((name) => name.toLowerCase() === "file_index");
    if (last?.fields === fields && !isAlone) last.run.push(file);
    else runs.push({ run: [file], index, fields });
  }
  return runs;
}

/** SQL that checks a whole file: it keeps the rejected rows and, of a text format, the typed values of the others. */
export function stageFileSql(file: LogFile, index: number, context: StageContext): string {
  const rows = selectSql([file], index, context);
  if (context.config.format !== "parquet") return `INSERT INTO staged ${rows}`;
  return `INSERT INTO rejected SELECT seq, reason, raw FROM (${rows}) WHERE reason IS NOT NULL`;
}

/** SQL of the rows of files: `seq`, typed values, and for a row that is rejected `reason` and `raw`. */
function selectSql(run: Run, index: number, context: StageContext): string {
  const { config, plan, idTypes } = context;
  const relation = relationOf(run, index, context);
  const raws: string[] = [];
  const values: string[] = [];
  const outputs: string[] = [];
  const rejections: string[] = [];
  for (const [i, column] of plan.all.entries()) {
    const names = { raw: `r${i}`, value: `v${i}` };
    const idType = idTypes[i] ?? "VARCHAR";
    raws.push(`${rawSql(column, relation)} AS ${names.raw}`);
    values.push(
      `${valueSql(column, names.raw, { type: typeOf(run[0], column), idType, timeUnit: config.time.unit })} AS ${names.value}`,
    );
    const cast = column.kind === "number" ? "TRY_CAST" : "CAST";
    outputs.push(`${cast}(${names.value} AS ${stagedType(column, idType)}) AS ${names.value}`);
    for (const [condition, reason] of rejectionsOf(column, names, config)) {
      rejections.push(`WHEN ${condition} THEN ${literal(reason)}`);
    }
  }
  const reason = `CASE WHEN broken IS NOT NULL THEN broken ${rejections.join(" ")} END AS reason`;
  const inputs = [`${relation.line} AS line`, ...relation.kept, `${relation.broken} AS broken`, ...raws];
  return `SELECT line + ${index * ROWS_PER_FILE} AS seq, ${outputs.join(", ")}, ${reason}, CASE WHEN reason IS NOT NULL THEN ${relation.raw} END AS raw
    FROM (SELECT *, ${values.join(", ")} FROM (SELECT ${inputs.join(", ")} FROM ${relation.from}))`;
}

function rawSql({ source }: PlannedColumn, relation: Relation): string {
  return "from" in source ? relation.field(source.from) : literal(source.value);
}
