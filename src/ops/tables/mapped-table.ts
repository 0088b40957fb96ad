import { randomUUID } from "node:crypto";
import { existsSync, rmSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { LapidaryError } from "../../base/errors.ts";
import { makeFolder } from "../../files/durable-file.ts";
import { fromFile, Scope, type Tensor } from "../../torch/index.ts";
import { type RowLayout, rowBytes, storedRows } from "./row-formats.ts";

/** The file of a table. */
export interface TableFile extends RowLayout {
  readonly path: string;
  readonly rows: number;
}

/**
 * A table that is a file: the system reads the rows that are looked up, keeps those in memory that are used, and writes
 * back those that were changed. A file that is not there yet is made, all zeros, and takes no room on the disk before
 * its rows are written. The file is the rows and nothing else.
 *
 * @shape → [V, D]; of int8 [V, D + 8] uint8
 * @throws {LapidaryError} FILE_CORRUPT if there is a file of another size
 */
export function mapTable(file: TableFile): Tensor {
  const { path, rows, dim, format } = file;
  const { dtype, width } = storedRows(file);
  const size = rows * rowBytes(file);
  if (existsSync(path) && statSync(path).size !== size) {
    throw new LapidaryError({
      code: "FILE_CORRUPT",
      where: path,
      expected: `${size} bytes: ${rows} rows of ${dim} values as ${format}`,
      got: `${statSync(path).size} bytes`,
      hint: "Open the table with the sizes and the format it was made with.",
    });
  }
  using scope = new Scope();
  return scope.keep(fromFile(path, true, rows * width, { dtype }).reshape([rows, width]));
}

/**
 * A table of zeros in a file that has no name: it takes room on the disk of that folder, not in memory, and is gone with
 * its last tensor or with the process, however that ends.
 *
 * @shape → [V, D]; of int8 [V, D + 8] uint8
 * @throws {LapidaryError} TABLE_ROOM if the disk has no room for it: a page that cannot be written ends the process
 */
export function unnamedTable({ folder, ...rows }: Omit<TableFile, "path"> & { readonly folder: string }): Tensor {
  makeFolder(folder);
  const { bavail, bsize } = statfsSync(folder);
  const size = rows.rows * rowBytes(rows);
  if (size > bavail * bsize) {
    throw new LapidaryError({
      code: "TABLE_ROOM",
      where: folder,
      expected: `${size} bytes for a table of ${rows.rows} rows of ${rows.dim} values as ${rows.format}`,
      got: `${bavail * bsize} bytes`,
      hint: "Make room, narrow the rows with `tableRows`, or raise `minCount`.",
    });
  }
  const path = join(folder, `.table-${randomUUID()}`);
  try {
    return mapTable({ ...rows, path });
  } finally {
    rmSync(path, { force: true });
  }
}
