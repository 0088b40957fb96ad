import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type ErrorCode, LapidaryError } from "../../config/errors.ts";
import type { ModelHost } from "../ranker/model-host.ts";
import { rank } from "../ranker/rank.ts";
import type { OnlineStore } from "../store/online-store.ts";
import { type ApiFacts, parseEvents, parseRank, REQUEST_LIMITS, wrong } from "./parse.ts";

/** What a server serves, and where. */
export interface ServerOptions {
  readonly host: ModelHost;
  readonly store: OnlineStore;
  /** Address to listen at. */
  readonly address: string;
  /** 0 for any that is free. */
  readonly port: number;
}

const STATUS: Partial<Readonly<Record<ErrorCode, number>>> = {
  SERVE_REQUEST: 400,
  ONLINE_STORE_EVENT: 400,
  SERVE_NOT_FOUND: 404,
  SERVE_LIMIT: 413,
  SERVE_OVERLOADED: 503,
  ONLINE_STORE_UNAVAILABLE: 503,
};

type Route = (request: IncomingMessage) => Promise<object>;

/** The HTTP API: `POST /rank`, `POST /events`, health, and the model's replacement. */
export class RankingServer {
  readonly #server: Server;
  readonly #options: ServerOptions;
  readonly #routes: Readonly<Record<string, Route>>;

  private constructor(options: ServerOptions) {
    this.#options = options;
    this.#server = createServer({ maxHeaderSize: 16_384, requestTimeout: 30_000 }, (request, response) => {
      void this.#answer(request, response);
    });
    const { host, store } = options;
    const { name } = host.current.manifest.model;
    const status = async () => ({ name, version: host.current.version, swaps: host.numSwaps });
    this.#routes = {
      "GET /health": async () => {
        await store.check();
        return { ok: true, model: await status() };
      },
      "GET /v2/health/live": async () => ({ live: true }),
      "GET /v2/health/ready": async () => ({ ready: this.#server.listening }),
      [`POST /v2/repository/models/${encodeURIComponent(name)}/load`]: async () => {
        await host.reload();
        return status();
      },
      "POST /events": async (request) => store.append(parseEvents(await bodyOf(request), this.#facts())),
      "POST /rank": async (request) => {
        const parsed = parseRank(await bodyOf(request), this.#facts(), Date.now());
        const ranking = await host.use((model) => rank(parsed, model, store));
        return { model: name, ...ranking };
      },
    };
  }

  /** Listens. Rejects with the system's error if it cannot. */
  static async listen(options: ServerOptions): Promise<RankingServer> {
    const server = new RankingServer(options);
    server.#server.listen(options.port, options.address);
    await once(server.#server, "listening");
    return server;
  }

  /** Where it listens. */
  get url(): string {
    const { address, port, family } = this.#server.address() as AddressInfo;
    return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
  }

  /** Takes no new connections, and waits for the requests that it has. */
  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeIdleConnections();
    await closed;
  }

  #facts(): ApiFacts {
    const { schema, spec } = this.#options.host.current.manifest;
    return { schema, objectives: spec.objectives };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const path = (request.url ?? "/").split("?")[0] ?? "/";
      const key = `${request.method} ${path}`;
      const route = Object.hasOwn(this.#routes, key) ? this.#routes[key] : undefined;
      if (route === undefined) {
        throw wrong("path", `one of ${Object.keys(this.#routes).join(", ")}`, key, "SERVE_NOT_FOUND");
      }
      send(response, 200, await route(request));
    } catch (error) {
      sendError(response, error);
    }
    // What was not read of a refused request is not the beginning of the next one.
    if (!request.complete) request.socket.destroySoon();
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > REQUEST_LIMITS.bodyBytes) {
      throw wrong("body", `at most ${REQUEST_LIMITS.bodyBytes} bytes`, sizeBytes, "SERVE_LIMIT");
    }
    chunks.push(chunk);
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks)));
  } catch (error) {
    throw wrong("body", "JSON in UTF-8", error instanceof Error ? error.message : error);
  }
}

function sendError(response: ServerResponse, error: unknown): void {
  const known = error instanceof LapidaryError ? error : null;
  const code = known?.code ?? "INTERNAL";
  const { where = "server", expected = "an answer", got = String(error), hint = "Report this." } = known ?? {};
  const status = STATUS[code] ?? 500;
  if (status === 503) response.setHeader("Retry-After", "1");
  send(response, status, { error: { code, where, expected, got, hint } });
}

function send(response: ServerResponse, status: number, body: object): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": bytes.length });
  response.end(bytes);
}
