import type { ServedModel } from "../ranker/served-model.ts";

/** A model, and the requests that it was given. */
interface Serving {
  readonly model: ServedModel;
  readonly uses: Set<Promise<unknown>>;
}

/** The version of one model that serves now, and how another takes its place. */
export class ModelHost {
  #current: Serving;
  #retiring = new Set<Promise<void>>();
  /** Replacements since the model was loaded first. */
  numSwaps = 0;

  constructor(model: ServedModel) {
    this.#current = { model, uses: new Set() };
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

  /** Gives new requests to a model that is warm. What the old one was given it finishes. */
  replace(model: ServedModel): void {
    const old = this.#current;
    this.#current = { model, uses: new Set() };
    this.numSwaps++;
    const retired = retire(old);
    this.#retiring.add(retired);
    void retired.finally(() => this.#retiring.delete(retired));
  }

  /** Waits for all requests, then ends all threads. */
  async close(): Promise<void> {
    await Promise.all([...this.#retiring, retire(this.#current)]);
  }
}

async function retire({ model, uses }: Serving): Promise<void> {
  await Promise.allSettled(uses);
  await model.close();
}
