import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { temporaryFolder } from "../../data/events.test.support.ts";
import { AMOUNT_OUTCOMES, TINY_RULES, type TinyOptions, writeTinyBundle } from "../bundle.test.support.ts";
import { ServedModel } from "../ranker/served-model.ts";
import { ModelRepository } from "./model-repository.ts";

const OPTIONS = { workers: 0, maxQueued: 64 };
const RAW = { user: "u", timeMs: 1, past: [], numPast: 0, context: {}, candidates: [{ item: "a" }] };

/** Writes bundles by folder, and lets `work` use them. */
async function withBundles(
  bundles: Readonly<Record<string, TinyOptions>>,
  work: (dir: string) => Promise<void>,
): Promise<void> {
  using folder = temporaryFolder();
  for (const [name, tiny] of Object.entries(bundles)) writeTinyBundle(join(folder.path, name), { name, ...tiny });
  await work(folder.path);
}

const openAll = (dir: string): Promise<ModelRepository> => ModelRepository.open({ kind: "folder", dir }, OPTIONS);

/** Changes one byte of a bundle's graph, or of its manifest. */
function damage(dir: string, file: "model.onnx" | "manifest.json"): void {
  appendFileSync(join(dir, "v1", file), "x");
}

const stateOf = (models: ModelRepository, name: string) => models.index().find((each) => each.name === name);

