/** Requests at times fixed beforehand, whatever the server does meanwhile. */
import { connect, type Socket } from "node:net";

/** What to send, where and when: request `i` is due `i / perSecond` seconds after the first. */
export interface LoadPlan {
  /** At 127.0.0.1. */
  readonly port: number;
  /** Constant rate of arrivals. @unit requests/s */
  readonly perSecond: number;
  /** Number of requests. */
  readonly count: number;
}

/** What became of the requests of a plan. */
export interface LoadOutcome {
  /** From the time a request was due to the last byte of its answer, of those answered with 200. @unit ms */
  readonly latenciesMs: Float64Array;
  /** From the time a request was due to when it was handed to the system. @shape [count] @unit ms */
  readonly lagsMs: Float64Array;
  /** Requests that were answered otherwise, or not at all. */
  readonly errors: number;
  /** From the time the first request was due to the last answer. @unit s */
  readonly seconds: number;
  /** Connections beyond those opened beforehand: no arrival waited for a free one. */
  readonly lateConnections: number;
}

/** Open before the first request is due. */
const CONNECTIONS = 32;
/** Node's server ends a connection after 5 s without a request: one that is nearly as old is not used again. @unit ms */
const MAX_IDLE_MS = 3_000;
/** Timers fire up to this late: the rest of a wait is polled. @unit ms */
const TIMER_MS = 2;
/** A server that does not answer the last requests in this time has lost them. @unit ms */
const DRAIN_MS = 10_000;

/** A request of HTTP/1.1 as bytes. */
export function httpRequest(path: string, body: string): Buffer {
  const bytes = Buffer.from(body);
  const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${bytes.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), bytes]);
}

/** One connection: a request at a time. Of an answer it reads the status and the length, nothing else. */
class Connection {
  readonly #socket: Socket;
  /** Bytes of the current answer. */
  #received: Buffer[] = [];
  #missing = Number.NaN;
  #status = 0;
  #done: ((status: number) => void) | null = null;
  isOpen = true;
  /** @unit ms */
  idleSince: number = performance.now();

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("data", (bytes) => this.#read(bytes));
    this.#socket.on("error", () => {}); // "close" follows.
    this.#socket.on("close", () => {
      this.isOpen = false;
      this.#finish(0);
    });
  }

  /** Resolves once it is connected, or failed to. */
  opened(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once("connect", resolve).once("close", resolve);
    });
  }

  /** Sends a request; `done` is told the status of the answer, 0 if there is none. */
  send(request: Buffer, done: (status: number) => void): void {
    this.#done = done;
    if (this.isOpen) this.#socket.write(request);
    else this.#finish(0);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    if (Number.isNaN(this.#missing)) this.#readHead(bytes);
    else this.#missing -= bytes.length;
    if (this.#missing > 0 || Number.isNaN(this.#missing)) return;
    this.#missing = Number.NaN;
    this.#finish(this.#status);
  }

  #readHead(bytes: Buffer): void {
    this.#received.push(bytes);
    const all = Buffer.concat(this.#received);
    const end = all.indexOf("\r\n\r\n");
    if (end < 0) return;
    this.#received = [];
    const head = all.toString("latin1", 0, end);
    this.#status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
    this.#missing = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0) - (all.length - end - 4);
  }

  #finish(status: number): void {
    const done = this.#done;
    this.#done = null;
    this.idleSince = performance.now();
    done?.(status);
  }
}

/** The connections of one run. The one that was used last is used next, so that few are ever used. */
class Connections {
  readonly #port: number;
  readonly #all = new Set<Connection>();
  readonly #free: Connection[] = [];
  numLate = 0;

  constructor(port: number) {
    this.#port = port;
  }

  async open(count: number): Promise<void> {
    for (let i = 0; i < count; i++) this.#free.push(this.#add());
    await Promise.all(this.#free.map((connection) => connection.opened()));
  }

  /** One that is free, or else a new one. */
  take(): Connection {
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop()) {
      if (free.isOpen && performance.now() - free.idleSince < MAX_IDLE_MS) return free;
      free.close();
      this.#all.delete(free);
    }
    this.numLate++;
    return this.#add();
  }

  give(connection: Connection): void {
    if (connection.isOpen) this.#free.push(connection);
  }

  close(): void {
    for (const connection of this.#all) connection.close();
  }

  #add(): Connection {
    const connection = new Connection(this.#port);
    this.#all.add(connection);
    return connection;
  }
}

/**
 * Open loop: sends `requests` in turn, each when it is due, though the server may not have answered those before.
 * Latencies count from when a request was due: if the server or this process stalls, all requests that were due
 * meanwhile show it (no coordinated omission).
 */
export async function sendOpenLoop(
  { port, perSecond, count }: LoadPlan,
  requests: readonly Buffer[],
): Promise<LoadOutcome> {
  const connections = new Connections(port);
  await connections.open(Math.min(count, CONNECTIONS));
  const latenciesMs: number[] = [];
  const lagsMs = new Float64Array(count);
  const answered: Promise<void>[] = [];
  const startMs = performance.now() + 10;
  for (let i = 0; i < count; i++) {
    const dueMs = startMs + (1000 * i) / perSecond;
    await until(dueMs);
    const connection = connections.take();
    lagsMs[i] = performance.now() - dueMs;
    const answer = new Promise<void>((resolve) => {
      connection.send(requests[i % requests.length]!, (status) => {
        if (status === 200) latenciesMs.push(performance.now() - dueMs);
        connections.give(connection);
        resolve();
      });
    });
    answered.push(answer);
  }
  const timer = setTimeout(() => connections.close(), DRAIN_MS);
  await Promise.all(answered);
  clearTimeout(timer);
  const seconds = (performance.now() - startMs) / 1000;
  connections.close();
  const { numLate: lateConnections } = connections;
  const errors = count - latenciesMs.length;
  return { latenciesMs: Float64Array.from(latenciesMs), lagsMs, errors, seconds, lateConnections };
}

/** Waits in timers as long as they are exact enough, then by polling, while answers are read. */
async function until(timeMs: number): Promise<void> {
  const waitMs = Math.floor(timeMs - performance.now() - TIMER_MS);
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  while (performance.now() < timeMs) await new Promise((resolve) => setImmediate(resolve));
}
