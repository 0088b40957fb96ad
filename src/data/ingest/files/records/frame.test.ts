import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../../events.test.support.ts";
import { type Dialect, dialectOf, type TextOptions } from "../dialect.ts";
import { listLogFiles } from "../list.ts";
import { framedFieldSql, readFramedSql, type SplitFile, splitNaively } from "./frame.test.support.ts";
import { type FramedText, frameText } from "./frame.ts";
import { type FoundRecord, readRecords } from "./read-records.ts";
import { type BrokenRecord, type Header, MAX_RECORD_BYTES, type RecordRun, RecordScanner } from "./record-scanner.ts";

/** What the grammars know, and what they must not stumble over. */
const TOKENS = [
  ...'ab,,""\t\t\\\\N n;{}\'',
  "\n",
  "\n",
  "\r\n",
  "\r",
  '"x"',
  '"a,b"',
  '"a\nb"',
  '""""',
  "\x1b",
  "\x1bn",
  "\x01",
  "\0",
  "\ufeff",
  "é",
  "日本",
  "\u2028",
  "\u0085",
] as const;

/** A text with bytes that are no UTF-8 here and there. */
const bytes = fc
  .array(fc.oneof({ weight: 40, arbitrary: fc.constantFrom(...TOKENS) }, { weight: 1, arbitrary: fc.constant(null) }), {
    maxLength: 60,
  })
  .map((tokens) => Buffer.concat(tokens.map((token) => (token === null ? Buffer.of(0xff) : Buffer.from(token)))));

const DIALECTS: readonly TextOptions[] = [
  { format: "csv" },
  { format: "csv", delimiter: ";", quote: "'" },
  { format: "csv", escape: "\\" },
  { format: "csv", quote: null },
  { format: "tsv" },
  { format: "tsv", escape: "\\" },
  { format: "jsonl" },
];

/** A log, half of the time with a header that is not drawn. */
const logs = fc
  .record({ chosen: fc.constantFrom(...DIALECTS), body: bytes, hasHeader: fc.boolean(), hasBom: fc.boolean() })
  .map(({ chosen: textOptions, body, hasHeader, hasBom }) => {
    const { delimiter, hasHeader: needsHeader } = dialectOf(textOptions);
    const text = needsHeader && hasHeader ? Buffer.concat([Buffer.from(`x${delimiter}y\n`), body]) : body;
    return { chosen: textOptions, text, hasBom };
  });

/** What a scanner finds when the text comes in pieces that end at `cuts`. */
function scan(text: Buffer, dialect: Dialect, cuts: readonly number[]) {
  const found = {
    header: null as Header | null,
    framed: [] as Buffer[],
    broken: [] as BrokenRecord[],
    isRefused: false,
  };
  const scanner = new RecordScanner(dialect, {
    header: (header) => {
      found.header = header;
    },
    run: ({ text: framed }: RecordRun) => found.framed.push(Buffer.from(framed)),
    broken: (broken) => found.broken.push({ ...broken, raw: Buffer.from(broken.raw) }),
    brokenHeader: () => {
      found.isRefused = true;
      throw new Error("refused");
    },
  });
  try {
    let at = 0;
    for (const cut of [...cuts].map((share) => Math.floor(share * text.length)).sort((a, b) => a - b)) {
      scanner.push(Buffer.from(text.subarray(at, cut)));
      at = cut;
    }
    scanner.push(Buffer.from(text.subarray(at)));
    scanner.finish();
  } catch (error) {
    if (!found.isRefused) throw error;
  }
  return { ...found, numRecords: scanner.numRecords };
}

const facts = ({ line, code, raw }: BrokenRecord) => ({ line, code, raw: Buffer.from(raw).toString("latin1") });

