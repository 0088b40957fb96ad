import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ModelRepository } from "../models/model-repository.ts";
import type { OnlineStore } from "../store/online-store.ts";
import { type Answer, encodeAnswer, JSON_LENGTH_HEADER } from "./answer.ts";
import { readBody } from "./body.ts";
import { asLapidaryError, errorAnswer } from "./error-answer.ts";
import { ServerMetrics } from "./metrics.ts";
import type { ServerContext } from "./route.ts";
import { isProtocolPath, methodsOf, type RouteMatch, routerOf } from "./router.ts";
import { ROUTES } from "./routes/index.ts";
import { OPEN_API } from "./routes/open-api.ts";
import { wrong } from "./values/problems.ts";

/** What a server serves, and where. */
export interface ServerOptions {
  readonly models: ModelRepository;
  readonly store: OnlineStore;
  /** Address to listen at. */
  readonly address: string;
  /** 0 for any that is free. */
  readonly port: number;
}

/**
 * The HTTP API: `POST /rank`, `POST /events`, the Open Inference Protocol, health, metrics and its own description.
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { ModelRepository, openOnlineStore, RankingServer } from "lapidary/serve";
 *
 * const { bundles } = await loadProject();
 * const models = await ModelRepository.open({ kind: "folder", dir: bundles }, { workers: 0, maxQueued: 16 });
 * const store = await openOnlineStore({ kind: "lmdb", at: ".lapidary/online" });
 * const server = await RankingServer.listen({ models, store, address: "127.0.0.1", port: 0 });
 * const answer = await fetch(`${server.url}/v2/health/ready`);
 * console.log(answer.status); // 200
 * await server.close();
 * await models.close();
 * await store.close();
 */
export class RankingServer {
  readonly #server: Server;
  readonly #metrics: ServerMetrics;
  readonly #context: ServerContext;
  readonly #find = routerOf(ROUTES);

  private constructor({ models, store }: ServerOptions) {
    this.#server = createServer({ maxHeaderSize: 16_384, requestTimeout: 30_000 }, (request, response) => {
      void this.#handle(request, response);
    });
    this.#metrics = new ServerMetrics(models);
    const isReady = (): boolean => this.#server.listening;
    this.#context = { models, store, metrics: this.#metrics, routes: ROUTES, isReady };
  }

  /**
   * Listens, once the store counts what the models read of it. Rejects with the system's error if it cannot.
   *
   * @throws {LapidaryError} ONLINE_STORE_*
   */
  static async listen(options: ServerOptions): Promise<RankingServer> {
    const server = new RankingServer(options);
    await options.store.keepCounters(options.models.hosts.flatMap(({ current }) => current.counters));
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
    const match = this.#find(path);
    const ended = this.#metrics.begin();
    const route = match === null ? "other" : match.route.path;
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
      throw wrong("path", `a path of ${OPEN_API.path}`, request.url, "SERVE_NOT_FOUND");
    }
    const allowed = methodsOf(match.route);
    if (!allowed.includes(request.method ?? "")) {
      throw wrong("method", allowed.join(" or "), request.method, "SERVE_METHOD");
    }
    const jsonLength = request.headers[JSON_LENGTH_HEADER.toLowerCase()]?.toString() ?? null;
    const call = { params: match.params, jsonLength, body: () => readBody(request) };
    return match.route.handle(call, this.#context);
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

function send(response: ServerResponse, answer: Answer, match: RouteMatch | null): void {
  const { status, headers, body } = encodeAnswer(answer);
  const allow = status === 405 && match !== null ? { Allow: methodsOf(match.route).join(", ") } : {};
  response.writeHead(status, { ...headers, ...allow });
  response.end(body);
}
