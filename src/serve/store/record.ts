import { createHash } from "node:crypto";
import { LapidaryError } from "../../config/errors.ts";
import type { RawEvent } from "../../features/raw-event.ts";
import { mergedFacts, type ReportedEvent, STORE_LIMITS } from "./online-store.ts";

/** Between the lines of a record; JSON never has a bare line feed. */
const SEPARATOR = "\n";

/** How the line of a record begins that is its embedding. A report begins otherwise: it is an object. */
const EMBEDDING = "[";

/** One report of an event, as the lines of a record that it becomes. */
export interface RecordLines {
  readonly report: string;
  /** Empty if the report says nothing of it. */
  readonly embedding: string;
}

/** What stores keep of one report. */
export function linesOf({ id, timeMs, facts, embedding }: ReportedEvent): RecordLines {
  const report = JSON.stringify({ id, timeMs, facts } satisfies RawEvent);
  return { report, embedding: embedding === undefined ? "" : JSON.stringify(embedding) };
}

/** An event's first report as a record: the embedding if there is one, then the report. */
export function recordOf({ report, embedding }: RecordLines): string {
  return embedding === "" ? report : `${embedding}${SEPARATOR}${report}`;
}

/** `record` with one more report: its embedding in place of the former, the report itself unless it is known or the record full. */
export function withReport(record: string, { report, embedding: newest }: RecordLines): string {
  const lines = record.split(SEPARATOR);
  const former = lines[0]?.startsWith(EMBEDDING) ? (lines.shift() as string) : "";
  if (lines.length < STORE_LIMITS.reports && !lines.includes(report)) lines.push(report);
  return recordOf({ report: lines.join(SEPARATOR), embedding: newest === "" ? former : newest });
}

/** The event of a record: of each fact the first report, of the embedding the newest. */
export function eventOf(record: string): RawEvent {
  const lines = record.split(SEPARATOR).map((text) => JSON.parse(text) as RawEvent | readonly number[]);
  const embedding = lines.find((line) => Array.isArray(line)) as readonly number[] | undefined;
  const reports = lines.filter((line) => !Array.isArray(line)) as readonly RawEvent[];
  const [first] = reports;
  const facts = mergedFacts(reports.map((report) => report.facts));
  const known = embedding !== undefined && embedding.length > 0;
  return { id: first?.id ?? "", timeMs: first?.timeMs ?? 0, facts, ...(known && { embedding }) };
}

/** 128 bits of the SHA-256 of an id: keys of one length, whatever the id holds. */
export function idDigest(id: string): Buffer {
  return createHash("sha256").update(id, "utf8").digest().subarray(0, 16);
}

/** @throws {LapidaryError} ONLINE_STORE_EVENT for the first event that no store can hold */
export function checkReports(events: readonly ReportedEvent[]): void {
  for (const [i, event] of events.entries()) {
    for (const key of ["user", "id"] as const) checkId(event[key], `event ${i}, ${key}`);
    const { recordBytes } = STORE_LIMITS;
    if (!Number.isSafeInteger(event.timeMs)) {
      throw eventError(`event ${i}, time`, "a whole number of milliseconds", `${event.timeMs}`);
    }
    const sizeBytes = Buffer.byteLength(recordOf(linesOf(event)));
    if (sizeBytes > recordBytes) throw eventError(`event ${i}`, `at most ${recordBytes} bytes`, `${sizeBytes} bytes`);
  }
}

function checkId(id: string, where: string): void {
  const sizeBytes = Buffer.byteLength(id);
  const { idBytes } = STORE_LIMITS;
  if (sizeBytes === 0 || sizeBytes > idBytes) throw eventError(where, `1 to ${idBytes} bytes`, `${sizeBytes} bytes`);
  // Two lone surrogates have the same UTF-8: they would be one id.
  if (/\p{Surrogate}/u.test(id)) throw eventError(where, "well-formed Unicode", JSON.stringify(id));
}

function eventError(where: string, expected: string, got: string): LapidaryError {
  const hint = "Correct the event; none of this call was stored.";
  return new LapidaryError({ code: "ONLINE_STORE_EVENT", where, expected, got, hint });
}

/** The error of a store that does not answer. */
export function unavailable(where: string, cause: unknown): LapidaryError {
  const got = cause instanceof Error ? cause.message : String(cause);
  return new LapidaryError(
    {
      code: "ONLINE_STORE_UNAVAILABLE",
      where,
      expected: "an answer of the online store",
      got,
      hint: "Try again; if it stays, look at the store's own log and disk.",
    },
    { cause },
  );
}
