/** What the tests of this folder share: generated logs whose fields' roles are known. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { DAY_MS } from "../base/units.ts";
import { type RandomInteger, seededIntegers } from "../metrics/comparison/random.ts";

const FIRST_MS = Date.UTC(2025, 0, 6);

/** Names that people give to each role. */
const SYNONYMS = {
  user: [
    "user_id",
    "userId",
    "UID",
    "uid",
    "USER_ID",
    "member_id",
    "visitorId",
    "customer",
    "anon_user_id",
    "visitorid",
    "utilisateur_id",
    "KundeId",
    "用户ID",
    "account_id",
  ],
  item: [
    "item_id",
    "itemId",
    "AD_ID",
    "ad",
    "video_id",
    "productId",
    "article",
    "creative_id",
    "sku",
    "ASIN",
    "contentid",
    "produit_id",
    "artikel_nr",
    "商品ID",
  ],
  time: [
    "time",
    "timestamp",
    "ts",
    "event_time",
    "eventTime",
    "TIMESTAMP",
    "datetime",
    "occurred_at",
    "zeitpunkt",
    "fecha",
  ],
  id: ["event_id", "eventId", "impression_id", "request_id", "id", "UUID", "log_id"],
  surface: ["surface", "placement", "ad_slot", "Placement", "channel", "screen"],
  click: ["is_click", "clicked", "click", "Click", "CLICKED", "isClick", "ad_click", "点击"],
  buy: ["is_purchase", "purchased", "conversion", "converted", "hasBought", "order_placed", "installed"],
  dwell: ["dwell", "play_time_ms", "watchTime", "time_spent", "view_seconds", "dwell_time"],
  clickTime: ["click_time", "clickedAt", "click_ts", "conversion_time"],
  category: ["category", "brand", "Genre", "content_type", "color"],
  country: ["country", "user_country", "Region", "device_os", "language"],
  price: ["price", "bid", "Price", "item_price", "preis"],
  mobile: ["is_mobile", "mobile", "isPremium", "is_new", "logged_in"],
  told: ["x1", "extra", "misc_code", "kind_of", "f17"],
  constant: ["version", "schema", "app_version"],
  link: ["url", "landing", "link_hash"],
} as const;

/** What a field of a generated log is. */
export type Role = keyof typeof SYNONYMS;

const OPTIONAL = ["id", "surface", "dwell", "clickTime", "country", "mobile", "told", "constant", "link"] as const;
const FORMATS = ["csv", "tsv", "jsonl", "parquet", "csv.gz", "jsonl.gz"] as const;

/** One generated log. */
export interface GeneratedLog {
  readonly format: (typeof FORMATS)[number];
  readonly unit: "s" | "ms" | "us" | "iso";
  /** Name of each role's field, in the order of the columns. */
  readonly names: ReadonlyMap<Role, string>;
  readonly rows: readonly Readonly<Record<string, string | number | null>>[];
}

interface Shape {
  readonly seed: number;
  readonly size: number;
  readonly users: number;
  readonly items: number;
  readonly days: number;
}

/** Logs of every format and unit of time, with names in several languages, some fields left out, columns shuffled. */
export function generatedLogs(nameless = false): fc.Arbitrary<GeneratedLog> {
  const shape = fc.record({
    seed: fc.integer({ min: 1, max: 1e6 }),
    size: fc.integer({ min: 800, max: 1500 }),
    users: fc.integer({ min: 30, max: 60 }),
    items: fc.integer({ min: 20, max: 60 }),
    days: fc.integer({ min: 3, max: 40 }),
  });
  const picks = fc.record(
    Object.fromEntries(Object.entries(SYNONYMS).map(([role, names]) => [role, fc.constantFrom(...names)])) as Record<
      Role,
      fc.Arbitrary<string>
    >,
  );
  return fc
    .record({
      shape,
      picks,
      format: fc.constantFrom(...FORMATS),
      unit: fc.constantFrom("s", "ms", "us", "iso"),
      left: fc.subarray([...OPTIONAL]),
      order: fc.shuffledSubarray(Object.keys(SYNONYMS) as Role[], { minLength: Object.keys(SYNONYMS).length }),
    })
    .map(({ shape: own, picks: chosen, format, unit, left, order }) => {
      const roles = order.filter((role) => !(left as readonly Role[]).includes(role));
      const names = new Map(
        roles.map((role, i) => [role, nameless && (role === "user" || role === "item") ? `c${i}` : chosen[role]]),
      );
      return { format, unit, names, rows: rowsOf(own, { names, unit }) };
    });
}

