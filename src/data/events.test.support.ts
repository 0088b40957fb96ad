/** What the tests of this folder share: configurations, logs and stores to read. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { EventsConfig } from "../config/types.ts";
import { VersionedFolder } from "../files/versioned-folder.ts";
import type { ColumnLayout } from "./store/format.ts";
import { STORE } from "./store/store-versions.ts";
import { StoreWriter } from "./store/store-writer.ts";

/** A folder that is removed when `using` ends. */
export function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "lapidary-test-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A configuration with every kind of column. */
export function eventsConfig(
  path: string,
  format: EventsConfig["format"],
  overrides: Partial<EventsConfig> = {},
): EventsConfig {
  const dictionary = { kind: "dictionary" } as const;
  return {
    from: [path],
    sql: null,
    format,
    text: { delimiter: null, quote: null, escape: null, encoding: "utf-8", nulls: ["\\N"], decimal: "." },
    partitions: [],
    id: "event_id",
    user: "user_id",
    item: { from: "ad_id" },
    time: { from: "ts", unit: "ms" },
    action: { from: "action" },
    surface: { value: "feed" },
    origin: { from: "origin" },
    earliestMs: 0,
    latestMs: 2_000_000_000_000,
    itemIds: dictionary,
    attributes: {
      brand: { from: "brand", kind: "category", ids: dictionary },
      shop: { from: "brand", kind: "category", ids: { kind: "hash", buckets: 7 } },
      price: { from: "price", kind: "number", ids: dictionary },
    },
    outcomes: {
      click: { from: "is_click", kind: "flag", delayMs: 0, objective: true, windowOf: null },
      dwell: { from: "dwell", kind: "number", delayMs: 1000, objective: false, windowOf: null },
    },
    ...overrides,
  };
}

/** One event of a synthetic timeline; flags and outcomes as the codes of the store. */
export interface TestEvent {
  readonly user: number;
  readonly time: number;
  readonly item: number;
  readonly click: number;
  readonly dwell: number;
}

/** Delay of the outcomes of {@link writeStore}. @unit ms */
export const CLICK_DELAY_MS = 7;

/** Code of an item's origin in {@link writeStore}: missing, organic, or ad. */
export const originOf = (item: number): number => Math.floor(item / 2) % 3;

/** Writes events, in any order, as a store; users are renumbered 1, 2, … in ascending order. */
export function writeStore(dir: string, events: readonly TestEvent[]): readonly TestEvent[] {
  const layouts: readonly ColumnLayout[] = [
    { name: "item", kind: "category", type: "u16", cardinality: 1000 },
    { name: "surface", kind: "category", type: "u8", cardinality: 4 },
    { name: "origin", kind: "category", type: "u8", cardinality: 3 },
    { name: "click", kind: "flag", type: "u8", cardinality: 3 },
    { name: "dwell", kind: "number", type: "f32", cardinality: 0 },
  ];
  const ids = [...new Set(events.map(({ user }) => user))].sort((a, b) => a - b);
  const sorted = events
    .map((event) => ({ ...event, user: ids.indexOf(event.user) + 1 }))
    .sort((a, b) => a.user - b.user || a.time - b.time);
  const staging = new VersionedFolder(dir, STORE).stage();
  const writer = new StoreWriter(staging.folder, layouts);
  for (let at = 0; at < sorted.length; at += 50) {
    const part = sorted.slice(at, at + 50);
    writer.append({
      users: Uint32Array.from(part, ({ user }) => user),
      times: Float64Array.from(part, ({ time }) => time),
      columns: [
        Uint16Array.from(part, ({ item }) => item),
        Uint8Array.from(part, ({ item }) => 1 + (item % 3)),
        Uint8Array.from(part, ({ item }) => originOf(item)),
        Uint8Array.from(part, ({ click }) => click),
        Float32Array.from(part, ({ dwell }) => dwell),
      ],
    });
  }
  const rows = { rowsRead: sorted.length, accepted: sorted.length, duplicates: 0, rejected: 0 };
  const outcomes = [{ name: "click", kind: "flag", delayMs: CLICK_DELAY_MS, objective: true }] as const;
  writer.finish({
    schema: { attributes: [{ name: "dwell", kind: "number" }], outcomes },
    rows,
    rejections: {},
    repeats: { completed: 0, contradictions: {} },
  });
  staging.publish();
  return sorted;
}

/** Content of every file of the store's current version, by relative path. */
export function storeBytes(dir: string): Readonly<Record<string, string>> {
  const { folder } = new VersionedFolder(dir, STORE).open();
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const entries = files.map((entry): [string, string] => {
    const path = join(entry.parentPath, entry.name);
    return [relative(folder, path), readFileSync(path, "hex")];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
