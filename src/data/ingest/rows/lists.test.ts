import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VALUE_LIMITS } from "../../../config/events/value-kinds.ts";
import type { EventsConfig } from "../../../config/types.ts";
import { eventsConfig, storeBytes, temporaryFolder } from "../../events.test.support.ts";
import { EventStore } from "../../store/event-store.ts";
import type { DeadLetter } from "../dead-letters.ts";
import { ingest } from "../ingest.ts";

const DIM = 3;
const FORMATS = ["jsonl", "csv", "tsv", "parquet"] as const;
type Format = (typeof FORMATS)[number];

/** One row's lists; null is missing. */
interface Row {
  readonly tags: readonly string[] | null;
  readonly image: readonly number[] | null;
}

const tag = fc.oneof(
  fc.constantFrom("a", "b", "ü\u0301", "😀", "a b", "[1]", '"', "17", "1.50", "-0"),
  fc.string({ maxLength: 3 }),
);
const text = tag.filter((id) => id !== "" && !/[|\t\r\n\0]/.test(id) && !/\p{Surrogate}/u.test(id));
const row: fc.Arbitrary<Row> = fc.record({
  tags: fc.oneof(
    fc.option(fc.array(text, { maxLength: 5 })),
    fc.constant(Array.from({ length: VALUE_LIMITS.ids }, (_, i) => `t${i % 90}`)),
  ),
  image: fc.option(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: DIM, maxLength: DIM })),
});

function configOf(path: string, format: Format): EventsConfig {
  const ids = { kind: "dictionary" } as const;
  return eventsConfig(path, format, {
    id: null,
    attributes: {
      tags: { from: "tags", kind: "categories", ids, delimiter: "|" },
      image: { from: "image", kind: "vector", dim: DIM },
    },
    outcomes: { click: { from: "is_click", kind: "flag", delayMs: 0, objective: true, windowOf: null } },
    origin: { value: "ad" },
    action: { value: "view" },
  });
}

const csvField = (value: string): string => `"${value.replaceAll('"', '""')}"`;

/** A log of one user, row i at time i, with the fields as JSON wherever the format has no lists. */
async function writeLog(folder: string, format: Format, rows: readonly Row[]): Promise<string> {
  const objects = rows.map(({ tags, image }, i) => ({ user_id: "u", ad_id: "x", ts: i, is_click: 0, tags, image }));
  const lines = join(folder, "log.jsonl");
  writeFileSync(lines, objects.map((each) => `${JSON.stringify(each)}\n`).join(""));
  if (format === "jsonl") return lines;
  const path = join(folder, `log.${format}`);
  if (format === "parquet") {
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const columns =
      "user_id: 'VARCHAR', ad_id: 'VARCHAR', ts: 'BIGINT', is_click: 'INTEGER', tags: 'VARCHAR[]', image: 'FLOAT[]'";
    await connection.run(
      `COPY (SELECT * FROM read_json('${lines}', format = 'newline_delimited', columns = {${columns}})) TO '${path}' (FORMAT parquet)`,
    );
    connection.closeSync();
    instance.closeSync();
    return path;
  }
  const delimiter = format === "csv" ? "," : "\t";
  const field = format === "csv" ? csvField : (value: string): string => value;
  const cells = objects.map((each) =>
    Object.values(each).map((v) => (v === null ? "" : field(typeof v === "string" ? v : JSON.stringify(v)))),
  );
  writeFileSync(
    path,
    [["user_id", "ad_id", "ts", "is_click", "tags", "image"], ...cells].map((c) => `${c.join(delimiter)}\n`).join(""),
  );
  return path;
}

/** What the store holds, row by row, with the ids of its dictionary. */
function stored(dir: string): Row[] {
  const store = EventStore.open(dir);
  try {
    store.verify();
    const [images, tags, ids] = [store.vectors("image"), store.lists("tags"), store.dictionary("tags")];
    return Array.from({ length: store.numEvents }, (_, at) => {
      const image = [...images.slice(at, at + 1)];
      const [from = 0, to = 0] = tags.bounds(at, at + 1);
      return {
        tags: Array.from(tags.codes(from, to), (code) => ids?.id(code) ?? "?"),
        image: image.every(Number.isNaN) ? null : image,
      };
    });
  } finally {
    store.close();
  }
}

const deadLetters = (path: string): DeadLetter[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as DeadLetter);

