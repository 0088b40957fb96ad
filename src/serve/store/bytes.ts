/** Values of 2⁵¹ or more have no room for the two bits that say what follows. */
const MAX_TAGGED = 2 ** 51;
/** Texts this short are written byte by byte: a call of the runtime's writer costs more. */
const SHORT_TEXT = 32;
/** Digits of the largest decimal number that is written as a number. */
const MAX_DIGITS = 15;
const NINE = 57;
const ZERO = 48;

/** The two lowest bits of a number say what it is: an integer in the bits above, or what follows. */
const NUMBER = { integer: 0, float32: 1, float64: 2 } as const;
/** The two lowest bits before a text: of how many bytes of UTF-8, or of UTF-16, or the decimal number that it is. */
const TEXT = { utf8: 0, decimal: 1, utf16: 2 } as const;

/** Appends values to a buffer that grows. Integers are short: seven bits per byte, the lowest first. */
export class ByteWriter {
  #bytes = Buffer.alloc(4096);
  /** Bytes written so far; setting it back forgets the last ones. */
  length = 0;

  /** A copy of what was written. */
  copy(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.length));
  }

  /** An integer in [0, 2⁵³). */
  unsigned(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.length++] = (rest % 0x80) | 0x80;
      rest = rest < 2 ** 31 ? rest >>> 7 : Math.floor(rest / 0x80);
    }
    this.#bytes[this.length++] = rest;
  }

  /** An integer in (−2⁵³, 2⁵³): its sign and six bits, then the rest. */
  signed(value: number): void {
    const size = Math.abs(value);
    const first = (size % 0x40) * 2 + (value < 0 ? 1 : 0);
    this.#reserve(1);
    this.#bytes[this.length++] = size < 0x40 ? first : first | 0x80;
    if (size >= 0x40) this.unsigned(Math.floor(size / 0x40));
  }

  /** Any number, bit for bit: small integers in few bytes, float32 in five, others in nine. */
  number(value: number): void {
    if (Number.isInteger(value) && value >= 0 && value < MAX_TAGGED && !Object.is(value, -0)) {
      this.unsigned(value * 4 + NUMBER.integer);
      return;
    }
    const isFloat32 = Object.is(Math.fround(value), value);
    this.unsigned(isFloat32 ? NUMBER.float32 : NUMBER.float64);
    this.#reserve(8);
    this.length = isFloat32
      ? this.#bytes.writeFloatLE(value, this.length)
      : this.#bytes.writeDoubleLE(value, this.length);
  }

  /** Numbers, bit for bit, all in the same width. */
  numbers(values: readonly number[]): void {
    const isFloat32 = values.every((value) => Object.is(Math.fround(value), value));
    this.unsigned(values.length * 2 + (isFloat32 ? 0 : 1));
    this.#reserve(values.length * 8);
    for (const value of values) {
      this.length = isFloat32
        ? this.#bytes.writeFloatLE(value, this.length)
        : this.#bytes.writeDoubleLE(value, this.length);
    }
  }

  /** Any text, lone surrogates included; a decimal number in the bytes of that number. */
  text(text: string): void {
    const decimal = decimalOf(text);
    if (decimal !== null) this.unsigned(decimal * 4 + TEXT.decimal);
    else if (!this.#shortText(text)) this.#longText(text);
  }

  /** True if the text was written: it is short and ASCII. */
  #shortText(text: string): boolean {
    if (text.length > SHORT_TEXT) return false;
    const start = this.length;
    this.unsigned(text.length * 4 + TEXT.utf8);
    this.#reserve(text.length);
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) {
        this.length = start;
        return false;
      }
      this.#bytes[this.length++] = unit;
    }
    return true;
  }

  #longText(text: string): void {
    // UTF-8 has no lone surrogates: it would put another character in their place.
    const isWellFormed = !/\p{Surrogate}/u.test(text);
    const encoding = isWellFormed ? "utf8" : "utf16le";
    const sizeBytes = Buffer.byteLength(text, encoding);
    this.unsigned(sizeBytes * 4 + (isWellFormed ? TEXT.utf8 : TEXT.utf16));
    this.#reserve(sizeBytes);
    this.length += this.#bytes.write(text, this.length, encoding);
  }

  #reserve(count: number): void {
    if (this.length + count <= this.#bytes.length) return;
    const grown = Buffer.alloc(Math.max(2 * this.#bytes.length, this.length + count));
    this.#bytes.copy(grown, 0, 0, this.length);
    this.#bytes = grown;
  }
}

/** Reads what a {@link ByteWriter} wrote, in the same order. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  unsigned(): number {
    let byte = this.#bytes[this.#at++]!;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let scale = 0x80; byte >= 0x80; scale *= 0x80) {
      byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * scale;
    }
    return value;
  }

  signed(): number {
    const first = this.#bytes[this.#at++]!;
    const low = (first & 0x7f) >>> 1;
    const size = first >= 0x80 ? low + this.unsigned() * 0x40 : low;
    return (first & 1) === 1 ? -size : size;
  }

  number(): number {
    const tagged = this.unsigned();
    const tag = tagged % 4;
    if (tag === NUMBER.integer) return Math.floor(tagged / 4);
    return tag === NUMBER.float32 ? this.#float32() : this.#float64();
  }

  numbers(): number[] {
    const tagged = this.unsigned();
    const isFloat32 = tagged % 2 === 0;
    return Array.from({ length: Math.floor(tagged / 2) }, () => (isFloat32 ? this.#float32() : this.#float64()));
  }

  text(): string {
    const tagged = this.unsigned();
    const tag = tagged % 4;
    const value = Math.floor(tagged / 4);
    if (tag === TEXT.decimal) return `${value}`;
    const start = this.#at;
    this.#at += value;
    return this.#bytes.toString(tag === TEXT.utf16 ? "utf16le" : "utf8", start, this.#at);
  }

  #float32(): number {
    this.#at += 4;
    return this.#bytes.readFloatLE(this.#at - 4);
  }

  #float64(): number {
    this.#at += 8;
    return this.#bytes.readDoubleLE(this.#at - 8);
  }
}

/** Where the decimal number at a text's end begins that is written as it would be printed; the text's length if none. */
export function decimalStart(text: string): number {
  const end = text.length;
  let start = end;
  while (start > 0 && end - start < MAX_DIGITS && isDigit(text.charCodeAt(start - 1))) start--;
  while (start < end - 1 && text.charCodeAt(start) === ZERO) start++;
  return start;
}

/** The decimal number at a text's end, from where it begins. */
export function decimalAt(text: string, start: number): number {
  let value = 0;
  for (let i = start; i < text.length; i++) value = value * 10 + text.charCodeAt(i) - ZERO;
  return value;
}

function decimalOf(text: string): number | null {
  if (text.length === 0 || text.length > MAX_DIGITS || !isDigit(text.charCodeAt(0))) return null;
  return decimalStart(text) === 0 ? decimalAt(text, 0) : null;
}

function isDigit(unit: number): boolean {
  return unit >= ZERO && unit <= NINE;
}
