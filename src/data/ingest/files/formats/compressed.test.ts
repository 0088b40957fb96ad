import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { LapidaryError } from "../../../../base/errors.ts";
import { temporaryFolder } from "../../../events.test.support.ts";
import { listLogFiles } from "../list.ts";
import { frameText } from "../records/frame.ts";

const NUM_ROWS = 3000;
const rows = Array.from({ length: NUM_ROWS }, (_, i) => `user ${i % 37},item ${(i * 7919) % 501},${i}\n`);
const text = Buffer.from(`user,item,n\n${rows.join("")}`);
const framedText = rows.join("");

/** Bits of XXH64 that a zstd frame ends with, as its specification has them. @see RFC 8878, 3.1.1 */
function zstdChecksum(data: Buffer): Buffer {
  const [p1, p2, p3, p4, p5] = [
    0x9e3779b185ebca87n,
    0xc2b2ae3d27d4eb4fn,
    0x165667b19e3779f9n,
    0x85ebca77c2b2ae63n,
    0x27d4eb2f165667c5n,
  ];
  const u64 = (value: bigint) => BigInt.asUintN(64, value);
  const rotate = (value: bigint, by: bigint) => u64((value << by) | (value >> (64n - by)));
  const round = (sum: bigint, lane: bigint) => u64(rotate(u64(sum + lane * p2), 31n) * p1);
  let at = 0;
  let hash = p5;
  if (data.length >= 32) {
    let lanes = [u64(p1 + p2), p2, 0n, u64(-p1)];
    for (; at + 32 <= data.length; at += 32)
      lanes = lanes.map((sum, i) => round(sum, data.readBigUInt64LE(at + 8 * i)));
    hash = lanes.reduce((sum, lane, i) => u64(sum + rotate(lane, [1n, 7n, 12n, 18n][i] ?? 0n)), 0n);
    for (const lane of lanes) hash = u64((hash ^ round(0n, lane)) * p1 + p4);
  }
  hash = u64(hash + BigInt(data.length));
  for (; at + 8 <= data.length; at += 8) hash = u64(rotate(hash ^ round(0n, data.readBigUInt64LE(at)), 27n) * p1 + p4);
  for (; at + 4 <= data.length; at += 4)
    hash = u64(rotate(hash ^ u64(BigInt(data.readUInt32LE(at)) * p1), 23n) * p2 + p3);
  for (; at < data.length; at++) hash = u64(rotate(hash ^ u64(BigInt(data[at] ?? 0) * p5), 11n) * p1);
  hash = u64((hash ^ (hash >> 33n)) * p2);
  hash = u64((hash ^ (hash >> 29n)) * p3);
  hash ^= hash >> 32n;
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(Number(hash & 0xffffffffn));
  return checksum;
}

/** One frame that DuckDB writes, which has no checksum, with one. */
async function zstdFrame(data: Buffer): Promise<Buffer> {
  using folder = temporaryFolder();
  const [plain, path] = [join(folder.path, "plain"), join(folder.path, "plain.zst")];
  writeFileSync(plain, data);
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const lines = `read_csv('${plain}', columns = {'t': 'VARCHAR'}, auto_detect = false, header = false, delim = '\x01', quote = '', escape = '')`;
  await connection.run(
    `COPY (FROM ${lines}) TO '${path}' (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01', COMPRESSION zstd)`,
  );
  connection.closeSync();
  instance.closeSync();
  const frame = readFileSync(path);
  const hasChecksum = (frame[4]! & 4) !== 0;
  if (hasChecksum) return frame;
  frame[4]! |= 4;
  return Buffer.concat([frame, zstdChecksum(data)]);
}

async function framedBytes(bytes: Buffer, ending: string): Promise<string> {
  using folder = temporaryFolder();
  const path = join(folder.path, `log.csv${ending}`);
  writeFileSync(path, bytes);
  const [file] = await listLogFiles({ from: [path], format: "csv" });
  const framed = await frameText(file!, { format: "csv" }, `${path}.framed`);
  expect(framed.path).toBe(`${path}.framed`);
  expect(framed.broken.numRecords).toBe(0);
  return readFileSync(framed.path, "utf8");
}

/** The framed text, or null if the file was refused by name. */
async function outcome(bytes: Buffer, ending: string): Promise<string | null> {
  try {
    return await framedBytes(bytes, ending);
  } catch (error) {
    if (!(error instanceof LapidaryError) || error.code !== "EVENTS_UNREADABLE") throw error;
    expect(error.where).toMatch(/\/log\.csv\.(gz|zst)$/);
    return null;
  }
}

