import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { digestFile, sha256 } from "./digest.ts";
import type { FileDigest } from "./file-writer.ts";

/** Name of the description of one version: the file that is written last, and whose digest the pointer has. */
export const MANIFEST_FILE = "manifest.json";

/** What was published, and what is there instead. */
export interface Difference {
  readonly expected: string;
  readonly got: string;
}

/** The errors of those who read a version. */
export interface ReadRefusals {
  /** A file is not what was published. */
  readonly damaged: (path: string, difference: Difference) => Error;
  /** A link or a device stands in the place of a file. @default links are followed */
  readonly unsafe?: (path: string, difference: Difference) => Error;
}

/** A file that is not as it is listed. */
export interface OtherFile {
  readonly path: string;
  readonly listed: FileDigest;
  /** Null if there is no file. */
  readonly sizeBytes: number | null;
  /** Null if it was not looked at. */
  readonly sha256: string | null;
}

/** A version of a `VersionedFolder`, for reading. */
export class Version {
  readonly name: string;
  readonly folder: string;
  /** SHA-256 of the manifest, which has that of every file: the version's identity. */
  readonly digest: string;
  readonly #refusals: ReadRefusals;

  constructor(folder: string, digest: string, refusals: ReadRefusals) {
    this.name = basename(folder);
    this.folder = folder;
    this.digest = digest;
    this.#refusals = refusals;
  }

  /** The bytes of the manifest: those that were published. */
  manifest(): Buffer {
    return this.read(MANIFEST_FILE, { sha256: this.digest });
  }

  /** The bytes of a file: those that were published. Its size, if it is listed, is compared before it is read. */
  read(file: string, listed: Pick<FileDigest, "sha256"> & Partial<FileDigest>): Buffer {
    const path = join(this.folder, file);
    const bytes = readPlain(path, this.#refusals, listed.sizeBytes);
    const found = sha256(bytes);
    if (found === listed.sha256) return bytes;
    throw this.#refusals.damaged(path, { expected: `SHA-256 ${listed.sha256}`, got: found });
  }

  /** The first file that is not as it is listed, by size alone or by content; null if there is none. */
  findOther(files: Readonly<Record<string, FileDigest>>, by: "size" | "content"): OtherFile | null {
    for (const [file, listed] of Object.entries(files)) {
      const path = join(this.folder, file);
      const sizeBytes = statSync(path, { throwIfNoEntry: false })?.size ?? null;
      const digest = by === "content" && sizeBytes !== null ? digestFile(path) : null;
      const isOther = sizeBytes !== listed.sizeBytes || (by === "content" && digest !== listed.sha256);
      if (isOther) return { path, listed, sizeBytes, sha256: digest };
    }
    return null;
  }
}

/** The bytes of a file, whose size, if it is known, is compared before it is read. */
export function readPlain(path: string, refusals: ReadRefusals, sizeBytes?: number): Buffer {
  const { damaged, unsafe = damaged } = refusals;
  const fd = openPlain(path, refusals);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw unsafe(path, { expected: "a file", got: "a folder or a device" });
    if (sizeBytes !== undefined && stat.size !== sizeBytes) {
      throw damaged(path, { expected: `${sizeBytes} bytes`, got: `${stat.size}` });
    }
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

function openPlain(path: string, { damaged, unsafe }: ReadRefusals): number {
  try {
    // Without NONBLOCK a named pipe in the place of a file would be waited for.
    const links = unsafe ? constants.O_NOFOLLOW : 0;
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | links);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ELOOP") throw (unsafe ?? damaged)(path, { expected: "a file", got: "a symbolic link" });
    if (code === "ENOENT" || code === "ENOTDIR") throw damaged(path, { expected: "a file", got: "none" });
    throw error;
  }
}
