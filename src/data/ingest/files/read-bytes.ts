import { closeSync, createReadStream, openSync, readFileSync, readSync } from "node:fs";
import { firstLineOf } from "../../../base/message.ts";
import { gunzipped } from "./formats/gzip.ts";
import { decompressedZstd } from "./formats/zstd.ts";
import { type LogFile, unreadable } from "./list.ts";

/** How the bytes of a file are compressed. */
export type Compression = "none" | "gzip" | "zstd";

/** @unit bytes */
const PIECE_BYTES = 2 ** 20;

/** The bytes of a file, decompressed. */
export interface FileBytes {
  readonly compression: Compression;
  /** Pieces of the bytes, in order. Throws EVENTS_UNREADABLE where the file is damaged or ends too early. */
  readonly pieces: AsyncIterable<Buffer>;
}

/**
 * Opens a file of text. The first bytes tell the compression, not the name; but a file whose name promises one and
 * that begins like none is damaged.
 *
 * @throws {LapidaryError} EVENTS_UNREADABLE
 */
export function readBytes(file: LogFile): FileBytes {
  const compression = compressionOf(file);
  return { compression, pieces: checkedPieces(file, compression) };
}

function compressionOf({ path }: LogFile): Compression {
  const magic = firstFour(path);
  if (magic[0] === 0x1f && magic[1] === 0x8b) return "gzip";
  if (magic.equals(ZSTD_MAGIC) || ((magic[0] ?? 0) >> 4 === 5 && magic.subarray(1).equals(ZSTD_SKIPPABLE)))
    return "zstd";
  const promised = /\.(gz|zst)$/i.exec(path)?.[1]?.toLowerCase();
  if (promised === undefined) return "none";
  throw unreadable({
    path,
    expected: `a file that begins as ${promised === "gz" ? "gzip" : "zstd"} does, as its name ends in .${promised}`,
    got: magic.length < 4 ? `one of ${magic.length} bytes` : "other bytes",
    hint: "Write or download the file again; rename it if it is not compressed.",
  });
}

const ZSTD_MAGIC = Buffer.of(0x28, 0xb5, 0x2f, 0xfd);
/** Behind a byte of 0x50 to 0x5f. */
const ZSTD_SKIPPABLE = Buffer.of(0x2a, 0x4d, 0x18);

function firstFour(path: string): Buffer {
  try {
    const file = openSync(path, "r");
    try {
      const bytes = Buffer.alloc(4);
      return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0));
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw unreadable({ path, expected: "a readable file", got: firstLineOf(cause) });
  }
}

async function* checkedPieces({ path, sizeBytes }: LogFile, compression: Compression): AsyncGenerator<Buffer> {
  try {
    // A stream costs more than a small file does, and a log may have thousands of them.
    if (compression === "none" && sizeBytes <= PIECE_BYTES) yield readFileSync(path);
    else if (compression === "none")
      yield* createReadStream(path, { highWaterMark: PIECE_BYTES }) as AsyncIterable<Buffer>;
    else if (compression === "gzip") yield* gunzipped(path, sizeBytes);
    else yield* decompressedZstd(path);
  } catch (cause) {
    const expected = compression === "none" ? "a readable file" : `a whole ${compression} file`;
    throw unreadable({ path, expected, got: firstLineOf(cause) });
  }
}
