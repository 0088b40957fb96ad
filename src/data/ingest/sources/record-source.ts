import type { ReadPart } from "./read-parquet.ts";

/** A record's own bytes, and where they stand. */
export interface RawRecord {
  readonly seq: number;
  /** From 1. */
  readonly line: number;
  readonly raw: Uint8Array;
}

/** Reads records of a file by their sequence numbers, which rise. */
export type RecordSource = (part: ReadPart, seqs: readonly number[]) => AsyncIterable<RawRecord>;
