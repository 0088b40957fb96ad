import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

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
  syncFile(path);
}

function syncFile(path: string): void {
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
export function publishFile(staged: string, path: string): void {
  syncFile(staged);
  renameSync(staged, path);
  syncFolder(dirname(path));
}

/** Makes a folder durable: all files and names inside of it. */
export function syncTree(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) syncTree(inner);
    else if (entry.isFile()) syncFile(inner);
  }
  syncFolder(path);
}

/**
 * Puts a finished folder in the place of `path`, which may be there or not: made durable, then named by one rename. A
 * folder cannot be replaced in one step, so after a crash `path` is the old one, the new one or absent, and never a half.
 */
export function replaceFolder(staged: string, path: string): void {
  syncTree(staged);
  const hidden = hide(path);
  renameSync(staged, path);
  syncFolder(dirname(path));
  rmSync(hidden, { recursive: true, force: true });
}

/** Removes a folder: it is out of sight after one rename, so that a crash leaves no half of it. */
export function removeFolder(path: string): void {
  rmSync(hide(path), { recursive: true, force: true });
}

/** Gives a folder a name that tells when it was moved out of the way: nothing of it is lost. */
export function moveAside(path: string): void {
  renameSync(path, `${path}.${new Date().toISOString().replace(/[:.]/g, "-")}`);
}

/** Takes a folder out of sight, if it is there; returns where it is then. What an earlier crash left there goes. */
function hide(path: string): string {
  const hidden = join(dirname(path), `.${basename(path)}.removed`);
  rmSync(hidden, { recursive: true, force: true });
  if (existsSync(path)) renameSync(path, hidden);
  return hidden;
}
