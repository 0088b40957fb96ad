import { closeSync, fsyncSync, openSync, readdirSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { makeFolder } from "../files/durable-file.ts";
import { encodeRecord, type TensorBoardEvent } from "./event-record.ts";

/** Where and how a {@link TensorBoardWriter} begins. */
export interface TensorBoardOptions {
  /** First step that is written anew after a resume: TensorBoard forgets what older files say of it and later ones. */
  readonly purgeStep?: number;
  /** @unit ms since 1970, UTC @default Date.now */
  readonly now?: () => number;
}

/**
 * Writes scalar curves to a TensorBoard event file. Every open makes a file of its own and none is ever rewritten; a
 * write is of whole records, so a file cut off by a crash is readable up to its last record.
 */
export class TensorBoardWriter {
  readonly path: string;
  readonly #file: number;
  readonly #now: () => number;
  #pending: Uint8Array[] = [];
  #closed = false;

  private constructor(path: string, now: () => number) {
    this.path = path;
    this.#file = openSync(path, "ax");
    this.#now = now;
  }

  /** A writer on a new file in `folder`, which is made if it is missing. */
  static open(folder: string, { purgeStep, now = Date.now }: TensorBoardOptions = {}): TensorBoardWriter {
    makeFolder(folder);
    const seconds = Math.max(Math.floor(now() / 1000), newestFile(folder) + 1);
    const name = `events.out.tfevents.${String(seconds).padStart(10, "0")}.${hostname()}.${process.pid}`;
    const writer = new TensorBoardWriter(join(folder, name), now);
    writer.#add(0, { kind: "fileVersion", version: "brain.Event:2" });
    if (purgeStep !== undefined) writer.#add(purgeStep, { kind: "sessionStart" });
    writer.flush();
    return writer;
  }

  /** Adds one point at `step` to each named curve; kept in memory until {@link flush}. */
  scalars(step: number, values: Readonly<Record<string, number>>): void {
    this.#add(step, { kind: "scalars", values });
  }

  /** Writes what was added, and waits until it is on the disk. */
  flush(): void {
    if (this.#closed) return;
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    for (let written = 0; written < bytes.length; ) written += writeSync(this.#file, bytes, written);
    fsyncSync(this.#file);
  }

  /** Flushes and closes the file; a second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
    closeSync(this.#file);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #add(step: number, body: TensorBoardEvent["body"]): void {
    this.#pending.push(encodeRecord({ wallTime: this.#now() / 1000, step, body }));
  }
}

/** TensorBoard reads files in order of their names, so a new one must sort last even within one second. */
function newestFile(folder: string): number {
  const times = readdirSync(folder).map((name) => Number(/^events\.out\.tfevents\.(\d+)\./.exec(name)?.[1] ?? 0));
  return Math.max(0, ...times);
}
