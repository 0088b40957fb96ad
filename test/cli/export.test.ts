import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Audit, Backfilled, Published } from "../../src/publish/index.ts";
import { type Ended, lapidary, lastLine, start, temporaryFolder } from "./lapidary.ts";

let folder: ReturnType<typeof temporaryFolder>;
let project = "";
const inProject = (args: readonly string[]) => lapidary(args, { cwd: project });
const errorOf = (ended: Ended) => lastLine<{ readonly error: { readonly code: string } }>(ended).error;

beforeAll(async () => {
  folder = temporaryFolder();
  project = join(folder.path, "project");
  await lapidary(["init", project]);
  await inProject(["ingest"]);
  const short = ["--set", "training.epochs=1", "--set", "training.threads=1"];
  await inProject(["train", "vertical", ...short]);
});
afterAll(() => folder[Symbol.dispose]());

/** Serves the project's bundle as a user does, and waits until it says where it listens. */
async function serve() {
  const { child, ended } = start(["serve", "--bundle", "bundles/vertical", "--port", "0"], { cwd: project });
  const url = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.stderr?.on("data", (chunk: string) => {
      text += chunk;
      const found = /http:\/\/[\d.:]+/.exec(text)?.[0];
      if (found !== undefined) resolve(found);
    });
    void ended.then(({ stderr }) => reject(new Error(stderr)));
  });
  return { url, stop: () => child.kill("SIGTERM") && ended };
}

describe("export, backfill, serve and audit", () => {
  it("say what is missing", async () => {
    expect(errorOf(await inProject(["export", "foundation", "--json"]))).toMatchObject({ code: "RUN_UNFINISHED" });
    expect(existsSync(join(project, "bundles"))).toBe(false);
    const nobody = await inProject(["audit", "vertical", "--url", "http://127.0.0.1:9", "--json"]);
    expect(nobody.code).toBe(1);
    expect(errorOf(nobody)).toMatchObject({ code: "AUDIT_SERVER" });
    const unknown = await inProject(["backfill", "--store", "cassandra", "--json"]);
    expect(unknown.code).toBe(2);
    expect(errorOf(unknown)).toMatchObject({ code: "USAGE", where: "--store" });
  });

  it("go from a run to served scores that are those of the run", async () => {
    const exported = await inProject(["export", "vertical", "--json"]);
    expect(exported.code).toBe(0);
    expect(exported.stdout.trimEnd()).not.toContain("\n");
    expect(lastLine<Published>(exported)).toMatchObject({ bundle: join(project, "bundles", "vertical") });
    const filled = await inProject(["backfill", "--json"]);
    const { events, ...added } = lastLine<Backfilled>(filled);
    expect(added).toEqual({ added: events, embeddings: 0 });
    const { url, stop } = await serve();
    const audit = ["audit", "vertical", "--url", url, "--split", "test", "--store-at"];
    const good = await inProject([...audit, "online", "--json"]);
    // A store without the events says so, and fails.
    const bad = await inProject([...audit, "empty", "--json"]);
    await stop();
    expect(good.code).toBe(0);
    const found = lastLine<Audit>(good);
    expect(found).toMatchObject({ otherCounts: 0, otherHistories: 0, histories: found.examples });
    expect(found.maxDifference).toBeLessThanOrEqual(1e-5);
    expect(bad.code).toBe(1);
    expect(lastLine<Audit>(bad).otherHistories).toBeGreaterThan(0);
  });
});
