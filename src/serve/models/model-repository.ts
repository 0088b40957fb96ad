import { availableParallelism } from "node:os";
import { basename } from "node:path";
import { messageOf } from "../../base/message.ts";
import { type BundleManifest, listBundles, readBundle, readBundleHead } from "../../bundle/index.ts";
import { type EventFacts, eventFacts } from "../ranker/api-facts.ts";
import type { ServingOptions } from "../ranker/open-scorer.ts";
import { ServedModel, versionOf } from "../ranker/served-model.ts";
import { eventDifference } from "./event-agreement.ts";
import { ModelHost } from "./model-host.ts";
import { noBundle, noModel, noModelLoads, otherEvents, sameName } from "./problems.ts";
import { threadsOf } from "./thread-budget.ts";

/** Where bundles lie: one, or all that a folder holds at the time. */
export type BundlePlace = { readonly kind: "bundle" | "folder"; readonly dir: string };

/** A model of a repository, as the Open Inference Protocol's index tells of it. */
export interface ModelState {
  readonly name: string;
  /** Empty if it is not known. */
  readonly version: string;
  readonly state: "READY" | "UNAVAILABLE";
  /** Why it is not ready; empty if it is. */
  readonly reason: string;
}

/** A bundle that lies in the place, whether its model serves or not. */
interface Found {
  readonly dir: string;
  /** The model's; where the manifest cannot be read, the folder's. */
  readonly name: string;
  readonly version: string;
  /** Null where it cannot be read. */
  readonly manifest: BundleManifest | null;
  /** Why the manifest cannot be read; empty if it can. */
  readonly reason: string;
}

/** A model that serves, and where its bundle lies. */
interface Placed {
  readonly dir: string;
  readonly host: ModelHost;
}

/**
 * The models of a server by name: which serve, which do not and why, and how they come and go.
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { ModelRepository } from "lapidary/serve";
 *
 * const { bundles } = await loadProject();
 * const models = await ModelRepository.open({ kind: "folder", dir: bundles }, { workers: 0, maxQueued: 16 });
 * console.log(models.index().map(({ name, state }) => `${name} ${state}`)); // [ 'vertical READY' ]
 * await models.close();
 */
