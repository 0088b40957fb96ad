import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Audit, Backfilled, Published } from "../../src/publish/index.ts";
import { type Ended, initSmall, lapidary, lastLine, startServer, temporaryFolder } from "./lapidary.ts";

let folder: ReturnType<typeof temporaryFolder>;
let project = "";
const inProject = (args: readonly string[]) => lapidary(args, { cwd: project });
const errorOf = (ended: Ended) => lastLine<{ readonly error: { readonly code: string } }>(ended).error;

beforeAll(async () => {
  folder = temporaryFolder();
  project = join(folder.path, "project");
  await initSmall(project);
  await inProject(["ingest"]);
  const short = ["--set", "training.epochs=1", "--set", "training.threads=1"];
  await inProject(["train", "vertical", ...short]);
});
afterAll(() => folder[Symbol.dispose]());

describe("export, backfill, serve and audit", () => {
  it("say what is missing", async () => {
    expect(errorOf(await inProject(["export", "foundation", "--json"]))).toMatchObject({ code: "RUN_UNFINISHED" });
    expect(existsSync(join(project, "bundles"))).toBe(false);
    expect(errorOf(await inProject(["serve", "--json"]))).toMatchObject({ code: "BUNDLE_NOT_FOUND" });
    expect(errorOf(await inProject(["audit", "vertical", "--json"]))).toMatchObject({ code: "BUNDLE_NOT_FOUND" });
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
    expect(added).toEqual({ added: events, embeddings: 0, leftOut: { events: 0, first: [], file: null } });
    expect(existsSync(join(project, "online"))).toBe(true);
    // From elsewhere, as one who names the project: its only bundle, and its own online store.
    const { url, child, ended } = await startServer(["--config", project], { cwd: folder.path });
    const audit = ["audit", "vertical", "--url", url, "--split", "test", "--store-at"];
    const good = await inProject([...audit, "online", "--json"]);
    // A store without the events says so, and fails.
    const bad = await inProject([...audit, "empty", "--json"]);
    child.kill("SIGTERM");
    await ended;
    const nobody = await inProject([...audit, "online", "--json"]);
    expect(nobody.code).toBe(1);
    expect(errorOf(nobody)).toMatchObject({ code: "AUDIT_SERVER" });
    expect(good.code).toBe(0);
    const found = lastLine<Audit>(good);
    expect(found).toMatchObject({ otherCounts: 0, otherHistories: 0, histories: found.examples });
    expect(found.maxDifference).toBeLessThanOrEqual(1e-5);
    expect(bad.code).toBe(1);
    expect(lastLine<Audit>(bad).otherHistories).toBeGreaterThan(0);
    expect(existsSync(join(folder.path, "online"))).toBe(false);
  });

  it("names the bundles where two are of one model, and takes one of --bundle and --bundles", async () => {
    await inProject(["export", "vertical", "--out", "bundles/other"]);
    const twice = await inProject(["serve", "--port", "0", "--json"]);
    expect(twice.code).toBe(1);
    expect(errorOf(twice)).toMatchObject({
      code: "SERVE_MODELS",
      where: join(project, "bundles", "vertical"),
      got: `vertical, as in ${join(project, "bundles", "other")}`,
    });
    const both = await inProject(["serve", "--bundle", "bundles/other", "--bundles", "bundles", "--json"]);
    expect(errorOf(both)).toMatchObject({ code: "USAGE", where: "--bundle" });
    const redis = await inProject(["serve", "--bundle", "bundles/other", "--store", "redis", "--json"]);
    expect(errorOf(redis)).toMatchObject({ code: "USAGE", where: "--store-at" });
  });
});
