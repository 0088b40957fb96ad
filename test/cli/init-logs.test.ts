/** Kinds of logs that `lapidary init` proposes a configuration for, and that it works: it is ingested whole, and trained. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { IngestResult } from "../../src/data/index.ts";
import { seededIntegers } from "../../src/metrics/comparison/random.ts";
import type { Proposal } from "../../src/propose/index.ts";
import { lapidary, lastLine, temporaryFolder } from "./lapidary.ts";

const ROWS = 1500;
const T0 = Date.UTC(2025, 2, 1);
const HOUR_MS = 3_600_000;

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder[Symbol.dispose]());

/** One impression: an item, what is known of it, and when it was bought, if it was. */
interface Shown {
  readonly user: string;
  readonly item: string;
  readonly brand: string;
  readonly ms: number;
  readonly click: 0 | 1;
  readonly boughtMs: number | null;
}

const random = seededIntegers(5);
const SHOWN: readonly Shown[] = Array.from({ length: ROWS }, (_, i) => {
  const item = random(30);
  const ms = T0 + i * 600_000;
  const click = random(100) < (item % 2 === 0 ? 60 : 20) ? 1 : 0;
  const boughtMs = random(100) < (item % 3 === 0 ? 40 : 10) ? ms + random(6 * HOUR_MS) : null;
  return { user: `u${random(40)}`, item: `ad${item}`, brand: `b${item % 4}`, ms, click, boughtMs };
});

const csv = (header: string, rows: readonly (readonly (string | number | null)[])[]): string =>
  [header, ...rows.map((cells) => cells.map((cell) => cell ?? "").join(","))].map((line) => `${line}\n`).join("");
const nested = SHOWN.map(({ user, item, brand, ms, click }) => {
  const shown = { id: item, brand: { name: brand } };
  return {
    visitor: { id: user },
    item: shown,
    ts: ms,
    ctx: { placement: `${brand}-page` },
    outcome: { clicked: click },
  };
});

/** One kind of log. */
interface Kind {
  readonly name: string;
  /** Writes the log: the arguments of `init` after the folder. */
  readonly write: (into: string) => readonly string[] | Promise<readonly string[]>;
  /** Lines that the configuration has. */
  readonly lines: readonly RegExp[];
  readonly objectives: readonly string[];
  /** What a comment says of it. */
  readonly reason: RegExp;
}

