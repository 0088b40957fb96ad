import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createGunzip } from "node:zlib";

/** @unit bytes */
const PIECE_BYTES = 2 ** 20;

/**
 * All members of a gzip file, decompressed. Node checks length and CRC-32 of each, and that each is whole; what it
 * leaves out without a word is what follows a zero byte behind a member.
 *
 * @throws if the file is damaged, or goes on with anything but zeros
 */
export async function* gunzipped(path: string, sizeBytes: number): AsyncGenerator<Buffer> {
  const stored = createReadStream(path, { highWaterMark: PIECE_BYTES });
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
  stored.on("error", (error) => gunzip.destroy(error));
  try {
    yield* stored.pipe(gunzip) as AsyncIterable<Buffer>;
  } finally {
    stored.destroy();
  }
  if (!(await isPadding(path, gunzip.bytesWritten, sizeBytes))) throw new Error("bytes behind its end");
}

/** Whether a part of a file is all zeros, which tapes and block devices leave at the end. */
async function isPadding(path: string, start: number, end: number): Promise<boolean> {
  if (start >= end) return true;
  await using handle = await open(path);
  for await (const piece of handle.createReadStream({ start, end: end - 1, autoClose: false })) {
    if ((piece as Buffer).some((byte) => byte !== 0)) return false;
  }
  return true;
}
