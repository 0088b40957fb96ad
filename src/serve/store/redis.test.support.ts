import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A Redis server of a test's own: durable, on loopback, on a port that was free. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  /** Kills it as a power cut would, as far as the process goes, and starts it again on the same files. */
  restart(): Promise<void>;
}

/** Starts Debian's redis-server; `config` changes its settings. */
export async function startRedis(config: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), "lapidary-redis-"));
  const port = await freePort();
  const settings = { appendonly: "yes", appendfsync: "always", save: "", dir: folder, bind: "127.0.0.1", ...config };
  const args = Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]);
  const start = (): Promise<ChildProcess> => startServer(["--port", `${port}`, ...args]);
  let server = await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    restart: async () => {
      await kill(server);
      server = await start();
    },
    [Symbol.asyncDispose]: async () => {
      await kill(server);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function startServer(args: readonly string[]): Promise<ChildProcess> {
  const server = spawn("redis-server", args, { stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    let log = "";
    server.once("error", reject);
    server.once("exit", (code) => reject(new Error(`redis-server ended with ${code}: ${log}`)));
    server.stdout.on("data", (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes("Ready to accept connections")) resolve(server);
    });
  });
}

async function kill(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once("exit", resolve));
  server.kill("SIGKILL");
  await ended;
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
