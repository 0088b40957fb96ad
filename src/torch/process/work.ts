import { setTimeout as sleep } from "node:timers/promises";
import type { LapidaryError } from "../../base/errors.ts";
import { native } from "../native.ts";

/** What a work needs of its group. @internal */
export interface GroupLink {
  /** Index of the native group. */
  readonly id: number;
  /** @unit ms */
  readonly timeoutMs: number;
  /** What ended the group, if something did. */
  readonly failure: LapidaryError | null;
  /** The typed error for what a collective threw; ends the group if a process is gone or late. */
  fail(collective: string, cause: unknown): unknown;
}

/** What is under way: its number in the native group, its name, and how its result is read. @internal */
export interface WorkFacts<T> {
  readonly id: number;
  readonly collective: string;
  readonly finish: () => T;
}

/** Options of {@link Work.wait} and {@link Work.done}. */
export interface WaitOptions {
  /** @unit ms @default the group's */
  readonly timeoutMs?: number;
}

/** Longest pause between two looks at a work that is under way. */
const MAX_PAUSE_MS = 5;

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/**
 * A collective under way. Works may be waited for in any order; their tensors stay alive until then, and must be neither
 * read nor written before. A timeout ends the group, since its tensors are in no known state any more.
 *
 * @example
 * import { ProcessGroup, tensor } from "lapidary/torch";
 *
 * using group = ProcessGroup.fromEnvironment();
 * const work = group.allGather(tensor([1, 2])); // begins at once
 * console.log((await work.done()).shape); // [ 1, 2 ]
 */
export class Work<T> {
  readonly #link: GroupLink;
  readonly #facts: WorkFacts<T>;
  #outcome: Outcome<T> | null = null;

  /** @internal */
  constructor(link: GroupLink, facts: WorkFacts<T>) {
    this.#link = link;
    this.#facts = facts;
  }

  /** Whether {@link wait} would return, or throw, at once. */
  get isDone(): boolean {
    return this.#outcome !== null || this.#link.failure !== null || native.isDone(this.#link.id, this.#facts.id);
  }

  /**
   * The result; blocks this thread until it is there. Again the same when called again.
   *
   * @throws {LapidaryError} COLLECTIVE_FAILED if a process is gone, or none of it came within the timeout
   */
  wait({ timeoutMs = this.#link.timeoutMs }: WaitOptions = {}): T {
    this.#outcome ??= this.#settle(timeoutMs);
    if ("error" in this.#outcome) throw this.#outcome.error;
    return this.#outcome.value;
  }

  /** The result, without blocking this thread. @throws {LapidaryError} COLLECTIVE_FAILED as {@link wait} */
  async done({ timeoutMs = this.#link.timeoutMs }: WaitOptions = {}): Promise<T> {
    const end = performance.now() + timeoutMs;
    for (let pauseMs = 0; !this.isDone && performance.now() < end; pauseMs = Math.min(pauseMs + 1, MAX_PAUSE_MS)) {
      await sleep(pauseMs);
    }
    return this.wait({ timeoutMs: end - performance.now() });
  }

  #settle(timeoutMs: number): Outcome<T> {
    const { failure, id } = this.#link;
    if (failure !== null) return { error: failure };
    try {
      // 0 would mean to wait for ever.
      native.wait(id, this.#facts.id, Math.max(1, Math.ceil(timeoutMs)));
      return { value: this.#facts.finish() };
    } catch (cause) {
      return { error: this.#link.fail(this.#facts.collective, cause) };
    }
  }
}
