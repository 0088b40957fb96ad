import { ProcessGroup, setThreads } from "../../src/torch/index.ts";
import { runCases } from "./cases.ts";
import { CASES } from "./collective-cases.ts";

setThreads(1);
using group = ProcessGroup.fromEnvironment({ timeoutMs: 60_000 });
await runCases(CASES, group);
