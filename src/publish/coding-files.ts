import type { BundleContents, BundleFacts } from "../bundle/index.ts";
import { isComputed } from "../features/coding.ts";
import { contentOf } from "../features/content.ts";
import type { OpenedRun } from "../train/index.ts";

/** With what serving codes requests, and the files that hold it. */
export type CodingFiles = Pick<BundleFacts, "schema" | "dictionaries" | "vocabularies"> & Pick<BundleContents, "files">;

/** The dictionaries and vocabularies with which a run's scores are coded: of the ids that a model reads, no others. */
export function codingFiles({ store, inputs: { spec, learnedVocabularies } }: OpenedRun): CodingFiles {
  const files: Record<string, Uint8Array> = {};
  const add = (path: string, bytes: Uint8Array): string => {
    files[path] = bytes;
    return path;
  };
  const isId = (name: string): boolean =>
    name === "user" || (!isComputed(name) && ["category", "categories"].includes(store.entry(name).kind));
  const dictionaryOf = (name: string): BundleFacts["dictionaries"][string] => {
    const dictionary = store.dictionary(name);
    if (dictionary === null) return { buckets: store.entry(name).cardinality - 1 };
    return add(`dictionaries/${name}`, dictionary.encode());
  };
  const { lists } = contentOf(spec);
  const read = new Set([...spec.contextual, ...spec.candidate, ...lists, ...spec.history].map(({ name }) => name));
  const rows = Object.entries(learnedVocabularies).map(([table, vocabulary]) => {
    return [table, add(`vocabularies/${table}`, vocabulary.encode())] as const;
  });
  return {
    schema: store.manifest.schema,
    dictionaries: Object.fromEntries([...read].filter(isId).map((name) => [name, dictionaryOf(name)])),
    vocabularies: Object.fromEntries(rows),
    files,
  };
}
