import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ModelHost } from "../ranker/model-host.ts";
import type { OnlineStore } from "../store/online-store.ts";
import { type Answer, asLapidaryError, errorAnswer, JSON_LENGTH_HEADER } from "./answer.ts";
import { readBody } from "./body.ts";
import { type Handler, handlersOf } from "./handlers.ts";
import { ServerMetrics } from "./metrics.ts";
import { wrong } from "./parse.ts";
import { findRoute, isProtocolPath, ROUTES, type RouteMatch, type RouteName } from "./routes.ts";

/** What a server serves, and where. */
export interface ServerOptions {
  readonly host: ModelHost;
  readonly store: OnlineStore;
  /** Address to listen at. */
  readonly address: string;
  /** 0 for any that is free. */
  readonly port: number;
}

/** The HTTP API: `POST /rank`, `POST /events`, the Open Inference Protocol, health, metrics and its own description. */
export class RankingServer {
  readonly #server: Server;
  readonly #metrics: ServerMetrics;
  readonly #handlers: Readonly<Record<RouteName, Handler>>;

  private constructor({ host, store }: ServerOptions) {
    this.#server = createServer({ maxHeaderSize: 16_384, requestTimeout: 30_000 }, (request, response) => {
      void this.#handle(request, response);
    });
    this.#metrics = new ServerMetrics(host);
    const isReady = (): boolean => this.#server.listening;
    this.#handlers = handlersOf({ host, store, metrics: this.#metrics, isReady });
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

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    const match = findRoute(path);
    const ended = this.#metrics.begin();
    const route = match === null ? "other" : ROUTES[match.name].path;
    response.once("close", () => ended({ route, status: response.statusCode }));
    const answer = await this.#answer(request, match).catch((error: unknown) => this.#refuse(error, path));
    const isUnread = hasBody(request) && !request.readableEnded;
    // A connection that stays open would keep a server from closing, and what was not read of a request is not the
    // beginning of the next one: who reuses connections must be told.
    if (isUnread || !this.#server.listening) response.setHeader("Connection", "close");
    send(response, answer, match);
    if (isUnread) request.socket.destroySoon();
  }

  async #answer(request: IncomingMessage, match: RouteMatch | null): Promise<Answer> {
    if (match === null) {
      throw wrong("path", `a path of ${ROUTES.openApi.path}`, request.url, "SERVE_NOT_FOUND");
    }
    const allowed = methodsOf(match);
    if (!allowed.includes(request.method ?? "")) {
      throw wrong("method", allowed.join(" or "), request.method, "SERVE_METHOD");
    }
    const jsonLength = request.headers[JSON_LENGTH_HEADER.toLowerCase()]?.toString() ?? null;
    return this.#handlers[match.name]({ params: match.params, jsonLength, body: () => readBody(request) });
  }

  #refuse(error: unknown, path: string): Answer {
    const known = asLapidaryError(error);
    if (known.code === "SERVE_OVERLOADED") this.#metrics.countRefusal();
    return errorAnswer(known, isProtocolPath(path));
  }
}

/** Whether a request announces a body. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

function methodsOf({ name }: RouteMatch): readonly string[] {
  const { method } = ROUTES[name];
  return method === "GET" ? ["GET", "HEAD"] : [method];
}

function send(response: ServerResponse, { status, type, body, headers }: Answer, match: RouteMatch | null): void {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const allow = status === 405 && match !== null ? { Allow: methodsOf(match).join(", ") } : {};
  response.writeHead(status, { ...headers, ...allow, "Content-Type": type, "Content-Length": bytes.length });
  response.end(bytes);
}
