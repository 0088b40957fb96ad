import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";

/** A query engine that starts when it is first asked: most logs are opened without one, and its start takes longer than that. */
export class QueryEngine {
  #instance: DuckDBInstance | null = null;
  #connection: DuckDBConnection | null = null;

  /** Its only connection. */
  async connection(): Promise<DuckDBConnection> {
    this.#instance ??= await DuckDBInstance.create(":memory:");
    this.#connection ??= await this.#instance.connect();
    return this.#connection;
  }

  [Symbol.dispose](): void {
    this.#connection?.closeSync();
    this.#instance?.closeSync();
  }
}
