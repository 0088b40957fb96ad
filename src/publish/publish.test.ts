import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { makeStore, openedRun, projectIn, temporaryFolder, trainAlone, USER_CONFIG } from "../../test/train/project.ts";
import { readBundle } from "../bundle/index.ts";
import type { ProjectConfig } from "../config/project.ts";
import { ingest } from "../data/index.ts";
import { ProcessMesh } from "../distributed/index.ts";
import { evaluateRuns } from "../evaluate/index.ts";
import { exportGraph } from "../export/index.ts";
import type { Batch } from "../features/spec.ts";
import { Vertical } from "../model/index.ts";
import { rowBytes } from "../ops/index.ts";
import { ModelRepository, openOnlineStore, RankingServer } from "../serve/index.ts";
import { examplesOf, RunFolder } from "../train/index.ts";
import { generateSliced, knowledgeFor, transfer } from "../transfer/index.ts";
import { audit } from "./audit.ts";
import { backfill } from "./backfill.ts";
import { scoreDifference } from "./graph-check.ts";
import { publishRun } from "./publish-run.ts";
import { rankOverHttp } from "./rank-over-http.ts";

let folder: ReturnType<typeof temporaryFolder>;
let project: ProjectConfig;
beforeAll(async () => {
  folder = temporaryFolder();
  project = await makeStore(folder.path);
  const mesh = ProcessMesh.single();
  await generateSliced(project, { teacher: "foundation", mesh });
  await trainAlone(project, { model: "vertical" });
  await trainAlone(project, { model: "logistic" });
  await transfer(project, { model: "vertical", mesh });
});
afterAll(() => folder[Symbol.dispose]());
afterEach(() => vi.restoreAllMocks());

const bundle = (name: string): string => join(folder.path, "bundles", name);

describe("publishRun", () => {
  it.each([
    ["vertical", "request"],
    ["vertical-full", "request"],
    ["logistic", "candidate"],
  ])("publishes %s as it scores, and the same bytes again", async (run, userRows) => {
    const published = await publishRun(project, { run, dir: bundle(run) });
    expect(published.examples).toBeGreaterThan(100);
    expect(published.difference).toBeLessThanOrEqual(1e-5);
    const { digest, manifest } = readBundle(bundle(run));
    expect(manifest.graph.userRows).toBe(userRows);
    expect(manifest.lineage).toMatchObject({ run, trainedUntil: "2025-03-04T00:00:00.000Z" });
    const { runs } = await evaluateRuns(project, {
      runs: [run],
      split: "validation",
      enrichFor: knowledgeFor(project),
    });
    for (const [objective, { overall }] of Object.entries(runs[0]?.objectives ?? {})) {
      for (const metric of ["normalizedEntropy", "auc", "calibration"] as const) {
        expect(manifest.metrics[`validation/${objective}/${metric}`]).toBe(overall[metric]);
      }
    }
    await publishRun(project, { run, dir: bundle(run) });
    expect(readBundle(bundle(run)).digest).toBe(digest);
  });

  it.each(["bfloat16", "float16", "int8"] as const)(
    "publishes a model with %s rows in less bytes",
    async (tableRows) => {
      const sized = { ...USER_CONFIG.models.vertical, dim: 32, tableRows };
      const full = { ...sized, tableRows: "float32" } as const;
      const models = { ...USER_CONFIG.models, [tableRows]: sized, full };
      const both = projectIn(folder.path, { models });
      for (const model of [tableRows, "full"]) await trainAlone(both, { model });
      const narrow = await publishRun(both, { run: tableRows, dir: bundle(tableRows) });
      const { graphBytes } = await publishRun(both, { run: "full", dir: bundle("full") });
      expect(narrow.difference).toBeLessThanOrEqual(1e-5);
      const { tableParameters } = RunFolder.finished(join(both.runs, tableRows)).summary;
      const saved =
        (tableParameters / 32) * (rowBytes({ dim: 32, format: "float32" }) - rowBytes({ dim: 32, format: tableRows }));
      expect(Math.abs(graphBytes - narrow.graphBytes - saved)).toBeLessThan(6000);
      expect(saved).toBeGreaterThan(20_000);
      expect(readBundle(narrow.bundle).manifest.metrics).not.toEqual({});
    },
  );

  it("names the bundle after the model unless it is told where", async () => {
    expect(await publishRun(project, { run: "vertical" })).toMatchObject({ bundle: join(project.bundles, "vertical") });
  });

  it("publishes nothing of a graph that scores otherwise than libtorch", async () => {
    const { logits } = Vertical.prototype;
    vi.spyOn(Vertical.prototype, "logits").mockImplementation(function (this: Vertical, batch) {
      return logits.call(this, batch).add(2e-5);
    });
    const dir = bundle("refused");
    await expect(publishRun(project, { run: "vertical", dir })).rejects.toMatchObject({ code: "EXPORT_MISMATCH" });
    expect(existsSync(dir)).toBe(false);
  });

  it.each([
    ["foundation@2025-03-03", "EXPORT_UNSUPPORTED"],
    ["nobody", "RUN_UNFINISHED"],
  ])("publishes nothing of %s: %s", async (run, code) => {
    const dir = bundle("none");
    await expect(publishRun(project, { run, dir })).rejects.toMatchObject({ code });
    expect(existsSync(dir)).toBe(false);
  });

  it("finds a graph of other parameters, and logits that are not finite", async () => {
    const { model, inputs, ...opened } = openedRun(project, "vertical");
    const { spec } = inputs;
    const batches: Batch[] = [];
    for await (const batch of await examplesOf({ model, inputs, ...opened }, "test")) batches.push(batch);
    const check = { graph: exportGraph(model, spec, "0"), userRows: "request" as const, model, spec, batches };
    expect(await scoreDifference(check)).toBeLessThan(1e-5);
    const { bias } = (model as Vertical).output;
    bias?.detach().add_(0.1);
    expect(await scoreDifference(check)).toBeGreaterThan(0.01);
    bias?.detach().mul_(Number.NaN);
    expect(await scoreDifference(check)).toBe(Number.POSITIVE_INFINITY);
  });
});

