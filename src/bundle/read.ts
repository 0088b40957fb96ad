import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { MANIFEST_FILE, type Version } from "../files/version.ts";
import { CURRENT_FILE, VersionedFolder } from "../files/versioned-folder.ts";
import { type BundleManifest, parseManifest } from "./manifest.ts";
import { BUNDLE, unsafe } from "./problems.ts";

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
  const version = new VersionedFolder(dir, BUNDLE).open();
  const head = headOf(version);
  const { files } = head.manifest;
  checkListing(version.folder, head.manifest);
  const read = Object.entries(files).map(([name, listed]) => [name, version.read(name, listed)] as const);
  return { ...head, files: Object.fromEntries(read) };
}

/**
 * Reads the manifest of the current version of a bundle, and verifies it alone.
 *
 * @throws {LapidaryError} as {@link readBundle}, of the manifest
 */
export function readBundleHead(dir: string): BundleHead {
  return headOf(new VersionedFolder(dir, BUNDLE).open());
}

function headOf(version: Version): BundleHead {
  const { folder, digest } = version;
  return { folder, digest, manifest: parseManifest(version.manifest(), join(folder, MANIFEST_FILE)) };
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
