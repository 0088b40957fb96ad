import type { EventsConfig } from "../../../config/types.ts";
import { ESC, escapeCodes } from "./records/escapes.ts";

/** How the bytes of a text file are read as characters. `latin-1` is ISO 8859-1, each byte the code point of its value. */
export const ENCODINGS = ["utf-8", "latin-1", "utf-16"] as const;
/** One of {@link ENCODINGS}. */
export type Encoding = (typeof ENCODINGS)[number];

/** How a text file is split into records and fields. */
export interface TextOptions {
  readonly format: Exclude<EventsConfig["format"], "parquet">;
  /** One ASCII character. @default "," for csv, a tab for tsv; jsonl has none */
  readonly delimiter?: string;
  /** One ASCII character that may enclose a field, doubled inside of it; null for none. @default '"' for csv, else null */
  readonly quote?: string | null;
  /**
   * One ASCII character. With quoting, it makes a quote or itself data inside of a quoted field. Without, it is the
   * backslash of MySQL, PostgreSQL and Hive: `\t`, `\n`, `\r`, `\0`, `\b`, `\f`, `\v`, `\Z`, before anything else it
   * makes that data (a line break too), and a field of `\N` alone is left as it is. @default null
   */
  readonly escape?: string | null;
  /** @default "utf-8" */
  readonly encoding?: Encoding;
}

/** What a byte means to the parser: text. */
export const PLAIN = 0;
/** The end of a field. */
export const DELIMITER = 1;
/** The end of a line. */
export const LINE_FEED = 2;
/** The end of a line, with a line feed that follows it or without. */
export const CARRIAGE_RETURN = 3;
/** The begin or end of a quoted field. */
export const QUOTE = 4;
/** The escape character. */
export const ESCAPE = 5;
/** A byte that is data and has to be escaped in framed text. */
export const UNFRAMED = 6;

/** Stands between fields that framed JSONL does not have; a control character that JSON text never holds raw. */
const JSONL_DELIMITER = "\x01";

/** {@link TextOptions} with every default filled in, and tables by byte. */
export interface Dialect {
  readonly hasHeader: boolean;
  /** Whether lines of white space are blank, as JSON has it; else only empty ones are. */
  readonly ignoresSpace: boolean;
  /** The delimiter of framed text. */
  readonly delimiter: string;
  readonly delimiterByte: number;
  /** -1 for none. */
  readonly quoteByte: number;
  /** -1 for none. */
  readonly escapeByte: number;
  readonly kinds: Uint8Array;
  /** Kinds of the bytes within quotes. */
  readonly quotedKinds: Uint8Array;
  /** If records have no fields: the bytes without which each line is framed text. */
  readonly unframed: readonly number[] | null;
  /** The letter after ESC in framed text, or 0. */
  readonly codes: Uint8Array;
}

const DEFAULTS = {
  csv: { delimiter: ",", quote: '"' },
  tsv: { delimiter: "\t", quote: null },
  jsonl: { delimiter: JSONL_DELIMITER, quote: null },
} as const;

/** The dialect of options. */
export function dialectOf(options: TextOptions): Dialect {
  const { format } = options;
  const isJson = format === "jsonl";
  const { delimiter = DEFAULTS[format].delimiter, quote = DEFAULTS[format].quote } = isJson ? {} : options;
  const [delimiterByte, quoteByte, escapeByte] = [delimiter, quote, isJson ? null : options.escape].map(
    (character) => character?.charCodeAt(0) ?? -1,
  ) as [number, number, number];
  const codes = escapeCodes(delimiterByte);
  const kinds = new Uint8Array(256);
  kinds[ESC] = UNFRAMED;
  // An index of -1 is none of the table's, and sets nothing.
  if (quoteByte < 0) kinds[escapeByte] = ESCAPE;
  kinds[quoteByte] = QUOTE;
  kinds[delimiterByte] = isJson ? UNFRAMED : DELIMITER;
  kinds[0x0a] = LINE_FEED;
  kinds[0x0d] = CARRIAGE_RETURN;
  const quotedKinds = codes.map((code) => (code === 0 ? PLAIN : UNFRAMED));
  quotedKinds[escapeByte] = ESCAPE;
  quotedKinds[quoteByte] = QUOTE;
  const bytes = { delimiterByte, quoteByte, escapeByte };
  const unframed = isJson ? [ESC, delimiterByte, 0x0d] : null;
  return { hasHeader: !isJson, ignoresSpace: isJson, delimiter, ...bytes, kinds, quotedKinds, unframed, codes };
}
