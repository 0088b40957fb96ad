import { rmSync } from "node:fs";
import type { EventsConfig } from "../../../config/types.ts";
import { digestFile, sha256 } from "../../../files/digest.ts";
import { FORMAT_VERSION } from "../../store/format.ts";
import { listLogFiles } from "../files/index.ts";
import { type KeptPlace, keptFacts, keptPlace } from "../kept/database.ts";
import { readerDigest } from "../kept/keys.ts";
import { type IngestPlan, planIngest } from "../plan.ts";
import { checkFields, emptyLog } from "./check-fields.ts";
import { fieldsOf, type LogPart, openParts } from "./log.ts";
import { type QueryOptions, runQuery } from "./query.ts";
import { QueryEngine } from "./query-engine.ts";

/** A log before a row of it is read: what is planned with it, and its files. */
export interface OpenLog {
  readonly plan: IngestPlan;
  readonly parts: readonly LogPart[];
  /** The database in which its rows are kept for the next ingest; null if they are not. */
  readonly kept: KeptPlace | null;
  /** Digest of the configuration and of what the log's files are: equal ones give equal stores. */
  readonly fingerprint: string;
  /** Removes the rows of a query. */
  [Symbol.dispose](): void;
}

/** Where {@link openLog} finds and puts things. */
export interface OpenLogOptions {
  readonly query: QueryOptions;
  /** The store whose kept rows tell of files that need not be opened; null for none. */
  readonly store: string | null;
}

/**
 * Finds the files of a log and checks their fields. The rows of a query are kept as Parquet.
 *
 * @throws {LapidaryError} EVENTS_*
 */
export async function openLog(config: EventsConfig, { query, store }: OpenLogOptions): Promise<OpenLog> {
  using engine = new QueryEngine();
  const parts: LogPart[] = [];
  const dispose = () => {
    rmSync(query.into, { recursive: true, force: true });
    for (const { place, file } of parts) if (place !== file.path) rmSync(place, { force: true });
  };
  try {
    const { sql } = config;
    const from = sql === null ? config.from : [await runQuery(sql, query)];
    const plan = planIngest(config);
    const files = await listLogFiles({ ...config, from });
    // Nothing can come behind a single file that leaves it as it is, and a query is a new one each time.
    const isKept = store !== null && sql === null && files.length > 1;
    const kept = isKept ? keptPlace(store, readerDigest(config, plan)) : null;
    const facts = kept === null ? new Map() : await keptFacts(engine, kept);
    parts.push(...(await openParts(engine, files, { config, plan, facts })));
    if (config.format !== "jsonl" && parts.every(({ names }) => names.length === 0)) {
      throw emptyLog(from.join(", "), parts.length === 1 ? "an empty file" : "empty files");
    }
    checkFields(plan, fieldsOf(parts));
    return { plan, parts, kept, fingerprint: fingerprintOf(config, parts), [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

function fingerprintOf(config: EventsConfig, parts: readonly LogPart[]): string {
  // What a query gave has a new file each time: its content is what counts.
  const inputs = parts.map(({ file: { path, sizeBytes, modifiedNs, changedNs } }) =>
    config.sql === null ? [path, sizeBytes, `${modifiedNs}`, `${changedNs}`] : [digestFile(path)],
  );
  return sha256(JSON.stringify([FORMAT_VERSION, config, inputs]));
}
