import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { writeTinyBundle } from "../../src/serve/bundle.test.support.ts";
import { startRedis } from "../../src/serve/store/redis.test.support.ts";
import { lapidary, startServer, temporaryFolder } from "../cli/lapidary.ts";

/** Serves the bundle of a folder, with a thread that scores. */
function serve(folder: string, store = ["--store-at", join(folder, "online")]) {
  return startServer(["--bundle", join(folder, "bundle"), "--workers", "1", ...store]);
}

async function post(url: string, body: object): Promise<unknown> {
  return (await fetch(url, { method: "POST", body: JSON.stringify(body) })).json();
}

/** Posts until it is answered with 200, at most a hundred times; all answers. */
async function until200(url: string, body: object) {
  const answers: { readonly status: number; readonly body: unknown }[] = [];
  while (answers.length < 100 && answers.at(-1)?.status !== 200) {
    const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
    answers.push({ status: response.status, body: await response.json() });
    if (response.status !== 200) await setTimeout(100);
  }
  return answers;
}

describe("lapidary serve", () => {
  it("keeps acknowledged events when it is killed, and answers what it has when it is asked to stop", async () => {
    using folder = temporaryFolder();
    writeTinyBundle(join(folder.path, "bundle"));
    const first = await serve(folder.path);
    const event = { user: "u", id: "e", time: 5, item: "a" };
    expect(await post(`${first.url}/events`, { events: [event] })).toEqual({ added: 1, known: 0 });
    first.child.kill("SIGKILL");
    await first.ended;
    const second = await serve(folder.path);
    const request = { user: "u", candidates: Array(500).fill({ item: "b" }) };
    const answers = Array.from({ length: 20 }, () => post(`${second.url}/rank`, request));
    await Promise.race(answers);
    second.child.kill("SIGTERM");
    const settled = await Promise.allSettled(answers);
    const answered = settled.filter((each) => each.status === "fulfilled");
    for (const each of answered) expect(each.value).toMatchObject({ model: "tiny", numPast: 1 });
    expect((await second.ended).code).toBe(130);
  });

  it("serves all bundles of a folder, and says which it does not and why", async () => {
    using folder = temporaryFolder();
    const bundles = join(folder.path, "bundles");
    for (const name of ["one", "two", "three"]) writeTinyBundle(join(bundles, name), { name });
    appendFileSync(join(bundles, "two", "v1", "model.onnx"), "x");
    const at = ["--bundles", bundles, "--store-at", join(folder.path, "online")];
    const { url, child, ended } = await startServer(at);
    const request = { user: "u", candidates: [{ item: "b" }] };
    for (const model of ["one", "three"])
      expect(await post(`${url}/rank`, { ...request, model })).toMatchObject({ model });
    expect(await post(`${url}/rank`, request)).toMatchObject({ error: { code: "SERVE_REQUEST", where: "model" } });
    const loaded = await post(`${url}/v2/repository/models/two/load`, {});
    expect(loaded).toMatchObject({ lapidary: { code: "BUNDLE_DAMAGED" } });
    child.kill("SIGTERM");
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/^two is not served: .*model\.onnx.*\[BUNDLE_DAMAGED\]/m);
    expect(stderr).toMatch(/^one [0-9a-f]{12}, three [0-9a-f]{12} at http:/m);
  });

  it("keeps events in Redis, for other servers and over its own and Redis's end", async () => {
    using folder = temporaryFolder();
    writeTinyBundle(join(folder.path, "bundle"));
    await using redis = await startRedis();
    const at = ["--store", "redis", "--store-at", redis.url];
    const [first, second] = await Promise.all([serve(folder.path, at), serve(folder.path, at)]);
    const event = { user: "u", id: "e", time: 5, item: "a" };
    const request = { user: "u", candidates: [{ item: "b" }] };
    expect(await post(`${first.url}/events`, { events: [event] })).toEqual({ added: 1, known: 0 });
    expect(await post(`${second.url}/events`, { events: [event] })).toEqual({ added: 0, known: 1 });
    const ranking = await post(`${second.url}/rank`, request);
    expect(ranking).toMatchObject({ numPast: 1 });
    first.child.kill("SIGKILL");
    await redis.restart();
    // It connects again by itself; until then it says that it cannot answer.
    const answers = await until200(`${second.url}/rank`, request);
    expect(answers.at(-1)?.body).toEqual(ranking);
    for (const { status, body } of answers.slice(0, -1)) {
      expect([status, body]).toMatchObject([503, { error: { code: "ONLINE_STORE_UNAVAILABLE" } }]);
    }
    second.child.kill("SIGTERM");
    expect((await second.ended).code).toBe(130);
  });

  it("refuses a Redis server that is not there, and one that would lose events", async () => {
    using folder = temporaryFolder();
    writeTinyBundle(join(folder.path, "bundle"));
    await using redis = await startRedis({ appendonly: "no" });
    const args = ["serve", "--bundle", join(folder.path, "bundle"), "--port", "0", "--json", "--store", "redis"];
    for (const [at, code] of [
      [redis.url, "ONLINE_STORE_NOT_DURABLE"],
      ["redis://127.0.0.1:1", "ONLINE_STORE_UNAVAILABLE"],
    ] as const) {
      const ended = await lapidary([...args, "--store-at", at]);
      expect([ended.code, JSON.parse(ended.stdout)]).toMatchObject([1, { error: { code } }]);
    }
  });

  it("refuses to serve a bundle that is not there", async () => {
    using folder = temporaryFolder();
    const { code, stdout } = await lapidary(["serve", "--bundle", folder.path, "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "BUNDLE_NOT_FOUND" } });
  });
});
