import { LapidaryError } from "../base/errors.ts";
import { openBytes, sealBytes } from "../files/sealed-bytes.ts";

const MAGIC = "LPDICT01";

/**
 * The ids of one category and their codes: the i-th id (from 0) has code i + 1; code 0 means *missing or never seen*.
 * In memory as one UTF-8 text and offsets into it; the map from ids to codes is built at the first look-up.
 */
export class Dictionary {
  readonly #text: Uint8Array;
  /** @shape [ids + 1] */
  readonly #offsets: Float64Array;
  #codes: ReadonlyMap<string, number> | null = null;

  private constructor(text: Uint8Array, offsets: Float64Array) {
    this.#text = text;
    this.#offsets = offsets;
  }

  /**
   * The dictionary of distinct ids in the order given.
   *
   * @throws {LapidaryError} DICTIONARY_IDS if an id repeats or is not well-formed Unicode (its UTF-8 would be another's)
   */
  static of(ids: readonly string[]): Dictionary {
    const offsets = new Float64Array(ids.length + 1);
    const chunks = ids.map((id, i) => {
      if (/\p{Surrogate}/u.test(id)) throw badIds(i, { expected: "well-formed Unicode", got: id });
      const chunk = Buffer.from(id, "utf8");
      offsets[i + 1] = offsets[i]! + chunk.length;
      return chunk;
    });
    const dictionary = new Dictionary(Buffer.concat(chunks), offsets);
    dictionary.#codes = codesOf(ids);
    return dictionary;
  }

  /**
   * The dictionary that {@link encode} wrote.
   *
   * @throws {LapidaryError} FILE_CORRUPT
   */
  static decode(bytes: Uint8Array): Dictionary {
    const [text = new Uint8Array(0), offsets = new Uint8Array(8)] = openBytes(MAGIC, bytes);
    return new Dictionary(text, new Float64Array(offsets.buffer, offsets.byteOffset, offsets.byteLength / 8));
  }

  /** Number of codes: the ids and code 0. */
  get cardinality(): number {
    return this.#offsets.length;
  }

  /** Code of an id; 0 if it is null or not in the dictionary. O(1). */
  code(id: string | null): number {
    this.#codes ??= codesOf(Array.from({ length: this.cardinality - 1 }, (_, i) => this.#at(i)));
    return id === null ? 0 : (this.#codes.get(id) ?? 0);
  }

  /** Id of a code; null for code 0 and for codes outside the dictionary. */
  id(code: number): string | null {
    return Number.isInteger(code) && code >= 1 && code < this.cardinality ? this.#at(code - 1) : null;
  }

  /** One file with a checksum, for {@link decode}. Equal dictionaries give equal bytes. */
  encode(): Uint8Array {
    return sealBytes(MAGIC, [this.#text, this.#offsets]);
  }

  #at(i: number): string {
    const { buffer, byteOffset } = this.#text;
    const start = this.#offsets[i]!;
    return Buffer.from(buffer, byteOffset + start, this.#offsets[i + 1]! - start).toString("utf8");
  }
}

function codesOf(ids: readonly string[]): ReadonlyMap<string, number> {
  const codes = new Map<string, number>();
  ids.forEach((id, i) => {
    if (codes.has(id)) throw badIds(i, { expected: "each id once", got: id });
    codes.set(id, i + 1);
  });
  return codes;
}

function badIds(index: number, { expected, got }: { expected: string; got: string }): LapidaryError {
  return new LapidaryError({
    code: "DICTIONARY_IDS",
    where: `id ${index} of a dictionary`,
    expected,
    got: JSON.stringify(got),
    hint: "Correct the ids in the log.",
  });
}
