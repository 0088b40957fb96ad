import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LapidaryError } from "../../../../base/errors.ts";
import { temporaryFolder } from "../../../events.test.support.ts";
import { duckPath } from "../duck-path.ts";
import { listLogFiles } from "../list.ts";
import { checkParquet } from "./parquet.ts";

/**
 * Two files of Apache Arrow 25 with page checksums, of data pages v1 and v2: 120 rows in two row groups of
 * `user` = "user " + i % 7 in a dictionary and `n` = i * 7919 % 101, null for each 11th, in pages of 20 rows, snappy.
 */
const ARROW_V1 =
  "UEFSMRUEFYwBFVQVpujlvQo8FQ4VABIAAEYkBgAAAHVzZXIgMBUKADEVCgAyFQoAMxUKADQVCig1BgAAAHVzZXIgNhUAFUAVRBXUx4m5CxwVeBUQFQYVBhwAAAAgfAIAAAB4AQMRiMYa0VgjGmtEY41orBGNNaKxRjTWiAYAFQAV2AQV0gIV1Iip1QwcFVAVABUGFQYcAAAArAI0CAAAAAf+978SAQN+KQAJAQBSCQcEABYNCAA/DQgAAw0IACwNCABVDQgAGQ0IAEINCAAGDQgAWA0IABwNCABFDQgACQ0IADINCABbDQgAHw0IAEgNCAAMDQgANQ0IACINCABLDQgADw0IADgNCABhDQgAJQ0IAE4NCAASDQgAOw0IAGQNCABRDQgAFQ0IAD4NCAACDQg8KwAAAAAAAABUAAAAAAAAABUAFbACFboBFefmh6QEHBUoFQAVBhUGHAAAAJgBJAQAAAAH738PGAAJAQBBCQcEAAUNCAAuDQgAGw0IAEQNCAAIDQgAMQ0IAFoNCAAeDQgARw0IAAsNCAA0DQgAXQ0IAEoNCAAODQg8NwAAAAAAAABgAAAAAAAAABUEFYwBFVYV1Nyo9wU8FQ4VABIAAEYoBgAAAHVzZXIgNAYRCgA1FQoANhUKADAVCgAxFQooMgYAAAB1c2VyIDMVABVAFUQV1MeJuQscFXgVEBUGFQYcAAAAIHwCAAAAeAEDEYjGGtFYIxprRGONaKwRjTWisUY01ogGABUAFdgEFdoCFa2ct5sOHBVQFQAVBhUGHAAAAKwCNAgAAAADvxIBB/73PyQACQEATQkHBAARDQgEOgAJAQBjCQcEACcNCAAUDQgAPQ0IAAENCAAqDQgAUw0IABcNCABADQgABA0IAC0NCABWDQgAQw0IAAcNCAAwDQgAWQ0IBB0ACQEARgkHBAAKDQgAMw0IAFwNCAAgDQgADQ0IADYNCABfDQgAIw0IAEwNCAAQDQgAOQ0IAGINCDwmAAAAAAAAAE8AAAAAAAAAFQAVwgIVvAEViZXDlg0cFSgVABUGFQYcAAAAoQEoBQAAABQBBf4DPAA2AQAAKQ0PAFINCAAWDQgAPw0IAAMNCAAsDQgAVQ0IABkNCAAGDQgALw0IAFgNCAAcDQgARQ0IAAkNCAAyDQg8WwAAAAAAAAAfAAAAAAAAABUEGTw1ABgGc2NoZW1hFQQAFQwlAhgEdXNlciUATBwAAAAVBCUCGAFuABbwARksGSwmABwVDBk1AAYQGRgEdXNlchUCFngWqAIW9AEmhgEmCCksFQQVABUCABUAFRAVAgA8FtAFGQYZJgB4AAAAJgAcFQQZJQYAGRgBbhUCFngW9AcW+AQm/AFJHBUAFQAVBAA8KQYZJgxsAAAAFpwKFngmCBbsBgAZLCYAHBUMGTUABhAZGAR1c2VyFQIWeBaoAhb2ASb0Byb0BiksFQQVABUCABUAFRAVAgA8FtAFGQYZJgB4AAAAJgAcFQQZJQYAGRgBbhUCFngWhggWggUm6ghJHBUAFQAVBAA8KQYZJgpuAAAAFq4KFngm9AYW+AYAKCBwYXJxdWV0LWNwcC1hcnJvdyB2ZXJzaW9uIDI1LjAuMRksHAAAHAAAAEoBAABQQVIx";
