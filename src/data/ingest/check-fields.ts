import type { DuckDBConnection } from "@duckdb/node-api";
import { LapidaryError } from "../../config/errors.ts";
import { nearest } from "../../config/nearest.ts";
import type { EventsConfig } from "../../config/types.ts";
import { fieldsWithoutValues } from "./dead-letters.ts";
import { type IngestPlan, type PlannedColumn, planIngest } from "./plan.ts";
import { type LogFile, linesSql } from "./sources.ts";
import { queryRows } from "./sql.ts";

const SAMPLE_LINES = 1000;

/**
 * Checks that every file has every field that the configuration names, with a type that can hold it.
 *
 * @throws {LapidaryError} EVENTS_EMPTY, EVENTS_FIELD or EVENTS_FIELD_TYPE
 */
export function checkFields(config: EventsConfig, files: readonly LogFile[]): void {
  for (const { path, fields } of files) {
    if (fields === null) continue;
    if (fields.size === 0) throw empty(path);
    for (const column of planIngest(config).all) {
      if (!("from" in column.source)) continue;
      const type = fields.get(column.source.from);
      if (type === undefined) throw missingField(path, column.source.from, [...fields.keys()]);
      checkType(path, column, type);
    }
  }
}

/**
 * Checks that every field that the configuration names has a value in some row of the log.
 *
 * @throws {LapidaryError} EVENTS_FIELD
 */
export async function checkJsonFields(
  connection: DuckDBConnection,
  plan: IngestPlan,
  files: readonly LogFile[],
): Promise<void> {
  const values = new Map<string, string>();
  for (const [i, { source }] of plan.all.entries()) if ("from" in source) values.set(source.from, `v${i}`);
  const suspects = await fieldsWithoutValues(connection, values);
  const [first] = files;
  if (suspects.length === 0 || first === undefined) return;
  const known = await sampleKeys(connection, first.path);
  // A field that is there and never readable is told by the reasons of the rejected rows.
  const missing = suspects.find((name) => !known.includes(name));
  if (known.length > 0 && missing !== undefined) throw missingField(first.path, missing, known);
}

async function sampleKeys(connection: DuckDBConnection, path: string): Promise<readonly string[]> {
  const objects = `SELECT text FROM ${linesSql(path, ", ignore_errors = true")} WHERE json_valid(text) LIMIT ${SAMPLE_LINES}`;
  const rows = await queryRows(connection, `SELECT DISTINCT unnest(json_keys(text)) FROM (${objects})`);
  return rows.map(([key]) => String(key)).sort();
}

function checkType(path: string, column: PlannedColumn, type: string): void {
  const isNested = /[[(]|^(BLOB|BIT|MAP|STRUCT|UNION|VARIANT|GEOMETRY)/.test(type) && !type.startsWith("DECIMAL");
  const isTemporal = /^(DATE|TIME|INTERVAL)/.test(type);
  const isNumeric = column.kind === "number" || column.kind === "flag";
  if (!isNested && !(isNumeric && (isTemporal || type === "UUID"))) return;
  throw new LapidaryError({
    code: "EVENTS_FIELD_TYPE",
    where: `${path}: ${"from" in column.source ? column.source.from : column.name}`,
    expected: `a type that can hold ${column.kind === "id" ? "an id" : `a ${column.kind}`}`,
    got: type,
    hint: "Map another field, or convert this one before the ingest.",
  });
}

function missingField(path: string, name: string, known: readonly string[]): LapidaryError {
  const near = nearest(name, known);
  const hint = near === null ? "Correct the mapping in `events`." : `Did you mean ${near}?`;
  return new LapidaryError({
    code: "EVENTS_FIELD",
    where: path,
    expected: `a field ${name}`,
    got: `the fields ${known.join(", ")}`,
    hint,
  });
}

function empty(path: string): LapidaryError {
  return new LapidaryError({
    code: "EVENTS_EMPTY",
    where: path,
    expected: "at least one event",
    got: "an empty file",
    hint: "Remove the file from events.from.",
  });
}
