import { FOLD_COLUMN } from "../features/schema.ts";
import type { EventWindow } from "./examples/split.ts";
import { WindowRows } from "./examples/window-rows.ts";
import { momentOf } from "./histories/point-in-time.ts";
import type { EventStore } from "./store/event-store.ts";
import type { AdmissionTimes } from "./store/store-coding.ts";

/** What decides when a code has been seen often enough. */
export interface AdmissionOptions {
  readonly window: EventWindow;
  /** Events of a code after which it is admitted, at least 1. */
  readonly minCount: number;
}

/**
 * The last moment before that of the `minCount`-th event of each code in a window, infinite where there are fewer, by
 * table: `user` and every column of a category or of lists. From its `minCount`-th event on, that one included, a code has
 * its row, so that no row is read that nothing was learned into. Each event counts once for an id, though it may be read as
 * a candidate and in many histories: this is what a vocabulary is made of. O(events log events) time, O(events) memory for
 * one table at a time.
 *
 * @shape each [codes] @unit ms since 1970, UTC
 * @example
 * import { loadProject } from "lapidary";
 * import { admissionTimes, EventStore, windowOf } from "lapidary/data";
 *
 * const { store: folder, split } = await loadProject();
 * using store = EventStore.open(folder);
 * const { item = [] } = admissionTimes(store, { window: windowOf(split, "train"), minCount: 5 });
 * console.log(Array.from(item).filter(Number.isFinite).length, item.length); // 53 61
 */
export function admissionTimes(store: EventStore, options: AdmissionOptions): AdmissionTimes {
  const rows = new WindowRows(store, options.window);
  const moments = momentsOf(store, rows);
  const minCount = Math.max(1, options.minCount);
  const usersOf = (): Uint32Array => {
    const users = new Uint32Array(rows.size);
    for (const { user, start, end, at } of rows.ranges()) users.fill(user, at, at + end - start);
    return users;
  };
  // Where each row is a user of its own, no user comes back.
  const hasUsers = store.manifest.schema.without?.includes("user") !== true;
  const cardinality = store.numUsers + 1;
  const admitted = hasUsers ? { user: beforeNth(usersOf(), moments, { minCount, cardinality }) } : {};
  // The codes of origins are the same in every store and mean the same from the first event on.
  const isFact = (name: string): boolean => name !== "origin" && name !== FOLD_COLUMN;
  const categories = store.manifest.columns.filter(({ name, kind }) => kind === "category" && isFact(name));
  const others = categories.map(({ name, cardinality }) => {
    return [name, beforeNth(codesOf(store, rows, name), moments, { minCount, cardinality })] as const;
  });
  const lists = store.manifest.columns.filter(({ kind }) => kind === "categories");
  const ofLists = lists.map(({ name, cardinality }) => {
    const listed = listedCodes(store, rows, { name, moments });
    return [name, beforeNth(listed.codes, listed.moments, { minCount, cardinality })] as const;
  });
  return { ...admitted, ...Object.fromEntries([...others, ...ofLists]) };
}

/** Moments of a window's examples, in the order of the store. */
function momentsOf(store: EventStore, rows: WindowRows): Float64Array {
  const moments = new Float64Array(rows.size);
  for (const { user, start, end, at } of rows.ranges()) {
    const times = store.timesOf(start, end, user);
    for (let i = 0; i < times.length; i++) moments[at + i] = momentOf(start + i, times[i]!);
  }
  return moments;
}

/** Codes of a window's examples, in the order of the store. */
function codesOf(store: EventStore, rows: WindowRows, name: string): Uint32Array {
  const column = store.column(name);
  const codes = new Uint32Array(rows.size);
  for (const { start, end, at } of rows.ranges()) codes.set(column.slice(start, end), at);
  return codes;
}

/** Codes of the lists of a window's examples, each once per example, beside the example's moment. */
function listedCodes(
  store: EventStore,
  rows: WindowRows,
  { name, moments }: { readonly name: string; readonly moments: Float64Array },
): { readonly codes: Uint32Array; readonly moments: Float64Array } {
  const column = store.lists(name);
  const ranges = [...rows.ranges()].map(({ start, end, at }) => ({ bounds: column.bounds(start, end), at }));
  const most = ranges.reduce((sum, { bounds }) => sum + (bounds.at(-1) ?? 0) - (bounds[0] ?? 0), 0);
  const codes = new Uint32Array(most);
  const times = new Float64Array(most);
  let count = 0;
  for (const { bounds, at } of ranges) {
    const all = column.codes(bounds[0] ?? 0, bounds.at(-1) ?? 0);
    for (let i = 0; i + 1 < bounds.length; i++) {
      for (const code of new Set(all.subarray(bounds[i]! - bounds[0]!, bounds[i + 1]! - bounds[0]!))) {
        codes[count] = code;
        times[count++] = moments[at + i]!;
      }
    }
  }
  return { codes: codes.subarray(0, count), moments: times.subarray(0, count) };
}

/** The last moment before the `minCount`-th smallest of each code; code 0, which means missing, never has one. */
function beforeNth(
  codes: Uint32Array,
  moments: Float64Array,
  { minCount, cardinality }: { readonly minCount: number; readonly cardinality: number },
): Float64Array {
  const offsets = new Uint32Array(cardinality + 1);
  for (const code of codes) offsets[code + 1]!++;
  for (let code = 0; code < cardinality; code++) offsets[code + 1]! += offsets[code]!;
  const next = offsets.slice();
  const byCode = new Float64Array(codes.length);
  for (let i = 0; i < codes.length; i++) byCode[next[codes[i]!]!++] = moments[i]!;
  const nth = new Float64Array(cardinality).fill(Number.POSITIVE_INFINITY);
  for (let code = 1; code < cardinality; code++) {
    const codeTimes = byCode.subarray(offsets[code]!, offsets[code + 1]!);
    if (codeTimes.length >= minCount) nth[code] = lastBefore(codeTimes.sort()[minCount - 1]!);
  }
  return nth;
}

const DOUBLE = new Float64Array(1);
const BITS = new BigInt64Array(DOUBLE.buffer);

/** The largest double below a finite one: after it and from that one on are the same. */
function lastBefore(value: number): number {
  if (value === 0) return -Number.MIN_VALUE;
  DOUBLE[0] = value;
  BITS[0]! += value > 0 ? -1n : 1n;
  return DOUBLE[0];
}
