/**
 * Makes the project that examples stand in, then runs the compiled examples one after the other and writes what each
 * printed, or how it failed. Arguments: the folder of the project, that of the examples, their names.
 */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { format } from "node:util";
import { loadProject } from "../../src/config/load.ts";
import { ProcessMesh } from "../../src/distributed/index.ts";
import { evaluateRuns } from "../../src/evaluate/index.ts";
import { backfill, publishRun } from "../../src/publish/index.ts";
import { openOnlineStore } from "../../src/serve/index.ts";
import { train } from "../../src/train/index.ts";
import { generateSliced, transfer } from "../../src/transfer/index.ts";
import { makeStore, USER_CONFIG } from "../train/project.ts";

/** What one example printed, call by call, and what it threw. */
export interface Ran {
  readonly printed: readonly string[];
  readonly error: string | null;
}

const CONFIG = {
  ...USER_CONFIG,
  models: {
    foundation: USER_CONFIG.models.foundation,
    vertical: { ...USER_CONFIG.models.vertical, transfer: { technique: "distill" } },
  },
};

/** Lets a process group of this process alone meet on a port that is free, as torchrun lets those of a job. */
async function setProcessEnvironment(): Promise<void> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  Object.assign(process.env, { MASTER_ADDR: "127.0.0.1", MASTER_PORT: `${port}`, RANK: "0", WORLD_SIZE: "1" });
}

/** A project as `lapidary init` makes one, over a small log, after every command of the guide. */
async function makeProject(folder: string): Promise<void> {
  writeFileSync(join(folder, "lapidary.config.json"), JSON.stringify(CONFIG));
  await makeStore(folder);
  const project = await loadProject({ config: folder });
  const mesh = ProcessMesh.single();
  await train(project, { model: "foundation", mesh });
  await evaluateRuns(project, { runs: ["foundation"], split: "test" });
  await generateSliced(project, { teacher: "foundation", mesh });
  await transfer(project, { model: "vertical", mesh });
  await publishRun(project, { run: "vertical-distill" });
  const online = await openOnlineStore({ kind: "lmdb", at: join(folder, ".lapidary", "online") });
  await backfill(project, { online, teacher: null });
  await online.close();
}

async function run(file: string): Promise<Ran> {
  const printed: string[] = [];
  const { log } = globalThis.console;
  globalThis.console.log = (...values: unknown[]) => printed.push(format(...values));
  try {
    await import(pathToFileURL(file).href);
    return { printed, error: null };
  } catch (error) {
    return { printed, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  } finally {
    globalThis.console.log = log;
  }
}

const [folder = "", examples = "", ...names] = process.argv.slice(2);
await makeProject(folder);
process.chdir(folder);
await setProcessEnvironment();
const ran: Record<string, Ran> = {};
for (const name of names) {
  // Read if it never ends.
  process.stderr.write(`${name}\n`);
  // What the example before has left must not go while this one counts.
  globalThis.gc?.();
  ran[name] = await run(join(examples, `${name}.js`));
}
process.stdout.write(JSON.stringify(ran));
// An example may have left a thread or a server behind: that is no reason to wait.
process.exit(0);
