#!/usr/bin/env node
import { audit } from "./commands/audit.ts";
import { backfill } from "./commands/backfill.ts";
import { bench } from "./commands/bench.ts";
import { describe } from "./commands/describe.ts";
import { doctor } from "./commands/doctor.ts";
import { evaluate } from "./commands/evaluate.ts";
import { exportRun } from "./commands/export.ts";
import { generate } from "./commands/generate.ts";
import { ingest } from "./commands/ingest.ts";
import { init } from "./commands/init.ts";
import { predict } from "./commands/predict.ts";
import { runs } from "./commands/runs.ts";
import { scale } from "./commands/scale.ts";
import { serve } from "./commands/serve.ts";
import { simulate } from "./commands/simulate.ts";
import { train } from "./commands/train.ts";
import { transfer } from "./commands/transfer.ts";
import { main } from "./run.ts";

/** The commands in the order of help. A new one is a file in `commands/` and a line here. */
await main(
  [
    init,
    simulate,
    ingest,
    describe,
    train,
    generate,
    transfer,
    evaluate,
    predict,
    runs,
    scale,
    exportRun,
    backfill,
    serve,
    audit,
    bench,
    doctor,
  ],
  process.argv.slice(2),
);
