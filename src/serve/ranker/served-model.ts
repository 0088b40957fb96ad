import { type Bundle, type BundleManifest, graphInputs, readBundle } from "../../bundle/index.ts";
import { LapidaryError } from "../../config/errors.ts";
import { decodeCoding, type RawRequest, RequestCoder } from "../../features/request-inputs.ts";
import { type Feeds, feedsOf } from "./feeds.ts";
import type { Scores } from "./messages.ts";
import { SessionPool } from "./session-pool.ts";

/** How a model is served. */
export interface ServingOptions {
  readonly workers: number;
  /** Requests that may wait for a thread. */
  readonly maxQueued: number;
}

/** The first 12 digits of the digest of a bundle: the same bytes have the same version. */
export function versionOf(digest: string): string {
  return digest.slice(0, 12);
}

/** One version of a model, loaded and warm. */
export class ServedModel {
  readonly manifest: BundleManifest;
  /** {@link versionOf} its bundle. */
  readonly version: string;
  readonly #coder: RequestCoder;
  readonly #pool: SessionPool;

  private constructor(bundle: Bundle, coder: RequestCoder, pool: SessionPool) {
    this.manifest = bundle.manifest;
    this.version = versionOf(bundle.digest);
    this.#coder = coder;
    this.#pool = pool;
  }

  /**
   * Verifies every byte of the bundle in `dir`, loads it in every thread, and scores one request in each.
   *
   * @throws {LapidaryError} BUNDLE_*, FILE_CORRUPT, SERVE_MODEL
   */
  static async load(dir: string, options: ServingOptions): Promise<ServedModel> {
    const bundle = readBundle(dir);
    const { manifest, files } = bundle;
    const coder = new RequestCoder(decodeCoding(manifest, files));
    const inputs = graphInputs(manifest.spec, manifest.graph.userRows);
    const graph = files[manifest.graph.file] ?? new Uint8Array(0);
    const pool = await SessionPool.start({ ...options, graph, inputs });
    const model = new ServedModel(bundle, coder, pool);
    try {
      // The queue is as long as there are threads at least: each gets one.
      await Promise.all(Array.from({ length: options.workers }, () => model.score(WARM_UP)));
    } catch (cause) {
      await pool.close();
      const got = cause instanceof Error ? cause.message : String(cause);
      const hint = "Export the model again.";
      const expected = "a graph that scores a request";
      throw new LapidaryError({ code: "SERVE_MODEL", where: dir, expected, got, hint }, { cause });
    }
    return model;
  }

  /** Requests that wait for a thread. */
  get numQueued(): number {
    return this.#pool.numQueued;
  }

  /** Whether a request would be refused now. */
  get isFull(): boolean {
    return this.#pool.isFull;
  }

  /** Logits of a request's candidates. @shape [B, T] @throws {LapidaryError} SERVE_OVERLOADED, SERVE_MODEL */
  score(request: RawRequest): Promise<Scores> {
    return this.infer(feedsOf(this.#coder.code(request), this.manifest));
  }

  /** Logits of inputs that were coded elsewhere. @shape [B, T] @throws {LapidaryError} SERVE_OVERLOADED, SERVE_MODEL */
  infer(feeds: Feeds): Promise<Scores> {
    return this.#pool.run(feeds);
  }

  /** Waits for the requests that it was given, then ends its threads. */
  close(): Promise<void> {
    return this.#pool.close();
  }
}

const WARM_UP: RawRequest = {
  user: "warm-up",
  timeMs: 0,
  past: [{ id: "warm-up", timeMs: -1, facts: {} }],
  numPast: 1,
  context: {},
  candidates: [{}],
};
