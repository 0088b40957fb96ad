import { createHash } from "node:crypto";
import { closeSync, constants, existsSync, fstatSync, lstatSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type BundleManifest, CURRENT_FILE, type FileEntry, MANIFEST_FILE, parseManifest } from "./manifest.ts";
import { damaged, notFound, unsafe } from "./problems.ts";

/** What a bundle says of itself: its manifest is as it was published, and its files were not looked at. */
export interface BundleHead {
  /** Folder of the version. */
  readonly folder: string;
  /** SHA-256 of the manifest, which has that of every file: the bundle's identity. */
  readonly digest: string;
  readonly manifest: BundleManifest;
}

/** A bundle whose every byte was compared with what was published. */
export interface Bundle extends BundleHead {
  /** The files by path: the bytes that were verified, not to be read a second time. */
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** Folders below `dir` that a bundle was published in, by name. */
export function listBundles(dir: string): readonly string[] {
  if (!existsSync(dir)) return [];
  const folders = readdirSync(dir).map((name) => join(dir, name));
  return folders.filter((folder) => existsSync(join(folder, CURRENT_FILE))).sort();
}

/**
 * Reads the current version of a bundle. Nothing of it is handed out before size and SHA-256 of every file, and of the
 * manifest itself, are those that were published.
 *
 * @throws {LapidaryError} BUNDLE_NOT_FOUND, BUNDLE_DAMAGED, BUNDLE_UNSAFE for files that are not listed, symbolic links
 * and paths that lead out, BUNDLE_VERSION
 */
export function readBundle(dir: string): Bundle {
  const head = readBundleHead(dir);
  const { folder, manifest } = head;
  checkListing(folder, manifest);
  const read = ([name, entry]: readonly [string, FileEntry]) =>
    [name, readVerified(join(folder, name), entry)] as const;
  return { ...head, files: Object.fromEntries(Object.entries(manifest.files).map(read)) };
}

/**
 * Reads the manifest of the current version of a bundle, and verifies it alone.
 *
 * @throws {LapidaryError} as {@link readBundle}, of the manifest
 */
export function readBundleHead(dir: string): BundleHead {
  const { version, digest } = readCurrent(dir);
  const folder = join(dir, version);
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) throw damaged(folder, { expected: "the folder of the current version", got: "none" });
  if (!stat.isDirectory()) throw unsafe(folder, { expected: "a folder", got: "a link or a file" });
  const path = join(folder, MANIFEST_FILE);
  const bytes = readPlain(path);
  const found = sha256(bytes);
  if (found !== digest) throw damaged(path, { expected: `SHA-256 ${digest}`, got: found });
  return { folder, digest, manifest: parseManifest(bytes, path) };
}

function readCurrent(dir: string): { readonly version: string; readonly digest: string } {
  const path = join(dir, CURRENT_FILE);
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) throw notFound(dir);
  const text = readPlain(path).toString("latin1");
  const [, version, digest] = /^(v[1-9]\d*) ([0-9a-f]{64})\n$/.exec(text) ?? [];
  if (version === undefined || digest === undefined) {
    throw damaged(path, {
      expected: "a version and the digest of its manifest",
      got: JSON.stringify(text.slice(0, 80)),
    });
  }
  return { version, digest };
}

/** Everything in the folder is a folder, the manifest, or a listed file. */
function checkListing(folder: string, { files }: BundleManifest): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(folder.length + 1);
    if (entry.isDirectory()) continue;
    if (!entry.isFile()) throw unsafe(path, { expected: "files and folders", got: "a link or a device" });
    if (name !== MANIFEST_FILE && !Object.hasOwn(files, name)) {
      throw unsafe(path, { expected: "only files that the manifest lists", got: name });
    }
  }
}

function readVerified(path: string, { sizeBytes, sha256: digest }: FileEntry): Uint8Array {
  const bytes = readPlain(path, sizeBytes);
  const found = sha256(bytes);
  if (found !== digest) throw damaged(path, { expected: `SHA-256 ${digest}`, got: found });
  return bytes;
}

/** The bytes of a file that is no link; its size is compared before it is read. */
function readPlain(path: string, sizeBytes: number | null = null): Buffer {
  const fd = openPlain(path);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw unsafe(path, { expected: "a file", got: "a folder or a device" });
    if (sizeBytes !== null && stat.size !== sizeBytes) {
      throw damaged(path, { expected: `${sizeBytes} bytes`, got: `${stat.size}` });
    }
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

function openPlain(path: string): number {
  try {
    // Without NONBLOCK a named pipe in the place of a file would be waited for.
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ELOOP") throw unsafe(path, { expected: "a file", got: "a symbolic link" });
    if (code === "ENOENT" || code === "ENOTDIR") throw damaged(path, { expected: "a file", got: "none" });
    throw error;
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
