/** The files of a log: which they are, whether they are whole, and their text in a form that no reader takes otherwise. */

export type { TextOptions } from "./dialect.ts";
export { databaseFolder, duckPath, searchable, spellableForNow } from "./duck-path.ts";
export { unescapeSql } from "./escapes.ts";
export { type FramedText, frameText } from "./frame.ts";
export { guessDelimiter } from "./guess-delimiter.ts";
export { checkUnchanged, type LogFile, listLogFiles } from "./list.ts";
export { checkParquet } from "./parquet.ts";
export { readHeader } from "./read-header.ts";
export { readRecords } from "./read-records.ts";
export { RecordLines } from "./record-places.ts";
