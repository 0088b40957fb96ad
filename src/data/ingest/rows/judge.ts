import type { DuckDBConnection } from "@duckdb/node-api";
import type { EventsConfig } from "../../../config/types.ts";
import { outsideOf } from "../../../features/events/event-rules.ts";
import { fieldOf, type IngestPlan, valueName } from "../plan.ts";
import { literal, queryNumber } from "../sql.ts";
import { stagedType } from "./plain-sql.ts";
import { spelledTable, spellOut } from "./spellings.ts";
import type { StageContext } from "./staging.ts";

/** Table of the rows of a batch that are not plain, until they have been judged. */
export const SUSPECTS = "suspects";
/** Table of what became of them: values, or the `code`, `column_index` and `expected` of a row that is refused. */
export const JUDGED = "judged";

/**
 * Decides row by row what is an event. `staged` (SQL of a table) has of each planned column `i` the value `v{i}` and,
 * where SQL could not read it, its text in `odd`. Nearly all rows are plain; the others, {@link SUSPECTS}, are judged by
 * the rules. Leaves {@link JUDGED}, and says how many there are.
 *
 * `resolve` is called once the suspects are there, before the rules are asked about them.
 */
export async function judgeRows(
  connection: DuckDBConnection,
  context: StageContext,
  { staged, resolve }: { readonly staged: string; readonly resolve: () => Promise<void> },
): Promise<number> {
  const { plan, config } = context;
  const texts = plan.all.map((_, i) => `odd[${i + 1}] AS o${i}`).join(", ");
  // In two steps: in one, the engine takes the texts of all rows apart before it looks for the suspects among them.
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE suspected AS SELECT * FROM ${staged} WHERE ${suspicionSql(plan, config)}`,
  );
  const numSuspects = await queryNumber(connection, "SELECT count(*) FROM suspected");
  if (numSuspects > 0) {
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE ${SUSPECTS} AS SELECT * EXCLUDE (is_odd, odd), ${texts} FROM suspected`,
    );
    await resolve();
    const spelled = await spellOut(connection, plan, config);
    await connection.run(`CREATE OR REPLACE TEMP TABLE ${JUDGED} AS ${judgedSql(context, spelled)}`);
  }
  await connection.run("DROP TABLE suspected");
  return numSuspects;
}

function outsideSql(plan: IngestPlan, { time: field, earliestMs, latestMs }: EventsConfig): string {
  // What no row says, none says wrongly.
  if (field === null) return "false";
  const time = valueName(plan, plan.time);
  return `${time} < ${earliestMs} OR ${time} >= ${latestMs}`;
}

function suspicionSql(plan: IngestPlan, config: EventsConfig): string {
  const missing = plan.all.flatMap(({ required }, i) => (required ? [`v${i} IS NULL`] : []));
  return ["is_odd", ...missing, outsideSql(plan, config)].join(" OR ");
}

/** `spelled` are the columns with a table of spellings. */
function judgedSql({ plan, config, idTypes }: StageContext, spelled: ReadonlySet<number>): string {
  const values: string[] = [];
  const verdicts: string[] = [];
  const joins: string[] = [];
  for (const [i, column] of plan.all.entries()) {
    const { required } = column;
    if (spelled.has(i)) {
      values.push(`coalesce(v${i}, s${i}.value::${stagedType(column, idTypes[i] ?? "VARCHAR")}) AS v${i}`);
      joins.push(`LEFT JOIN ${spelledTable(i)} AS s${i} ON s${i}.raw = o${i}`);
      verdicts.push(`WHEN s${i}.code IS NOT NULL THEN ${verdictSql(i, `s${i}.code`, `s${i}.expected`)}`);
    } else values.push(`v${i}`);
    if (required) {
      verdicts.push(`WHEN v${i} IS NULL AND o${i} IS NULL THEN ${verdictSql(i, literal("EVENT_MISSING"), "NULL")}`);
    }
  }
  const spelling = verdicts.length === 0 ? "NULL" : `CASE ${verdicts.join(" ")} END`;
  const outside = outsideVerdictSql(plan, config);
  // The alias of a coalesced value would hide the staged one, which the verdicts read.
  return `SELECT seq, ${plan.all.map((_, i) => `v${i}`).join(", ")}, verdict.code AS code, verdict.i AS column_index, verdict.expected AS expected
    FROM (SELECT *, CASE WHEN spelling IS NOT NULL THEN spelling WHEN ${outsideSql(plan, config)} THEN ${outside} END AS verdict
      FROM (SELECT seq, ${values.join(", ")}, ${spelling} AS spelling FROM ${SUSPECTS} ${joins.join(" ")}))`;
}

/** SQL of the verdict on a time outside of the range, as the rules have it. */
function outsideVerdictSql(plan: IngestPlan, config: EventsConfig): string {
  const time = valueName(plan, plan.time);
  const cases = outsideOf(config).map(({ factor, refused }) => {
    const moved = `${time}::DOUBLE * ${factor ?? 1}::DOUBLE`;
    const isMeant = factor === null ? "true" : `${moved} >= ${config.earliestMs} AND ${moved} < ${config.latestMs}`;
    const verdict = verdictSql(plan.all.indexOf(plan.time), literal(refused.code), literal(refused.expected));
    return `WHEN ${isMeant} THEN ${verdict}`;
  });
  return `CASE ${cases.join(" ")} END`;
}

function verdictSql(i: number, code: string, expected: string): string {
  return `{'i': ${i}, 'code': ${code}, 'expected': ${expected}}`;
}

/** Why a row is refused. */
export interface Verdict {
  /** Place of the planned column, or -1 if the row as a whole is wrong. */
  readonly index: number;
  readonly code: string;
  readonly expected: string | null;
}

/** What was wrong with a row, as dead letters and counts tell it. */
export function reasonOf(plan: IngestPlan, { index, code, expected }: Verdict): string {
  const column = plan.all[index];
  const field = column === undefined ? "row" : (fieldOf(column) ?? column.name);
  return code === "EVENT_MISSING" ? `${field}: missing` : `${field}: expected ${expected}`;
}

/** The verdict of a row of SQL: `column_index`, `code` and `expected`. */
export function verdictOf([index, code, expected]: readonly unknown[]): Verdict {
  return {
    index: index === null ? -1 : Number(index),
    code: String(code),
    expected: expected === null || expected === undefined ? null : String(expected),
  };
}
