/** Whether files are one log, with names above its rows: what `init` is given may be neither. */
import { statSync } from "node:fs";
import { basename } from "node:path";
import { LapidaryError } from "../base/errors.ts";
import type { SampledField } from "./sampled-field.ts";

/** Fields that two files have in common, of all that they have, below which they are two logs. Newer files have new ones. */
const LEAST_COMMON = 0.5;
/** Share of the fields whose name stands among their values, from which the first line is a row. */
const MOST_VALUES = 0.5;
/** Names that an error lists. */
const MOST_LISTED = 6;

/** The fields of one file. */
export interface FileFields {
  readonly path: string;
  readonly fields: readonly SampledField[];
}

/**
 * The largest file is the log; one with other fields is another, of conversions for example.
 *
 * @throws {LapidaryError} INIT_FIELDS
 */
export function checkOneLog(files: readonly FileFields[]): void {
  const [main, ...others] = files.toSorted((a, b) => statSync(b.path).size - statSync(a.path).size);
  if (main === undefined) return;
  const names = new Set(main.fields.map(({ name }) => name));
  for (const { path, fields } of others) {
    const common = fields.filter(({ name }) => names.has(name)).length;
    if (common >= LEAST_COMMON * (names.size + fields.length - common)) continue;
    const own = fields.flatMap(({ name }) => (names.has(name) ? [] : [name]));
    throw new LapidaryError({
      code: "INIT_FIELDS",
      where: path,
      expected: `the fields of ${basename(main.path)}, as files of one log have them`,
      got: `its own: ${listed(own)}`,
      hint: otherLogHint(path),
    });
  }
}

/** What to do with a log of outcomes. */
export function otherLogHint(path: string): string {
  return `Name the files of one log, the impressions for example. A log of what came of them is read by an objective: objectives: { conversion: { log: "${basename(path)}", id: …, time: …, window: "7d" } }. Or join the two with --sql.`;
}

/**
 * A first line that holds values would be lost, and its values would be the names.
 *
 * @throws {LapidaryError} INIT_FIELDS
 */
export function checkNamed({ path, fields }: FileFields): void {
  const valued = fields.filter(({ name, values }) => values.includes(name));
  if (fields.length < 2 || valued.length < MOST_VALUES * fields.length) return;
  const names = fields.map((_, i) => `'f${i + 1}'`).slice(0, 2);
  throw new LapidaryError({
    code: "INIT_FIELDS",
    where: path,
    expected: "a first line with the names of the fields",
    got: `one with values: ${listed(valued.map(({ name }) => name))}`,
    hint: `Write the names above the rows, or give them with --sql "FROM read_csv('${basename(path)}', header = false, names = [${names.join(", ")}, …])".`,
  });
}

function listed(names: readonly string[]): string {
  return names.length > MOST_LISTED ? `${names.slice(0, MOST_LISTED).join(", ")}, …` : names.join(", ");
}
