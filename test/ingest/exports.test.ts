/** The settings that the guide gives for the exports of databases, over files that are written as these write them. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ingestProject } from "./stored-events.ts";

const GUIDE = readFileSync(join(import.meta.dirname, "..", "..", "..", "docs", "guide", "events.md"), "utf8");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lapidary-exports-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A value of a field as a database has it; null is missing. */
type Value = string | null;
const HARD: readonly (readonly [brand: Value, price: Value])[] = [
  ["plain", "1.5"],
  ['5" wide', "2"],
  [null, null],
  ["back\\slash", "3"],
];
const backslashed = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll("\t", "\\t").replaceAll("\n", "\\n");
const doubled = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/** How each export writes a field, by what the guide calls it; what separates the fields, and a value of its own that it can hold. */
const EXPORTS: Readonly<Record<string, { write: (value: Value) => string; between: string; own: string }>> = {
  "PostgreSQL `COPY … (FORMAT csv, HEADER)`": {
    write: (v) => (v === null ? "" : doubled(v)),
    between: ",",
    own: "a,\nb",
  },
  "PostgreSQL `COPY … (HEADER)`, text": {
    write: (v) => (v === null ? "\\N" : backslashed(v)),
    between: "\t",
    own: "a\tb",
  },
  "MySQL `mysql --batch`": { write: (v) => (v === null ? "NULL" : backslashed(v)), between: "\t", own: "a\tb\nc" },
  "MySQL `INTO OUTFILE`, with a line of names added": {
    // A tab or a line break that is data has a backslash before it, and stays.
    write: (v) => (v === null ? "\\N" : v.replaceAll(/[\\\t\n]/g, "\\$&")),
    between: "\t",
    own: "a\tb\nc",
  },
  "Hive `beeline --outputformat=csv2`": { write: (v) => v ?? "NULL", between: ",", own: '"a' },
  "Hive `beeline --outputformat=tsv2`": { write: (v) => v ?? "NULL", between: "\t", own: "a,b" },
  "Hive's own files, with a line of names added": { write: (v) => v ?? "\\N", between: "\u0001", own: '"a,b' },
  "ClickHouse `FORMAT CSVWithNames`": { write: (v) => (v === null ? "\\N" : doubled(v)), between: ",", own: "a,\nb" },
  "ClickHouse `FORMAT TSVWithNames`": {
    write: (v) => (v === null ? "\\N" : backslashed(v)),
    between: "\t",
    own: "a\tb",
  },
  "Spreadsheets in much of Europe": {
    write: (v) => (v === null ? "" : doubled(v.replace(/^(\d)\.(\d)$/, "$1,$2"))),
    between: ";",
    own: "a;b",
  },
};

const ROWS = [...GUIDE.matchAll(/^\| (?!Export|---)(.+?) \| (csv|tsv) \| (?:`(.*)` )?\|$/gm)].map(
  ([, name = "", format = "", settings = ""]) => ({ name, format, settings }),
);

describe("exports of databases", () => {
  it("are those that the guide lists", () => {
    expect(ROWS.map(({ name }) => name).toSorted()).toEqual(Object.keys(EXPORTS).toSorted());
  });

  it.each(ROWS)("$name", async ({ name, format, settings }) => {
    const { write, between, own } = EXPORTS[name] ?? { write: String, between: "", own: "" };
    const root = join(folder, name.replaceAll(/\W+/g, "-"));
    mkdirSync(root);
    const values = [...HARD, [own, "4"] as const];
    const rows = values.map(([brand, price], i) => ["u", `a${i}`, `${1_741_000_000_000 + i}`, "0", brand, price]);
    const names = ["user", "item", "time", "click", "brand", "price"];
    const lines = [names.join(between), ...rows.map((cells) => cells.map(write).join(between))];
    writeFileSync(join(root, `log.${format}`), `${lines.join("\n")}\n`);
    const keys = 'user: "user", item: "item", time: "time", action: { value: "view" }, surface: { value: "feed" }';
    const events = `from: "log.${format}", ${keys}, attributes: { brand: "category", price: "number" }, ${settings}`;
    const split = '{ trainUntil: "2025-03-04", validationUntil: "2025-03-05", testUntil: "2025-03-06" }';
    const rest = `objectives: { click: {} }, split: ${split}, models: { baseRate: { kind: "baseRate" } }`;
    writeFileSync(join(root, "lapidary.config.ts"), `export default { events: { ${events} }, ${rest} };\n`);
    const { events: stored, letters } = await ingestProject({ config: root, store: join(root, "store") });
    expect(letters).toEqual([]);
    const found = stored.map(({ item, brand = null, price = null }) => ({ item, brand, price }));
    const wanted = values.map(([brand, price], i) => {
      return { item: `a${i}`, brand, price: price === null ? null : Number(price) };
    });
    expect(found).toEqual(wanted);
  });
});
