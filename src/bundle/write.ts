import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { sha256 } from "../files/digest.ts";
import { makeFolder } from "../files/durable-file.ts";
import { MANIFEST_FILE } from "../files/version.ts";
import { VersionedFolder } from "../files/versioned-folder.ts";
import { type BundleFacts, isInside, manifestOf, namedFiles } from "./manifest.ts";
import { BUNDLE, unsafe } from "./problems.ts";

/** What is published. */
export interface BundleContents {
  readonly facts: BundleFacts;
  /** Bytes by path inside of the bundle. */
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/**
 * Publishes a version of a bundle: after a crash at any moment the bundle is the old one or the new one. The version
 * before stays, for those who are reading it; older ones go.
 *
 * @returns the folder of the version
 * @throws {LapidaryError} BUNDLE_UNSAFE if a path leads out of the bundle or a file is named that is not there
 */
export function writeBundle(dir: string, { facts, files }: BundleContents): string {
  const paths = Object.keys(files);
  const bad = paths.find((path) => !isInside(path)) ?? namedFiles(facts).find((path) => !Object.hasOwn(files, path));
  if (bad !== undefined) throw unsafe(dir, { expected: "paths of files inside of the bundle", got: bad });
  using staging = new VersionedFolder(dir, BUNDLE).stage();
  const write = (path: string, bytes: Uint8Array): void => {
    makeFolder(dirname(join(staging.folder, path)));
    writeFileSync(join(staging.folder, path), bytes);
  };
  for (const [path, bytes] of Object.entries(files)) write(path, bytes);
  const entries = paths.sort().map((path) => {
    const bytes = files[path]!;
    return [path, { sizeBytes: bytes.byteLength, sha256: sha256(bytes) }] as const;
  });
  write(MANIFEST_FILE, Buffer.from(`${JSON.stringify(manifestOf(facts, Object.fromEntries(entries)), null, 2)}\n`));
  return staging.publish().folder;
}
