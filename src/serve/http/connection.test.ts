/** What becomes of a connection after requests whose bodies nobody read. */
import { Agent, request } from "node:http";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { withServer } from "./server.test.support.ts";

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** Status and `Connection` of an answer over the agent's one connection. */
function ask(agent: Agent, url: string, { method, path, headers = {}, body }: Asked): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { agent, method, headers }, (response) => {
      response.resume();
      response.once("end", () => resolve([response.statusCode ?? 0, response.headers.connection ?? ""]));
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

const UNREAD: readonly (readonly [number, Asked])[] = [
  [404, { method: "POST", path: "/nope", body: "{}" }],
  [405, { method: "PUT", path: "/rank", body: "{}" }],
  [405, { method: "DELETE", path: "/rank", headers: { "Content-Length": "2" }, body: "{}" }],
  [200, { method: "GET", path: "/health", headers: { "Content-Length": "2" }, body: "{}" }],
  [200, { method: "GET", path: "/health", headers: { "Transfer-Encoding": "chunked" }, body: "{}" }],
  [400, { method: "POST", path: "/rank", headers: { "Content-Encoding": "gzip" }, body: gzipSync("{}") }],
];

const READ: readonly (readonly [number, Asked])[] = [
  [404, { method: "GET", path: "/nope" }],
  [405, { method: "GET", path: "/rank" }],
  [404, { method: "POST", path: "/v2/models/nope/infer", body: "{}" }],
  [400, { method: "POST", path: "/rank", body: "{}" }],
  [200, { method: "GET", path: "/health" }],
];

describe("a connection", () => {
  it.each(UNREAD)("is closed with the answer %d to %j, which says so", async (status, options) => {
    await withServer(async ({ url }) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let i = 0; i < 3; i++) {
        expect(await ask(agent, url, options)).toEqual([status, "close"]);
        expect(await ask(agent, url, { method: "GET", path: "/v2" })).toEqual([200, "keep-alive"]);
      }
      agent.destroy();
    });
  });

  it.each(READ)("stays open after the answer %d to %j", async (status, options) => {
    await withServer(async ({ url }) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let i = 0; i < 3; i++) expect(await ask(agent, url, options)).toEqual([status, "keep-alive"]);
      agent.destroy();
    });
  });
});
