#!/usr/bin/env node
import { ingest } from "./commands/ingest.ts";
import { main } from "./run.ts";

/** The commands in the order of help. A new one is a file in `commands/` and a line here. */
await main([ingest], process.argv.slice(2));
