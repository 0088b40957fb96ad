/** The files of a log: which they are, whether they are whole, and their text in a form that no reader takes otherwise. */

export type { TextOptions } from "./dialect.ts";
export { databaseFolder, duckPath, spellableForNow } from "./duck-path.ts";
export { checkParquet } from "./formats/parquet.ts";
export { guessDelimiter } from "./guess-delimiter.ts";
export { checkUnchanged, type LogFile, listLogFiles } from "./list.ts";
export { readHeader } from "./read-header.ts";
export { unescapeSql } from "./records/escapes.ts";
export { type FramedText, frameText } from "./records/frame.ts";
export { readRecords } from "./records/read-records.ts";
export { RecordLines } from "./records/record-places.ts";
