import { type TimeWindow, WindowRows } from "./examples.ts";
import type { EventStore } from "./store/event-store.ts";
import type { AdmissionTimes } from "./store-coding.ts";

/** What decides when a code has been seen often enough. */
export interface AdmissionOptions {
  readonly window: TimeWindow;
  /** Events of a code after which it is admitted, at least 1. */
  readonly minCount: number;
}

/**
 * The time of the `minCount`-th event of each code in a window, infinite where there are fewer, by table: `user` and
 * every column of categories. Each event counts once, though it may be read as a candidate and in many histories: this
 * is what a vocabulary is made of. O(events log events) time, O(events) memory for one table at a time.
 *
 * @shape each [codes] @unit ms since 1970, UTC
 */
export function admissionTimes(store: EventStore, options: AdmissionOptions): AdmissionTimes {
  const rows = new WindowRows(store, options.window);
  const times = timesOf(store, rows);
  const users = new Uint32Array(rows.size);
  for (let user = 1; user <= store.numUsers; user++) {
    users.fill(user, rows.offsets[user - 1], rows.offsets[user]);
  }
  const minCount = Math.max(1, options.minCount);
  const admitted = { user: nthTimes(users, times, { minCount, cardinality: store.numUsers + 1 }) };
  // The codes of origins are the same in every store and mean the same from the first event on.
  const categories = store.manifest.columns.filter(({ name, kind }) => kind === "category" && name !== "origin");
  const others = categories.map(({ name, cardinality }) => {
    return [name, nthTimes(codesOf(store, rows, name), times, { minCount, cardinality })] as const;
  });
  return { ...admitted, ...Object.fromEntries(others) };
}

/** Times of a window's examples, user by user. */
function timesOf(store: EventStore, rows: WindowRows): Float64Array {
  const times = new Float64Array(rows.size);
  for (let user = 1; user <= store.numUsers; user++) {
    const at = rows.offsets[user - 1]!;
    const start = rows.starts[user - 1]!;
    times.set(store.timesOf(start, start + rows.offsets[user]! - at, user), at);
  }
  return times;
}

/** Codes of a window's examples, user by user. */
function codesOf(store: EventStore, rows: WindowRows, name: string): Uint32Array {
  const column = store.column(name);
  const codes = new Uint32Array(rows.size);
  for (let user = 1; user <= store.numUsers; user++) {
    const at = rows.offsets[user - 1]!;
    const start = rows.starts[user - 1]!;
    codes.set(column.slice(start, start + rows.offsets[user]! - at), at);
  }
  return codes;
}

/** The `minCount`-th smallest of the times of each code; code 0, which means missing, never has one. */
function nthTimes(
  codes: Uint32Array,
  times: Float64Array,
  { minCount, cardinality }: { readonly minCount: number; readonly cardinality: number },
): Float64Array {
  const offsets = new Uint32Array(cardinality + 1);
  for (const code of codes) offsets[code + 1]!++;
  for (let code = 0; code < cardinality; code++) offsets[code + 1]! += offsets[code]!;
  const next = offsets.slice();
  const byCode = new Float64Array(codes.length);
  for (let i = 0; i < codes.length; i++) byCode[next[codes[i]!]!++] = times[i]!;
  const nth = new Float64Array(cardinality).fill(Number.POSITIVE_INFINITY);
  for (let code = 1; code < cardinality; code++) {
    const own = byCode.subarray(offsets[code]!, offsets[code + 1]!);
    if (own.length >= minCount) nth[code] = own.sort()[minCount - 1]!;
  }
  return nth;
}