let numServed = 0;

/** Serves the bundle of a run, with a store that was filled by `fill`. */
async function served<T>(run: string, work: (at: { url: string; online: Online }) => Promise<T>): Promise<T> {
  await publishRun(project, { run, dir: bundle(run) });
  const models = await ModelRepository.open({ kind: "bundle", dir: bundle(run) }, { workers: 1, maxQueued: 64 });
  const online = await openOnlineStore({ kind: "lmdb", at: join(folder.path, `online.${numServed++}`) });
  const server = await RankingServer.listen({ models, store: online, address: "127.0.0.1", port: 0 });
  try {
    return await work({ url: server.url, online });
  } finally {
    await server.close();
    await models.close();
    await online.close();
  }
}
type Online = Awaited<ReturnType<typeof openOnlineStore>>;

const auditOf = (run: string, { url, online }: { url: string; online: Online }) =>
  audit(project, { run, split: "test", bundle: bundle(run), rank: rankOverHttp(url), online });

describe("audit", () => {
  it.each(["vertical", "vertical-full", "logistic", "bfloat16", "float16", "int8"])(
    "finds %s served as it is offline, on every example",
    async (run) => {
      await served(run, async (at) => {
        await backfill(project, { online: at.online, teacher: "foundation" });
        const found = await auditOf(run, at);
        expect(found.examples).toBeGreaterThan(100);
        expect(found).toMatchObject({ probabilities: 2 * found.examples, histories: found.examples });
        expect(found).toMatchObject({ otherCounts: 0, otherHistories: 0 });
        expect(found.maxDifference).toBeLessThanOrEqual(1e-5);
      });
    },
  );

  it("finds events and embeddings that are missing online, and another model", async () => {
    await served("vertical-full", async (at) => {
      await backfill(project, { online: at.online, teacher: null });
      const withoutEmbeddings = await auditOf("vertical-full", at);
      expect(withoutEmbeddings.otherHistories).toBe(0);
      expect(withoutEmbeddings.maxDifference).toBeGreaterThan(1e-3);
      await expect(auditOf("vertical", at)).rejects.toMatchObject({ code: "AUDIT_MODEL" });
    });
    await served("vertical", async (at) => {
      const stop = new AbortController();
      const half = backfill(project, { online: at.online, teacher: null, ...stopAfter(stop, 1) });
      await expect(half).rejects.toThrow();
      const found = await auditOf("vertical", at);
      expect(found.otherHistories).toBeGreaterThan(0);
      expect(found.otherCounts).toBeGreaterThan(0);
    });
  });

  it("refuses a bundle of another run", async () => {
    const of = { run: "vertical", split: "test", bundle: bundle("vertical-full"), online: null } as const;
    const other = audit(project, { ...of, rank: rankOverHttp("http://127.0.0.1:9") });
    await expect(other).rejects.toMatchObject({ code: "AUDIT_MODEL", expected: expect.stringContaining("checkpoint") });
  });

  it("says that nobody serves", async () => {
    const rank = rankOverHttp("http://127.0.0.1:9");
    const of = { run: "vertical", split: "test", bundle: bundle("vertical"), rank, online: null } as const;
    const nobody = audit(project, of);
    await expect(nobody).rejects.toMatchObject({ code: "AUDIT_SERVER" });
  });
});

