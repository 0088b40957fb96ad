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

function parquetRelation({ path, fields }: LogFile): Relation {
  return {
    from: `read_parquet(${literal(path)}, file_row_number = true) AS source`,
    line: "source.file_row_number + 1",
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

function relationOf(file: LogFile, index: number, { config, plan }: StageContext): Relation {
  if (config.format === "parquet") return parquetRelation(file);
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

/** SQL that creates the empty staging table. */
export function createStagedSql(plan: IngestPlan, idTypes: readonly IdType[]): string {
  const columns = plan.all.map((column, i) => `v${i} ${stagedType(column, idTypes[i] ?? "VARCHAR")}`);
  return `CREATE TABLE staged (seq BIGINT, ${columns.join(", ")}, reason VARCHAR, raw VARCHAR)`;
}

/** What {@link stageFileSql} needs besides the file. */
export interface StageContext {
  readonly config: EventsConfig;
  readonly plan: IngestPlan;
  readonly idTypes: readonly IdType[];
}

/** SQL that reads a whole file once into the staging table: typed values, or the reason why a row is rejected. */
export function stageFileSql(file: LogFile, index: number, context: StageContext): string {
  const { config, plan, idTypes } = context;
  const relation = relationOf(file, index, context);
  const raws: string[] = [];
  const values: string[] = [];
  const outputs: string[] = [];
  const rejections: string[] = [];
  for (const [i, column] of plan.all.entries()) {
    const names = { raw: `r${i}`, value: `v${i}` };
    raws.push(`${rawSql(column, relation)} AS ${names.raw}`);
    values.push(
      `${valueSql(column, names.raw, { type: typeOf(file, column), idType: idTypes[i] ?? "VARCHAR", timeUnit: config.time.unit })} AS ${names.value}`,
    );
    outputs.push(column.kind === "number" ? `TRY_CAST(${names.value} AS FLOAT)` : names.value);
    for (const [condition, reason] of rejectionsOf(column, names, config)) {
      rejections.push(`WHEN ${condition} THEN ${literal(reason)}`);
    }
  }
  const reason = `CASE WHEN broken IS NOT NULL THEN broken ${rejections.join(" ")} END AS reason`;
  const inputs = [`${relation.line} AS line`, ...relation.kept, `${relation.broken} AS broken`, ...raws];
  return `INSERT INTO staged
    SELECT line + ${index * ROWS_PER_FILE}, ${outputs.join(", ")}, ${reason}, CASE WHEN reason IS NOT NULL THEN ${relation.raw} END
    FROM (SELECT *, ${values.join(", ")} FROM (SELECT ${inputs.join(", ")} FROM ${relation.from}))`;
}

function rawSql({ source }: PlannedColumn, relation: Relation): string {
  return "from" in source ? relation.field(source.from) : literal(source.value);
}
