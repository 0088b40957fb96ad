import type { InferenceSession } from "onnxruntime-node";
import { messageOf } from "../../base/message.ts";
import type { Feeds } from "./feeds.ts";
import type { Scores } from "./messages.ts";
import { modelError, overloaded, type Scorer } from "./scorer.ts";
import { openSession, scoreWith } from "./session.ts";

/**
 * Scores in the thread that asks, one job after the other. A small graph is done sooner than another thread is woken: a
 * request of a hundred candidates takes 0.2 ms, handing it over 0.4 ms (docs/log, 2026-11-25).
 */
export class InlineSession implements Scorer {
  readonly workers = 0;
  readonly #session: InferenceSession;
  readonly #maxQueued: number;
  #running: Promise<unknown> = Promise.resolve();
  #numJobs = 0;
  #isClosed = false;

  private constructor(session: InferenceSession, maxQueued: number) {
    this.#session = session;
    this.#maxQueued = maxQueued;
  }

  /** @throws {LapidaryError} SERVE_MODEL if the graph cannot be loaded */
  static async open(graph: Uint8Array, maxQueued: number): Promise<InlineSession> {
    return new InlineSession(await openSession(graph).catch(refuse), maxQueued);
  }

  get numQueued(): number {
    return Math.max(0, this.#numJobs - 1);
  }

  get isFull(): boolean {
    return this.#numJobs > this.#maxQueued;
  }

  async run(feeds: Feeds): Promise<Scores> {
    if (this.#isClosed) throw modelError("the model was replaced");
    if (this.isFull) throw overloaded(this.#maxQueued);
    this.#numJobs++;
    const scores = this.#running.then(() => scoreWith(this.#session, feeds)).catch(refuse);
    this.#running = scores.catch(() => {});
    try {
      return await scores;
    } finally {
      this.#numJobs--;
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#running;
    await this.#session.release();
  }
}

function refuse(error: unknown): never {
  throw modelError(messageOf(error));
}
