/**
 * The whole way on a real log: ingest, every model of the configuration, knowledge and its transfer, one look at the test
 * days, and a server that ranks. Each stage is a command that can be run alone; what is done is not done again, unless
 * `--fresh` is given.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import config from "./lapidary.config.ts";
import { rankRealUsers } from "./rank.ts";

// Runs as dist/examples/kuairand/demo.js.
const CLI = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
const FOLDER = fileURLToPath(new URL("../../../examples/kuairand", import.meta.url));
const MODELS = ["baseRate", "logistic", "counters", "previous", "foundation", "vertical"];
const TECHNIQUES = ["distill", "auxiliary", "adapter", "representations", "full"];
const SERVED = "vertical-full";
const ONLINE = ".lapidary/online";

/** Runs `lapidary …` in the example's folder; the demo ends where a command does not end well. */
function lapidary(...args: readonly string[]): void {
  console.error(`\n$ lapidary ${args.join(" ")}`);
  const { status, signal } = spawnSync(process.execPath, [CLI, ...args], { cwd: FOLDER, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? (signal === "SIGINT" ? 130 : 1));
}

/** Starts `lapidary serve …`, and waits until it says where it listens. */
async function serve(...args: readonly string[]): Promise<{ readonly server: ChildProcess; readonly url: string }> {
  console.error(`\n$ lapidary serve ${args.join(" ")} &`);
  const server = spawn(process.execPath, [CLI, "serve", ...args], {
    cwd: FOLDER,
    stdio: ["ignore", "inherit", "pipe"],
  });
  for await (const line of createInterface({ input: server.stderr! })) {
    console.error(line);
    const url = / at (http:\S+)$/.exec(line)?.[1];
    if (url !== undefined) return { server, url };
  }
  process.exit(1);
}

// A command that is told to stop saves its work first: wait for it.
process.on("SIGINT", () => {});
const runs = join(FOLDER, "runs");
// The runs of before are kept beside those that are made now.
if (process.argv.includes("--fresh") && existsSync(runs)) {
  renameSync(runs, `${runs}.${new Date().toISOString().replace(/[:.]/g, "-")}`);
}
const start = performance.now();
lapidary("ingest");
for (const model of MODELS) lapidary("train", model);
lapidary("generate", "foundation", "--slices", "day");
for (const technique of TECHNIQUES) {
  lapidary("transfer", "vertical", "--set", `models.vertical.transfer.technique=${technique}`);
}
lapidary("evaluate", ...MODELS, "--split", "test", "--baseline", "previous");
const transferred = TECHNIQUES.map((technique) => `vertical-${technique}`);
lapidary("evaluate", "vertical", "foundation", ...transferred, "--split", "test", "--out", "runs/transfer-test.html");

lapidary("export", SERVED);
lapidary("backfill", "--teacher", "foundation", "--store-at", ONLINE);
const { server, url } = await serve("--bundle", "bundles/vertical", "--store-at", ONLINE, "--port", "0");
lapidary("audit", SERVED, "--url", url, "--split", "test", "--store-at", ONLINE);
const testFrom = "validationUntil" in config.split ? config.split.validationUntil : 0;
console.log(`\n${(await rankRealUsers(url, FOLDER, new Date(testFrom).getTime())).join("\n")}`);
server.kill("SIGTERM");
await once(server, "close");
console.error(`\nThe demo took ${((performance.now() - start) / 1000).toFixed(0)} s.`);
