import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../data/events.test.support.ts";
import { writeTinyBundle } from "../bundle.test.support.ts";
import { ModelRepository } from "../models/model-repository.ts";
import { LmdbStore } from "../store/lmdb-store.ts";
import { exampleInfer } from "./inference/infer.test.support.ts";
import { EVENT, post, RANK, withServer } from "./server.test.support.ts";
import { RankingServer } from "./server.ts";

describe("RankingServer", () => {
  it("takes events, ranks with them, and replaces the model", async () => {
    await withServer(async ({ url, dir }) => {
      expect(await post(`${url}/events`, { events: [EVENT] })).toEqual({ status: 200, body: { added: 1, known: 0 } });
      const before = await post(`${url}/rank`, RANK);
      expect(before).toMatchObject({ status: 200, body: { model: "tiny", numPast: 1 } });
      writeTinyBundle(dir, { shift: 1 });
      const loaded = await post(`${url}/v2/repository/models/tiny/load`, "");
      expect(loaded).toMatchObject({ status: 200, body: { name: "tiny", swaps: 1 } });
      expect(await post(`${url}/rank`, RANK)).not.toEqual(before);
      expect((await fetch(`${url}/health`)).status).toBe(200);
    });
  });

  it("is ready until it drains", async () => {
    using folder = temporaryFolder();
    writeTinyBundle(join(folder.path, "bundle"));
    const place = { kind: "bundle", dir: join(folder.path, "bundle") } as const;
    const models = await ModelRepository.open(place, { workers: 1, maxQueued: 1 });
    const store = LmdbStore.open(join(folder.path, "online"));
    const server = await RankingServer.listen({ models, store, address: "127.0.0.1", port: 0 });
    expect(await (await fetch(`${server.url}/v2/health/ready`)).json()).toEqual({ ready: true });
    // A request that has begun is answered even then.
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    await once(socket, "connect");
    socket.write("GET /v2/health/ready HTTP/1.1\r\nHost: a\r\n");
    // The bytes are in the server's queue: a few turns of the loop that both share, and it has read them.
    for (let turn = 0; turn < 100; turn++) await setImmediate();
    const closed = server.close();
    socket.write("\r\n");
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toContain("Connection: close");
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 503 [\s\S]*\{"ready":false\}$/);
    await closed;
    await models.close();
    await store.close();
  });

  it("answers 4xx, with what is wrong and where, to anything else", async () => {
    await withServer(async ({ url }) => {
      const refused: readonly (readonly [string, string, unknown])[] = [
        ["SERVE_REQUEST", "body", []],
        ["SERVE_REQUEST", "body", null],
        ["SERVE_REQUEST", "body", 5],
        ["SERVE_REQUEST", "body", "{"],
        ["SERVE_REQUEST", "body", '{"__proto__": 1}'],
        ["SERVE_REQUEST", "candidates", {}],
        ["SERVE_REQUEST", "candidates", { ...RANK, candidates: [] }],
        ["SERVE_REQUEST", "objective", { ...RANK, objective: "x" }],
        ["SERVE_REQUEST", "candidates[0]", { ...RANK, candidates: [{ click: 1 }] }],
        ["SERVE_REQUEST", "candidates[0].bids.click", { ...RANK, candidates: [{ bids: { click: -1 } }] }],
        ["EVENT_MISSING", "user", { ...RANK, user: "" }],
        ["EVENT_TIME", "time", { ...RANK, time: "soon" }],
        ["EVENT_TIME_RANGE", "time", { ...RANK, time: 5e12 }],
        ["EVENT_OBJECT", "candidates[0]", { ...RANK, candidates: [5] }],
        ["EVENT_NUMBER", "candidates[0].price", { ...RANK, candidates: [{ price: "x" }] }],
        ["EVENT_ORIGIN", "candidates[0].origin", { ...RANK, candidates: [{ origin: "x" }] }],
        ["EVENT_ID", "candidates[0].item", { ...RANK, candidates: [{ item: "\ud800" }] }],
        ["EVENT_KEY_REPEATED", "candidates[0].item", '{"user":1,"candidates":[{"item":1,"item":2}]}'],
      ];
      for (const [code, where, body] of refused) {
        const answer = await post(`${url}/rank`, body);
        expect(answer, JSON.stringify(body)).toMatchObject({ status: 400, body: { error: { code, where } } });
      }
      const many = await post(`${url}/rank`, { ...RANK, candidates: Array(2001).fill({ item: "a" }) });
      expect(many).toMatchObject({ status: 413, body: { error: { code: "SERVE_LIMIT", where: "candidates" } } });
      const longId = await post(`${url}/events`, { events: [{ ...EVENT, id: "x".repeat(600) }] });
      expect(longId).toMatchObject({ status: 400, body: { error: { code: "EVENT_SIZE" } } });
      expect(await post(`${url}/constructor`, {})).toMatchObject({ status: 404 });
    });
  });

  it("answers ten thousand mutated requests without a 5xx", async () => {
    await withServer(async ({ url }) => {
      const named = ["tiny", "other"].map((model) => ({ ...RANK, model }));
      const bases = [RANK, ...named, { events: [EVENT] }, exampleInfer()].map((body) => JSON.stringify(body));
      const paths = ["rank", "events", "v2/models/tiny/infer", "v2/models/tin%79/infer", "v2/models/other/infer"];
      const parts = ["\0", '"', "{", "]", "-1", "1e999", "null", "\\ud800", "__proto__", "é", "[".repeat(5000)];
      let state = 7;
      const next = (below: number): number => {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        return (state >>> 8) % below;
      };
      const mutated = (base: string): string => {
        let text = base;
        for (let k = next(4); k >= 0; k--) {
          const at = next(text.length);
          text = text.slice(0, at) + (next(3) === 0 ? "" : parts[next(parts.length)]) + text.slice(at + next(6));
        }
        return text;
      };
      const counts = new Map<number, number>();
      const client = async (requests: number): Promise<void> => {
        for (let i = 0; i < requests; i++) {
          const text = mutated(bases[next(bases.length)] ?? "");
          const { status } = await post(`${url}/${paths[next(paths.length)]}`, text);
          counts.set(status, (counts.get(status) ?? 0) + 1);
        }
      };
      await Promise.all(Array.from({ length: 8 }, () => client(1250)));
      expect([...counts.keys()].filter((status) => status >= 500)).toEqual([]);
      expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(10_000);
      expect(counts.get(200)).toBeGreaterThan(0);
      expect(await post(`${url}/rank`, RANK)).toMatchObject({ status: 200 });
    });
  });

  it("names the methods of a path when it refuses another, and answers HEAD without a body", async () => {
    await withServer(async ({ url }) => {
      for (const [path, method, allow] of [
        ["rank", "GET", "POST"],
        ["rank", "HEAD", "POST"],
        ["events", "DELETE", "POST"],
        ["health", "POST", "GET, HEAD"],
        ["v2/models/any/infer", "PUT", "POST"],
      ] as const) {
        const response = await fetch(`${url}/${path}`, { method });
        expect([path, response.status, response.headers.get("allow")]).toEqual([path, 405, allow]);
      }
      const head = await fetch(`${url}/health`, { method: "HEAD" });
      const full = await fetch(`${url}/health/`);
      expect([head.status, full.status, await head.text()]).toEqual([200, 200, ""]);
      expect(head.headers.get("content-length")).toBe(full.headers.get("content-length"));
      expect(await post(`${url}/health`, {})).toMatchObject({ body: { error: { code: "SERVE_METHOD" } } });
    });
  });

  it("refuses a body that is too large", async () => {
    await withServer(async ({ url }) => {
      expect(await post(`${url}/rank`, " ".repeat(9 * 2 ** 20))).toMatchObject({ status: 413 });
    });
  });
});
