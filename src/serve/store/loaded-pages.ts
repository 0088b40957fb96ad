import { partitionPoint } from "../../base/binary-search.ts";
import { AFTER_EVENTS, BEFORE_EVENTS, type Page, type UserPages } from "./user-pages.ts";

/** Thrown when all blocks are asked for and only some pages were loaded. */
export class MissingPagesError extends Error {}

/** Pages of a user that were loaded before: all of them, or a few and the floors of the keys that will be asked for. */
export class LoadedPages implements UserPages {
  /** In the order of their keys. */
  readonly #pages: readonly Page[];
  readonly #isWhole: boolean;

  constructor(pages: readonly Page[], isWhole: boolean) {
    this.#pages = pages.toSorted((a, b) => a.key.compare(b.key));
    this.#isWhole = isWhole;
  }

  get(key: Buffer): Buffer | undefined {
    const page = this.floor(key);
    return page?.key.equals(key) === true ? page.value : undefined;
  }

  floor(key: Buffer): Page | undefined {
    const end = partitionPoint(this.#pages.length, (i) => this.#pages[i]!.key.compare(key) <= 0);
    const page = this.#pages[end - 1];
    return page?.key[0] === key[0] ? page : undefined;
  }

  /** @throws {MissingPagesError} if not all pages were loaded */
  blocks(): readonly Page[] {
    if (!this.#isWhole) throw new MissingPagesError();
    return this.#pages.filter(({ key }) => key.compare(BEFORE_EVENTS) > 0 && key.compare(AFTER_EVENTS) < 0);
  }
}