describe("ModelRepository", () => {
  it("serves all bundles of a folder by their models' names, whatever their folders are called", async () => {
    await withBundles({ x: { name: "b" }, y: { name: "a", shift: 1 } }, async (dir) => {
      const models = await openAll(dir);
      expect(models.hosts.map(({ current }) => current.name)).toEqual(["a", "b"]);
      expect(models.index().map(({ name, state, reason }) => [name, state, reason])).toEqual([
        ["a", "READY", ""],
        ["b", "READY", ""],
      ]);
      const logits = await Promise.all(["a", "b"].map((name) => models.host(name)!.current.score(RAW)));
      expect(logits[0]!.logits[0]! - logits[1]!.logits[0]!).toBeCloseTo(1, 6);
      expect(models.host("x")).toBeNull();
      await models.close();
    });
  });

  it.each(["model.onnx", "manifest.json"] as const)("serves the others where %s of one is damaged", async (file) => {
    await withBundles({ a: {}, b: {}, c: {} }, async (dir) => {
      damage(join(dir, "b"), file);
      const models = await openAll(dir);
      expect(models.hosts.map(({ current }) => current.name)).toEqual(["a", "c"]);
      expect(stateOf(models, "b")).toMatchObject({ state: "UNAVAILABLE", reason: expect.stringContaining(file) });
      await expect(models.load("b")).rejects.toMatchObject({ code: "BUNDLE_DAMAGED" });
      writeTinyBundle(join(dir, "b"), { name: "b", shift: 1 });
      await models.load("b");
      expect(stateOf(models, "b")).toMatchObject({ state: "READY", reason: "" });
      await models.close();
    });
  });

  it("refuses to begin where nothing can be served", async () => {
    await withBundles({ a: {}, b: {} }, async (dir) => {
      await expect(openAll(join(dir, "none"))).rejects.toMatchObject({ code: "BUNDLE_NOT_FOUND" });
      damage(join(dir, "a"), "model.onnx");
      damage(join(dir, "b"), "manifest.json");
      await expect(openAll(dir)).rejects.toMatchObject({
        code: "BUNDLE_DAMAGED",
        where: dir,
        got: expect.stringContaining("model.onnx"),
      });
      rmSync(join(dir, "b"), { recursive: true });
      const where = expect.stringContaining("model.onnx");
      await expect(openAll(dir)).rejects.toMatchObject({ code: "BUNDLE_DAMAGED", where });
    });
  });

  it("refuses two bundles of one model, at the start and later", async () => {
    await withBundles({ a: {}, b: {} }, async (dir) => {
      const models = await openAll(dir);
      writeTinyBundle(join(dir, "copy"), { name: "a" });
      const clash = { code: "SERVE_MODELS", where: join(dir, "copy"), got: `a, as in ${join(dir, "a")}` };
      await expect(models.load("a")).rejects.toMatchObject(clash);
      expect(stateOf(models, "a")).toMatchObject({ state: "READY" });
      await models.close();
      await expect(openAll(dir)).rejects.toMatchObject(clash);
    });
  });

  it.each<[string, TinyOptions]>([
    ["the fact spend", { outcomes: AMOUNT_OUTCOMES }],
    ["the earliest time", { rules: { ...TINY_RULES, earliestMs: 1 } }],
  ])("refuses models that disagree on %s, at the start and later", async (what, other) => {
    await withBundles({ a: {}, b: {} }, async (dir) => {
      const models = await openAll(dir);
      const before = models.host("b")!.current;
      const clash = { code: "SERVE_MODELS", where: join(dir, "b"), expected: expect.stringContaining(what) };
      writeTinyBundle(join(dir, "b"), { name: "b", ...other });
      await expect(models.load("b")).rejects.toMatchObject(clash);
      expect(models.host("b")?.current).toBe(before);
      await expect(openAll(dir)).rejects.toMatchObject(clash);
      // One alone may change: what it takes for an event is what the server takes.
      await models.unload("a");
      await models.load("b");
      const own = models.host("b")!.current;
      expect([own === before, models.events]).toEqual([false, own.facts]);
      await expect(models.load("a")).rejects.toMatchObject({ code: "SERVE_MODELS", where: join(dir, "a") });
      expect(stateOf(models, "a")).toMatchObject({ state: "UNAVAILABLE", reason: expect.stringContaining(what) });
      await models.close();
    });
  });

  it("loads a bundle that came later, and lists it before", async () => {
    await withBundles({ a: {} }, async (dir) => {
      const models = await openAll(dir);
      await expect(models.load("b")).rejects.toMatchObject({ code: "SERVE_NOT_FOUND" });
      writeTinyBundle(join(dir, "new"), { name: "b" });
      expect(stateOf(models, "b")).toMatchObject({ state: "UNAVAILABLE", reason: "not loaded" });
      expect((await models.load("b")).current.name).toBe("b");
      expect(models.hosts).toHaveLength(2);
      await models.close();
    });
  });

  it("loads what replaced a model's bundle, in whatever folder it lies now", async () => {
    await withBundles({ a: {}, b: {} }, async (dir) => {
      const models = await openAll(dir);
      rmSync(join(dir, "a"), { recursive: true });
      await expect(models.load("a")).rejects.toMatchObject({ code: "BUNDLE_NOT_FOUND" });
      writeTinyBundle(join(dir, "moved"), { name: "a", shift: 1 });
      const host = await models.load("a");
      expect([host.numSwaps, models.host("b")!.numSwaps]).toEqual([1, 0]);
      await models.close();
    });
  });

  it("unloads a model once its requests are answered, and loads it again", async () => {
    await withBundles({ a: {}, b: {} }, async (dir) => {
      const models = await openAll(dir);
      const order: string[] = [];
      let open = (): void => {};
      const gate = new Promise<void>((resolve) => {
        open = resolve;
      });
      const pending = models.host("a")!.use(async (model) => {
        await gate;
        await model.score(RAW);
        order.push("answered");
      });
      const unloaded = models.unload("a").then(() => order.push("unloaded"));
      // The queue of loads is empty, so that unloading begins at once.
      await Promise.resolve();
      await Promise.resolve();
      expect(models.host("a")).toBeNull();
      open();
      await Promise.all([pending, unloaded]);
      expect(order).toEqual(["answered", "unloaded"]);
      expect(stateOf(models, "a")).toMatchObject({ state: "UNAVAILABLE", reason: "unloaded" });
      await expect(models.unload("a")).rejects.toMatchObject({ code: "SERVE_NOT_FOUND" });
      await models.load("a");
      expect(stateOf(models, "a")).toMatchObject({ state: "READY" });
      await models.close();
    });
  });

  it("does loads and unloads that are asked at once one after the other", async () => {
    await withBundles({ a: {}, b: {} }, async (dir) => {
      const models = await openAll(dir);
      writeFileSync(join(dir, "note.txt"), "no bundle");
      const operations = [models.load("a"), models.unload("a"), models.load("a"), models.unload("b"), models.load("a")];
      await Promise.all(operations);
      expect(models.hosts.map(({ current, numSwaps }) => [current.name, numSwaps])).toEqual([["a", 1]]);
      await models.close();
    });
  });

  it("lets models share the cores where nothing says how many threads they have", async () => {
    await withBundles({ a: {}, b: {}, c: {} }, async (dir) => {
      const load = vi.spyOn(ServedModel, "load");
      const models = await openAll(dir);
      const cores = availableParallelism();
      const share = Math.max(1, Math.floor(cores / 3));
      expect(load.mock.calls.map(([, { threads }]) => threads)).toEqual([share, share, share]);
      // The others of these tests have no threads of their own, so that all of the share is left.
      await models.unload("c");
      await models.load("a");
      expect(load.mock.lastCall?.[1].threads).toBe(Math.max(1, Math.floor(cores / 2)));
      load.mockRestore();
      await models.close();
    });
  });

  it("knows a bundle by its digest before it is loaded", async () => {
    await withBundles({ a: {}, b: {} }, async (dir) => {
      const models = await openAll(dir);
      await models.unload("b");
      const digest = readFileSync(join(dir, "b", "CURRENT"), "utf8").split(" ")[1];
      expect(digest?.startsWith(stateOf(models, "b")?.version ?? "none")).toBe(true);
      await models.close();
    });
  });
});
