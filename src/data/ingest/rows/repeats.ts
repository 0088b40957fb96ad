import type { DuckDBConnection } from "@duckdb/node-api";
import type { FileWriter } from "../../../files/file-writer.ts";
import type { Repeats } from "../../store/format.ts";
import { type IngestPlan, valueName } from "../plan.ts";
import { queryNumber, queryRows } from "../sql.ts";

/** What {@link joinRepeats} found. */
export interface RepeatCounts extends Repeats {
  /** Rows whose event an earlier row had. */
  readonly duplicates: number;
}

/**
 * Makes one event of the rows with one user and one event id, as the online store makes one of its reports: of each
 * fact the first that is known. First is the earliest row, and of equal times one chosen by what the rows hold, so that
 * neither the order nor the number of files changes a value. Leaves the view `accepted`.
 */
export async function joinRepeats(connection: DuckDBConnection, plan: IngestPlan): Promise<void> {
  const { id } = plan;
  if (id === null || !(await findRepeats(connection, plan, valueName(plan, id)))) {
    await connection.run("CREATE TABLE IF NOT EXISTS repeats AS SELECT * FROM readable WHERE false");
    await connection.run("CREATE VIEW accepted AS SELECT * FROM readable");
    return;
  }
  const keys = `${valueName(plan, plan.user)}, ${valueName(plan, id)}`;
  await connection.run(`CREATE TABLE joined AS ${joinedSql(plan, keys)}`);
  const values = plan.all.map((_, i) => `v${i}`).join(", ");
  await connection.run(
    `CREATE VIEW accepted AS SELECT seq, ${values} FROM readable ANTI JOIN repeats USING (seq) UNION ALL SELECT seq, ${values} FROM joined`,
  );
}

/** Keeps the rows of events that several rows speak of in `repeats`, and says whether there are any. */
async function findRepeats(connection: DuckDBConnection, plan: IngestPlan, id: string): Promise<boolean> {
  // By the id alone at first, which is one key to look up for each row of the log instead of two.
  await connection.run(`CREATE TABLE repeated AS SELECT ${id} FROM readable GROUP BY ${id} HAVING count(*) > 1`);
  if ((await queryNumber(connection, "SELECT count(*) FROM repeated")) === 0) return false;
  const user = valueName(plan, plan.user);
  await connection.run(
    `CREATE TABLE repeats AS SELECT * FROM readable SEMI JOIN repeated USING (${id}) QUALIFY count(*) OVER (PARTITION BY ${user}, ${id}) > 1`,
  );
  return (await queryNumber(connection, "SELECT count(*) FROM repeats")) > 0;
}

function joinedSql(plan: IngestPlan, keys: string): string {
  const time = valueName(plan, plan.time);
  // As text, because one id is a number in one format and text in another.
  const order = `ORDER BY ${time}, hash(${plan.all.map((_, i) => `v${i}::VARCHAR`).join(", ")})`;
  const key = new Set(keys.split(", "));
  const firsts = plan.all.map((_, i) => {
    const value = `v${i}`;
    return key.has(value) ? value : `first(${value} ${order}) FILTER (${value} IS NOT NULL) AS ${value}`;
  });
  const differing = plan.all.map((_, i) => `${key.has(`v${i}`) ? "false" : `count(DISTINCT v${i}) > 1`} AS d${i}`);
  const completed = plan.all.map((_, i) => `first(v${i} ${order}) IS NULL AND count(v${i}) > 0`);
  return `SELECT first(seq ${order}) AS seq, ${firsts.join(", ")}, ${differing.join(", ")}, ${completed.filter((_, i) => !key.has(`v${i}`)).join(" OR ")} AS completed
    FROM repeats GROUP BY ${keys}`;
}

/** One event of which rows say different things, as a line of the file of contradictions. */
export interface Contradiction {
  readonly user: string;
  readonly event: string;
  /** Columns of which they say different things. */
  readonly columns: readonly string[];
}

/** Events whose lines are written at once. */
const CONTRADICTIONS_READ = 10_000;

/** Writes the events of which rows say different things, by user and id. */
export async function writeContradictions(
  connection: DuckDBConnection,
  plan: IngestPlan,
  writer: FileWriter,
): Promise<void> {
  const { id, user } = plan;
  if (id === null || (await queryNumber(connection, "SELECT count(*) FROM repeats")) === 0) return;
  const columns = plan.all.flatMap((column, i) => (column === plan.time ? [] : [{ name: column.name, at: `d${i}` }]));
  const order = [user, id].map((column) => `${valueName(plan, column)}::VARCHAR`).join(", ");
  for (let done = 0; ; done += CONTRADICTIONS_READ) {
    const rows = await queryRows(
      connection,
      `SELECT ${order}, ${columns.map(({ at }) => at).join(", ")} FROM joined WHERE ${columns.map(({ at }) => at).join(" OR ")}
       ORDER BY ${order} LIMIT ${CONTRADICTIONS_READ} OFFSET ${done}`,
    );
    for (const [ofUser, event, ...differ] of rows) {
      const names = columns.filter((_, i) => differ[i] === true).map(({ name }) => name);
      const line: Contradiction = { user: String(ofUser), event: String(event), columns: names };
      writer.append(Buffer.from(`${JSON.stringify(line)}\n`));
    }
    if (rows.length < CONTRADICTIONS_READ) return;
  }
}

/** Counts what {@link joinRepeats} found. */
export async function countRepeats(connection: DuckDBConnection, plan: IngestPlan): Promise<RepeatCounts> {
  const rows = await queryNumber(connection, "SELECT count(*) FROM repeats");
  if (rows === 0) return { duplicates: 0, completed: 0, contradictions: {} };
  const differing = plan.all.map((_, i) => `count_if(d${i})`).join(", ");
  const [[events, completed, ...counts] = []] = await queryRows(
    connection,
    `SELECT count(*), count_if(completed), ${differing} FROM joined`,
  );
  // A later report has its own time: that two rows differ in it is no contradiction.
  const named = plan.all.map(({ name }, i): [string, number] => [name, Number(counts[i])]);
  const contradictions = Object.fromEntries(named.filter(([name, n]) => n > 0 && name !== "time"));
  return { duplicates: rows - Number(events), completed: Number(completed), contradictions };
}
