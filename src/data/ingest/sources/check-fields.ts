import { LapidaryError } from "../../../base/errors.ts";
import { nearest } from "../../../base/nearest.ts";
import { isNumeric } from "../../../config/events/value-kinds.ts";
import { type EventsConfig, TIME_UNITS } from "../../../config/types.ts";
import { fieldOf, type IngestPlan, type PlannedColumn } from "../plan.ts";
import { canHoldList } from "../rows/lists.ts";

/** What a file of the log says of its fields before a row is read. */
export interface FileFields {
  readonly path: string;
  /** Names in the file's order; they may repeat. */
  readonly names: readonly string[];
  /** SQL type of a planned field; undefined if the file does not have it. */
  readonly typeOf: (field: string) => string | undefined;
  /** What separates the fields in all likelihood, if it is not what the configuration says; else null. */
  readonly separatedBy: string | null;
}

/**
 * Checks that every field that the configuration names is in some file, with a type that can hold it in each: fields may
 * come with newer files, or go with older ones.
 *
 * @throws {LapidaryError} EVENTS_FIELD or EVENTS_FIELD_TYPE
 */
export function checkFields(plan: IngestPlan, files: readonly FileFields[]): void {
  const [first] = files;
  if (first === undefined) return;
  for (const column of plan.all) {
    const field = fieldOf(column);
    if (field === null) continue;
    const found = files.filter(({ typeOf }) => typeOf(field) !== undefined);
    if (found.length === 0) throw missingField(first, field);
    for (const file of found) checkField(file, column, field);
  }
}

function checkField({ path, names, typeOf }: FileFields, column: PlannedColumn, field: string): void {
  const times = names.filter((name) => name === field).length;
  if (times > 1) {
    throw new LapidaryError({
      code: "EVENTS_FIELD",
      where: path,
      expected: `one field ${field}`,
      got: `${times} of this name`,
      hint: "Rename all but one of them in the file.",
    });
  }
  checkType(`${path}: ${field}`, column, typeOf(field) ?? "VARCHAR");
}

/**
 * Checks that every field that the configuration names is a key of some record of JSON.
 *
 * @throws {LapidaryError} EVENTS_FIELD
 */
export function checkJsonFields(plan: IngestPlan, path: string, keys: ReadonlySet<string>): void {
  if (keys.size === 0) return;
  for (const column of plan.all) {
    const field = fieldOf(column);
    if (field === null || keys.has(field) || keys.has(field.split(".")[0] ?? field)) continue;
    const names = [...keys].sort();
    throw missingField({ path, names, typeOf: () => undefined, separatedBy: null }, field);
  }
}

const NUMERIC_KINDS: ReadonlySet<string> = new Set(["number", "value", "count", "flag"]);

function checkType(where: string, { kind, list }: PlannedColumn, type: string): void {
  if (list && canHoldList(list, type)) return;
  const isNested = /[[(]|^(BIT|MAP|STRUCT|UNION|VARIANT|GEOMETRY)/.test(type) && !type.startsWith("DECIMAL");
  const isTimeOfDay = /^(TIME(?!STAMP)|INTERVAL)/.test(type);
  const isWrong = NUMERIC_KINDS.has(kind)
    ? /^(DATE|TIME|INTERVAL|UUID)/.test(type) || (isNumeric(kind) && type === "BOOLEAN")
    : kind === "time" && (isTimeOfDay || type === "BOOLEAN" || type === "UUID");
  if (!list && !isNested && !isWrong) return;
  throw new LapidaryError({
    code: "EVENTS_FIELD_TYPE",
    where,
    expected: `a type that can hold ${kind === "id" ? "an id" : `a ${list?.kind ?? kind}`}`,
    got: type,
    hint: type === "BOOLEAN" ? "Map it as a flag." : "Map another field, or convert this one before the ingest.",
  });
}

function missingField({ path, names, separatedBy }: FileFields, field: string): LapidaryError {
  const near = nearest(field, names);
  const mapping = near === null ? "Correct the mapping in `events`." : `Did you mean ${near}?`;
  const hint =
    separatedBy === null ? mapping : `The fields seem to be separated by ${separatedBy}: set events.delimiter.`;
  return new LapidaryError({
    code: "EVENTS_FIELD",
    where: path,
    expected: `a field ${field}`,
    got: `the fields ${names.join(", ")}`,
    hint,
  });
}

/** The error of a log without a single record. */
export function emptyLog(where: string, got: string): LapidaryError {
  const hint = "No row is there to be read: check that these are the right files, and whole.";
  return new LapidaryError({ code: "EVENTS_EMPTY", where, expected: "at least one event", got, hint });
}

/** The error of a log all of whose rows were rejected; `rejections` are their numbers by reason. */
export function unusableLog(
  where: string,
  { time }: Pick<EventsConfig, "time">,
  rejections: Readonly<Record<string, number>>,
): LapidaryError {
  const reasons = Object.entries(rejections).sort(([, a], [, b]) => b - a);
  const [[worst = ""] = []] = reasons;
  const rows = reasons.reduce((sum, [, n]) => sum + n, 0);
  const because = `${reasons.length > 1 ? "most of them " : ""}because of "${worst}"`;
  const isTime = time !== null && worst.startsWith(`${time.from}: expected a time`);
  const hint = isTime
    ? `events.time.unit is ${JSON.stringify(time.unit)}: set the one that the log has, of ${TIME_UNITS.join(", ")}.`
    : "Check the mapping in `events`.";
  const got = `${rows.toLocaleString("en")} rows, all rejected, ${because}`;
  return new LapidaryError({ code: "EVENTS_EMPTY", where, expected: "at least one event", got, hint });
}
