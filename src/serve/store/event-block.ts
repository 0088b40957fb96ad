import { ByteReader, ByteWriter, decimalAt, decimalStart } from "./bytes.ts";
import type { Fact, Facts, StoredEvent } from "./stored-event.ts";

/** Most events of one block: their number is its first byte. */
export const BLOCK_EVENTS = 128;
/** A block of several events is not larger: three of them, with their keys, fit into one page of LMDB. @unit bytes */
const BLOCK_BYTES = 1_320;

/** Bits before an event's time. The bits above them are its number of reports less one. */
const HAS_EMBEDDING = 1;
const HAS_OWN_TIME = 2;
const REPORT = 4;

/** Codes of the kinds of facts. */
const KIND = { text: 0, number: 1, numbers: 2, texts: 3 } as const;
type Kind = (typeof KIND)[keyof typeof KIND];

/** Names of an event's facts in the order in which their values stand, and the kind of each. */
interface Shape {
  readonly names: readonly string[];
  readonly kinds: readonly Kind[];
}

/**
 * Events of one user as blocks of bytes, oldest first: as many in each as go in. A block can be read alone: texts, names and
 * shapes (which facts an event has) stand where they first occur in it, and are a number from there on. Times, sequences and
 * the number at the end of an id are differences from the event before.
 *
 * A block: number of events (one byte), then of each: text of the id without the number at its end, that number, flags, time,
 * sequence, shape, values, embedding.
 */
export function encodeBlocks(events: readonly StoredEvent[]): readonly EncodedBlock[] {
  const blocks: EncodedBlock[] = [];
  for (let start = 0; start < events.length; ) {
    const writer = new BlockWriter();
    let end = start;
    while (end < events.length && writer.add(events[end]!)) end++;
    blocks.push({ first: events[start]!, bytes: writer.bytes() });
    start = end;
  }
  return blocks;
}

/** A block and the first event in it. */
export interface EncodedBlock {
  readonly first: StoredEvent;
  readonly bytes: Buffer;
}

/** Number of a block's events. */
export function countOf(block: Uint8Array): number {
  return block[0]!;
}

/** The events of a block. */
export function decodeBlock(block: Buffer): StoredEvent[] {
  const reader = new BlockReader(block);
  return Array.from({ length: countOf(block) }, () => reader.next());
}

/** All blocks are written into the same memory, one after the other. */
const BYTES = new ByteWriter();

class BlockWriter {
  readonly #texts = new Map<string, number>();
  readonly #shapes = new Map<string, number>();
  #shape: Shape = { names: [], kinds: [] };
  #shapeCode = -1;
  #idText = "";
  #idCode = -1;
  #count = 0;
  #timeMs = 0;
  #sequence = 0;
  #number = 0;

  constructor() {
    BYTES.length = 0;
    BYTES.unsigned(0);
  }