export class ModelRepository {
  readonly #place: BundlePlace;
  readonly #options: ServingOptions;
  readonly #placed = new Map<string, Placed>();
  /** Why models that are not served are not, by name. */
  readonly #reasons = new Map<string, string>();
  #events: EventFacts | null = null;
  /** Loads and unloads follow each other: what the models share is checked against those that serve. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(place: BundlePlace, options: ServingOptions) {
    this.#place = place;
    this.#options = options;
  }

  /**
   * Loads the bundles of a place. One that cannot be loaded leaves the others serving, and the index says why.
   *
   * @throws {LapidaryError} BUNDLE_NOT_FOUND if there is none, SERVE_MODELS if two have one name or disagree on their
   * events, and if none can be loaded as {@link load}
   */
  static async open(place: BundlePlace, options: ServingOptions): Promise<ModelRepository> {
    const repository = new ModelRepository(place, options);
    const found = repository.#find();
    if (found.length === 0) throw noBundle(place.dir);
    checkTogether(found);
    const failures: unknown[] = [];
    for (const each of found) {
      await repository.#loadFrom(each, found.length).catch((error: unknown) => failures.push(error));
    }
    if (repository.#placed.size === 0) throw noModelLoads(place.dir, failures);
    return repository;
  }

  /** The models that serve, by name. */
  get hosts(): readonly ModelHost[] {
    return [...this.#placed].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, { host }]) => host);
  }

  /** The model of a name; null if none of that name serves. */
  host(name: string): ModelHost | null {
    return this.#placed.get(name)?.host ?? null;
  }

  /** By what events are read: the models that serve agree on it, and while none does it is as they left it. */
  get events(): EventFacts {
    if (this.#events === null) throw noBundle(this.#place.dir);
    return this.#events;
  }

  /** All models that serve, and all bundles that lie in the place and do not. */
  index(): readonly ModelState[] {
    const ready = this.hosts.map(({ current: { name, version } }): ModelState => {
      return { name, version, state: "READY", reason: "" };
    });
    const others = this.#find().filter(({ name }) => !this.#placed.has(name));
    const unavailable = others.map(({ name, version, reason }): ModelState => {
      return { name, version, state: "UNAVAILABLE", reason: reason || (this.#reasons.get(name) ?? "not loaded") };
    });
    return [...ready, ...unavailable];
  }

  /**
   * Loads what the bundle of a model holds now, beside the version that serves, and switches once it is warm. If it
   * fails, that one stays.
   *
   * @throws {LapidaryError} SERVE_NOT_FOUND if no bundle has this model, SERVE_MODELS if two have it or it disagrees with
   * the others on events, BUNDLE_*, FILE_CORRUPT, SERVE_MODEL
   */
  load(name: string): Promise<ModelHost> {
    return this.#queue(() => this.#loadFrom(this.#bundleOf(name), 1));
  }

  /**
   * Takes a model away from new requests at once, and ends it when those that it has are answered.
   *
   * @throws {LapidaryError} SERVE_NOT_FOUND if it does not serve
   */
  unload(name: string): Promise<void> {
    return this.#queue(async () => {
      const host = this.host(name);
      if (host === null) throw noModel(name, [...this.#placed.keys()]);
      this.#placed.delete(name);
      this.#reasons.set(name, "unloaded");
      await host.close();
    });
  }

  /** Waits for all requests, then ends all threads. */
  async close(): Promise<void> {
    await this.#last;
    await Promise.all(this.hosts.map((host) => host.close()));
  }

  #queue<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work);
    this.#last = next.catch(() => {});
    return next;
  }

  #find(): readonly Found[] {
    const { kind, dir } = this.#place;
    return (kind === "bundle" ? [dir] : listBundles(dir)).map(foundIn);
  }

  /** Where the bundle of a model lies now. */
  #bundleOf(name: string): Pick<Found, "dir" | "name"> {
    const found = this.#find();
    const named = found.filter((each) => each.name === name);
    const [first, second] = named.filter(({ manifest }) => manifest !== null);
    if (first && second) throw sameName(first, second);
    const placed = this.#placed.get(name);
    const bundle = first ?? (placed && { dir: placed.dir, name }) ?? named[0];
    if (bundle === undefined) throw noModel(name, [...new Set(found.map((each) => each.name))]);
    return bundle;
  }

  async #loadFrom({ dir, name }: Pick<Found, "dir" | "name">, numModels: number): Promise<ModelHost> {
    try {
      return await this.#replace(dir, name, numModels);
    } catch (error) {
      this.#reasons.set(name, messageOf(error));
      throw error;
    }
  }

  async #replace(dir: string, name: string, numModels: number): Promise<ModelHost> {
    const bundle = readBundle(dir);
    const { manifest } = bundle;
    if (manifest.model.name !== name) throw noModel(name, [manifest.model.name]);
    const others = this.hosts.filter(({ current }) => current.name !== name).map(({ current }) => current);
    const facts = eventFacts(manifest);
    const [other] = others;
    const difference = other ? eventDifference(facts, other.facts) : null;
    if (other && difference) throw otherEvents({ dir, name }, other.name, difference);
    const models = Math.max(numModels, others.length + 1);
    const taken = others.reduce((sum, { workers }) => sum + workers, 0);
    const threads = threadsOf({ cores: availableParallelism(), models, taken });
    const model = await ServedModel.load(bundle, { ...this.#options, threads });
    return this.#serve(dir, model);
  }

  #serve(dir: string, model: ServedModel): ModelHost {
    const { name, facts } = model;
    const host = this.host(name) ?? new ModelHost(model);
    if (host.current !== model) host.replace(model);
    this.#placed.set(name, { dir, host });
    this.#reasons.delete(name);
    this.#events = facts;
    return host;
  }
}

function foundIn(dir: string): Found {
  try {
    const { manifest, digest } = readBundleHead(dir);
    return { dir, name: manifest.model.name, version: versionOf(digest), manifest, reason: "" };
  } catch (error) {
    const reason = messageOf(error);
    return { dir, name: basename(dir), version: "", manifest: null, reason };
  }
}

/** @throws {LapidaryError} SERVE_MODELS */
function checkTogether(found: readonly Found[]): void {
  const byName = new Map<string, { readonly dir: string; readonly name: string; readonly facts: EventFacts }>();
  for (const { dir, name, manifest } of found) {
    if (manifest === null) continue;
    const bundle = { dir, name, facts: eventFacts(manifest) };
    const same = byName.get(name);
    if (same) throw sameName(same, bundle);
    const [first] = byName.values();
    const difference = first ? eventDifference(bundle.facts, first.facts) : null;
    if (first && difference) throw otherEvents(bundle, first.name, difference);
    byName.set(name, bundle);
  }
}
