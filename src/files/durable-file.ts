import { createHash } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, readSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder, and those above it that there are not. Throws what the system says of the first one that cannot be made:
 * Node's own recursive way says of a read-only file system that there is no such file.
 */
export function makeFolder(path: string): void {
  const refusal = makeOne(path);
  if (refusal === null) return;
  if (refusal.code !== "ENOENT" || dirname(path) === path) throw refusal;
  makeFolder(dirname(path));
  const second = makeOne(path);
  if (second !== null) throw second;
}

/** What the system says against one folder; null if it is there. */
function makeOne(path: string): NodeJS.ErrnoException | null {
  try {
    mkdirSync(path);
    return null;
  } catch (error) {
    const isThere = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
    return isThere ? null : (error as NodeJS.ErrnoException);
  }
}

/** Makes the names inside a folder durable. */
export function syncFolder(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Writes a file so that at any moment it has either its old content or all of the new one. */
export function writeFileAtomic(path: string, content: string | Uint8Array): void {
  const temporary = `${path}.tmp`;
  writeFileSync(temporary, content, { flush: true });
  renameSync(temporary, path);
  syncFolder(dirname(path));
}

/** Puts a finished file of the same file system in its place, in one step: its bytes are on the disk before its name is. */
export function publishFile(made: string, path: string): void {
  const fd = openSync(made, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(made, path);
  syncFolder(dirname(path));
}

/** SHA-256 of a file, read piece by piece: one of more than 2 GiB does not fit into one buffer. */
export function digestFile(path: string): string {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(1 << 20);
  const fd = openSync(path, "r");
  try {
    for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer)) {
      hash.update(buffer.subarray(0, count));
    }
  } finally {
    closeSync(fd);
  }
  return hash.digest("hex");
}