  /** False, and nothing is added, if the block is full. */
  add(event: StoredEvent): boolean {
    if (this.#count === BLOCK_EVENTS) return false;
    const before = BYTES.length;
    this.#write(event);
    if (this.#count > 0 && BYTES.length > BLOCK_BYTES) {
      BYTES.length = before;
      return false;
    }
    this.#count++;
    return true;
  }

  bytes(): Buffer {
    const bytes = BYTES.copy();
    bytes[0] = this.#count;
    return bytes;
  }

  #write({ id, timeMs, sequence, facts, embedding, numReports }: StoredEvent): void {
    this.#id(id);
    const gap = timeMs - this.#timeMs;
    const isGap = Number.isSafeInteger(gap);
    const flags = (embedding.length > 0 ? HAS_EMBEDDING : 0) + (isGap ? 0 : HAS_OWN_TIME);
    BYTES.unsigned((numReports - 1) * REPORT + flags);
    BYTES.signed(isGap ? gap : timeMs);
    BYTES.signed(sequence - this.#sequence);
    this.#timeMs = timeMs;
    this.#sequence = sequence;
    this.#facts(facts);
    if (embedding.length > 0) BYTES.numbers(embedding);
  }

  #id(id: string): void {
    const start = decimalStart(id);
    const bit = start < id.length ? 1 : 0;
    const text = this.#idText;
    // Most ids begin as the one before.
    if (start === text.length && this.#idCode >= 0 && id.startsWith(text)) BYTES.unsigned(this.#idCode * 2 + bit);
    else {
      this.#idText = id.slice(0, start);
      this.#idCode = this.#text(this.#idText, bit);
    }
    if (bit === 0) return;
    const number = decimalAt(id, start);
    BYTES.signed(number - this.#number);
    this.#number = number;
  }

  /** A text, or the number of one that the block has, which is returned; `bit` is the lowest bit of what is written. */
  #text(text: string, bit?: 0 | 1): number {
    const known = this.#texts.get(text);
    const code = known ?? this.#texts.size;
    BYTES.unsigned(bit === undefined ? code : code * 2 + bit);
    if (known !== undefined) return known;
    this.#texts.set(text, code);
    BYTES.text(text);
    return code;
  }

  #facts(facts: Facts): void {
    if (this.#shapeCode >= 0 && isShapeOf(this.#shape, facts)) BYTES.unsigned(this.#shapeCode);
    else this.#setShape(facts);
    const { names, kinds } = this.#shape;
    for (let i = 0; i < names.length; i++) this.#fact(kinds[i]!, facts[names[i]!]!);
  }

  #setShape(facts: Facts): void {
    const names = Object.keys(facts);
    this.#shape = { names, kinds: names.map((name) => kindOf(facts[name]!)) };
    const key = JSON.stringify(this.#shape);
    const known = this.#shapes.get(key);
    this.#shapeCode = known ?? this.#shapes.size;
    BYTES.unsigned(this.#shapeCode);
    if (known !== undefined) return;
    this.#shapes.set(key, this.#shapeCode);
    BYTES.unsigned(names.length);
    for (const [i, name] of names.entries()) {
      this.#text(name);
      BYTES.unsigned(this.#shape.kinds[i]!);
    }
  }

  #fact(kind: Kind, fact: Fact): void {
    if (kind === KIND.text) this.#text(fact as string);
    else if (kind === KIND.number) BYTES.number(fact as number);
    else if (kind === KIND.numbers) BYTES.numbers(fact as readonly number[]);
    else {
      const texts = fact as readonly string[];
      BYTES.unsigned(texts.length);
      for (const text of texts) this.#text(text);
    }
  }
}

class BlockReader {
  readonly #reader: ByteReader;
  readonly #texts: string[] = [];
  readonly #shapes: Shape[] = [];
  #timeMs = 0;
  #sequence = 0;
  #number = 0;

  constructor(block: Buffer) {
    this.#reader = new ByteReader(block, 1);
  }

  next(): StoredEvent {
    const reader = this.#reader;
    const id = this.#id();
    const flags = reader.unsigned();
    const time = reader.signed();
    this.#timeMs = (flags & HAS_OWN_TIME) === 0 ? this.#timeMs + time : time;
    this.#sequence += reader.signed();
    const facts = this.#facts();
    const embedding = (flags & HAS_EMBEDDING) === 0 ? [] : reader.numbers();
    const numReports = Math.floor(flags / REPORT) + 1;
    return { id, timeMs: this.#timeMs, sequence: this.#sequence, facts, embedding, numReports };
  }

  #id(): string {
    const code = this.#reader.unsigned();
    const text = this.#text(Math.floor(code / 2));
    if (code % 2 === 0) return text;
    this.#number += this.#reader.signed();
    return `${text}${this.#number}`;
  }

  #text(code: number = this.#reader.unsigned()): string {
    if (code === this.#texts.length) this.#texts.push(this.#reader.text());
    return this.#texts[code]!;
  }

  #facts(): Facts {
    const { names, kinds } = this.#shape();
    const facts: Record<string, Fact> = {};
    for (let i = 0; i < names.length; i++) setFact(facts, names[i]!, this.#fact(kinds[i]!));
    return facts;
  }

  #shape(): Shape {
    const code = this.#reader.unsigned();
    if (code === this.#shapes.length) {
      const columns = Array.from({ length: this.#reader.unsigned() }, () => ({
        name: this.#text(),
        kind: this.#reader.unsigned() as Kind,
      }));
      this.#shapes.push({ names: columns.map(({ name }) => name), kinds: columns.map(({ kind }) => kind) });
    }
    return this.#shapes[code]!;
  }

  #fact(kind: Kind): Fact {
    if (kind === KIND.text) return this.#text();
    if (kind === KIND.number) return this.#reader.number();
    if (kind === KIND.numbers) return this.#reader.numbers();
    return Array.from({ length: this.#reader.unsigned() }, () => this.#text());
  }
}

function isShapeOf({ names, kinds }: Shape, facts: Facts): boolean {
  let i = 0;
  for (const name in facts) {
    if (name !== names[i] || kindOf(facts[name]!) !== kinds[i]) return false;
    i++;
  }
  return i === names.length;
}

function kindOf(fact: Fact): Kind {
  if (typeof fact === "string") return KIND.text;
  if (typeof fact === "number") return KIND.number;
  return typeof fact[0] === "string" ? KIND.texts : KIND.numbers;
}

/** Assigning to this name would set an object's prototype instead. */
function setFact(facts: Record<string, Fact>, name: string, value: Fact): void {
  if (name !== "__proto__") facts[name] = value;
  else Object.defineProperty(facts, name, { value, enumerable: true, configurable: true, writable: true });
}