const KINDS: readonly Kind[] = [
  {
    name: "times of conversions, empty where there was none",
    write: (into) => {
      const path = join(into, "log.csv");
      const rows = SHOWN.map(({ user, item, brand, ms, boughtMs }) => [user, item, brand, ms, boughtMs]);
      writeFileSync(path, csv("user_id,item_id,brand,ts,conversion_time", rows));
      return ["--from", path];
    },
    lines: [/objectives: \{ conversion: \{ at: "conversion_time", window: "6h" \} \}/],
    objectives: ["conversion"],
    reason: /conversion_time: a time after the event, in [\d.]+% of the rows/,
  },
  {
    name: "clicks, and times of purchases",
    write: (into) => {
      const path = join(into, "log.jsonl");
      const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
      const rows = SHOWN.map(({ user, item, ms, click, boughtMs }) => {
        return { user_id: user, item_id: item, event_time: iso(ms), is_click: click, purchased_at: iso(boughtMs) };
      });
      writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
      return ["--from", path];
    },
    lines: [/click: \{ from: "is_click", delay: "[^"]+" \}/, /purchased: \{ at: "purchased_at", window: "6h" \}/],
    objectives: ["click", "purchased"],
    reason: /purchased_at: a time after the event/,
  },
  {
    name: "orders without a label",
    write: (into) => {
      const path = join(into, "orders.csv");
      writeFileSync(
        path,
        csv(
          "customer_id,product_id,brand,time",
          SHOWN.map(({ user, item, brand, ms }) => [user, item, brand, ms]),
        ),
      );
      return ["--from", path];
    },
    lines: [
      /objectives: \{ interaction: \{ at: "time", window: "0s" \} \}/,
      /negatives: \{ perPositive: 4, from: "popular" \}/,
    ],
    objectives: ["interaction"],
    reason: /No field is a label, so each row is taken for a positive/,
  },
  {
    name: "a label that is always 1",
    write: (into) => {
      const path = join(into, "clicks.csv");
      writeFileSync(
        path,
        csv(
          "user_id,item_id,brand,time,is_click",
          SHOWN.map(({ user, item, brand, ms }) => [user, item, brand, ms, 1]),
        ),
      );
      return ["--from", path];
    },
    lines: [/click: \{ from: "is_click"/, /negatives: \{ perPositive: 4, from: "popular" \}/],
    objectives: ["click"],
    reason: /"is_click" is 1 in all rows: negatives are drawn/,
  },
  {
    name: "fields inside of others, in JSON",
    write: (into) => {
      const path = join(into, "log.jsonl");
      writeFileSync(path, nested.map((row) => `${JSON.stringify(row)}\n`).join(""));
      return ["--from", path];
    },
    lines: [
      /user: "visitor.id", item: "item.id"/,
      /surface: "ctx.placement"/,
      /from: "item.brand.name", kind: "category"/,
      /clicked: \{ from: "outcome.clicked"/,
    ],
    objectives: ["clicked"],
    reason: /item.brand.name: 4 values/,
  },
  {
    name: "fields inside of others, in Parquet",
    write: async (into) => {
      const source = join(into, "source.json");
      writeFileSync(source, nested.map((row) => `${JSON.stringify(row)}\n`).join(""));
      const path = join(into, "log.parquet");
      await query(`COPY (FROM read_json('${source}', format = 'newline_delimited')) TO '${path}' (FORMAT parquet)`);
      return ["--from", path];
    },
    lines: [/user: "visitor.id", item: "item.id"/, /from: "item.brand.name", kind: "category"/],
    objectives: ["clicked"],
    reason: /item.brand.name: 4 values/,
  },
  {
    name: "a query over two files, relative to the new folder",
    write: (into) => {
      mkdirSync(join(into, "logs"));
      const rows = SHOWN.map(({ user, item, ms, click }) => [user, item, ms, click]);
      writeFileSync(join(into, "logs", "shown.csv"), csv("user_id,item_id,ts,clicked", rows));
      const items = [...new Map(SHOWN.map(({ item, brand }) => [item, [item, brand]])).values()];
      writeFileSync(join(into, "logs", "items.csv"), csv("item_id,brand", items));
      return ["--sql", "SELECT s.*, brand FROM '../logs/shown.csv' AS s JOIN '../logs/items.csv' USING (item_id)"];
    },
    lines: [/from: \{ sql: "SELECT s\.\*, brand FROM '\.\.\/logs\/shown\.csv'/, /brand: "category"/],
    objectives: ["clicked"],
    reason: /from all 1,500 rows of a query/,
  },
];

async function query(sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(sql);
  connection.closeSync();
  instance.closeSync();
}

describe("init proposes what works for", () => {
  it.each(KINDS)("$name", async ({ name, write, lines, objectives, reason }) => {
    const place = join(folder.path, name.replaceAll(/\W+/g, "-"));
    mkdirSync(place);
    const project = join(place, "project");
    const initialized = await lapidary(["init", project, ...(await write(place)), "--json"]);
    expect(initialized.code, initialized.stderr).toBe(0);
    const config = readFileSync(join(project, "lapidary.config.ts"), "utf8");
    for (const line of lines) expect(config).toMatch(line);
    expect(config.replaceAll(/\n\s*\/\/ /g, " ")).toMatch(reason);
    const { proposal } = lastLine<{ readonly proposal: Proposal }>(initialized);
    expect(proposal.objectives.map((own) => own.name)).toEqual(objectives);
    const ingested = await lapidary(["ingest", "--json"], { cwd: project });
    expect(lastLine<IngestResult>(ingested).rows, ingested.stderr).toMatchObject({ accepted: ROWS, rejected: 0 });
    const trained = await lapidary(["train", "previous", "--set", "++training.epochs=1"], { cwd: project });
    expect(trained.code, trained.stderr).toBe(0);
  });

  it("no log that has neither labels nor times", async () => {
    const path = join(folder.path, "items.csv");
    writeFileSync(
      path,
      csv(
        "user_id,item_id,brand",
        SHOWN.map(({ user, item, brand }) => [user, item, brand]),
      ),
    );
    const ended = await lapidary(["init", join(folder.path, "none"), "--from", path]);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain("INIT_FIELDS");
  });

  it("no query that cannot be run, and leaves no folder", async () => {
    const project = join(folder.path, "broken");
    const ended = await lapidary(["init", project, "--sql", "SELECT * FROM 'nothing.csv'"]);
    expect(ended.stderr).toContain("EVENTS_QUERY");
    expect(ended.stderr).toContain(`its paths are relative to ${project}`);
    expect((await lapidary(["init", project, "--sql", "SELECT 1", "--from", "x.csv"])).stderr).toContain("USAGE");
    expect(() => readFileSync(project)).toThrow("ENOENT");
  });
});
