import { appendFileSync, rmSync } from "node:fs";
import type { LimitBreach, UserEvent } from "../features/events/event-limits.ts";

/** How many events an answer names. */
const NAMED = 10;
/** Lines that are written together. */
const LINES = 1000;

/** An event that an online store cannot hold, and why. */
export interface LeftOutEvent extends LimitBreach {
  readonly user: string;
  readonly id: string;
  /** In ISO 8601. */
  readonly time: string;
}

/** The events that were left out. */
export interface LeftOut {
  readonly events: number;
  /** The first ten of them. */
  readonly first: readonly LeftOutEvent[];
  /** JSON lines of all; null if there are none. */
  readonly file: string | null;
}

/** Counts the events that are left out, and lists them in a file that takes the place of an earlier one. */
export class LeftOutList {
  readonly #file: string;
  readonly #first: LeftOutEvent[] = [];
  #lines: string[] = [];
  #count = 0;

  constructor(file: string) {
    this.#file = file;
    rmSync(file, { force: true });
  }

  /** Notes one. */
  add({ user, id, timeMs }: UserEvent, breach: LimitBreach): void {
    const event = { user, id, time: new Date(timeMs).toISOString(), ...breach };
    if (this.#count++ < NAMED) this.#first.push(event);
    this.#lines.push(`${JSON.stringify(event)}\n`);
    if (this.#lines.length >= LINES) this.#flush();
  }

  /** All that were noted. */
  result(): LeftOut {
    this.#flush();
    return { events: this.#count, first: this.#first, file: this.#count === 0 ? null : this.#file };
  }

  #flush(): void {
    if (this.#lines.length > 0) appendFileSync(this.#file, this.#lines.join(""));
    this.#lines = [];
  }
}
