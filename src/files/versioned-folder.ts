/**
 * A folder of versions, of which one is current. Event stores, bundles and a teacher's knowledge are such folders.
 *
 * ```
 * <path>/CURRENT            `v2 SHA-256`: the current version and the digest of its manifest; replacing this one small
 *                           file publishes a version
 * <path>/v2/manifest.json   what the version holds, with size and SHA-256 of its files
 * <path>/v2/…               the files
 * <path>/.staging-4711/…    a version that process 4711 is writing
 * ```
 *
 * After a crash at any moment the current version is the one before or the new one, whole; what else was left is removed
 * by whoever publishes next.
 */
import { existsSync, lstatSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { sha256 } from "./digest.ts";
import { makeFolder, syncFolder, syncTree, writeFileAtomic } from "./durable-file.ts";
import { MANIFEST_FILE, type ReadRefusals, readPlain, Version } from "./version.ts";

/** Name of the file that points to the current version. */
export const CURRENT_FILE = "CURRENT";

/** What kind of things a folder holds versions of: what its readers are told, and what they need. */
export interface VersionKind extends ReadRefusals {
  /** Nothing was ever published. */
  readonly notFound: (path: string) => Error;
  /** `text` is no pointer of ours. */
  readonly badPointer: (path: string, text: string) => Error;
  /** Whether the version before stays, for those who are reading it. @default false */
  readonly keepsPrevious?: boolean;
}

const POINTER = /^(v[1-9]\d*) ([0-9a-f]{64})\n$/;
const STAGING = ".staging-";

/** See the top of this file. */
export class VersionedFolder {
  readonly path: string;
  readonly #kind: VersionKind;

  /** Nothing is read or made yet. */
  constructor(path: string, kind: VersionKind) {
    this.path = path;
    this.#kind = kind;
  }

  /**
   * The current version, for readers.
   *
   * @throws what the kind says, of a folder without one and of a pointer that is damaged or leads nowhere
   */
  open(): Version {
    const pointer = this.#pointer;
    if (lstatSync(pointer, { throwIfNoEntry: false }) === undefined) throw this.#kind.notFound(this.path);
    const text = readPlain(pointer, this.#kind).toString("latin1");
    const version = this.#parse(text);
    if (version === null) throw this.#kind.badPointer(pointer, text);
    const { damaged, unsafe } = this.#kind;
    const found = (unsafe ? lstatSync : statSync)(version.folder, { throwIfNoEntry: false });
    if (found?.isDirectory()) return version;
    if (found) throw (unsafe ?? damaged)(version.folder, { expected: "a folder", got: "a link or a file" });
    throw damaged(version.folder, { expected: "the folder of the current version", got: "none" });
  }

  /** The version that is to be replaced, for writers; null if there is none, or no pointer that could be read. */
  get current(): Version | null {
    return existsSync(this.#pointer) ? this.#parse(readFileSync(this.#pointer, "latin1")) : null;
  }

  /** Begins a version of this process; those of processes that are gone are removed. */
  stage(): Staging {
    makeFolder(this.path);
    for (const name of readdirSync(this.path)) if (isAbandoned(name)) remove(join(this.path, name));
    const staging = this.#staging(`${process.pid}`);
    remove(staging.folder);
    makeFolder(staging.folder);
    return staging;
  }

  /**
   * Goes on with the version that an earlier process was writing under the same name, or begins it: its folder is as
   * that one left it. Nobody else may be writing a version of that name, nor under the number of a process.
   */
  resume(name: string): Staging {
    const staging = this.#staging(name);
    makeFolder(this.path);
    const unpublished = this.#unpublished();
    if (unpublished !== null && !existsSync(staging.folder)) renameSync(unpublished, staging.folder);
    makeFolder(staging.folder);
    return staging;
  }

  /** A version that had its number already when a crash came, and was not yet current. */
  #unpublished(): string | null {
    const { current } = this;
    const [newest = 0] = this.#numbers();
    const isNewer = current === null ? !existsSync(this.#pointer) : newest > numberOf(current.name);
    return isNewer && newest > 0 ? join(this.path, `v${newest}`) : null;
  }

  get #pointer(): string {
    return join(this.path, CURRENT_FILE);
  }

  #staging(name: string): Staging {
    return new Staging(join(this.path, `${STAGING}${name}`), (folder) => this.#publish(folder));
  }

  #publish(folder: string): Version {
    const before = this.current?.name;
    const digest = sha256(readFileSync(join(folder, MANIFEST_FILE)));
    const name = `v${(this.#numbers()[0] ?? 0) + 1}`;
    syncTree(folder);
    renameSync(folder, join(this.path, name));
    syncFolder(this.path);
    syncFolder(dirname(this.path));
    writeFileAtomic(this.#pointer, `${name} ${digest}\n`);
    const kept = [name, this.#kind.keepsPrevious ? before : name];
    for (const other of this.#numbers().map((number) => `v${number}`)) {
      if (!kept.includes(other)) remove(join(this.path, other));
    }
    return new Version(join(this.path, name), digest, this.#kind);
  }

  #parse(text: string): Version | null {
    const [, name, digest] = POINTER.exec(text) ?? [];
    return name === undefined || digest === undefined ? null : new Version(join(this.path, name), digest, this.#kind);
  }

  /** Numbers of the versions that are there, newest first; those included that a crash kept from becoming current. */
  #numbers(): readonly number[] {
    return readdirSync(this.path)
      .filter((name) => /^v[1-9]\d*$/.test(name))
      .map(numberOf)
      .sort((a, b) => b - a);
  }
}

/** A version that is being written, in a folder of its own. Whoever disposes of it unpublished removes it. */
export class Staging implements Disposable {
  readonly folder: string;
  readonly #publish: (folder: string) => Version;

  /** @param publish makes the folder the current version */
  constructor(folder: string, publish: (folder: string) => Version) {
    this.folder = folder;
    this.#publish = publish;
  }

  /** Whether all of it was written, provided that its manifest comes last and in one step. */
  get isWhole(): boolean {
    return existsSync(join(this.folder, MANIFEST_FILE));
  }

  /** Makes what was written, with its manifest, durable and then current; versions that nobody needs any longer go. */
  publish(): Version {
    return this.#publish(this.folder);
  }

  [Symbol.dispose](): void {
    remove(this.folder);
  }
}

function numberOf(name: string): number {
  return Number(name.slice(1));
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

function isAbandoned(name: string): boolean {
  const pid = /^\.staging-(\d+)$/.exec(name)?.[1];
  return pid !== undefined && !isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
