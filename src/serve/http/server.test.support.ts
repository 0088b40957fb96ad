/** A server of a test's own: the tiny model, an LMDB store, on loopback. */
import { join } from "node:path";
import { temporaryFolder } from "../../data/events.test.support.ts";
import { type TinyOptions, writeTinyBundle } from "../bundle.test.support.ts";
import type { ModelHost } from "../models/model-host.ts";
import { ModelRepository } from "../models/model-repository.ts";
import { LmdbStore } from "../store/lmdb-store.ts";
import type { OnlineStore } from "../store/online-store.ts";
import { RankingServer } from "./server.ts";

/** What a test has of its server. */
export interface Running {
  readonly url: string;
  /** The bundle that it loads, or their folder. */
  readonly dir: string;
  readonly models: ModelRepository;
  /** Of the tiny model. */
  readonly host: ModelHost;
  readonly store: OnlineStore;
}

/** How a test's server differs from the usual one. */
export interface RunningOptions extends TinyOptions {
  readonly workers?: number;
  readonly maxQueued?: number;
}

/** Lets `work` use a server of one model, and closes it. */
export async function withServer(
  work: (running: Running) => Promise<void>,
  { workers = 1, maxQueued = 100, ...tiny }: RunningOptions = {},
): Promise<void> {
  using folder = temporaryFolder();
  const dir = join(folder.path, "bundle");
  writeTinyBundle(dir, tiny);
  const models = await ModelRepository.open({ kind: "bundle", dir }, { workers, maxQueued });
  const [host] = models.hosts;
  if (host === undefined) throw new Error("no model serves");
  await serving(folder.path, models, (at) => work({ ...at, dir, host }));
}

/** What a test has of a server of several models. */
export interface RunningMany extends Omit<Running, "host"> {
  /** Folder of a model's bundle. */
  readonly bundle: (name: string) => string;
}

/** Lets `work` use a server of the models that `bundles` names, each with a folder of its name, and closes it. */
export async function withModels(
  bundles: Readonly<Record<string, TinyOptions>>,
  work: (running: RunningMany) => Promise<void>,
): Promise<void> {
  using folder = temporaryFolder();
  const dir = join(folder.path, "bundles");
  const bundle = (name: string): string => join(dir, name);
  for (const [name, tiny] of Object.entries(bundles)) writeTinyBundle(bundle(name), { name, ...tiny });
  const models = await ModelRepository.open({ kind: "folder", dir }, { workers: 1, maxQueued: 100 });
  await serving(folder.path, models, (at) => work({ ...at, dir, bundle }));
}

async function serving(
  folder: string,
  models: ModelRepository,
  work: (at: Pick<Running, "url" | "models" | "store">) => Promise<void>,
): Promise<void> {
  const store = LmdbStore.open(join(folder, "online"));
  const server = await RankingServer.listen({ models, store, address: "127.0.0.1", port: 0 });
  try {
    await work({ url: server.url, models, store });
  } finally {
    await server.close();
    await models.close();
    await store.close();
  }
}

/** An answer whose body was JSON. */
export interface JsonAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Posts JSON, or a text as it is. */
export async function post(url: string, body: unknown): Promise<JsonAnswer> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(url, { method: "POST", body: text });
  return { status: response.status, body: await response.json() };
}

/** Gets JSON. */
export async function get(url: string): Promise<JsonAnswer> {
  const response = await fetch(url);
  return { status: response.status, body: await response.json() };
}

/** A click on an item that the tiny model knows. */
export const EVENT = { user: "u", id: "e", time: 5, item: "a", action: "view", click: true, price: 2.5 };

/** A ranking of two items that it knows. */
export const RANK = {
  user: "u",
  time: 9,
  context: { surface: "feed" },
  candidates: [{ item: "a", bids: { buy: 2 } }, { item: "b" }],
};
