import { rmSync } from "node:fs";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { LapidaryError } from "../../base/errors.ts";
import { makeFolder } from "../../files/durable-file.ts";
import { databaseFolder } from "./files/index.ts";
import { attachKept, isLocked, KEPT, type KeptPlace, keptPath } from "./kept/database.ts";
import { literal, queryRows } from "./sql.ts";

/** Where a workspace lies. */
export interface Place {
  readonly folder: string;
  /** Threads of the query engine. @default all cores */
  readonly threads?: number;
  /** Where the rows that are read outlive the workspace. @default nowhere: they lie inside of it */
  readonly kept?: KeptPlace | null;
}

/**
 * Sets up a working database, which lives for one ingest: analysing what compresses best costs a third of the time and
 * pays never, and what is written at the end is in its log of changes.
 */
const SET_UP_SQL = `
  SET TimeZone = 'UTC';
  PRAGMA force_compression = 'uncompressed';
  PRAGMA disable_checkpoint_on_shutdown;
  CREATE TABLE IF NOT EXISTS run (fingerprint VARCHAR);
  CREATE TABLE IF NOT EXISTS stages (name VARCHAR);
`;

/**
 * The working database of an unfinished ingest. A stage and the record that it is done are one transaction, so after
 * a crash the next run continues behind the last stage that was finished.
 */
export class Workspace {
  readonly connection: DuckDBConnection;
  /** The database of the rows that are read, attached as `kept`. */
  readonly kept: string;
  readonly #folder: string;
  readonly #instance: DuckDBInstance;
  readonly #finished = new Set<string>();

  private constructor({ folder, kept }: Place, instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#folder = folder;
    this.#instance = instance;
    this.connection = connection;
    this.kept = keptPath(kept ?? { folder, name: "rows.duckdb" });
  }

  /**
   * Opens the workspace in a folder, or starts it over if it belongs to another run or is damaged.
   *
   * @param fingerprint digest of the configuration and of the log's files: what identifies the run
   * @throws {LapidaryError} INGEST_BUSY while another process holds it
   */
  static async open(place: Place, fingerprint: string): Promise<Workspace> {
    const { folder } = place;
    const found = await Workspace.#tryOpen(place);
    if (found && (await found.#adopt(fingerprint))) return found;
    found?.close();
    discard(folder);
    const fresh = await Workspace.#tryOpen(place);
    if (fresh && (await fresh.#adopt(fingerprint))) return fresh;
    throw new LapidaryError({
      code: "INTERNAL",
      where: folder,
      expected: "a working database",
      got: "one that cannot be opened twice in a row",
      hint: "Check that the disk is writable and not full.",
    });
  }

  static async #tryOpen(place: Place): Promise<Workspace | null> {
    const { folder } = place;
    makeFolder(folder);
    try {
      const settings = {
        temp_directory: join(folder, "spill"),
        // Its compression costs less than what it saves in writing and reading.
        storage_compatibility_version: "latest",
        ...(place.threads === undefined ? {} : { threads: `${place.threads}` }),
      };
      const instance = await DuckDBInstance.create(join(databaseFolder(folder).path, "work.duckdb"), settings);
      const connection = await instance.connect();
      const workspace = new Workspace(place, instance, connection);
      await connection.run(SET_UP_SQL);
      // Rows that outlive the ingest are worth compressing.
      if (place.kept) await connection.run("PRAGMA force_compression = 'auto'");
      await attachKept(connection, workspace.kept);
      return workspace;
    } catch (cause) {
      if (isLocked(cause)) throw busy(folder, cause);
      return null;
    }
  }

  async #adopt(fingerprint: string): Promise<boolean> {
    const [row] = await queryRows(this.connection, "SELECT fingerprint FROM run");
    if (row === undefined) {
      await this.connection.run(`INSERT INTO run (fingerprint) VALUES (${literal(fingerprint)})`);
      return true;
    }
    for (const [name] of await queryRows(this.connection, "SELECT name FROM stages")) this.#finished.add(String(name));
    return row[0] === fingerprint;
  }

  /** A folder inside of the workspace for what one stage needs. */
  scratch(name: string): string {
    return join(this.#folder, name);
  }

  /** Runs a stage, unless an earlier run finished it. */
  async stage(name: string, work: () => Promise<void>): Promise<void> {
    if (this.isDone(name)) return;
    await this.#transact(async () => {
      await work();
      await this.connection.run(`INSERT INTO stages VALUES (${literal(name)})`);
    });
    this.#finished.add(name);
  }

  /** Whether this run or an earlier one finished a stage. */
  isDone(name: string): boolean {
    return this.#finished.has(name);
  }

  /** Changes the rows that are kept, as a whole or not at all; the engine can change one database at a time. */
  keep<T>(work: () => Promise<T>): Promise<T> {
    return this.#transact(work);
  }

  async #transact<T>(work: () => Promise<T>): Promise<T> {
    await this.connection.run("BEGIN");
    try {
      const result = await work();
      await this.connection.run("COMMIT");
      return result;
    } catch (error) {
      // The engine ends a transaction itself where it cannot write: what stopped the work is what is told.
      await this.connection.run("ROLLBACK").catch(() => {});
      throw error;
    }
  }

  /** Ends the work on the rows that are kept: they lie in one file then. */
  async settleKept(): Promise<void> {
    await this.connection.run(`CHECKPOINT ${KEPT}`);
    await this.connection.run(`DETACH ${KEPT}`);
  }

  close(): void {
    this.connection.closeSync();
    this.#instance.closeSync();
  }

  /** Closes the workspace and removes all of it. */
  remove(): void {
    this.close();
    discard(this.#folder);
  }
}

function discard(folder: string): void {
  databaseFolder(folder).remove();
  rmSync(folder, { recursive: true, force: true });
}

function busy(folder: string, cause: unknown): LapidaryError {
  return new LapidaryError(
    {
      code: "INGEST_BUSY",
      where: folder,
      expected: "no other ingest into this store",
      got: "one that is running",
      hint: "Wait for it to end, or stop it.",
    },
    { cause },
  );
}
