import { fork } from "node:child_process";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { LapidaryError } from "../../../base/errors.ts";
import { firstLineOf } from "../../../base/message.ts";
import type { SqlSource } from "../../../config/types.ts";
import { makeFolder } from "../../../files/durable-file.ts";
import { literal } from "../sql.ts";

const WORKER = new URL("./query-worker.js", import.meta.url);

/** Where the rows of a query go, and what its errors name. */
export interface QueryOptions {
  /** Folder that the rows are kept in. */
  readonly into: string;
  /** Where the query is written, as users know it. */
  readonly where: string;
}

/** Keeps the rows of a query as Parquet: the path of the file. @throws {LapidaryError} EVENTS_QUERY */
export async function runQuery({ query, folder }: SqlSource, { into, where }: QueryOptions): Promise<string> {
  makeFolder(into);
  const path = resolve(into, "rows.parquet");
  const statement = query.trim().replace(/;$/, "");
  const copy = `COPY (${statement}\n) TO ${literal(path)} (FORMAT parquet)`;
  const failure = await runIn(folder, ["SET TimeZone = 'UTC'", copy]);
  if (failure === null) return path;
  const got = firstLineOf(failure);
  const hint = `Correct ${where}; it is SQL of DuckDB, and its paths are relative to ${folder}.`;
  throw new LapidaryError({ code: "EVENTS_QUERY", where, expected: "a query", got, hint });
}

/**
 * Runs statements in a process that works in a folder: null, or what is wrong with them. The engine looks for a relative
 * path in the working folder before any other, so that a file of the same name there would be read in the project's stead.
 */
function runIn(folder: string, statements: readonly string[]): Promise<string | null> {
  // In a process group of its own it does not get the terminal's Ctrl-C; it ends when this process does.
  const child = fork(fileURLToPath(WORKER), {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    detached: true,
  });
  return new Promise((done) => {
    child.once("message", (failure: string | null) => done(failure));
    child.once("error", (error) => done(error.message));
    child.once("close", (code, signal) => done(`its process ended with ${signal ?? `exit code ${code}`}`));
    // One that could not start is told by its error.
    child.send(statements, () => {});
  });
}
