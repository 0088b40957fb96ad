/**
 * A process to be killed: ingests the log `argv[2]` into the store `argv[3]`. Each statement of its database is a point
 * too: before it, or while it is under way.
 */
import { DuckDBConnection } from "@duckdb/node-api";
import { killPoint } from "../../files/kill-points.test.support.ts";
import { eventsConfig } from "../events.test.support.ts";
import { ingest } from "./ingest.ts";

const { prototype } = DuckDBConnection;
const run = prototype.run;
prototype.run = function (...args) {
  killPoint(() => void run.apply(this, args));
  return run.apply(this, args);
};

const [, , log = "", store = ""] = process.argv;
await ingest(eventsConfig(log, "jsonl"), { store, threads: 1, force: true });