describe("RecordScanner", () => {
  it("finds the records of a naive splitter in any bytes, however they are cut into pieces", () => {
    fc.assert(
      fc.property(
        logs,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 }),
        ({ chosen: textOptions, text }, cuts) => {
          const dialect = dialectOf(textOptions);
          const expected = splitNaively(text, textOptions);
          const found = scan(text, dialect, cuts);
          expect(found.isRefused).toBe(expected.isRefused);
          if (expected.isRefused) return;
          expect(found.header?.fields ?? null).toEqual(expected.header);
          expect(found.numRecords).toBe(expected.records.length);
          expect(found.broken.map(facts)).toEqual(expected.broken);
        },
      ),
      { numRuns: 4000 },
    );
  });

  it("loses only the line of a quote that is misplaced or not closed", () => {
    const dialect = dialectOf({ format: "csv" });
    const recordsOf = (text: string) => {
      const { framed, broken } = scan(Buffer.from(`a,b\n${text}`), dialect, []);
      return { framed: Buffer.concat(framed).toString(), broken: broken.map(({ line, code }) => [line, code]) };
    };
    expect(recordsOf('1,"open\n2,x\n3,"y"\n')).toEqual({ framed: "2,x\n3,y\n", broken: [[2, "ROW_QUOTES"]] });
    // The second quote closes the first, but then the third stands in the middle of a field.
    expect(recordsOf('1,"open\n2,",x"\n')).toEqual({ framed: "2,\x1bdx\n", broken: [[2, "ROW_QUOTES"]] });
    expect(recordsOf('1,5" pipe\n"2"x,y\n3,"a\nb"\n')).toEqual({
      framed: '1,5" pipe\n3,a\x1bnb\n',
      broken: [[3, "ROW_QUOTES"]],
    });
  });

  it("takes a record of 16 MiB, breaks a longer one, and goes on behind it", () => {
    const dialect = dialectOf({ format: "csv" });
    const long = Buffer.alloc(MAX_RECORD_BYTES - 2, "x");
    const text = Buffer.concat([
      Buffer.from("a,b\n1,"),
      long,
      Buffer.from("\n2,"),
      long,
      Buffer.from("x\r\n3,4\n"),
      Buffer.from('5,"'),
      Buffer.alloc(MAX_RECORD_BYTES * 1.5, `${"line".repeat(1024)}\n`),
      Buffer.from("\n6,7\n"),
    ]);
    for (const cuts of [[], Array.from({ length: 60 }, (_, i) => i / 60)]) {
      const { numRecords, broken } = scan(text, dialect, cuts);
      expect(numRecords).toBe(3);
      expect(broken.slice(0, 2).map(({ line, code, raw }) => [line, code, raw.length])).toEqual([
        [3, "ROW_SIZE", 65_536],
        [5, "ROW_QUOTES", 3 + 4096],
      ]);
      // Each line that the open quote would have taken in is looked at by itself.
      expect(new Set(broken.slice(2).map(({ code }) => code))).toEqual(new Set(["ROW_FIELDS"]));
      expect(broken.length).toBe(2 + Math.floor((MAX_RECORD_BYTES * 1.5) / 4097));
    }
  });
});

