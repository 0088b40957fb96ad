import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeTinyBundle } from "../../src/serve/bundle.test.support.ts";
import { lapidary, start, temporaryFolder } from "../cli/lapidary.ts";

/** Starts a server as a user does, and waits until it says where it listens. */
async function serve(folder: string) {
  const args = ["serve", "--bundle", join(folder, "bundle"), "--port", "0", "--workers", "1"];
  const { child, ended } = start([...args, "--store-at", join(folder, "online")]);
  const url = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.stderr?.on("data", (chunk: string) => {
      text += chunk;
      const found = /http:\/\/[\d.:]+/.exec(text)?.[0];
      if (found !== undefined) resolve(found);
    });
    void ended.then(({ stderr }) => reject(new Error(stderr)));
  });
  return { child, ended, url };
}

async function post(url: string, body: object): Promise<unknown> {
  return (await fetch(url, { method: "POST", body: JSON.stringify(body) })).json();
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
    const given = settled.filter((each) => each.status === "fulfilled");
    for (const each of given) expect(each.value).toMatchObject({ model: "tiny", numPast: 1 });
    expect((await second.ended).code).toBe(130);
  });

  it("refuses to serve a bundle that is not there", async () => {
    using folder = temporaryFolder();
    const { code, stdout } = await lapidary(["serve", "--bundle", folder.path, "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "BUNDLE_NOT_FOUND" } });
  });
});
