/** From logs to batches: ingest, the event store, and the point-in-time reader. */

export { admissionTimes } from "./admission-times.ts";
export { measureCounters } from "./counters/measure-counters.ts";
export { countLabels, type LabelCounts } from "./examples/count-labels.ts";
export { ALL_EXAMPLES, countExamples, type ExampleFilter, newestShareMs } from "./examples/examples.ts";
export { GivenCoding, type GivenExamples } from "./examples/given-examples.ts";
export type { GivenFiles, GivenRows } from "./examples/given-rows.ts";
export { hashOf } from "./examples/mix.ts";
export { type EventWindow, type TimeWindow, timeSplitOf, windowOf } from "./examples/split.ts";
export { type PointInTime, pointInTime } from "./histories/point-in-time.ts";
export { databaseFolder } from "./ingest/files/index.ts";
export type { IngestOptions, IngestResult } from "./ingest/ingest.ts";
export { ingest, readGivenRows } from "./lazy.ts";
export { measureBucketScales } from "./measure-bucket-scales.ts";
export { measureNumbers } from "./measure-numbers.ts";
export { measureOutcomes } from "./measure-outcomes.ts";
export { measureVectors } from "./measure-vectors.ts";
export { type ChangingAttribute, changingAttributes } from "./negatives/changing-attributes.ts";
export type { NegativesOptions } from "./negatives/negative-sampler.ts";
export { BatchBuilder } from "./readers/batch-builder.ts";
export { type BatchReader, openReader, type ReadBatch, type ReaderOptions } from "./readers/reader.ts";
export type { Shard } from "./readers/shard.ts";
export type { Column } from "./store/column.ts";
export { EventStore, type RowRange, type StoreVersion } from "./store/event-store.ts";
export type { Manifest, OutcomeCounts, RowCounts } from "./store/format.ts";
