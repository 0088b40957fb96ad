import { once } from "node:events";
import { createServer } from "node:net";

/** The place of one process among those of this machine, and the port of their store. */
export interface LocalPlace {
  readonly rank: number;
  /** Number of processes, all on this machine. */
  readonly processes: number;
  readonly port: number;
}

/** The variables that place a process, as torchrun sets them. */
export function placeVariables({ rank, processes, port }: LocalPlace): Record<string, string> {
  return {
    MASTER_ADDR: "127.0.0.1",
    MASTER_PORT: String(port),
    RANK: String(rank),
    WORLD_SIZE: String(processes),
    LOCAL_RANK: String(rank),
    LOCAL_WORLD_SIZE: String(processes),
  };
}

/** A port of the loopback interface that nobody listens on. Another program may still take it before we do. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return address.port;
}
