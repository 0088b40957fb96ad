import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { storeBytes } from "../../src/data/events.test.support.ts";
import { type Ingested, ingestProject, type StoredEvent } from "./stored-events.ts";

const T0 = Date.UTC(2025, 2, 3);

let folder: string;
let numProjects = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lapidary-mapping-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The mapping of the tests, over which each writes what it is about. */
const EVENTS = {
  user: "user",
  item: "item",
  time: "time",
  action: { value: "impression" },
  surface: { value: "feed" },
};

/** The files of a log by their paths: text, bytes, or rows of SQL, which are written as Parquet. */
type Files = Readonly<Record<string, string | Buffer | { readonly sql: string }>>;

/** Writes a project. Its folder may have any name. */
async function writeProject(events: object, files: Files, name = `p${numProjects++}`): Promise<string> {
  const root = join(folder, name);
  mkdirSync(root, { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    if (typeof content === "string" || Buffer.isBuffer(content)) writeFileSync(join(root, path), content);
    else await writeParquet(join(root, path), content.sql);
  }
  const config = {
    events: { ...EVENTS, ...events },
    objectives: { click: { from: "click" } },
    split: { trainUntil: "2025-03-05", validationUntil: "2025-03-07", testUntil: "2025-03-15" },
    models: { baseRate: { kind: "baseRate" } },
  };
  writeFileSync(join(root, "lapidary.config.json"), JSON.stringify(config));
  return root;
}

async function ingested(events: object, files: Files, name?: string): Promise<Ingested> {
  const root = await writeProject(events, files, name);
  return ingestProject({ config: root, store: join(root, "store") });
}

async function writeParquet(path: string, sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  // Under a plain name first: what the path holds is nothing that the writer may read as a pattern.
  const plain = join(folder, "plain.parquet");
  await connection.run(`COPY (${sql}) TO '${plain}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
  execFileSync("mv", [plain, path]);
}

/** One fact of each event, by the item. */
const byItem = ({ events }: Ingested, fact: string): Readonly<Record<string, string | number | undefined>> =>
  Object.fromEntries(events.map((event: StoredEvent) => [String(event["item"]), event[fact]]));

const FORMATS = ["csv", "jsonl", "parquet"] as const;
type Format = (typeof FORMATS)[number];
type Value = string | number | null;

/** Rows in a format; all have the keys of the first, and JSON leaves out what is undefined. */
function rowsAs(format: Format, rows: readonly Readonly<Record<string, Value>>[]): Files[string] {
  const names = Object.keys(rows[0] ?? {});
  if (format === "jsonl") return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  if (format === "csv") return `${[names, ...rows.map((row) => names.map((name) => row[name] ?? ""))].join("\n")}\n`;
  const quoted = (value: Value): string =>
    typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value ?? "NULL::VARCHAR");
  const selects = rows.map((row) => `SELECT ${names.map((name) => `${quoted(row[name] ?? null)} AS "${name}"`)}`);
  return { sql: selects.join(" UNION ALL ") };
}

const row = (i: number, more: Readonly<Record<string, Value>> = {}) => ({
  ...{ user: "u", item: `i${i}`, time: T0 + i, click: i % 2 },
  ...more,
});

describe("partitions", () => {
  const events = (format: Format) => ({
    from: `**/*.${format}`,
    partitions: ["country", "shop"],
    attributes: { country: "category", shop: "category" },
  });

  it.each(FORMATS)("of %s come from the folders' names, unless the file has the field", async (format) => {
    const found = await ingested(events(format), {
      [`country=de/shop=a%3Ab/x.${format}`]: rowsAs(format, [row(1), row(2)]),
      [`country=fr/shop=__HIVE_DEFAULT_PARTITION__/x.${format}`]: rowsAs(format, [row(3)]),
      [`country=fr/shop=s/own.${format}`]: rowsAs(format, [row(4, { country: "it" })]),
      [`country=fr/country=es/x.${format}`]: rowsAs(format, [row(5)]),
      [`city=rome/plain.${format}`]: rowsAs(format, [row(6)]),
    });
    expect(found.rows).toEqual({ rowsRead: 6, accepted: 6, duplicates: 0, rejected: 0 });
    expect(byItem(found, "country")).toEqual({ i1: "de", i2: "de", i3: "fr", i4: "it", i5: "es", i6: undefined });
    expect(byItem(found, "shop")).toMatchObject({ i1: "a:b", i2: "a:b", i3: undefined, i4: "s" });
  });

  it.each(FORMATS)("of %s are not read unless they are asked for", async (format) => {
    const mapping = { from: `**/*.${format}`, attributes: { country: "category" } };
    const root = await writeProject(mapping, { [`country=de/x.${format}`]: rowsAs(format, [row(1)]) });
    await expect(ingestProject({ config: root, store: join(root, "store") })).rejects.toMatchObject({
      code: "EVENTS_FIELD",
    });
  });
});

describe("fields inside of others", () => {
  const brand = { brand: { from: "product.brand.id", kind: "category" } };

  it("are read from JSONL, and a field whose own name has points wins", async () => {
    const lines = [
      { ...row(1), product: { brand: { id: "inside" } } },
      { ...row(2), product: { brand: { id: "inside" } }, "product.brand.id": "own" },
      { ...row(3), "product.brand.id": "own" },
      { ...row(4), product: { brand: null } },
      { ...row(5), product: "text" },
      { ...row(6), product: { brand: { id: 17.0 } } },
    ];
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    const found = await ingested({ from: "x.jsonl", attributes: brand }, { "x.jsonl": text });
    expect(found.letters).toEqual([]);
    expect(byItem(found, "brand")).toEqual({
      i1: "inside",
      i2: "own",
      i3: "own",
      i4: undefined,
      i5: undefined,
      i6: "17",
    });
  });

  it("are read from Parquet, and a field whose own name has points wins", async () => {
    const base = (i: number) => `SELECT 'u' AS "user", 'i${i}' AS item, ${T0 + i} AS "time", ${i % 2} AS click`;
    const nested = "{'brand': {'id': 'inside'}} AS product";
    const found = await ingested(
      { from: "*.parquet", attributes: brand },
      {
        "a.parquet": { sql: `${base(1)}, ${nested} UNION ALL ${base(2)}, NULL` },
        "b.parquet": { sql: `${base(3)}, 'own' AS "product.brand.id"` },
        "c.parquet": { sql: `${base(4)}, ${nested}, 'own' AS "product.brand.id"` },
      },
    );
    expect(found.letters).toEqual([]);
    expect(byItem(found, "brand")).toEqual({ i1: "inside", i2: undefined, i3: "own", i4: "own" });
  });
});

describe("Parquet", () => {
  it("holds text as bytes too; what is no UTF-8 is a dead letter", async () => {
    const select = (i: number, user: string, item: string) =>
      `SELECT ${user} AS "user", ${item} AS item, ${T0 + i} AS "time", ${i % 2} AS click`;
    const sql = [
      select(1, "encode('zoë')", "encode('i1')"),
      select(2, "'\\xFFx'::BLOB", "encode('i2')"),
      select(3, "encode('u')", "''::BLOB"),
      select(4, "NULL::BLOB", "encode('i4')"),
      select(5, "encode('u')", "encode('i5')"),
    ].join(" UNION ALL ");
    const found = await ingested({ from: "x.parquet" }, { "x.parquet": { sql } });
    expect(found.events).toMatchObject([
      { user: "zoë", item: "i1" },
      { user: "u", item: "i5" },
    ]);
    expect(found.letters).toMatchObject([
      { line: 2, code: "EVENT_ID" },
      { line: 3, code: "EVENT_MISSING" },
      { line: 4, code: "EVENT_MISSING" },
    ]);
  });
});

describe("fields that only newer files have", () => {
  it.each(FORMATS)("are missing in the older ones, in %s", async (format) => {
    const attributes = { price: "number", color: "category" };
    const found = await ingested(
      { from: `*.${format}`, attributes },
      {
        [`1.${format}`]: rowsAs(format, [row(1), row(2)]),
        [`2.${format}`]: rowsAs(format, [row(3, { price: 2.5, color: "red" })]),
        [`3.${format}`]: rowsAs(format, [row(4, { color: "blue" })]),
      },
    );
    expect(found.letters).toEqual([]);
    expect(byItem(found, "price")).toEqual({ i1: undefined, i2: undefined, i3: 2.5, i4: undefined });
    expect(byItem(found, "color")).toEqual({ i1: undefined, i2: undefined, i3: "red", i4: "blue" });
  });
});

describe("values of an origin", () => {
  it.each([
    [
      { from: "paid", ad: [true] },
      "jsonl",
      [true, false, "true", "false", null],
      ["ad", "organic", "ad", "organic", undefined],
    ],
    [{ from: "paid", ad: [true] }, "csv", ["True", "0.0", "1", "yes"], ["ad", "organic", "ad", "organic"]],
    [{ from: "paid", ad: ["1.0"], organic: ["False"] }, "jsonl", [true, 0, "1", "TRUE"], ["ad", "organic", "ad", "ad"]],
    [{ from: "paid", ad: ["1"] }, "csv", ["1", "0", "1.0", "", "x"], ["ad", "organic", "ad", undefined, "organic"]],
    [{ from: "paid", ad: [1], organic: [0] }, "csv", ["1", "0", "organic", "ad"], ["ad", "organic", "organic", "ad"]],
    [{ from: "paid", organic: ["nat'l"] }, "csv", ["nat'l", "else"], ["organic", "ad"]],
  ])("%j of %s", async (...given) => {
    const [origin, format, values, origins] = given;
    const rows = values.map((paid, i) => ({ ...row(i), paid }));
    const text =
      format === "jsonl"
        ? rows.map((each) => `${JSON.stringify(each)}\n`).join("")
        : `user,item,time,click,paid\n${rows.map((each) => `${Object.values(each).join(",")}\n`).join("")}`;
    const found = await ingested({ from: `x.${format}`, origin }, { [`x.${format}`]: text });
    expect(found.letters).toEqual([]);
    expect(byItem(found, "origin")).toEqual(Object.fromEntries(origins.map((own, i) => [`i${i}`, own])));
  });

  it("refuse a value that neither list names", async () => {
    const text = `user,item,time,click,paid\nu,i1,${T0},0,maybe\nu,i2,${T0},0,1\n`;
    const found = await ingested({ from: "x.csv", origin: { from: "paid", ad: [1], organic: [0] } }, { "x.csv": text });
    expect(found.letters).toMatchObject([{ line: 2, reason: "paid: expected organic or ad" }]);
  });
});

describe("text", () => {
  const attributes = { name: "category", price: "number" };
  const header = ["user", "item", "time", "click", "name", "price"];
  const text = (delimiter: string, rows: readonly (readonly string[])[]): string =>
    [header, ...rows.map(([name = "", price = ""], i) => ["u", `i${i}`, `${T0 + i}`, "0", name, price])]
      .map((cells) => `${cells.join(delimiter)}\n`)
      .join("");

  it.each([
    [";", ","],
    ["|", "."],
    ["\u0001", "."],
  ])("with the delimiter %j and the decimals after %j", async (delimiter, decimal) => {
    const rows = [
      ["a", `1${decimal}5`],
      ["b", `-0${decimal}25`],
      ["c", "3"],
      ["d", "x"],
    ];
    const found = await ingested({ from: "x.csv", delimiter, decimal, attributes }, { "x.csv": text(delimiter, rows) });
    expect(byItem(found, "price")).toEqual({ i0: 1.5, i1: -0.25, i2: 3 });
    expect(found.letters).toMatchObject([{ line: 5, code: "EVENT_NUMBER" }]);
  });

  it("reads dots as they group thousands where decimals follow a comma", async () => {
    const rows = [["a", '"1.234,5"']];
    const found = await ingested({ from: "x.csv", decimal: ",", attributes }, { "x.csv": text(",", rows) });
    expect(byItem(found, "price")).toEqual({ i0: 1234.5 });
  });

  it("has the missing values that are listed, and no others", async () => {
    const rows = [
      ["NULL", "NULL"],
      ["\\N", "1"],
      ["n/a", "n/a"],
      ["null", ""],
    ];
    const withNulls = await ingested(
      { from: "x.csv", nulls: ["NULL", "n/a"], attributes },
      { "x.csv": text(",", rows) },
    );
    expect(byItem(withNulls, "name")).toEqual({ i0: undefined, i1: "\\N", i2: undefined, i3: "null" });
    expect(withNulls.letters).toEqual([]);
    const plain = await ingested({ from: "x.csv", attributes }, { "x.csv": text(",", rows) });
    expect(byItem(plain, "name")).toEqual({ i1: undefined, i3: "null" });
    expect(plain.letters).toMatchObject([{ line: 2 }, { line: 4 }]);
  });

  it("may be quoted by another character", async () => {
    const rows = [
      ["'a,''b'", "1"],
      ['"x"', "2"],
    ];
    const found = await ingested({ from: "x.csv", quote: "'", attributes }, { "x.csv": text(",", rows) });
    expect(byItem(found, "name")).toEqual({ i0: "a,'b", i1: '"x"' });
  });

  it("may be escaped, as MySQL and Hive write it", async () => {
    const rows = [
      ["a\\\tb\\\\c", "1"],
      ["\\N", "\\N"],
      ["x\\ny", "2"],
    ];
    const found = await ingested({ from: "x.tsv", escape: "\\", attributes }, { "x.tsv": text("\t", rows) });
    expect(byItem(found, "name")).toEqual({ i0: "a\tb\\c", i1: undefined, i2: "x\ny" });
    expect(byItem(found, "price")).toEqual({ i0: 1, i1: undefined, i2: 2 });
  });

  it.each([
    ["latin-1", "latin1"],
    ["utf-16", "utf16le"],
  ] as const)("may be in %s", async (encoding, code) => {
    const bytes = Buffer.from(`${encoding === "utf-16" ? "\ufeff" : ""}${text(",", [["Zoë ÿ", "1"]])}`, code);
    const found = await ingested({ from: "x.csv", encoding, attributes }, { "x.csv": bytes });
    expect(byItem(found, "name")).toEqual({ i0: "Zoë ÿ" });
  });
});

describe("a query", () => {
  const log = `user,item,time,click\n${[1, 2, 3].map((i) => `u${i % 2},i${i},${T0 + i},${i % 2}\n`).join("")}`;
  const items = "item,brand\ni1,b1\ni2,b2\ni3,\n";
  const join_ =
    "SELECT e.*, upper(brand) AS brand FROM 'logs/e.csv' AS e LEFT JOIN 'logs/items.csv' USING (item) ORDER BY time;";

  it("joins files whose paths are relative to the configuration", async () => {
    const mapping = { from: { sql: join_ }, attributes: { brand: "category" } };
    const root = await writeProject(mapping, { "logs/e.csv": log, "logs/items.csv": items });
    const options = { config: root, store: join(root, "store") };
    const found = await ingestProject(options);
    expect(found.rows).toEqual({ rowsRead: 3, accepted: 3, duplicates: 0, rejected: 0 });
    expect(byItem(found, "brand")).toEqual({ i1: "B1", i2: "B2", i3: undefined });
    // Nothing is done twice, and what the query reads is noticed when it changes.
    expect((await ingestProject(options)).upToDate).toBe(true);
    writeFileSync(join(root, "logs/items.csv"), items.replace("b1", "b9"));
    const changed = await ingestProject(options);
    expect(changed.upToDate).toBe(false);
    expect(byItem(changed, "brand")).toMatchObject({ i1: "B9" });
  });

  it.each([
    ["that is none", "SELEC 1", "EVENTS_QUERY"],
    ["of a file that is not there", "FROM 'absent.csv'", "EVENTS_QUERY"],
    ["of several statements", "SELECT 1; SELECT 2", "EVENTS_QUERY"],
    ["without a field of the mapping", "SELECT \"user\", time, click FROM 'e.csv'", "EVENTS_FIELD"],
    ["with a field of another type", "SELECT \"user\", item, ['x'] AS time, click FROM 'e.csv'", "EVENTS_FIELD_TYPE"],
  ])("%s is refused before a row is read", async (_, sql, code) => {
    const root = await writeProject({ from: { sql } }, { "e.csv": log });
    const failed = ingestProject({ config: root, store: join(root, "store") });
    await expect(failed).rejects.toMatchObject({ code });
  });
});

describe("names of folders and files", () => {
  const NAMES = ["what?", "a*b", "[x]", "{a,b}", 'it\'s "so"', "two  blanks", "café 😀", "100%", "a=b", "back\\slash"];

  it.each(NAMES)("a project in %s reads its own files", async (name) => {
    const place = join(`names-${NAMES.indexOf(name)}`, name);
    const text = `user,item,time,click\nu,${"i1"},${T0},1\n`;
    const sql = `SELECT 'u' AS "user", 'i2' AS item, ${T0 + 1} AS "time", 0 AS click`;
    const files = { [`${name}.csv`]: text, "part[1].parquet": { sql } };
    const csv = await ingested({ from: "*.csv" }, files, place);
    expect(csv.events).toMatchObject([{ item: "i1" }]);
    const parquet = await ingested({ from: "part[1].parquet" }, files, place);
    expect(parquet.events).toMatchObject([{ item: "i2" }]);
    const query = await ingested({ from: { sql: "FROM 'plain.csv'" } }, { "plain.csv": text }, place);
    expect(query.events).toMatchObject([{ item: "i1" }]);
  });

  it("a named pipe is refused by name, and not waited for", async () => {
    const root = await writeProject({ from: "*.csv" }, {});
    execFileSync("mkfifo", [join(root, "x.csv")]);
    await expect(ingestProject({ config: root, store: join(root, "store") })).rejects.toMatchObject({
      code: "EVENTS_UNREADABLE",
      where: join(root, "x.csv"),
      got: "a named pipe",
    });
  });
});

describe("many files", () => {
  it.each(FORMATS)("385 small ones of %s give the store of one", async (format) => {
    const rows = Array.from({ length: 770 }, (_, i) => ({ ...row(i), user: `u${i % 13}` }));
    const small = Array.from({ length: 385 }, (_, i): [string, Files[string]] => {
      return [`many/${String(i).padStart(3, "0")}.${format}`, rowsAs(format, rows.slice(2 * i, 2 * i + 2))];
    });
    // Parquet is written once for all: each file costs a writer of its own.
    const number = format === "parquet" ? 40 : 385;
    const files = Object.fromEntries(small.slice(0, number));
    const configs = [
      await writeProject({ from: `many/*.${format}` }, files),
      await writeProject({ from: `one.${format}` }, { [`one.${format}`]: rowsAs(format, rows.slice(0, 2 * number)) }),
    ];
    const results = [];
    for (const config of configs) results.push(await ingestProject({ config, store: join(config, "store") }));
    expect(results[0]?.rows).toEqual({ rowsRead: 2 * number, accepted: 2 * number, duplicates: 0, rejected: 0 });
    const [first, second] = configs.map((root) => {
      const { inputs, ...bytes } = storeBytes(join(root, "store"));
      return bytes;
    });
    expect(Object.keys(first ?? {}).length).toBeGreaterThan(5);
    expect(first).toEqual(second);
  });
});
