import { createHash } from "node:crypto";
import { LapidaryError } from "../base/errors.ts";

const DIGEST_BYTES = 32;
const MAGIC_BYTES = 8;

/**
 * Arrays as one file: 8 bytes of `magic`, the number of arrays and their lengths in bytes (float64), the arrays
 * each padded to 8 bytes, SHA-256 of all that. Little-endian, as every processor that libtorch runs on.
 */
export function sealBytes(magic: string, parts: readonly ArrayBufferView[]): Uint8Array {
  const header = new Float64Array([parts.length, ...parts.map((part) => part.byteLength)]);
  const chunks = [Buffer.from(magic.padEnd(MAGIC_BYTES).slice(0, MAGIC_BYTES), "latin1"), bytesOf(header)];
  for (const part of parts) chunks.push(bytesOf(part), Buffer.alloc(padding(part.byteLength)));
  const digest = createHash("sha256");
  for (const chunk of chunks) digest.update(chunk);
  return Buffer.concat([...chunks, digest.digest()]);
}

/**
 * The arrays that {@link sealBytes} wrote, as copies.
 *
 * @throws {LapidaryError} FILE_CORRUPT if one bit differs or the file is of another kind
 */
export function openBytes(magic: string, sealed: Uint8Array): readonly Uint8Array[] {
  return openParts(magic, sealed).map((part) => Uint8Array.from(part));
}

/** {@link openBytes} without copies: parts of `sealed`, each at a multiple of 8 bytes from its start. */
export function openParts(magic: string, sealed: Uint8Array): readonly Uint8Array[] {
  const bytes = bytesOf(sealed);
  const body = bytes.subarray(0, Math.max(0, bytes.length - DIGEST_BYTES));
  const kind = body.subarray(0, MAGIC_BYTES).toString("latin1").trimEnd();
  if (kind !== magic.trimEnd())
    throw corrupt(magic, { expected: `a file of kind ${magic}`, got: JSON.stringify(kind) });
  const digest = createHash("sha256").update(body).digest();
  if (!digest.equals(bytes.subarray(body.length))) {
    throw corrupt(magic, { expected: "the checksum that was written", got: "another one" });
  }
  // The checksum holds, so the lengths are those that were written.
  const numParts = body.readDoubleLE(MAGIC_BYTES);
  let offset = MAGIC_BYTES + 8 * (1 + numParts);
  return Array.from({ length: numParts }, (_, i) => {
    const length = body.readDoubleLE(MAGIC_BYTES + 8 * (1 + i));
    const part = body.subarray(offset, offset + length);
    offset += length + padding(length);
    return part;
  });
}

function padding(length: number): number {
  return (8 - (length % 8)) % 8;
}

function bytesOf(view: ArrayBufferView): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}

function corrupt(where: string, facts: { expected: string; got: string }): LapidaryError {
  const hint = "Make the file again: its source is unchanged.";
  return new LapidaryError({ code: "FILE_CORRUPT", where, ...facts, hint });
}
