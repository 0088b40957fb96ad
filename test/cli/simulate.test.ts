import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Evaluation } from "../../src/evaluate/index.ts";
import { projectOf } from "../../src/simulate/world.test.support.ts";
import { lapidary, lastLine, start, temporaryFolder } from "./lapidary.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
  const often = { adLoad: 0.5, clickRate: 0.2, conversionRate: 0.5 };
  const project = projectOf({ users: 100, days: 7, surfaces: { feed: often, stories: often } });
  writeFileSync(join(folder.path, "lapidary.config.json"), JSON.stringify(project));
});
afterAll(() => folder[Symbol.dispose]());

const inWorld = (args: readonly string[]) => lapidary(args, { cwd: folder.path });

describe("simulate", () => {
  it("makes a world, says where it is, and leaves it the second time", async () => {
    const first = await inWorld(["simulate", "--json"]);
    expect(first.code).toBe(0);
    const result = lastLine<{ readonly events: number }>(first);
    const world = join(folder.path, "world");
    expect(result).toEqual({
      upToDate: false,
      events: expect.any(Number),
      log: join(world, "log"),
      truth: join(world, "truth"),
      oracles: null,
    });
    expect(readdirSync(world).toSorted()).toEqual(["log", "truth", "world.json"]);
    const second = await inWorld(["simulate"]);
    expect(second).toMatchObject({ code: 0, stdout: expect.stringContaining("already there") });
    expect(second.stdout).toContain(join(world, "truth"));
  });

  it("is ingested, trained on and evaluated beside its truth", async () => {
    for (const args of [["ingest"], ["train", "baseRate"], ["train", "logistic"]]) {
      expect((await inWorld(args)).code).toBe(0);
    }
    const ended = await inWorld(["evaluate", "baseRate", "logistic", "--split", "test", "--json"]);
    expect(ended.code).toBe(0);
    const { runs } = lastLine<Evaluation>(ended);
    expect(runs.map(({ run }) => run)).toEqual(["baseRate", "logistic", "truth"]);
    // The table by surface and objective, for people.
    expect(ended.stderr).toMatch(/^stories +like +truth +[\d,]+ +0\.\d{4} +0\.\d{4}/m);
  });

  it("shows what is known alone, of oracles that were asked too; a log of one's own knows nothing", async () => {
    expect((await inWorld(["simulate", "--oracles"])).stdout).toContain(join(folder.path, "world", "oracles"));
    const ended = await inWorld(["evaluate", "--split", "test", "--json"]);
    expect(ended.code).toBe(0);
    const [truth, ...oracles] = lastLine<Evaluation>(ended).runs.map(({ run }) => run);
    expect([truth, oracles.length]).toEqual(["truth", 10]);
    expect(oracles).toContain("without mood, intents");
    // How much of the gap each knows, for people.
    expect(ended.stderr).toMatch(/^click +truth +0\.\d{4} +100\.0 +\d+\.\d/m);
    const none = await inWorld(["evaluate", "--set", "~world", "--json"]);
    expect(none.code).toBe(2);
    expect(lastLine<{ readonly error: { readonly where: string } }>(none).error.where).toBe("RUN");
  });

  it("stops at once, and leaves what was there", async () => {
    const { child, ended: ending } = start(["simulate", "--set", "world.users=3000", "--json"], { cwd: folder.path });
    // It says how far it is after the first of its days.
    await once(child.stderr!, "data");
    child.kill("SIGINT");
    const ended = await ending;
    expect(ended.code).toBe(130);
    expect(lastLine(ended)).toEqual({ stopped: true, resume: expect.stringContaining("starts over") });
    expect(readdirSync(folder.path)).not.toContain("world.partial");
    expect(lastLine(await inWorld(["simulate", "--json"]))).toMatchObject({ upToDate: true });
  });

  it("needs a world in the configuration", async () => {
    const ended = await inWorld(["simulate", "--set", "~world", "--json"]);
    expect(ended.code).toBe(1);
    expect(lastLine<{ readonly error: { readonly code: string } }>(ended).error.code).toBe("WORLD_ABSENT");
  });
});