/** Runs `work` with a query engine. */
async function withDuck<T>(work: (query: (sql: string) => Promise<unknown[][]>) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    return await work(async (sql) => (await connection.run(sql)).getRowsJson());
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** The fields of framed text as DuckDB reads them, in hexadecimal: its client drops U+FEFF at a text's beginning. */
async function readBack(framed: FramedText, query: (sql: string) => Promise<unknown[][]>) {
  const columns = (framed.fields ?? [""]).map((_, i) => `hex(encode(${framedFieldSql(framed, `f${i}`)}))`);
  if (columns.length === 0) return [];
  const rows = await query(`SELECT ${columns.join(", ")} FROM ${readFramedSql(framed)}`);
  return rows.map((row) => row.map((field) => field ?? ""));
}

async function frame(path: string, textOptions: TextOptions) {
  const [file] = await listLogFiles({ from: [path], format: textOptions.format });
  if (!file) throw new Error("no file");
  return { file, framed: await frameText(file, textOptions, `${path}.framed`) };
}

describe("frameText", () => {
  it("gives DuckDB the fields of a naive splitter, and the bytes of each record to dead letters", async () => {
    using folder = temporaryFolder();
    const hostile = join(folder.path, "a [1]*?{b,c}'é\"");
    mkdirSync(hostile);
    let numOwn = 0;
    await withDuck((query) =>
      fc.assert(
        fc.asyncProperty(logs, async ({ chosen: textOptions, text, hasBom }) => {
          const path = join(hostile, `log [x]*.${textOptions.format}`);
          writeFileSync(path, hasBom ? Buffer.concat([BOM, text]) : text);
          const expected = splitNaively(hasBom ? text : withoutBom(text), textOptions);
          if (expected.isRefused) {
            await expect(frame(path, textOptions)).rejects.toMatchObject({ code: "EVENTS_UNREADABLE" });
            return;
          }
          const { file, framed } = await frame(path, textOptions);
          numOwn += Number(framed.path === path);
          expect(framed.fields).toEqual(expectedFields(expected, textOptions));
          expect(framed.numRecords).toBe(expected.records.length);
          expect(await readBack(framed, query)).toEqual(expected.records.map(({ fields }) => fields.map(hex)));
          expect([...framed.broken].map(facts)).toEqual(expected.broken);
          await checkRaws(readRecords(file, textOptions, someOf(expected)), expected);
        }),
        { numRuns: 350 },
      ),
    );
    expect(numOwn).toBeGreaterThan(20);
  });

  it("uses the log's own file while it can, and copies from the first record on that needs it", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.csv");
    const lines = Array.from({ length: 300_000 }, (_, i) => `user ${i},item ${i % 7}`);
    for (const [position, odd, isCopy] of [
      [150_000, "plain,row", false],
      [150_000, '"quoted",row', true],
      [299_999, "carriage,return\r", true],
      [299_999, "broken", true],
      [0, "", true],
    ] as const) {
      const odder = lines.with(position, odd);
      writeFileSync(path, `user,item\n${odder.join("\n")}\n`);
      const { framed } = await frame(path, { format: "csv" });
      expect(framed).toMatchObject({ path: isCopy ? `${path}.framed` : path, skipLines: isCopy ? 0 : 1 });
      const kept = odder.filter((line) => line.includes(",")).map((line) => line.replaceAll(/["\r]/g, ""));
      const text = readFileSync(framed.path, "utf8");
      expect(framed.numRecords).toBe(kept.length);
      expect((isCopy ? text : text.slice("user,item\n".length)) === `${kept.join("\n")}\n`).toBe(true);
    }
  });

  it.each(["latin-1", "utf-16"] as const)("reads %s, with its byte order mark or without", async (encoding) => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.csv");
    const text = encoding === "latin-1" ? "näme,b\nü\x80,é\r\n" : "näme,b\nü€,日𝄞\r\n";
    const plain = Buffer.from(text, encoding === "latin-1" ? "latin1" : "utf16le");
    const forms = [plain];
    if (encoding === "utf-16") {
      const marked = Buffer.from(`\ufeff${text}`, "utf16le");
      forms.push(marked, Buffer.from(marked).swap16());
    }
    for (const form of forms) {
      writeFileSync(path, form);
      const { framed } = await frame(path, { format: "csv", encoding });
      expect(framed.fields).toEqual(["näme", "b"]);
      expect(readFileSync(framed.path, "utf8")).toBe(text.slice(text.indexOf("\n") + 1).replace("\r", ""));
    }
  });

  it("refuses the mark of another encoding, and tells a lone surrogate as a broken record", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.csv");
    writeFileSync(path, Buffer.from("\ufeffa,b\n1,2\n", "utf16le"));
    await expect(frame(path, { format: "csv" })).rejects.toMatchObject({
      code: "EVENTS_UNREADABLE",
      where: path,
      hint: "Set events.encoding to utf-16.",
    });
    writeFileSync(path, Buffer.from("a,b\n1,\ud800\n3,4\n", "utf16le"));
    const { framed } = await frame(path, { format: "csv", encoding: "utf-16" });
    expect([...framed.broken].map(({ line, code }) => [line, code])).toEqual([[2, "ROW_ENCODING"]]);
    expect(readFileSync(framed.path, "utf8")).toBe("3,4\n");
  });
});

/** Numbers of some of the records. */
const someOf = ({ records }: SplitFile) => [...records.keys()].filter((record) => record % 3 !== 1);

async function checkRaws(found: AsyncIterable<FoundRecord>, expected: SplitFile): Promise<void> {
  const raws: unknown[] = [];
  for await (const { record, line, raw } of found) raws.push([record, line, Buffer.from(raw).toString("latin1")]);
  expect(raws).toEqual(someOf(expected).map((i) => [i, expected.records[i]?.line, expected.records[i]?.raw]));
}

const hex = (field: string) => Buffer.from(field).toString("hex").toUpperCase();

function expectedFields({ header }: SplitFile, { format }: TextOptions) {
  return format === "jsonl" ? null : (header ?? []);
}

const BOM = Buffer.from("\ufeff");

function withoutBom(text: Buffer): Buffer {
  return text.subarray(0, 3).equals(BOM) ? text.subarray(3) : text;
}
