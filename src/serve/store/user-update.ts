import { decodeBlock, type EncodedBlock, encodeBlocks } from "./event-block.ts";
import { hasHash, idHash, withHashes } from "./id-hashes.ts";
import { LoadedPages } from "./loaded-pages.ts";
import type { ReportedEvent } from "./online-store.ts";
import { addReport, compareEvents, type StoredEvent, storedEvent } from "./stored-event.ts";
import { COUNT_KEY, countPage, EVENTS_KEY, eventsKey, FEW_EVENTS, type Page, type UserPages } from "./user-pages.ts";

/** What reports of one user's events change. */
export interface UserChanges {
  /** Events that are new. */
  readonly added: number;
  /** Pages to write, in the order of their keys. Keys of pages never go away. */
  readonly pages: readonly Page[];
}

/** The most events of a user of which all blocks are read to add so many reports: about one block per report. */
export function wholeCount(numReports: number): number {
  return Math.max(FEW_EVENTS, 32 * numReports);
}

/** Number of a user's events; null if all blocks have to be counted. */
export function indexedCount(pages: Pick<UserPages, "get">): number | null {
  return pages.get(COUNT_KEY)?.readUInt32BE(0) ?? null;
}

/** Takes events as they were before, and as they are then: first away, then anew. */
export type CountEvent = (event: StoredEvent, change: 1 | -1) => void;

/** What changes if these reports of one user's events are added, in this order. `count` is told of events that change. */
export function applyReports(
  pages: UserPages,
  reports: readonly ReportedEvent[],
  count: CountEvent | null = null,
): UserChanges {
  const update = new UserUpdate(pages, reports.length, count);
  for (const report of reports) update.report(report);
  return update.changes();
}

/** A block that was read. */
interface OpenBlock {
  readonly key: Buffer;
  readonly events: StoredEvent[];
  /** Events that were there before. */
  readonly numOld: number;
  isChanged: boolean;
}

/** A stored event, and where it is. */
interface Stored {
  readonly event: StoredEvent;
  readonly block: OpenBlock;
}

class UserUpdate {
  readonly #pages: UserPages;
  /** All of them if all were read. */
  readonly #blockPages: Pick<UserPages, "floor" | "blocks">;
  readonly #isIndexed: boolean;
  readonly #count: number;
  /** Blocks that were read, by key. */
  readonly #blocks = new Map<string, OpenBlock>();
  /** All stored events by id; null if only single blocks are read. */
  readonly #stored: Map<string, Stored> | null;
  /** New events by id. */
  readonly #fresh = new Map<string, StoredEvent>();
  readonly #countEvent: CountEvent | null;

  constructor(pages: UserPages, numReports: number, countEvent: CountEvent | null) {
    this.#pages = pages;
    this.#countEvent = countEvent;
    const count = indexedCount(pages);
    this.#isIndexed = count !== null;
    if (count !== null && count > wholeCount(numReports)) {
      this.#count = count;
      this.#stored = null;
      this.#blockPages = pages;
      return;
    }
    this.#stored = new Map();
    const whole = new LoadedPages(pages.blocks(), true);
    this.#blockPages = whole;
    for (const page of whole.blocks()) {
      const block = this.#open(page);
      for (const event of block.events) this.#stored.set(event.id, { event, block });
    }
    this.#count = this.#stored.size;
  }

  report(report: ReportedEvent): void {
    const fresh = this.#fresh.get(report.id);
    if (fresh !== undefined) {
      addReport(fresh, report);
      return;
    }
    const found = this.#stored === null ? this.#search(report) : this.#stored.get(report.id);
    if (found === undefined) {
      this.#fresh.set(report.id, storedEvent(report, this.#count + this.#fresh.size));
      return;
    }
    this.#countEvent?.(found.event, -1);
    if (addReport(found.event, report)) found.block.isChanged = true;
    this.#countEvent?.(found.event, 1);
  }

  changes(): UserChanges {
    for (const event of this.#fresh.values()) {
      const block = this.#blockOf(event);
      block.events.push(event);
      block.isChanged = true;
      this.#countEvent?.(event, 1);
    }
    const changed = [...this.#blocks.values()].filter(({ isChanged }) => isChanged);
    const pages = [...changed.flatMap(pagesOf), ...this.#index()];
    return { added: this.#fresh.size, pages: pages.sort((a, b) => a.key.compare(b.key)) };
  }

  /** The block where a new event belongs. */
  #blockOf({ timeMs, sequence }: StoredEvent): OpenBlock {
    const [first] = this.#blocks.values();
    if (this.#stored !== null && this.#blocks.size === 1 && first !== undefined) return first;
    const page = this.#blockPages.floor(eventsKey(timeMs, sequence));
    return this.#open(page ?? { key: EVENTS_KEY, value: EMPTY });
  }

  /** The pages beside the blocks. */
  #index(): readonly Page[] {
    const count = this.#count + this.#fresh.size;
    if (this.#fresh.size === 0 || count <= FEW_EVENTS) return [];
    const ids = this.#isIndexed ? [] : [...(this.#stored?.keys() ?? [])];
    const hashes = withHashes(this.#pages, [...ids, ...this.#fresh.keys()].map(idHash));
    return [...hashes, { key: COUNT_KEY, value: countPage(count) }];
  }

  /** A stored event by its id: near its time if the report has the same, anywhere otherwise. */
  #search({ id, timeMs }: ReportedEvent): Stored | undefined {
    if (!hasHash(this.#pages, idHash(id))) return undefined;
    const near = this.#pages.floor(eventsKey(timeMs));
    const found = near && this.#find(id, near);
    if (found !== undefined) return found;
    for (const page of this.#pages.blocks()) {
      const elsewhere = this.#find(id, page);
      if (elsewhere !== undefined) return elsewhere;
    }
    return undefined;
  }

  #find(id: string, page: Page): Stored | undefined {
    const block = this.#open(page);
    const event = block.events.find((each) => each.id === id);
    return event && { event, block };
  }

  #open({ key, value }: Page): OpenBlock {
    const name = key.toString("latin1");
    const known = this.#blocks.get(name);
    if (known !== undefined) return known;
    const events = decodeBlock(value);
    const block = { key, events, numOld: events.length, isChanged: false };
    this.#blocks.set(name, block);
    return block;
  }
}

/** A block of no events. */
const EMPTY = Buffer.from([0]);

/** A block as it is to be written: as several, if it has become too large for one. */
function pagesOf({ key, events, numOld }: OpenBlock): readonly Page[] {
  const lastOld = events[numOld - 1];
  const firstNew = events.slice(numOld).reduce<StoredEvent | undefined>(earlier, undefined);
  events.sort(compareEvents);
  const isAtEnd = lastOld === undefined || firstNew === undefined || compareEvents(lastOld, firstNew) < 0;
  // What is added at the end is likely to go on there: full blocks are left behind. Elsewhere halves have room for more.
  const blocks = isAtEnd ? encodeBlocks(events) : encodeHalves(events);
  return blocks.map(({ first, bytes }, i) => ({
    key: i === 0 ? key : eventsKey(first.timeMs, first.sequence),
    value: bytes,
  }));
}

function encodeHalves(events: readonly StoredEvent[]): readonly EncodedBlock[] {
  const blocks = encodeBlocks(events);
  if (blocks.length === 1) return blocks;
  const middle = events.length >>> 1;
  return [...encodeHalves(events.slice(0, middle)), ...encodeHalves(events.slice(middle))];
}

function earlier(a: StoredEvent | undefined, b: StoredEvent): StoredEvent {
  return a === undefined || compareEvents(b, a) < 0 ? b : a;
}
