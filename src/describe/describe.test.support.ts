/** What the tests of this folder share: logs with nothing suspicious in them, and their stores. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DAY_MS } from "../base/units.ts";
import type { EventsConfig } from "../config/types.ts";
import { temporaryFolder } from "../data/events.test.support.ts";
import { EventStore, ingest } from "../data/index.ts";
import { seededIntegers } from "../metrics/comparison/random.ts";
import type { NamedWindow, Profile } from "./profile.ts";
import { type ProfileOptions, profileStore } from "./profile-store.ts";

/** First day of the logs. @unit ms since 1970, UTC */
export const FIRST_MS: number = Date.UTC(2025, 2, 1);
const NUM_DAYS = 20;

/** A row of a log; null is a missing value. */
export type Row = Record<string, string | number | null | readonly number[] | readonly string[]>;

/** A log of impressions in which clicks depend a little on what is shown, and nothing is wrong. */
export function plainLog(size: number, seed = 1): Row[] {
  const random = seededIntegers(seed);
  return Array.from({ length: size }, (_, i) => {
    const item = random(40);
    const brand = item % 6;
    const click = random(100) < 10 + 6 * brand ? 1 : 0;
    return {
      id: `e${i}`,
      user: `u${random(60)}`,
      item: `i${item}`,
      time: FIRST_MS + random(NUM_DAYS * DAY_MS),
      surface: ["feed", "stories", "search"][random(3)] ?? "",
      brand: `b${brand}`,
      price: 5 + ((item * 37) % 100) / 4,
      mobile: random(2),
      click,
      buy: click === 1 && random(4) === 0 ? 1 : 0,
      dwell: click * (1 + random(5000) / 100),
    };
  });
}

const DICTIONARY = { kind: "dictionary" } as const;

/** The mapping of {@link plainLog}. */
export function plainConfig(path: string): EventsConfig {
  return {
    from: [path],
    sql: null,
    format: "jsonl",
    text: { delimiter: null, quote: null, escape: null, encoding: "utf-8", nulls: ["\\N"], decimal: "." },
    partitions: [],
    id: "id",
    user: "user",
    item: { from: "item" },
    time: { from: "time", unit: "ms" },
    action: { value: "impression" },
    surface: { from: "surface" },
    origin: { value: "organic" },
    earliestMs: 0,
    latestMs: Date.UTC(2100, 0),
    itemIds: DICTIONARY,
    attributes: {
      brand: { from: "brand", kind: "category", ids: DICTIONARY },
      price: { from: "price", kind: "number", ids: DICTIONARY },
      mobile: { from: "mobile", kind: "flag", ids: DICTIONARY },
    },
    outcomes: {
      click: { from: "click", kind: "flag", delayMs: 600_000, objective: true, windowOf: null },
      buy: { from: "buy", kind: "flag", delayMs: DAY_MS, objective: true, windowOf: null },
      dwell: { from: "dwell", kind: "number", delayMs: 600_000, objective: false, windowOf: null },
    },
  };
}

/** The split of {@link plainLog}: 14 days, 3 and 3. */
export const WINDOWS: readonly NamedWindow[] = [
  { name: "train", fromMs: 0, untilMs: FIRST_MS + 14 * DAY_MS },
  { name: "validation", fromMs: FIRST_MS + 14 * DAY_MS, untilMs: FIRST_MS + 17 * DAY_MS },
  { name: "test", fromMs: FIRST_MS + 17 * DAY_MS, untilMs: FIRST_MS + NUM_DAYS * DAY_MS },
];

/** The profile of the store that a log becomes. */
export async function profileOf(
  rows: readonly Row[],
  configOf: (path: string) => EventsConfig = plainConfig,
  options: Partial<ProfileOptions> = {},
): Promise<Profile> {
  using folder = temporaryFolder();
  const path = join(folder.path, "log.jsonl");
  writeFileSync(path, `${rows.map((row) => JSON.stringify(row)).join("\n")}\n`);
  await ingest(configOf(path), { store: join(folder.path, "store"), threads: 1 });
  const store = EventStore.open(join(folder.path, "store"));
  try {
    return await profileStore(store, { windows: WINDOWS, nowMs: Date.UTC(2025, 6), ...options });
  } finally {
    store.close();
  }
}