const ARROW_V2 =
  "UEFSMRUEFYwBFVQVpujlvQo8FQ4VABIAAEYkBgAAAHVzZXIgMBUKADEVCgAyFQoAMxUKADQVCig1BgAAAHVzZXIgNhUGFTgVOBXk2qbvB0wVeBUAFXgVEBUEFQASHAAAAHgBAxGIxhrRWCMaa0RjjWisEY01orFGNNaIBgAVBhXQBBXKAhWO067gDkwVUBUIFVAVABUQFQARHAAAAAf+978SAQN+oAIEKQAJAQBSCQcEABYNCAA/DQgAAw0IACwNCABVDQgAGQ0IAEINCAAGDQgAWA0IABwNCABFDQgACQ0IADINCABbDQgAHw0IAEgNCAAMDQgANQ0IACINCABLDQgADw0IADgNCABhDQgAJQ0IAE4NCAASDQgAOw0IAGQNCABRDQgAFQ0IAD4NCAACDQg8KwAAAAAAAABUAAAAAAAAABUGFagCFbIBFcLFv+ILTBUoFQQVKBUAFQgVABEcAAAAB+9/D5ABBBgACQEAQQkHBAAFDQgALg0IABsNCABEDQgACA0IADENCABaDQgAHg0IAEcNCAALDQgANA0IAF0NCABKDQgADg0IPDcAAAAAAAAAYAAAAAAAAAAVBBWMARVWFdTcqPcFPBUOFQASAABGKAYAAAB1c2VyIDQGEQoANRUKADYVCgAwFQoAMRUKKDIGAAAAdXNlciAzFQYVOBU4FeTapu8HTBV4FQAVeBUQFQQVABIcAAAAeAEDEYjGGtFYIxprRGONaKwRjTWisUY01ogGABUGFdAEFdICFeLQufgKTBVQFQgVUBUAFRAVABEcAAAAA78SAQf+9z+gAgQkAAkBAE0JBwQAEQ0IBDoACQEAYwkHBAAnDQgAFA0IAD0NCAABDQgAKg0IAFMNCAAXDQgAQA0IAAQNCAAtDQgAVg0IAEMNCAAHDQgAMA0IAFkNCAQdAAkBAEYJBwQACg0IADMNCABcDQgAIA0IAA0NCAA2DQgAXw0IACMNCABMDQgAEA0IADkNCABiDQg8JgAAAAAAAABPAAAAAAAAABUGFboCFbQBFcH9h4EOTBUoFQIVKBUAFQoVABEcAAAAFAEF/gOYAQQ8ADYBAAApDQ8AUg0IABYNCAA/DQgAAw0IACwNCABVDQgAGQ0IAAYNCAAvDQgAWA0IABwNCABFDQgACQ0IADINCDxbAAAAAAAAAB8AAAAAAAAAFQQZPDUAGAZzY2hlbWEVBAAVDCUCGAR1c2VyJQBMHAAAABUEJQIYAW4AFvABGSwZLCYAHBUMGTUABhAZGAR1c2VyFQIWeBaqAhbyASaGASYIKSwVBBUAFQIAFQAVEBUCADwW0AUZBhkmAHgAAAAmABwVBBklBgAZGAFuFQIWeBb4Bxb8BCb6AUkcFQAVABUEADwpBhkmDGwAAAAWogoWeCYIFu4GABksJgAcFQwZNQAGEBkYBHVzZXIVAhZ4FqoCFvQBJvYHJvYGKSwVBBUAFQIAFQAVEBUCADwW0AUZBhkmAHgAAAAmABwVBBklBgAZGAFuFQIWeBaKCBaGBSbqCEkcFQAVABUEADwpBhkmCm4AAAAWtAoWeCb2Bhb6BgAoIHBhcnF1ZXQtY3BwLWFycm93IHZlcnNpb24gMjUuMC4xGSwcAAAcAAAASgEAAFBBUjE=";

const ROWS = Array.from({ length: 120 }, (_, i) => [`user ${i % 7}`, i % 11 === 0 ? null : String((i * 7919) % 101)]);

type Query = (sql: string) => Promise<unknown[][]>;