describe.each([".gz", ".zst"] as const)("a file of %s", (ending) => {
  let whole: Buffer;
  /** Two members or frames. */
  let parts: Buffer;
  beforeAll(async () => {
    const pack = ending === ".gz" ? async (data: Buffer) => gzipSync(data) : zstdFrame;
    whole = await pack(text);
    const cut = text.indexOf("\n", text.length / 2) + 1;
    parts = Buffer.concat([await pack(text.subarray(0, cut)), await pack(text.subarray(cut))]);
  });

  it("is read to its last member or frame, under its name or another", async () => {
    expect(await framedBytes(whole, ending)).toBe(framedText);
    expect(await framedBytes(parts, ending)).toBe(framedText);
    expect(await framedBytes(whole, ".txt")).toBe(framedText);
  });

  it("is refused by name when it is cut, at any of 300 places", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        async (isWhole, share) => {
          const bytes = isWhole ? whole : parts;
          const cut = bytes.subarray(0, Math.floor(share * bytes.length));
          // A file of several may be cut between them, which nothing in it tells.
          const result = await outcome(cut, ending);
          if (isWhole) expect(result).toBeNull();
          else if (result !== null) expect(framedText.startsWith(result)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
    for (const numBytes of [0, 1, 2, 3, 4]) expect(await outcome(whole.subarray(0, numBytes), ending)).toBeNull();
    for (const missing of [1, 2, 3, 4, 5, 8, 9]) {
      expect(await outcome(whole.subarray(0, -missing), ending)).toBeNull();
      expect(await outcome(parts.subarray(0, -missing), ending)).toBeNull();
    }
  });

  it("is refused by name, or has the same text, when one of 300 bits is another", async () => {
    let numRefused = 0;
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.nat(), fc.nat(7), async (isWhole, position, bit) => {
        const bytes = Buffer.from(isWhole ? whole : parts);
        bytes[position % bytes.length]! ^= 1 << bit;
        const result = await outcome(bytes, ending);
        if (result === null) numRefused++;
        else expect(result).toBe(framedText);
      }),
      // The example gives a header of other bytes, and a checksum that is wrong behind it.
      { numRuns: 300, examples: [[false, 6, 2]] },
    );
    expect(numRefused).toBeGreaterThan(250);
  });

  it("is refused when other bytes follow it", async () => {
    expect(await outcome(Buffer.concat([whole, Buffer.from("more")]), ending)).toBeNull();
    expect(await outcome(Buffer.concat([whole, Buffer.alloc(9), whole]), ending)).toBeNull();
    expect(await outcome(Buffer.concat([whole, Buffer.from("\0more")]), ending)).toBeNull();
  });
});

describe("zeros and frames that hold no text", () => {
  it("may stand behind gzip members", async () => {
    expect(await framedBytes(Buffer.concat([gzipSync(text), Buffer.alloc(1000)]), ".gz")).toBe(framedText);
  });

  it("may stand before, between and behind zstd frames", async () => {
    const skippable = (kind: number, size: number) => {
      const frame = Buffer.alloc(8 + size, 7);
      frame.writeUInt32LE(0x184d2a50 + kind);
      frame.writeUInt32LE(size, 4);
      return frame;
    };
    const frame = await zstdFrame(text);
    for (const parts of [
      [skippable(3, 5), frame],
      [frame, skippable(15, 0)],
      [skippable(0, 200_000), frame, skippable(1, 200_000)],
    ]) {
      expect(await framedBytes(Buffer.concat(parts), ".zst")).toBe(framedText);
      expect(await outcome(Buffer.concat(parts).subarray(0, -1), ".zst")).toBeNull();
    }
  });

  it("are decompressed to the last byte when one step of the input makes more than one of the output", async () => {
    const block = (type: number, size: number, isLast: boolean) => {
      const header = (size << 3) | (type << 1) | Number(isLast);
      return Buffer.of(header & 255, (header >> 8) & 255, header >> 16);
    };
    // A window of 128 KiB, no checksum: 4 bytes are 128 KiB of text.
    const blocks: Buffer[] = [Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x38), block(0, 2, false), Buffer.from("a\n")];
    for (let i = 0; i < 20; i++) blocks.push(block(1, 2 ** 17, i === 19), Buffer.from("x"));
    expect(await framedBytes(Buffer.concat(blocks), ".zst")).toBe(`${"x".repeat(20 * 2 ** 17)}\n`);
    expect(await outcome(Buffer.concat(blocks).subarray(0, -1), ".zst")).toBeNull();
    expect(await outcome(Buffer.concat(blocks.slice(0, -2)), ".zst")).toBeNull();
  });
});
