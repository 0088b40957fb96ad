/** An independent reader of text logs: it takes a whole text apart into tokens, one byte a character. */
import { isUtf8 } from "node:buffer";
import { literal } from "../../sql.ts";
import type { TextOptions } from "../dialect.ts";
import { duckPath } from "../duck-path.ts";
import { unescapeSql } from "./escapes.ts";
import type { FramedText } from "./frame.ts";
import { MAX_RECORD_BYTES } from "./record-scanner.ts";

/** One record. */
export interface SplitRecord {
  readonly line: number;
  readonly fields: readonly string[];
  /** One byte a character. */
  readonly raw: string;
}

/** All of a file. */
export interface SplitFile {
  /** Null if the file has none. */
  readonly header: readonly string[] | null;
  /** Whether the header is no record. */
  readonly isRefused: boolean;
  readonly records: readonly SplitRecord[];
  readonly broken: readonly { readonly line: number; readonly code: string; readonly raw: string }[];
}

interface Split {
  readonly fields: readonly string[];
  readonly raw: string;
}

const LINE = /[^\r\n]*/y;
const lineAt = (text: string, at: number) => {
  LINE.lastIndex = at;
  return LINE.exec(text)?.[0] ?? "";
};

/** Reads fields without quoting; a backslash and what follows is one token, if there is an escape. */
function splitPlain(text: string, at: number, { delimiter, escape: mark }: TextOptions): Split {
  const token = mark ? /\\\r\n|\\[\s\S]|[^\r\n]/y : /[^\r\n]/y;
  token.lastIndex = at;
  const fields: string[][] = [[]];
  let raw = "";
  for (let found = token.exec(text); found; found = token.exec(text)) {
    raw += found[0];
    if (found[0] === delimiter) fields.push([]);
    else fields.at(-1)?.push(found[0]);
  }
  return { raw, fields: fields.map((tokens) => (tokens.join("") === "\\N" ? "\\N" : tokens.map(plainOf).join(""))) };
}

const LETTERS: Readonly<Record<string, string>> = {
  0: "\0",
  b: "\b",
  t: "\t",
  n: "\n",
  v: "\v",
  f: "\f",
  r: "\r",
  Z: "\x1a",
};
const plainOf = (token: string) => (token.length === 1 ? token : (LETTERS[token.slice(1)] ?? token.slice(1)));

/** Reads fields of which some are quoted: null if quotes are wrong. */
function splitQuoted(text: string, start: number, options: TextOptions): Split | null {
  const { delimiter = ",", quote = '"' } = options;
  const fields: string[] = [];
  let at = start;
  for (let spansLines = false; ; at++) {
    const isQuoted = text[at] === quote;
    const length = isQuoted ? quotedLength(text, at, options) : plainLength(text, at, delimiter);
    const field = text.slice(at, at + length);
    at += length;
    if (length < 0 || (!isQuoted && spansLines && field.includes(quote ?? ""))) return null;
    if (![delimiter, "\r", "\n", undefined].includes(text[at])) return null;
    spansLines ||= isQuoted && /[\r\n]/.test(field);
    fields.push(isQuoted ? unquoted(field, options) : field);
    if (text[at] !== delimiter) return { fields, raw: text.slice(start, at) };
  }
}

function plainLength(text: string, at: number, delimiter: string): number {
  return lineAt(text, at).split(delimiter)[0]?.length ?? 0;
}

/** Tokens of a quoted field that are two characters: a doubled quote, and what the escape makes data. */
const pairsOf = ({ quote = '"', escape: mark }: TextOptions) => [
  `${quote}${quote}`,
  ...(mark ? [`${mark}${quote}`, `${mark}${mark}`] : []),
];

/** Length of the quoted field at a place, or -1 if it is not closed. */
function quotedLength(text: string, start: number, options: TextOptions): number {
  for (let at = start + 1; at < text.length; at++) {
    if (pairsOf(options).includes(text.slice(at, at + 2))) at++;
    else if (text[at] === (options.quote ?? '"')) return at + 1 - start;
  }
  return -1;
}

