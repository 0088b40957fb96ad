import type { ServingOptions } from "./open-scorer.ts";
import { ServedModel } from "./served-model.ts";

/** A model, and the requests that it was given. */
interface Serving {
  readonly model: ServedModel;
  readonly uses: Set<Promise<unknown>>;
}

/** The model that serves now, and how it is replaced. */
export class ModelHost {
  readonly #dir: string;
  readonly #options: ServingOptions;
  #current: Serving;
  #loading: Promise<unknown> = Promise.resolve();
  #retiring = new Set<Promise<void>>();
  /** Successful replacements. */
  numSwaps = 0;

  private constructor(dir: string, options: ServingOptions, current: ServedModel) {
    this.#dir = dir;
    this.#options = options;
    this.#current = { model: current, uses: new Set() };
  }

  /** Loads the bundle in `dir`. @throws {LapidaryError} as {@link ServedModel.load} */
  static async open(dir: string, options: ServingOptions): Promise<ModelHost> {
    return new ModelHost(dir, options, await ServedModel.load(dir, options));
  }

  /** The model that new requests are given to; a request itself goes through {@link use}. */
  get current(): ServedModel {
    return this.#current.model;
  }

  /** Does one request's work with the model that is current now, which lives until the work has ended. */
  async use<T>(work: (model: ServedModel) => Promise<T>): Promise<T> {
    const { model, uses } = this.#current;
    const use = work(model);
    uses.add(use);
    try {
      return await use;
    } finally {
      uses.delete(use);
    }
  }

  /**
   * Loads what the folder holds now beside the old version, and switches once it is warm. What the old one was given it
   * finishes. If it fails, the old one stays. Calls wait for each other.
   *
   * @throws {LapidaryError} as {@link ServedModel.load}
   */
  reload(): Promise<ServedModel> {
    const next = this.#loading.then(() => this.#swap());
    this.#loading = next.catch(() => {});
    return next;
  }

  /** Waits for all requests, then ends all threads. */
  async close(): Promise<void> {
    await this.#loading;
    await Promise.all([...this.#retiring, retire(this.#current)]);
  }

  async #swap(): Promise<ServedModel> {
    const loaded = await ServedModel.load(this.#dir, this.#options);
    const old = this.#current;
    this.#current = { model: loaded, uses: new Set() };
    this.numSwaps++;
    const retired = retire(old);
    this.#retiring.add(retired);
    void retired.finally(() => this.#retiring.delete(retired));
    return loaded;
  }
}

async function retire({ model, uses }: Serving): Promise<void> {
  await Promise.allSettled(uses);
  await model.close();
}
