import { ProcessMesh } from "../../src/distributed/index.ts";
import { setThreads } from "../../src/torch/index.ts";
import { runCases } from "./cases.ts";
import { MESH_CASES } from "./mesh-cases.ts";

setThreads(1);
using mesh = ProcessMesh.fromEnvironment({ timeoutMs: 60_000 });
await runCases(MESH_CASES, mesh);
