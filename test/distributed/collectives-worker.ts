/** Runs every collective case in this process and writes one line of JSON for each: its name, and what went wrong. */
import { ProcessGroup, setThreads } from "../../src/torch/index.ts";
import { CASES } from "./collective-cases.ts";

setThreads(1);
using group = ProcessGroup.fromEnvironment({ timeoutMs: 60_000 });
for (const [name, run] of Object.entries(CASES)) {
  let problem: string | null = null;
  try {
    await run(group);
  } catch (error) {
    problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  process.stdout.write(`${JSON.stringify({ name, problem })}\n`);
  if (problem !== null) break;
}
