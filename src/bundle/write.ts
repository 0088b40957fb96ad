import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeFolder, syncFolder, writeFileAtomic } from "../files/durable-file.ts";
import { type BundleFacts, CURRENT_FILE, isInside, MANIFEST_FILE, manifestOf, namedFiles } from "./manifest.ts";
import { unsafe } from "./problems.ts";

/** What is published. */
export interface BundleContents {
  readonly facts: BundleFacts;
  /** Bytes by path inside of the bundle. */
  readonly files: Readonly<Record<string, Uint8Array>>;
}

const STAGING = /^\.staging-(\d+)$/;

/**
 * Publishes a version of a bundle: written and made durable beside the others, named by one rename, and current from
 * the moment on at which `CURRENT` names it. After a crash at any moment the bundle is the old one or the new one. The
 * version before stays, for those who are reading it; older ones go.
 *
 * @returns the folder of the version
 * @throws {LapidaryError} BUNDLE_UNSAFE if a path leads out of the bundle or a file is named that is not there
 */
export function writeBundle(dir: string, { facts, files }: BundleContents): string {
  const paths = Object.keys(files);
  const bad = paths.find((path) => !isInside(path)) ?? namedFiles(facts).find((path) => !Object.hasOwn(files, path));
  if (bad !== undefined) throw unsafe(dir, { expected: "paths of files inside of the bundle", got: bad });
  makeFolder(dir);
  removeAbandoned(dir);
  const staging = join(dir, `.staging-${process.pid}`);
  rmSync(staging, { recursive: true, force: true });
  const folders = new Set([staging]);
  for (const [path, bytes] of Object.entries(files)) {
    const folder = dirname(join(staging, path));
    makeFolder(folder);
    for (let up = folder; up !== staging; up = dirname(up)) folders.add(up);
    writeFileSync(join(staging, path), bytes, { flush: true });
  }
  const entries = paths.sort().map((path) => {
    const bytes = files[path]!;
    return [path, { sizeBytes: bytes.byteLength, sha256: sha256(bytes) }] as const;
  });
  const manifest = `${JSON.stringify(manifestOf(facts, Object.fromEntries(entries)), null, 2)}\n`;
  makeFolder(staging);
  writeFileSync(join(staging, MANIFEST_FILE), manifest, { flush: true });
  for (const folder of folders) syncFolder(folder);
  return publish(dir, staging, sha256(Buffer.from(manifest)));
}

function publish(dir: string, staging: string, digest: string): string {
  const before = currentVersion(dir);
  const version = Math.max(0, ...versionsOf(dir)) + 1;
  const folder = join(dir, `v${version}`);
  renameSync(staging, folder);
  syncFolder(dir);
  syncFolder(dirname(dir));
  writeFileAtomic(join(dir, CURRENT_FILE), `v${version} ${digest}\n`);
  for (const other of versionsOf(dir)) {
    if (other !== version && other !== before) rmSync(join(dir, `v${other}`), { recursive: true, force: true });
  }
  return folder;
}

/** Numbers of the versions that are there, those included that a crash kept from becoming current. */
function versionsOf(dir: string): number[] {
  return readdirSync(dir).flatMap((name) => (/^v[1-9]\d*$/.test(name) ? [Number(name.slice(1))] : []));
}

function currentVersion(dir: string): number | null {
  const file = join(dir, CURRENT_FILE);
  const version = existsSync(file) ? /^v(\d+) /.exec(readFileSync(file, "utf8")) : null;
  return version === null ? null : Number(version[1]);
}

/** Removes what processes that are gone were writing. */
function removeAbandoned(dir: string): void {
  for (const name of readdirSync(dir)) {
    const pid = STAGING.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(dir, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
