import { native } from "../native.ts";

/**
 * A lock on a file among the processes of a machine, and within one. The kernel takes it back from a process that ends,
 * however it ends; a file system without locks keeps nobody out.
 *
 * @example
 * import { FileLock } from "lapidary/torch";
 *
 * using first = FileLock.take("my.lock");
 * using second = FileLock.take("my.lock"); // somebody else has it
 * console.log(first !== null, second); // true null
 */
export class FileLock implements Disposable {
  #descriptor: number | null;

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /**
   * Takes the lock, or null while someone else holds it. Makes the file if there is none, and leaves it when released.
   *
   * @throws {LapidaryError} TORCH_ARGUMENT if the file cannot be opened
   */
  static take(path: string): FileLock | null {
    const descriptor = native.lockFile(path);
    return descriptor < 0 ? null : new FileLock(descriptor);
  }

  /** Releases it; a second time does nothing. */
  [Symbol.dispose](): void {
    if (this.#descriptor !== null) native.unlockFile(this.#descriptor);
    this.#descriptor = null;
  }
}