/** A folder to write files to, and a query engine to read them with. */
async function withFiles(work: (write: (bytes: Buffer) => string, query: Query) => Promise<void>): Promise<void> {
  using folder = temporaryFolder();
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  let numFiles = 0;
  const write = (bytes: Buffer) => {
    const path = join(folder.path, `${numFiles++}.parquet`);
    writeFileSync(path, bytes);
    return path;
  };
  try {
    await work(write, async (sql) => (await connection.run(sql)).getRowsJson());
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function check(path: string) {
  const [file] = await listLogFiles({ from: [path], format: "parquet" });
  return checkParquet(file!);
}

/** Whether the check refuses a file, by its name. */
async function isRefused(path: string): Promise<boolean> {
  try {
    await check(path);
    return false;
  } catch (error) {
    if (!(error instanceof LapidaryError)) throw error;
    expect(error).toMatchObject({ code: "EVENTS_UNREADABLE", where: path });
    return true;
  }
}

const footerStart = (bytes: Buffer) => bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);

describe("checkParquet", () => {
  it.each([
    ["v1", ARROW_V1],
    ["v2", ARROW_V2],
  ])("compares the checksums of every page (%s)", (_, base64) =>
    withFiles(async (write, query) => {
      const path = write(Buffer.from(base64, "base64"));
      const { numRows, numPages, numChecked } = await check(path);
      expect(numRows).toBe(120);
      expect(numPages).toBeGreaterThanOrEqual(8);
      expect(numChecked).toBe(numPages);
      expect(await query(`SELECT f."user", f.n FROM read_parquet(${duckPath(path)}) AS f`)).toEqual(ROWS);
    }),
  );

  it("refuses a file of which one of 300 bits is another, or it reads the same", () =>
    withFiles(async (write, query) => {
      const counts = { refused: 0, inPages: 0 };
      const flips = fc.tuple(fc.constantFrom(ARROW_V1, ARROW_V2), fc.nat(), fc.nat(7));
      await fc.assert(
        fc.asyncProperty(flips, async ([base64, place, bit]) => {
          const bytes = Buffer.from(base64, "base64");
          const position = place % bytes.length;
          const isInPages = position < footerStart(bytes);
          bytes[position]! ^= 1 << bit;
          const path = write(bytes);
          const refused = await isRefused(path);
          counts.inPages += Number(isInPages);
          counts.refused += Number(isInPages && refused);
          if (refused) return;
          // What is left holds no values, or the reader itself refuses it.
          const rows = await query(`SELECT f."user", f.n FROM read_parquet(${duckPath(path)}) AS f`).catch(() => ROWS);
          expect(rows).toEqual(ROWS);
        }),
        { numRuns: 300 },
      );
      expect(counts.refused / counts.inPages).toBeGreaterThan(0.5);
    }));

  it("refuses a file that is cut at any byte, or that is none", () =>
    withFiles(async (write) => {
      const whole = Buffer.from(ARROW_V1, "base64");
      for (let numBytes = 0; numBytes < whole.length; numBytes++) {
        expect(await isRefused(write(whole.subarray(0, numBytes)))).toBe(true);
      }
      const text = Buffer.from("a,b\n1,2\n".repeat(9));
      for (const bytes of [text, Buffer.concat([whole, Buffer.of(0)]), Buffer.concat([Buffer.of(0), whole])]) {
        expect(await isRefused(write(bytes))).toBe(true);
      }
    }));

  it.each(["", ", PARQUET_VERSION v2", ", COMPRESSION zstd", ", ROW_GROUP_SIZE 2048"])(
    "takes a file without checksums, and says so (COPY%s)",
    (options) =>
      withFiles(async (write, query) => {
        const path = write(Buffer.alloc(0));
        const columns =
          "i, 'text ' || i % 99 AS t, [i, i + 1] AS l, {'x': i} AS s, CASE WHEN i % 3 = 0 THEN i / 7 END AS d";
        await query(
          `COPY (SELECT ${columns} FROM range(20000) AS r(i)) TO ${duckPath(path)} (FORMAT parquet${options})`,
        );
        const { numRows, numPages, numChecked } = await check(path);
        expect([numRows, numChecked]).toEqual([20000, 0]);
        expect(numPages).toBeGreaterThanOrEqual(6);
      }),
  );
});