function unquoted(field: string, options: TextOptions): string {
  let out = "";
  for (let at = 1; at < field.length - 1; at++) {
    if (pairsOf(options).includes(field.slice(at, at + 2))) at++;
    out += field[at];
  }
  return out;
}

const DEFAULTS = { csv: { delimiter: ",", quote: '"' }, tsv: { delimiter: "\t", quote: null }, jsonl: {} } as const;

function splitOne(text: string, at: number, options: TextOptions): Split | null {
  const raw = lineAt(text, at);
  if (options.format === "jsonl") return { fields: [raw], raw };
  const all = { ...DEFAULTS[options.format], ...options };
  return all.quote === null ? splitPlain(text, at, all) : splitQuoted(text, at, all);
}

const utf8 = (text: string) => Buffer.from(text, "latin1").toString("utf8");
const numBreaks = (text: string) => text.match(/\r\n|\r|\n/g)?.length ?? 0;

function faultOf(split: Split | null, raw: string, header: readonly string[] | null): string | null {
  if (split === null) return "ROW_QUOTES";
  if (!isUtf8(Buffer.from(raw, "latin1"))) return "ROW_ENCODING";
  return header !== null && split.fields.length !== header.length ? "ROW_FIELDS" : null;
}

interface Piece {
  readonly line: number;
  readonly split: Split | null;
  readonly raw: string;
}

/** Records and lines that are none, without blank lines. */
function piecesOf(text: string, options: TextOptions): Piece[] {
  const isJson = options.format === "jsonl";
  const pieces: Piece[] = [];
  for (let at = 0; at < text.length; ) {
    const line = 1 + numBreaks(text.slice(0, at));
    const split = splitOne(text, at, options);
    const raw = split?.raw ?? lineAt(text, at);
    at += raw.length + (/^(?:\r\n|\r|\n)?/.exec(text.slice(at + raw.length))?.[0].length ?? 0);
    if ((isJson ? raw.replace(/[ \t]/g, "") : raw) !== "") pieces.push({ line, split, raw });
  }
  return pieces;
}

/** Splits a whole file. */
export function splitNaively(bytes: Buffer, options: TextOptions): SplitFile {
  const pieces = piecesOf(bytes.toString("latin1"), options);
  const first = options.format === "jsonl" ? undefined : pieces.shift();
  const header = first?.split?.fields.map(utf8) ?? null;
  const isRefused = first !== undefined && faultOf(first.split, first.raw, null) !== null;
  const records: SplitRecord[] = [];
  const broken: { line: number; code: string; raw: string }[] = [];
  for (const { line, split, raw } of pieces) {
    const code = faultOf(split, raw, header);
    if (code === null) records.push({ line, fields: split?.fields.map(utf8) ?? [], raw });
    else broken.push({ line, code, raw });
  }
  return { header, isRefused, records, broken };
}

/** A record and its escapes may be so long. @unit bytes */
const MAX_LINE_BYTES = 2 * MAX_RECORD_BYTES + 2;

/** SQL that reads framed text: columns `f0`, `f1`, … of VARCHAR, as they stand there; an empty field is NULL. */
export function readFramedSql({ path, skipLines, fields, delimiter }: FramedText): string {
  const names = (fields ?? [""]).map((_, i) => `'f${i}': 'VARCHAR'`);
  const options = [
    `columns = {${names.join(", ")}}`,
    "auto_detect = false, header = false, quote = '', escape = '', new_line = '\\n', compression = 'none'",
    `skip = ${skipLines}, delim = ${literal(delimiter)}, max_line_size = ${MAX_LINE_BYTES}`,
    "hive_partitioning = false",
  ];
  return `read_csv(${duckPath(path)}, ${options.join(", ")})`;
}

/** SQL of the text of a column of {@link readFramedSql}. */
export function framedFieldSql({ isEscaped, delimiter }: FramedText, column: string): string {
  return isEscaped ? unescapeSql(column, delimiter) : column;
}
