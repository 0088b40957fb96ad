import { defineCommand } from "../command.ts";
import type { Check, CheckState } from "../doctor/check.ts";

/** `lapidary doctor`: what this machine has, what is missing, and how to get it. */
export const doctor = defineCommand({
  name: "doctor",
  summary: "says what this machine has, what is missing and how to get it",
  description:
    "Says what this machine has, what is missing and the command that gets it. Checks the configuration and the " +
    "event store too, if there are any. Ends with exit code 1 if something is missing that every project needs.",
  options: {},
  readsProject: true,
  example: "lapidary doctor --config my-project",
  resume: "Run `lapidary doctor` again.",
  run: async ({ project, loadProject, signal }) => {
    const [
      { checkMachine, readMachine },
      { checkSystem, readSystem },
      { checkTorch, probeTorch },
      tools,
      { checkProject },
    ] = await Promise.all([
      import("../doctor/machine.ts"),
      import("../doctor/system.ts"),
      import("../doctor/torch.ts"),
      import("../doctor/tools.ts"),
      import("../doctor/project.ts"),
    ]);
    const machine = readMachine();
    const isNamed = project.config !== null || project.set.length > 0;
    const [torch, duckDb, peers, projectChecks] = await Promise.all([
      probeTorch(signal),
      tools.checkDuckDb(),
      tools.checkPeers(signal),
      checkProject({ isNamed, load: loadProject }),
    ]);
    signal.throwIfAborted();
    const checks = [
      checkSystem(readSystem()),
      ...checkMachine(machine),
      ...checkTorch(torch, machine.gpus),
      duckDb,
      peers,
      ...projectChecks,
    ];
    const failed = checks.filter(({ state }) => state === "failed");
    return {
      result: { ok: failed.length === 0, checks, machine, torch },
      text: describe(checks, failed),
      status: failed.length === 0 ? "done" : "failed",
    };
  },
});

const MARKS: Readonly<Record<CheckState, string>> = { ok: "ok", failed: "FAILED", warning: "slow", absent: "-" };

function describe(checks: readonly Check[], failed: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, state, found, fix }) => {
    const line = `${MARKS[state].padEnd(6)}  ${name.padEnd(width)}  ${found}`;
    return fix === null ? [line] : [line, `${" ".repeat(width + 10)}→ ${fix}`];
  });
  const names = failed.map(({ name }) => name).join(", ");
  const verdict = failed.length === 0 ? "All that is needed is here." : `Missing or broken: ${names}.`;
  return [...lines, "", verdict].join("\n");
}
