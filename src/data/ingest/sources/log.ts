import type { EventsConfig } from "../../../config/types.ts";
import { duckPath, guessDelimiter, type LogFile, readHeader, spellableForNow } from "../files/index.ts";
import { type FileFacts, factsOf } from "../kept/facts.ts";
import { fileKey } from "../kept/keys.ts";
import { fieldOf, type IngestPlan } from "../plan.ts";
import { nestedSql } from "../rows/relations.ts";
import { queryRows } from "../sql.ts";
import type { FileFields } from "./check-fields.ts";
import { partitionsOf } from "./partitions.ts";
import type { QueryEngine } from "./query-engine.ts";
import { WINDOW_FIELD, windowsOfFiles } from "./split-files.ts";
import { textOptionsOf } from "./text-options.ts";
import { unreadable } from "./unreadable.ts";

/** One file of the log, and what it says of its fields. */
export interface LogPart extends FileFacts {
  readonly file: LogFile;
  /** Path under which the query engine can find it: its own, or of a link to it. */
  readonly place: string;
  /** Place among the files of the log. */
  readonly index: number;
  /** What decides what reading it gives: the rows that were read of a file with this key are those of this one. */
  readonly key: string;
  /** Values of the fields that the names of the folders hold, and the file does not have. */
  readonly constants: ReadonlyMap<string, string | null>;
}

/** What is said of a log before its files are opened. */
interface Opening {
  readonly config: EventsConfig;
  readonly plan: IngestPlan;
  /** What files said of their fields when they were read, by their keys: these are not opened. */
  readonly facts: ReadonlyMap<string, string>;
}

/**
 * Reads what the files say of their fields.
 *
 * @throws {LapidaryError} EVENTS_UNREADABLE
 */
export async function openParts(
  engine: QueryEngine,
  files: readonly LogFile[],
  { config, plan, facts }: Opening,
): Promise<readonly LogPart[]> {
  const parts: LogPart[] = [];
  const windows = await windowsOfFiles(config, files);
  for (const [index, file] of files.entries()) {
    try {
      const window = windows?.get(file.identity) ?? null;
      const key = fileKey(file, window);
      const known = facts.get(key);
      const partFacts = known === undefined ? await factsOfFile(engine, file, { config, plan }) : factsOf(known);
      const ofFolders = [...partitionsOf(file.path, config.partitions)].filter(
        ([name]) => !partFacts.names.includes(name),
      );
      const constants = new Map(windows === null ? ofFolders : [...ofFolders, [WINDOW_FIELD, window]]);
      parts.push({ file, place: placeOf(file, config), index, key, ...partFacts, constants });
    } catch (cause) {
      throw unreadable(file.path, config.format, cause);
    }
  }
  return parts;
}

const NO_TYPES: Pick<LogPart, "types" | "nested"> = { types: new Map(), nested: new Set() };

/** Path under which the query engine finds a file. */
function placeOf({ path }: LogFile, { format }: EventsConfig): string {
  return format === "parquet" ? spellableForNow(path) : path;
}

async function factsOfFile(
  engine: QueryEngine,
  file: LogFile,
  { config, plan }: { config: EventsConfig; plan: IngestPlan },
): Promise<Pick<LogPart, "names" | "types" | "nested">> {
  if (config.format !== "parquet") return { names: await textNames(file, config), ...NO_TYPES };
  const facts = await parquetTypes(engine, placeOf(file, config), plan);
  return { names: [...facts.types.keys()], ...facts };
}

async function textNames(file: LogFile, config: EventsConfig): Promise<readonly string[]> {
  const options = textOptionsOf(config);
  return options.format === "jsonl" ? [] : ((await readHeader(file, options)) ?? []);
}

async function parquetTypes(
  engine: QueryEngine,
  path: string,
  plan: IngestPlan,
): Promise<Pick<LogPart, "types" | "nested">> {
  const connection = await engine.connection();
  const from = `FROM read_parquet(${duckPath(path)}, hive_partitioning = false) AS source`;
  const rows = await queryRows(connection, `DESCRIBE SELECT * ${from}`);
  const types = new Map(rows.map(([name, type]) => [String(name), String(type)]));
  const nested = new Set<string>();
  for (const field of plan.all.map(fieldOf)) {
    if (field === null || types.has(field) || !types.get(field.split(".")[0] ?? "")?.startsWith("STRUCT")) continue;
    const [found] = await queryRows(connection, `DESCRIBE SELECT ${nestedSql(field)} ${from}`).catch(() => []);
    if (found === undefined) continue;
    types.set(field, String(found[1]));
    nested.add(field);
  }
  return { types, nested };
}

/** The SQL type of a field of a part; undefined if it does not have it. */
export function typeOfField(part: LogPart, field: string): string | undefined {
  return part.types.get(field) ?? (part.names.includes(field) || part.constants.has(field) ? "VARCHAR" : undefined);
}

/** What `checkFields` needs of the parts: empty files have no fields and say nothing. */
export function fieldsOf(parts: readonly LogPart[]): readonly FileFields[] {
  return parts
    .filter(({ names }) => names.length > 0)
    .map((part) => ({
      path: part.file.path,
      names: part.names,
      typeOf: (field) => typeOfField(part, field),
      separatedBy: part.types.size > 0 ? null : separatorOf(part.names),
    }));
}

/** What a header of one field seems to be separated by. */
function separatorOf(names: readonly string[]): string | null {
  return names.length > 1 ? null : (guessDelimiter(names[0] ?? "")?.name ?? null);
}
