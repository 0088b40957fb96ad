/** A process to be killed: ingests the log `argv[2]` into the store `argv[3]`, and says when it begins. */
import { eventsConfig } from "../events.test.support.ts";
import { ingest } from "./ingest.ts";

const [, , log = "", store = ""] = process.argv;
process.stdout.write("begin\n");
await ingest(eventsConfig(log, "jsonl"), { store, threads: 1, force: true });
process.stdout.write("done\n");
