/** Ways to write a folder anew, for tests: what each writes follows from a number alone. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { replaceFolder, writeFileAtomic } from "./durable-file.ts";
import { VersionedFolder, type VersionKind } from "./versioned-folder.ts";

/** Errors that say in one line what they are told. */
export const KIND: VersionKind = {
  notFound: () => new Error("not found"),
  badPointer: (_, text) => new Error(`bad pointer ${JSON.stringify(text)}`),
  damaged: (_, { expected, got }) => new Error(`damaged: expected ${expected}, got ${got}`),
};

/** Files of the thing with a number, by path; the manifest, written last, is the number. */
export function filesOf(number: number): Readonly<Record<string, string>> {
  return { first: `${number} `.repeat(3000), "inner/second": `${number}`, "manifest.json": `${number}\n` };
}

/** Writes them into a folder. */
export function write(folder: string, number: number): void {
  mkdirSync(join(folder, "inner"), { recursive: true });
  const { "manifest.json": manifest = "", ...files } = filesOf(number);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  writeFileAtomic(join(folder, "manifest.json"), manifest);
}

function publish(path: string, number: number, kind: VersionKind): boolean {
  using staging = new VersionedFolder(path, kind).stage();
  write(staging.folder, number);
  staging.publish();
  return false;
}

/** What puts the thing with a number at a path; true if what was whole did not have to be written again. */
export const WAYS = {
  /** As knowledge: one version. */
  alone: (path, number) => publish(path, number, KIND),
  /** As a bundle: the version before stays for its readers. */
  beside: (path, number) => publish(path, number, { ...KIND, keepsPrevious: true }),
  /** As an ingest: what is whole is not written again. */
  resumed: (path, number) => {
    const staging = new VersionedFolder(path, KIND).resume("writer");
    const wasWhole = staging.isWhole;
    if (!wasWhole) {
      rmSync(staging.folder, { recursive: true });
      write(staging.folder, number);
    }
    staging.publish();
    return wasWhole;
  },
  /** As a checkpoint or a world: a folder in the place of another. */
  replaced: (path, number) => {
    const staging = `${path}.partial`;
    rmSync(staging, { recursive: true, force: true });
    write(staging, number);
    replaceFolder(staging, path);
    return false;
  },
} as const satisfies Readonly<Record<string, (path: string, number: number) => boolean>>;
