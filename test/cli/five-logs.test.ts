/** Five kinds of logs, each from its files to a configuration, a model, and probabilities: by the server and by file. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { IngestResult } from "../../src/data/index.ts";
import type { Profile } from "../../src/describe/index.ts";
import type { Evaluation } from "../../src/evaluate/index.ts";
import { seededIntegers } from "../../src/metrics/comparison/random.ts";
import type { Predicted } from "../../src/predict/index.ts";
import { lapidary, lastLine, startServer, temporaryFolder } from "./lapidary.ts";

const ROWS = 1500;
const ITEMS = 40;
const T0 = Date.UTC(2025, 2, 1);
const DIM = 4;
const TAGS = ["red", "warm", "cheap", "new", "soft"];

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder[Symbol.dispose]());

/** An item and what is told of it; what is clicked is decided by that alone. */
interface Item {
  readonly id: string;
  readonly price: number;
  readonly image: readonly number[];
  readonly tags: readonly string[];
}

interface Shown {
  readonly user: string;
  readonly item: Item;
  readonly ms: number;
  readonly sponsored: boolean;
  readonly click: 0 | 1;
}

/** Impressions over ten days; `rate` plants how often an item is clicked. */
function impressions(seed: number, rate: (item: Item, at: number) => number): readonly Shown[] {
  const random = seededIntegers(seed);
  const items = Array.from({ length: ITEMS }, (_, i): Item => {
    const image = Array.from({ length: DIM }, () => (random(2001) - 1000) / 1000);
    const tags = TAGS.filter(() => random(2) === 0);
    return { id: `ad${i}`, price: (100 + random(9900)) / 100, image, tags };
  });
  return Array.from({ length: ROWS }, (_, i) => {
    const at = random(ITEMS);
    const item = items[at]!;
    const click = random(1e6) < rate(item, at) * 1e6 ? 1 : 0;
    const ms = T0 + Math.floor((i * 10 * 86_400_000) / ROWS);
    return { user: `u${random(50)}`, item, ms, sponsored: random(3) === 0, click };
  });
}

async function query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const rows = await (await connection.run(sql)).getRowObjectsJson();
  connection.closeSync();
  instance.closeSync();
  return rows;
}

const hashed = (text: string): string => Buffer.from(text).toString("hex").padStart(8, "f").slice(-8);
const codeOfAd = ({ id, price }: Item): string | null => (price < 20 ? null : hashed(id));
const jsonl = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

/** One kind of log. */
interface Kind {
  readonly name: string;
  /** Writes the log into a folder: the file to look at, and the one to score. */
  readonly write: (folder: string) => Promise<{ readonly log: string; readonly input: string }>;
  /** What a reader changes of the proposed configuration. */
  readonly edit?: (config: string) => string;
  readonly hasHistories: boolean;
  /** @default true */
  readonly hasItems?: boolean;
  /** A field of lists of tags. */
  readonly lists?: string;
  /** @default clicked alone */
  readonly objectives?: readonly string[];
  /** Lines that the configuration must hold. */
  readonly lines: readonly RegExp[];
  readonly shown: readonly Shown[];
  /** What a client says of an impression's item. */
  readonly facts: (shown: Shown) => object;
}

const byAd = impressions(1, (_, at) => (at % 2 === 0 ? 0.7 : 0.15));
const byImage = impressions(2, ({ image }) => (image[0]! > 0 ? 0.7 : 0.15));
const byTag = impressions(3, ({ tags }) => (tags.includes("warm") ? 0.7 : 0.15));

/** Vectors in JSON lines, and the same as Parquet. */
const vectorLines = byImage.map(({ user, item, ms, click }) => {
  return { user_id: user, item_id: item.id, time_ms: ms, image: item.image, clicked: click };
});

