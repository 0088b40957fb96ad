/** From logs to batches: ingest, the event store, and the point-in-time reader. */

export { admissionTimes } from "./admission-times.ts";
export { BatchBuilder } from "./batch-builder.ts";
export type { Shard } from "./batch-source.ts";
export { countLabels, type LabelCounts } from "./count-labels.ts";
export { ALL_EXAMPLES, countExamples, type ExampleFilter, newestShareMs } from "./examples.ts";
export { GivenCoding, type GivenExamples } from "./given-examples.ts";
export type { GivenFiles, GivenRows } from "./given-rows.ts";
export { databaseFolder } from "./ingest/files/index.ts";
export type { IngestOptions, IngestResult } from "./ingest/ingest.ts";
export { ingest, readGivenRows } from "./lazy.ts";
export { measureNumbers } from "./measure-numbers.ts";
export { measureVectors } from "./measure-vectors.ts";
export { hashOf } from "./mix.ts";
export { type ChangingAttribute, changingAttributes } from "./negatives/changing-attributes.ts";
export type { NegativesOptions } from "./negatives/negative-sampler.ts";
export { type PointInTime, pointInTime } from "./point-in-time.ts";
export { type BatchReader, openReader, type ReadBatch, type ReaderOptions } from "./reader.ts";
export { type EventWindow, type TimeWindow, timeSplitOf, windowOf } from "./split.ts";
export type { Column } from "./store/column.ts";
export { EventStore, type RowRange } from "./store/event-store.ts";
export type { Manifest, OutcomeCounts, RowCounts } from "./store/format.ts";
