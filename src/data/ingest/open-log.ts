import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { digestFile } from "../../config/durable-file.ts";
import type { EventsConfig } from "../../config/types.ts";
import { FORMAT_VERSION } from "../store/format.ts";
import { checkFields, emptyLog } from "./check-fields.ts";
import { listLogFiles } from "./files/index.ts";
import { fieldsOf, type LogPart, openParts } from "./log.ts";
import { type IngestPlan, planIngest } from "./plan.ts";
import { type QueryOptions, runQuery } from "./query.ts";
import { QueryEngine } from "./query-engine.ts";

/** A log before a row of it is read: what is planned with it, and its files. */
export interface OpenLog {
  readonly plan: IngestPlan;
  readonly parts: readonly LogPart[];
  /** Digest of the configuration and of what the log's files are: equal ones give equal stores. */
  readonly fingerprint: string;
  /** Removes the rows of a query. */
  [Symbol.dispose](): void;
}

/**
 * Finds the files of a log and checks their fields. The rows of a query are kept as Parquet.
 *
 * @throws {LapidaryError} EVENTS_*
 */
export async function openLog(config: EventsConfig, { into: queryFolder, where }: QueryOptions): Promise<OpenLog> {
  using engine = new QueryEngine();
  const parts: LogPart[] = [];
  const dispose = () => {
    rmSync(queryFolder, { recursive: true, force: true });
    for (const { place, file } of parts) if (place !== file.path) rmSync(place, { force: true });
  };
  try {
    const { sql } = config;
    const from =
      sql === null ? config.from : [await runQuery(await engine.connection(), sql, { into: queryFolder, where })];
    const plan = planIngest(config);
    parts.push(...(await openParts(engine, await listLogFiles({ ...config, from }), { config, plan })));
    if (config.format !== "jsonl" && parts.every(({ names }) => names.length === 0)) {
      throw emptyLog(from.join(", "), parts.length === 1 ? "an empty file" : "empty files");
    }
    checkFields(plan, fieldsOf(parts));
    return { plan, parts, fingerprint: fingerprintOf(config, parts), [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

function fingerprintOf(config: EventsConfig, parts: readonly LogPart[]): string {
  // What a query gave has a new file each time: its content is what counts.
  const inputs = parts.map(({ file: { path, sizeBytes, modifiedNs } }) =>
    config.sql === null ? [path, sizeBytes, `${modifiedNs}`] : [digestFile(path)],
  );
  return createHash("sha256")
    .update(JSON.stringify([FORMAT_VERSION, config, inputs]))
    .digest("hex");
}