function timeText(ms: number, unit: GeneratedLog["unit"]): string | number {
  if (unit === "iso") return new Date(ms).toISOString();
  return { s: Math.floor(ms / 1000), ms, us: ms * 1000 + 7 }[unit];
}

interface Shown {
  readonly ms: number;
  readonly click: 0 | 1;
  readonly unit: GeneratedLog["unit"];
  readonly random: RandomInteger;
}

/** What comes of an impression, and what gives it away. */
function outcomesOf({ ms, click, unit, random }: Shown) {
  return {
    click,
    buy: click === 1 && random(3) === 0 ? 1 : 0,
    dwell: random(20) === 0 ? null : click * random(4000) + random(3000),
    clickTime: click === 1 ? timeText(ms + 1000 + random(60_000), unit) : null,
    told: click === 1 ? "B" : "A",
  };
}

function rowsOf(shape: Shape, { names, unit }: Pick<GeneratedLog, "names" | "unit">): GeneratedLog["rows"] {
  const random = seededIntegers(shape.seed);
  let session = { user: 0, startMs: 0, left: 0 };
  // People come in sessions of some minutes.
  const nextSession = () => {
    const user = random(shape.users);
    return { user, startMs: FIRST_MS + random(shape.days * DAY_MS), left: 2 + random(12) };
  };
  return Array.from({ length: shape.size }, (_, i) => {
    if (session.left-- === 0) session = nextSession();
    const ms = session.startMs + random(1_200_000);
    const item = random(shape.items);
    const click = random(100) < 12 + 6 * (item % 5) ? 1 : 0;
    const outcomes = outcomesOf({ ms, click, unit, random });
    const facts: Record<Role, string | number | null> = {
      ...outcomes,
      user: `u${1000 + session.user}`,
      item: 500_000 + item * 17,
      time: timeText(ms, unit),
      id: `e${shape.seed}-${i}`,
      surface: ["feed", "stories", "search"][random(3)] ?? null,
      category: ["red", "green", "blue", "black", "white"][item % 5] ?? null,
      country: ["fr", "de", "jp"][session.user % 3] ?? null,
      price: (199 + ((item * 7919) % 5000)) / 100,
      mobile: session.user % 2,
      constant: "7.1",
      link: `https://example.org/${shape.seed}/${i}`,
    };
    return Object.fromEntries([...names].map(([role, name]) => [name, facts[role]]));
  });
}

/** Writes a log as one file of its format. */
export async function writeLog(folder: string, { format, names, rows }: GeneratedLog): Promise<string> {
  const path = join(folder, `log.${format}`);
  const columns = [...names.values()];
  const lines = (delimiter: string): string =>
    [columns, ...rows.map((row) => columns.map((name) => row[name] ?? ""))]
      .map((cells) => cells.join(delimiter))
      .join("\n");
  const json = rows.map((row) => JSON.stringify(row)).join("\n");
  const text = format.startsWith("jsonl") || format === "parquet" ? json : lines(format === "tsv" ? "\t" : ",");
  if (format !== "parquet") {
    writeFileSync(path, format.endsWith(".gz") ? gzipSync(`${text}\n`) : `${text}\n`);
    return path;
  }
  const source = join(folder, "source.json");
  writeFileSync(source, `${text}\n`);
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(
    `COPY (SELECT * FROM read_json('${source}', format = 'newline_delimited')) TO '${path}' (FORMAT parquet)`,
  );
  connection.closeSync();
  instance.closeSync();
  return path;
}
