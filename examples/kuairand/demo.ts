/**
 * The whole way on a real log: ingest, every model of the configuration, and one look at the test days. Each stage is a
 * command that can be run alone; what is done is not done again, unless `--fresh` is given.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

// Runs as dist/examples/kuairand/demo.js.
const CLI = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
const FOLDER = fileURLToPath(new URL("../../../examples/kuairand", import.meta.url));
const MODELS = ["baseRate", "logistic", "previous", "foundation", "vertical"];
const TECHNIQUES = ["distill", "auxiliary", "adapter", "representations", "full"];

/** Runs `lapidary …` in the example's folder; the demo ends where a command does not end well. */
function lapidary(...args: readonly string[]): void {
  console.error(`\n$ lapidary ${args.join(" ")}`);
  const { status, signal } = spawnSync(process.execPath, [CLI, ...args], { cwd: FOLDER, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? (signal === "SIGINT" ? 130 : 1));
}

// A command that is told to stop saves its work first: wait for it.
process.on("SIGINT", () => {});
const fresh = process.argv.includes("--fresh") ? ["--fresh"] : [];
const start = performance.now();
lapidary("ingest");
for (const model of MODELS) lapidary("train", model, ...fresh);
lapidary("generate", "foundation", "--slices", "day");
for (const technique of TECHNIQUES) {
  lapidary("transfer", "vertical", "--set", `models.vertical.transfer.technique=${technique}`, ...fresh);
}
lapidary("evaluate", ...MODELS, "--split", "test", "--baseline", "previous");
const transferred = TECHNIQUES.map((technique) => `vertical-${technique}`);
lapidary("evaluate", "vertical", "foundation", ...transferred, "--split", "test", "--out", "runs/transfer-test.html");
console.error(`\nThe demo took ${((performance.now() - start) / 1000).toFixed(0)} s.`);
