import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { EventStore } from "../../data/index.ts";
import { Dictionary } from "../../features/dictionary.ts";
import type { Vocabulary } from "../../features/vocabulary.ts";
import { makeFolder, writeFileAtomic } from "../../files/durable-file.ts";

const ROW_IDS = ".ids";

/**
 * Writes which id each row of a table is of, row r having code r: codes are a store's own, and another store of the same
 * log may have others. Nothing of tables whose ids were hashed, whose codes are the same in every store.
 */
export function saveRowIds(
  store: EventStore,
  vocabularies: Readonly<Record<string, Vocabulary>>,
  folder: string,
): void {
  makeFolder(folder);
  for (const [table, { rows }] of Object.entries(vocabularies)) {
    const dictionary = store.dictionary(table);
    if (dictionary === null) continue;
    const ids: string[] = [];
    for (let code = 1; code < rows.length; code++) if (rows[code]! > 0) ids.push(dictionary.id(code) ?? "");
    writeFileAtomic(join(folder, `${table}${ROW_IDS}`), Dictionary.of(ids).encode());
  }
}

/** What {@link saveRowIds} wrote of a table; null where there is none. @throws {LapidaryError} FILE_CORRUPT */
export function readRowIds(folder: string, table: string): Dictionary | null {
  const file = join(folder, `${table}${ROW_IDS}`);
  return existsSync(file) ? Dictionary.decode(new Uint8Array(readFileSync(file))) : null;
}
