/** What `JSON.parse` does not tell: keys that repeat, of which it keeps the last, and digits that no double has. */

const QUOTE = 0x22;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
/** What follows the whole part of a number that is not whole: a point, an exponent, its plus. */
const REAL_MARKS: ReadonlySet<number> = new Set([..."+.Ee"].map((mark) => mark.charCodeAt(0)));

/** A double has every whole number of so many digits. */
export const EXACT_DIGITS = 15;

/** The tokens of JSON that hold values, and the marks between them. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** What stands in a text of valid JSON. */
interface Census {
  /** Keys of all objects, repeated ones included. */
  readonly keys: number;
  /** Whether a number may have more digits than a double. */
  readonly hasLongNumbers: boolean;
}

/** A parsed body, and the path of the first key that its object has twice; null if there is none. */
export interface ExactJson {
  readonly value: unknown;
  readonly repeated: string | null;
}

/**
 * Parses JSON whose whole numbers of more than 15 digits become texts, digit for digit.
 *
 * @throws {SyntaxError} if it is none
 */
export function parseExactJson(bytes: Uint8Array): ExactJson {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  const value: unknown = JSON.parse(text);
  const { keys, hasLongNumbers } = censusOf(bytes);
  const repeated = keys === countKeys(value) ? null : repeatedKey(text);
  return { value: hasLongNumbers ? JSON.parse(withLongNumbersAsText(text)) : value, repeated };
}

/** One pass over the bytes: it costs less than the parsing. */
function censusOf(bytes: Uint8Array): Census {
  let keys = 0;
  let digits = 0;
  let hasLongNumbers = false;
  // Behind a point or in an exponent, where digits are no whole number's.
  let isReal = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte >= ZERO && byte <= NINE) {
      digits++;
      continue;
    }
    const isPart = REAL_MARKS.has(byte);
    if (digits > EXACT_DIGITS && !isReal && !isPart) hasLongNumbers = true;
    isReal = isPart || (isReal && byte === MINUS);
    digits = 0;
    if (byte === COLON) keys++;
    else if (byte === QUOTE) i = endOfText(bytes, i + 1);
  }
  return { keys, hasLongNumbers: hasLongNumbers || (digits > EXACT_DIGITS && !isReal) };
}

/** Place of the quote that ends a text. */
function endOfText(bytes: Uint8Array, start: number): number {
  let i = start;
  while (bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
  return i;
}

function countKeys(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const members: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  let keys = members === value ? 0 : members.length;
  // Most members are no objects: a call for each would cost more than the rest.
  for (const member of members) if (typeof member === "object") keys += countKeys(member);
  return keys;
}

function withLongNumbersAsText(text: string): string {
  const isLong = (token: string): boolean => /^-?\d+$/.test(token) && token.replace("-", "").length > EXACT_DIGITS;
  return text.replace(TOKENS, (token) => (isLong(token) ? `"${token}"` : token));
}

/** One object or list around a token. */
interface Frame {
  /** Keys so far; null in a list. */
  readonly keys: Set<string> | null;
  /** Key or index of the member that is read. */
  at: string | number;
}

/** Path of the first key that is in its object already, such as `events[3].time`. */
function repeatedKey(text: string): string | null {
  const frames: Frame[] = [];
  let last = "";
  for (const [token] of text.matchAll(TOKENS)) {
    if (token === ":" && !addKey(frames.at(-1), JSON.parse(last) as string)) return pathOf(frames);
    if (token === "{") frames.push({ keys: new Set(), at: "" });
    if (token === "[") frames.push({ keys: null, at: 0 });
    if (token === "}" || token === "]") frames.pop();
    if (token === ",") nextMember(frames.at(-1));
    last = token;
  }
  return null;
}

/** Whether an object had no such key. */
function addKey(frame: Frame | undefined, key: string): boolean {
  if (!frame?.keys) return true;
  frame.at = key;
  return frame.keys.size !== frame.keys.add(key).size;
}

function nextMember(frame: Frame | undefined): void {
  if (typeof frame?.at === "number") frame.at++;
}

function pathOf(frames: readonly Frame[]): string {
  const steps = frames.map(({ at }) => (typeof at === "number" ? `[${at}]` : `.${at}`));
  return steps.join("").replace(/^\./, "");
}
