import { createHash } from "node:crypto";
import { LapidaryError } from "../../config/errors.ts";
import type { RawEvent } from "../../features/raw-event.ts";
import { mergedFacts, type ReportedEvent, STORE_LIMITS } from "./online-store.ts";

/** Reports of one event in a record; JSON never has a bare line feed. */
const SEPARATOR = "\n";

/** An event's first report as a record. */
export function reportText({ id, timeMs, facts, embedding }: ReportedEvent): string {
  return JSON.stringify({ id, timeMs, facts, ...(embedding && { embedding }) } satisfies RawEvent);
}

/** `record` with one more report; itself if it has it already or is full. */
export function withReport(record: string, report: string): string {
  const reports = record.split(SEPARATOR);
  if (reports.length >= STORE_LIMITS.reports || reports.includes(report)) return record;
  return `${record}${SEPARATOR}${report}`;
}

/** The event of a record: of each fact, and of the embedding, the first report. */
export function eventOf(record: string): RawEvent {
  if (!record.includes(SEPARATOR)) return JSON.parse(record) as RawEvent;
  const reports = record.split(SEPARATOR).map((text) => JSON.parse(text) as RawEvent);
  const [first] = reports;
  const facts = mergedFacts(reports.map((report) => report.facts));
  const { embedding } = reports.find((report) => report.embedding !== undefined) ?? {};
  return { id: first?.id ?? "", timeMs: first?.timeMs ?? 0, facts, ...(embedding && { embedding }) };
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
    const sizeBytes = Buffer.byteLength(reportText(event));
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
