import { LapidaryError } from "../../base/errors.ts";
import { type Bundle, type BundleManifest, graphInputs } from "../../bundle/index.ts";
import { type RawCounter, rawCounters } from "../../features/counters/raw-counter.ts";
import { NO_TILES } from "../../features/counters/tile-counts.ts";
import type { RawRequest } from "../../features/requests/raw-request.ts";
import type { Gap } from "../../features/requests/request-gaps.ts";
import { decodeCoding, RequestCoder } from "../../features/requests/request-inputs.ts";
import { type ApiFacts, apiFacts } from "./api-facts.ts";
import { type Feeds, feedsOf } from "./feeds.ts";
import type { Scores } from "./messages.ts";
import { openScorer, type ScorerOptions } from "./open-scorer.ts";
import type { Scorer } from "./scorer.ts";

/**
 * The first 12 digits of the digest of a bundle: the same bytes have the same version.
 *
 * @example
 * import { versionOf } from "lapidary/serve";
 *
 * console.log(versionOf("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")); // 9f86d081884c
 */
export function versionOf(digest: string): string {
  return digest.slice(0, 12);
}

/** The parts of a model that was loaded. */
interface Loaded {
  readonly scorer: Scorer;
  readonly coder: RequestCoder;
  readonly feeds: (request: RawRequest) => Feeds;
}

/** One version of a model, loaded and warm. */
export class ServedModel {
  readonly manifest: BundleManifest;
  /** {@link versionOf} its bundle. */
  readonly version: string;
  /** What requests may speak of. */
  readonly facts: ApiFacts;
  /** What it counts, in the order of its spec. */
  readonly counters: readonly RawCounter[];
  readonly #scorer: Scorer;
  readonly #coder: RequestCoder;
  readonly #feeds: (request: RawRequest) => Feeds;

  private constructor({ manifest, digest }: Bundle, { scorer, coder, feeds }: Loaded) {
    this.manifest = manifest;
    this.version = versionOf(digest);
    this.facts = apiFacts(manifest);
    this.counters = rawCounters(manifest.spec.counters ?? [], manifest.schema, (column) => bucketsIn(manifest, column));
    this.#scorer = scorer;
    this.#coder = coder;
    this.#feeds = feeds;
  }

  /**
   * Loads a bundle, and scores a request in every thread.
   *
   * @throws {LapidaryError} FILE_CORRUPT, SERVE_MODEL
   */
  static async load(bundle: Bundle, options: ScorerOptions): Promise<ServedModel> {
    const { manifest, files } = bundle;
    const coder = new RequestCoder(decodeCoding(manifest, files));
    const inputs = graphInputs(manifest.spec, manifest.graph.userRows);
    const graph = files[manifest.graph.file] ?? new Uint8Array(0);
    const feeds = (request: RawRequest): Feeds => feedsOf(coder.code(request), inputs, manifest.graph.userRows);
    try {
      const scorer = await openScorer({ ...options, graph, inputs }, feeds(warmUpOf(manifest)));
      return new ServedModel(bundle, { scorer, coder, feeds });
    } catch (cause) {
      const got = cause instanceof LapidaryError ? cause.got : String(cause);
      const hint = "Export the model again.";
      const expected = "a graph that scores a request";
      throw new LapidaryError({ code: "SERVE_MODEL", where: bundle.folder, expected, got, hint }, { cause });
    }
  }

  /** As the manifest says. */
  get name(): string {
    return this.manifest.model.name;
  }

  /** Threads that score; 0 if it is the one that asks. */
  get workers(): number {
    return this.#scorer.workers;
  }

  /** Requests that wait. */
  get numQueued(): number {
    return this.#scorer.numQueued;
  }

  /** Whether a request would be refused now. */
  get isFull(): boolean {
    return this.#scorer.isFull;
  }

  /** What the model reads of a request, and does not find in it. */
  gaps(request: RawRequest): readonly Gap[] {
    return this.#coder.gaps(request);
  }

  /** Outputs of a request's candidates. @shape [B, W] @throws {LapidaryError} SERVE_OVERLOADED, SERVE_MODEL */
  score(request: RawRequest): Promise<Scores> {
    return this.infer(this.#feeds(request));
  }

  /** Outputs of inputs that were coded elsewhere. @shape [B, W] @throws {LapidaryError} SERVE_OVERLOADED, SERVE_MODEL */
  infer(feeds: Feeds): Promise<Scores> {
    return this.#scorer.run(feeds);
  }

  /** Waits for the requests that it was given, then lets go of its threads. */
  close(): Promise<void> {
    return this.#scorer.close();
  }
}

/** Buckets of the ids of a column; null if they have a dictionary, or are no ids. */
function bucketsIn({ dictionaries }: BundleManifest, column: string): number | null {
  const dictionary = dictionaries[column];
  return typeof dictionary === "object" ? dictionary.buckets : null;
}

/** A request of a model: nothing was counted. */
function warmUpOf({ spec: { counters = [] } }: Pick<BundleManifest, "spec">): RawRequest {
  return counters.length === 0
    ? WARM_UP
    : { ...WARM_UP, counts: counters.map(() => WARM_UP.candidates.map(() => NO_TILES)) };
}

const WARM_UP: RawRequest = {
  user: "warm-up",
  timeMs: 0,
  past: [{ id: "warm-up", timeMs: -1, facts: {} }],
  numPast: 1,
  context: {},
  candidates: Array.from({ length: 100 }, () => ({})),
};