describe("lists and vectors of a log", () => {
  it.each(FORMATS)(
    "are stored as they are, from %s",
    async (format) => {
      using folder = temporaryFolder();
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
          const dir = join(folder.path, `${round++}`);
          mkdirSync(dir);
          const log = await writeLog(dir, format, rows);
          const { deadLetterFile } = await ingest(configOf(log, format), { store: join(dir, "store"), threads: 1 });
          expect(deadLetters(deadLetterFile)).toEqual([]);
          // Minus zero is zero in JSON, whole numbers are one id however they are spelt, and a list of none is missing.
          const expected = rows.map(({ tags, image }) => ({
            tags: (tags ?? []).map((id) => (id === "-0" ? "0" : id)),
            image: image?.map((x) => Math.fround(x) + 0) ?? null,
          }));
          expect(stored(join(dir, "store"))).toEqual(expected);
        }),
        { numRuns: 12 },
      );
    },
    60_000,
  );

  it("have one store, whatever the format", async () => {
    using folder = temporaryFolder();
    const rows = fc.sample(row, { numRuns: 200, seed: 5 });
    const bytes: Record<string, string>[] = [];
    for (const format of FORMATS) {
      const dir = join(folder.path, format);
      mkdirSync(dir);
      const log = await writeLog(dir, format, rows);
      await ingest(configOf(log, format), { store: join(dir, "store"), threads: 2 });
      const { inputs: _, ...rest } = storeBytes(join(dir, "store"));
      bytes.push(rest);
    }
    for (const each of bytes) expect(each).toEqual(bytes[0]);
  });

  it("of delimited text are its parts", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "log.csv");
    const cells = ["a|b|a", "", "a", " a|b ", "1.0|01", '"[""x"",1]"'];
    writeFileSync(
      log,
      `user_id,ad_id,ts,is_click,tags,image\n${cells.map((cell, i) => `u,x,${i},0,${cell},\n`).join("")}`,
    );
    const config = configOf(log, "csv");
    const tags = { from: "tags", kind: "categories", ids: { kind: "dictionary" }, delimiter: "|" } as const;
    await ingest(
      { ...config, attributes: { ...config.attributes, tags } },
      { store: join(folder.path, "s"), threads: 1 },
    );
    expect(stored(join(folder.path, "s")).map((each) => each.tags)).toEqual([
      ["a", "b", "a"],
      [],
      ["a"],
      [" a", "b "],
      ["1", "01"],
      ["x", "1"],
    ]);
  });

  it("that are none cost their own row alone, with the reason", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "log.jsonl");
    const long = Array.from({ length: VALUE_LIMITS.ids + 1 }, (_, i) => `t${i}`);
    const [vector, list] = [`image: expected ${DIM} decimal numbers that a float32 holds`, "tags: expected a list"];
    const rows: [object, string | null][] = [
      [{ tags: ["a"], image: [1, 2, 3] }, null],
      [{ tags: "a" }, null],
      [{ tags: [["a"]] }, list],
      [{ tags: { a: 1 } }, "tags: expected one value"],
      [{ tags: long }, list],
      [{ tags: [...long.slice(2), ""] }, list],
      [{ tags: long.slice(1) }, null],
      [{ tags: [17, "17", 17.0] }, null],
      [{ image: [1, 2] }, vector],
      [{ image: [] }, vector],
      [{ image: [1, 2, 3, 4] }, vector],
      [{ image: "1 2 3" }, null],
      [{ image: [1, null, 3] }, vector],
      [{ image: [1, "x", 3] }, vector],
      [{ image: [1, 1e39, 3] }, vector],
      [{ image: [0, -0, 3.4e38] }, null],
      [{ image: null, tags: null }, null],
      [{}, null],
    ];
    const lines = rows.map(([facts], i) => JSON.stringify({ user_id: "u", ad_id: "x", ts: i, is_click: 0, ...facts }));
    writeFileSync(log, lines.join("\n"));
    const result = await ingest(configOf(log, "jsonl"), { store: join(folder.path, "s"), threads: 1 });
    const found = deadLetters(result.deadLetterFile).map(({ line, reason, raw }) => [line, reason, raw]);
    const expected = rows.flatMap(([, reason], i) =>
      reason === null ? [] : [[i + 1, expect.stringMatching(`^${reason}`), lines[i]]],
    );
    expect(found).toEqual(expected);
    const kept = stored(join(folder.path, "s"));
    expect(kept.map(({ tags }) => tags)).toEqual([["a"], ["a"], long.slice(1), ["17", "17", "17"], [], [], [], []]);
    expect(kept[4]?.image).toEqual([1, 2, 3]);
    expect(kept[5]?.image).toEqual([0, 0, Math.fround(3.4e38)]);
  });

  it.each([
    ["DATE[]", "tags", null],
    ["INTEGER[2]", "tags", null],
    ["DATE[]", "image", "EVENTS_FIELD_TYPE"],
    ["STRUCT(a INTEGER)[]", "tags", "EVENTS_FIELD_TYPE"],
    ["INTEGER[3]", "image", null],
    ["INTEGER", "image", "EVENTS_FIELD_TYPE"],
  ])("of the Parquet type %s as %s: %s", async (type, field, code) => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.parquet");
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const other = field === "tags" ? "image" : "tags";
    const columns = `'u' AS user_id, 'x' AS ad_id, 0::BIGINT AS ts, 0 AS is_click, NULL::${type} AS ${field}, NULL::VARCHAR AS ${other}`;
    await connection.run(`COPY (SELECT ${columns}) TO '${path}' (FORMAT parquet)`);
    connection.closeSync();
    instance.closeSync();
    const result = ingest(configOf(path, "parquet"), { store: join(folder.path, "s"), threads: 1 });
    if (code === null) await expect(result).resolves.toMatchObject({ rows: { accepted: 1 } });
    else await expect(result).rejects.toMatchObject({ code });
  });
});