const KINDS: readonly Kind[] = [
  {
    name: "a plain click table",
    write: async (into) => {
      const lines = byAd.map(
        ({ item, sponsored, click }) => `${item.id},${sponsored ? "wide" : "tall"},${item.price},${click}\n`,
      );
      writeFileSync(join(into, "clicks.csv"), `ad_id,layout,price,clicked\n${lines.join("")}`);
      return { log: join(into, "clicks.csv"), input: join(into, "clicks.csv") };
    },
    hasHistories: false,
    lines: [/item: "ad_id",$/, /split: \{ random: /, /layout: "category", price: "number"/],
    shown: byAd,
    facts: ({ item: { price }, sponsored }) => ({ price, layout: sponsored ? "wide" : "tall" }),
  },
  {
    name: "a plain click table of hashed fields, without items",
    write: async (into) => {
      // As public click logs have it: what is not known is empty.
      const lines = byAd.map(
        ({ item, sponsored, click }) => `${click},${item.price},${codeOfAd(item) ?? ""},${hashed(`${sponsored}`)}\n`,
      );
      writeFileSync(join(into, "clicks.csv"), `clicked,I1,C1,C2\n${lines.join("")}`);
      return { log: join(into, "clicks.csv"), input: join(into, "clicks.csv") };
    },
    hasHistories: false,
    hasItems: false,
    lines: [/item: \{ value: "all" \},$/, /I1: "number", C1: "category", C2: "category"/],
    shown: byAd,
    facts: ({ item, sponsored }) => ({ I1: item.price, C1: codeOfAd(item), C2: hashed(`${sponsored}`) }),
  },
  {
    name: "creative vectors in JSON",
    write: async (into) => {
      writeFileSync(join(into, "log.jsonl"), jsonl(vectorLines));
      return { log: join(into, "log.jsonl"), input: join(into, "log.jsonl") };
    },
    hasHistories: true,
    lines: [/image: \{ kind: "vector", dim: 4 \}/],
    shown: byImage,
    facts: ({ item: { image } }) => ({ image }),
  },
  {
    name: "creative vectors in Parquet",
    write: async (into) => {
      writeFileSync(join(into, "source.json"), jsonl(vectorLines));
      const types =
        "{'user_id': 'VARCHAR', 'item_id': 'VARCHAR', 'time_ms': 'BIGINT', 'image': 'FLOAT[]', 'clicked': 'BOOLEAN'}";
      const path = join(into, "log.parquet");
      await query(
        `COPY (FROM read_json('${join(into, "source.json")}', format = 'newline_delimited', columns = ${types})) TO '${path}' (FORMAT parquet)`,
      );
      return { log: path, input: path };
    },
    hasHistories: true,
    lines: [/image: \{ kind: "vector", dim: 4 \}/],
    shown: byImage,
    facts: ({ item: { image } }) => ({ image }),
  },
  {
    name: "lists of categories, with semicolons, decimal commas and \\N",
    write: async (into) => {
      const lines = byTag.map(({ user, item, ms, sponsored, click }) => {
        const tags = item.tags.length === 0 ? "\\N" : item.tags.join("|");
        const cells = [
          user,
          item.id,
          new Date(ms).toISOString(),
          sponsored,
          tags,
          `${item.price}`.replace(".", ","),
          click,
        ];
        return `${cells.join(";")}\n`;
      });
      writeFileSync(join(into, "log.csv"), `user_id;item_id;time;is_sponsored;tags;price;clicked\n${lines.join("")}`);
      return { log: join(into, "log.csv"), input: join(into, "log.csv") };
    },
    hasHistories: true,
    lists: "tags",
    lines: [/delimiter: ";", decimal: ","/, /tags: "categories"/, /origin: \{ from: "is_sponsored", ad: \[true\] \}/],
    shown: byTag,
    facts: ({ item: { tags, price }, sponsored }) => ({
      ...(tags.length === 0 ? {} : { tags }),
      price,
      origin: sponsored ? "ad" : "organic",
    }),
  },
  {
    name: "a join in SQL, with nanoseconds",
    write: async (into) => {
      const events = byTag.map(({ user, item, ms, click }) => ({
        user_id: user,
        item_id: item.id,
        ms,
        clicked: click,
      }));
      const items = [
        ...new Map(
          byTag.map(({ item }) => [item.id, { item_id: item.id, warm: `${item.tags.includes("warm")}-x` }]),
        ).values(),
      ];
      writeFileSync(join(into, "events.json"), jsonl(events));
      writeFileSync(join(into, "items.json"), jsonl(items));
      const read = (name: string) => `read_json('${join(into, name)}', format = 'newline_delimited')`;
      const columns = "user_id, item_id, ms * 1000000 AS ts_ns, clicked";
      await query(
        `COPY (SELECT ${columns} FROM ${read("events.json")}) TO '${join(into, "events.parquet")}' (FORMAT parquet)`,
      );
      await query(`COPY (FROM ${read("items.json")}) TO '${join(into, "items.parquet")}' (FORMAT parquet)`);
      const joined = "SELECT e.*, warm FROM";
      await query(
        `COPY (${joined} '${join(into, "events.parquet")}' AS e JOIN '${join(into, "items.parquet")}' USING (item_id) ORDER BY ts_ns) TO '${join(into, "joined.parquet")}' (FORMAT parquet)`,
      );
      return { log: join(into, "events.parquet"), input: join(into, "joined.parquet") };
    },
    edit: (config) =>
      config.replace(
        /^ {4}from: .*$/m,
        "    from: { sql: \"SELECT e.*, warm FROM '../events.parquet' AS e JOIN '../items.parquet' USING (item_id)\" },\n    attributes: { warm: \"category\" },",
      ),
    hasHistories: true,
    lines: [/time: \{ from: "ts_ns", unit: "ns" \}/, /from: \{ sql: /],
    shown: byTag,
    facts: ({ item: { tags } }) => ({ warm: `${tags.includes("warm")}-x` }),
  },
  {
    name: "a log of conversions beside that of impressions",
    write: async (into) => {
      const lines = byTag.map(({ user, item, ms, click }, i) => {
        return `e${i},${user},${item.id},${ms},${item.tags.join("|")},${click}\n`;
      });
      writeFileSync(join(into, "log.csv"), `event_id,user_id,item_id,time,tags,clicked\n${lines.join("")}`);
      // Half of the clicks, an hour later.
      const bought = byTag.flatMap(({ ms, click }, i) =>
        click === 1 && i % 2 === 0 ? [`e${i},${ms + 3_600_000}\n`] : [],
      );
      writeFileSync(join(into, "conversions.csv"), `click_id,ts\n${bought.join("")}`);
      return { log: join(into, "log.csv"), input: join(into, "log.csv") };
    },
    edit: (config) =>
      config.replace(
        "objectives: { ",
        'objectives: { conversion: { log: "../conversions.csv", id: "click_id", time: "ts", window: "6h" }, ',
      ),
    hasHistories: true,
    lines: [/conversion: \{ log: /, /tags: "categories"/],
    objectives: ["conversion", "clicked"],
    shown: byTag,
    facts: ({ item: { tags } }) => (tags.length === 0 ? {} : { tags }),
  },
];

/** Lines of a configuration that are no comment. */
function codeOf(config: string): readonly string[] {
  return config.split("\n").filter((line) => line.trim() !== "" && !line.trim().startsWith("//"));
}

/** Asks a server for some of the impressions: its probabilities are those of the file. */
async function expectServed({
  project,
  kind,
  scores,
}: {
  readonly project: string;
  readonly kind: Kind;
  readonly scores: readonly Readonly<Record<string, unknown>>[];
}): Promise<void> {
  const { hasHistories, hasItems = true, objectives = ["clicked"], shown, facts } = kind;
  const { url, child, ended } = await startServer([], { cwd: project });
  try {
    for (let i = ROWS - 1; i > 0; i -= 307) {
      const own = shown[i]!;
      const who = hasHistories ? { user: own.user, time: own.ms } : {};
      const candidates = [{ ...(hasItems && { item: own.item.id }), ...facts(own) }];
      const body = JSON.stringify({ ...who, context: { surface: "all", origin: "organic" }, candidates });
      const answer = await fetch(`${url}/rank`, { method: "POST", body });
      const text = await answer.text();
      expect(answer.status, text).toBe(200);
      const { ranked } = JSON.parse(text) as { ranked: { probabilities: Record<string, number> }[] };
      expect(scores[i]?.["item"]).toBe(hasItems ? own.item.id : undefined);
      for (const one of objectives) {
        const served = ranked[0]?.probabilities[one] ?? Number.NaN;
        expect(Math.abs(Number(scores[i]?.[`p_${one}`]) - served) / served, text).toBeLessThan(1e-5);
      }
    }
    if (kind.lists !== undefined) await expectWarned(url, kind.lists);
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
}

/** A server warns of an id that its log never had in a list of this field, and counts it. */
async function expectWarned(url: string, field: string): Promise<void> {
  const candidates = [["red"], ["red", "unheard"]].map((tags) => ({ item: "ad1", [field]: tags }));
  const answer = await fetch(`${url}/rank`, { method: "POST", body: JSON.stringify({ user: "u1", candidates }) });
  const { warnings } = (await answer.json()) as { readonly warnings: readonly object[] };
  expect(warnings).toContainEqual({ code: "RANK_UNSEEN", where: `candidates[1].${field}`, got: "'unheard'", count: 1 });
  expect(await (await fetch(`${url}/metrics`)).text()).toMatch(
    /lapidary_warnings_total\{model="[^"]+",code="RANK_UNSEEN"\} [1-9]/,
  );
}

describe("from files to predictions", () => {
  it.each(KINDS)("$name", async (kind) => {
    const { name, write, edit, hasHistories, hasItems = true, lines, objectives = ["clicked"] } = kind;
    using place = temporaryFolder();
    const { log, input } = await write(place.path);
    const project = join(place.path, "project");
    const run = async (...args: readonly string[]) => {
      const ended = await lapidary(args, { cwd: project });
      expect(ended.code, `${name}: ${args.join(" ")}\n${ended.stderr}`).toBe(0);
      return ended;
    };
    const initialized = await lapidary(["init", project, "--from", log]);
    expect(initialized.code, initialized.stderr).toBe(0);
    const file = join(project, "lapidary.config.ts");
    if (edit !== undefined) writeFileSync(file, edit(readFileSync(file, "utf8")));
    const config = codeOf(readFileSync(file, "utf8"));
    expect(config.length, config.join("\n")).toBeLessThanOrEqual(15);
    for (const line of lines)
      expect(
        config.some((own) => line.test(own)),
        `${line}\n${config.join("\n")}`,
      ).toBe(true);

    const ingested = lastLine<IngestResult>(await run("ingest", "--json"));
    expect(ingested.rows).toEqual({ rowsRead: ROWS, accepted: ROWS, duplicates: 0, rejected: 0 });
    expect(lastLine<Profile>(await run("describe", "--json"))).toMatchObject({ numEvents: ROWS });
    await run("train", "previous", "--set", "training.threads=1");
    const { runs } = lastLine<Evaluation>(await run("evaluate", "previous", "--split", "test", "--json"));
    const found = runs[0]?.objectives ?? {};
    expect(Object.keys(found)).toEqual(objectives);
    for (const one of objectives) expect(found[one]?.overall.normalizedEntropy, one).toBeLessThan(1);
    // The truth has an NE of 0.76.
    expect(found["clicked"]?.overall.normalizedEntropy).toBeLessThan(0.9);
    await run("export", "previous");
    if (hasHistories) await run("backfill");

    const out = join(project, "scores.parquet");
    const predicted = lastLine<Predicted>(
      await run("predict", "previous", "--bundle", "bundles/previous", "--input", input, "--out", out, "--json"),
    );
    expect(predicted).toMatchObject({ predicted: ROWS, rejected: 0 });
    const scores = await query(`FROM read_parquet('${out}')`);
    // Nothing is made up: of a log without them there is no user, no item and no time.
    const actual = Object.keys(scores[0] ?? {}).filter((name) => ["user", "item", "time"].includes(name));
    expect(actual.sort()).toEqual([...(hasItems ? ["item"] : []), ...(hasHistories ? ["time", "user"] : [])]);
    await expectServed({ project, kind, scores });
  });
});
