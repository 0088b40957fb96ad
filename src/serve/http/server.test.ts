import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../data/events.test.support.ts";
import { writeTinyBundle } from "../bundle.test.support.ts";
import { ModelHost } from "../ranker/model-host.ts";
import { LmdbStore } from "../store/lmdb-store.ts";
import { RankingServer } from "./server.ts";

async function withServer(work: (url: string, dir: string) => Promise<void>): Promise<void> {
  using folder = temporaryFolder();
  const dir = join(folder.path, "bundle");
  writeTinyBundle(dir);
  const host = await ModelHost.open(dir, { workers: 1, maxQueued: 100 });
  const store = LmdbStore.open(join(folder.path, "online"));
  const server = await RankingServer.listen({ host, store, address: "127.0.0.1", port: 0 });
  try {
    await work(server.url, dir);
  } finally {
    await server.close();
    await host.close();
    await store.close();
  }
}

async function post(url: string, body: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(url, { method: "POST", body: text });
  return { status: response.status, body: await response.json() };
}

const EVENT = { user: "u", id: "e", time: 5, item: "a", action: "view", click: true, price: 2.5 };
const RANK = {
  user: "u",
  time: 9,
  context: { surface: "feed" },
  candidates: [{ item: "a", bids: { buy: 2 } }, { item: "b" }],
};

describe("RankingServer", () => {
  it("takes events, ranks with them, and replaces the model", async () => {
    await withServer(async (url, dir) => {
      expect(await post(`${url}/events`, { events: [EVENT] })).toEqual({ status: 200, body: { added: 1, known: 0 } });
      const before = await post(`${url}/rank`, RANK);
      expect(before).toMatchObject({ status: 200, body: { model: "tiny", numPast: 1 } });
      writeTinyBundle(dir, 1);
      const loaded = await post(`${url}/v2/repository/models/tiny/load`, "");
      expect(loaded).toMatchObject({ status: 200, body: { name: "tiny", swaps: 1 } });
      expect(await post(`${url}/rank`, RANK)).not.toEqual(before);
      expect((await fetch(`${url}/health`)).status).toBe(200);
    });
  });

  it("is ready until it drains", async () => {
    using folder = temporaryFolder();
    writeTinyBundle(join(folder.path, "bundle"));
    const host = await ModelHost.open(join(folder.path, "bundle"), { workers: 1, maxQueued: 1 });
    const store = LmdbStore.open(join(folder.path, "online"));
    const server = await RankingServer.listen({ host, store, address: "127.0.0.1", port: 0 });
    expect(await (await fetch(`${server.url}/v2/health/ready`)).json()).toEqual({ ready: true });
    // A request that has begun is answered even then.
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    await once(socket, "connect");
    socket.write("GET /v2/health/ready HTTP/1.1\r\nHost: a\r\n");
    await setTimeout(50);
    const closed = server.close();
    socket.write("Connection: close\r\n\r\n");
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toContain('{"ready":false}');
    await closed;
    await host.close();
    await store.close();
  });

  it("answers 4xx, with what is wrong and where, to anything else", async () => {
    await withServer(async (url) => {
      const rankings = [{}, [], null, 5, { ...RANK, user: "" }, { ...RANK, time: 1.5 }, { ...RANK, objective: "x" }];
      const candidates = [
        [],
        [5],
        [{ click: 1 }],
        [{ price: "1" }],
        [{ origin: "x" }],
        [{ item: "\ud800" }],
        [{ bids: { click: -1 } }],
      ];
      const bad = [...rankings, ...candidates.map((each) => ({ ...RANK, candidates: each })), "{", '{"__proto__": 1}'];
      for (const body of bad) {
        const answer = await post(`${url}/rank`, body);
        expect(answer, JSON.stringify(body)).toMatchObject({ status: 400, body: { error: { code: "SERVE_REQUEST" } } });
      }
      const many = await post(`${url}/rank`, { ...RANK, candidates: Array(2001).fill({ item: "a" }) });
      expect(many).toMatchObject({ status: 413, body: { error: { code: "SERVE_LIMIT", where: "candidates" } } });
      const longId = await post(`${url}/events`, { events: [{ ...EVENT, id: "x".repeat(600) }] });
      expect(longId).toMatchObject({ status: 400, body: { error: { code: "ONLINE_STORE_EVENT" } } });
      expect(await post(`${url}/constructor`, {})).toMatchObject({ status: 404 });
    });
  });

  it("answers ten thousand mutated requests without a 5xx", async () => {
    await withServer(async (url) => {
      const bases = [JSON.stringify(RANK), JSON.stringify({ events: [EVENT] })];
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
          const text = mutated(bases[next(2)] ?? "");
          const { status } = await post(`${url}/${next(2) === 0 ? "rank" : "events"}`, text);
          counts.set(status, (counts.get(status) ?? 0) + 1);
        }
      };
      await Promise.all(Array.from({ length: 8 }, () => client(1250)));
      expect([...counts.keys()].filter((status) => status >= 500)).toEqual([]);
      expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(10_000);
      expect(await post(`${url}/rank`, RANK)).toMatchObject({ status: 200 });
    });
  });

  it("refuses a body that is too large", async () => {
    await withServer(async (url) => {
      expect(await post(`${url}/rank`, " ".repeat(9 * 2 ** 20))).toMatchObject({ status: 413 });
    });
  });
});