function stopAfter(stop: AbortController, chunks: number) {
  let seen = 0;
  const onProgress = (): void => {
    if (++seen === chunks) stop.abort();
  };
  return { signal: stop.signal, onProgress };
}

describe("backfill", () => {
  it("that was stopped adds the rest, and nothing twice", async () => {
    const online = await openOnlineStore({ kind: "lmdb", at: join(folder.path, "online") });
    const stop = new AbortController();
    await expect(backfill(project, { online, teacher: null, ...stopAfter(stop, 1) })).rejects.toThrow();
    const rest = await backfill(project, { online, teacher: "foundation" });
    expect(rest.added).toBe(rest.events - 1000);
    expect(rest.embeddings).toBeGreaterThan(0);
    expect(await backfill(project, { online, teacher: "foundation" })).toEqual({ ...rest, added: 0 });
    await online.close();
  });

  it("replaces embeddings of another teacher", async () => {
    const online = await openOnlineStore({ kind: "lmdb", at: join(folder.path, "online-again") });
    const pastOf = async () => {
      const reads = Array.from({ length: 40 }, (_, i) =>
        online.read({ user: `u${i}`, beforeMs: Number.MAX_SAFE_INTEGER, limit: 50 }),
      );
      return (await Promise.all(reads)).flatMap(({ events }) => events);
    };
    await backfill(project, { online, teacher: "foundation" });
    const expected = await pastOf();
    expect(expected.filter(({ embedding }) => embedding !== undefined).length).toBeGreaterThan(0);
    // What an earlier teacher would have left.
    const user = (i: number): string => `u${i}`;
    for (let i = 0; i < 40; i++) {
      const { events } = await online.read({ user: user(i), beforeMs: Number.MAX_SAFE_INTEGER, limit: 50 });
      await online.append(events.map((event) => ({ ...event, user: user(i), embedding: [9, 9] })));
    }
    expect(await pastOf()).not.toEqual(expected);
    await backfill(project, { online, teacher: "foundation" });
    expect(await pastOf()).toEqual(expected);
    await online.close();
  });

  it("refuses a store that has only hashes of ids", async () => {
    using other = temporaryFolder();
    await makeStore(other.path);
    const { attributes } = USER_CONFIG.events;
    const hashed = { ...attributes, category: { kind: "category" as const, ids: { hash: 16 } } };
    const of = projectIn(other.path, { events: { ...USER_CONFIG.events, attributes: hashed } });
    await ingest(of.events, { store: of.store, threads: 1 });
    const online = await openOnlineStore({ kind: "lmdb", at: join(other.path, "online") });
    const refused = backfill(of, { online, teacher: null });
    await expect(refused).rejects.toMatchObject({ code: "STORE_HASHED", where: "category" });
    await online.close();
  });
});
