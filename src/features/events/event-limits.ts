import { VALUE_LIMITS } from "../../config/events/value-kinds.ts";
import type { RawEvent } from "./raw-event.ts";

/** How large an event may be, wherever it comes from: the online stores hold these limits, and who reads logs too. */
export const EVENT_LIMITS = {
  /** Of a user's or an event's id in UTF-8. @unit bytes */
  idBytes: 512,
  /** Of one value of a category in UTF-8. @unit bytes */
  valueBytes: 4_096,
  /** Of one report of an event, as {@link recordBytes} measures it. @unit bytes */
  recordBytes: 32_768,
  /** Values of a list. */
  listValues: VALUE_LIMITS.ids,
} as const;

/** What of an event is beyond a limit. */
export interface LimitBreach {
  readonly where: "user" | "id" | "time" | "event";
  readonly expected: string;
  readonly got: string;
}

/** An event, and whose it is. */
export interface UserEvent extends RawEvent {
  readonly user: string;
}

/** The first of an event's parts that no online store can hold; null if all of it is within {@link EVENT_LIMITS}. */
export function limitBreach(event: UserEvent): LimitBreach | null {
  const { user, id, timeMs } = event;
  const breach = idBreach("user", user) ?? idBreach("id", id);
  if (breach !== null) return breach;
  if (!Number.isSafeInteger(timeMs))
    return { where: "time", expected: "a whole number of milliseconds", got: `${timeMs}` };
  const { recordBytes: most } = EVENT_LIMITS;
  if (mostBytes(event) <= most) return null;
  const sizeBytes = recordBytes(event);
  return sizeBytes <= most ? null : { where: "event", expected: `at most ${most} bytes`, got: `${sizeBytes} bytes` };
}

/** Size of a report: its id, time and facts as one line of JSON, its embedding as another. @unit bytes */
export function recordBytes({ id, timeMs, facts, embedding }: RawEvent): number {
  const report = Buffer.byteLength(JSON.stringify({ id, timeMs, facts }));
  return embedding === undefined ? report : report + 1 + Buffer.byteLength(JSON.stringify(embedding));
}

function idBreach(where: "user" | "id", id: string): LimitBreach | null {
  const { idBytes } = EVENT_LIMITS;
  // No code unit has more than three bytes: most ids need no count.
  const sizeBytes = id.length > 0 && id.length * 3 <= idBytes ? 1 : Buffer.byteLength(id);
  if (sizeBytes === 0 || sizeBytes > idBytes) {
    return { where, expected: `1 to ${idBytes} bytes`, got: `${sizeBytes} bytes` };
  }
  // Two lone surrogates have the same UTF-8: they would be one id. The first test is faster, and nearly always enough.
  if (/[\ud800-\udfff]/.test(id) && /\p{Surrogate}/u.test(id))
    return { where, expected: "well-formed Unicode", got: JSON.stringify(id) };
  return null;
}

/** No code unit has more bytes in JSON, escaped. @unit bytes */
const UNIT_BYTES = 6;
/** No number has more bytes in JSON, with what stands between it and the next. @unit bytes */
const NUMBER_BYTES = 26;
/** Quotes and commas of a text or a name, and what stands around all facts. @unit bytes */
const TEXT_BYTES = 4;
const FRAME_BYTES = 100;

/** What {@link recordBytes} cannot exceed, without writing JSON: nearly all events are far below the limit. @unit bytes */
function mostBytes({ id, facts, embedding }: RawEvent): number {
  let sum = FRAME_BYTES + id.length * UNIT_BYTES + (embedding?.length ?? 0) * NUMBER_BYTES;
  for (const name in facts) sum += name.length * UNIT_BYTES + TEXT_BYTES + mostBytesOf(facts[name]);
  return sum;
}

function mostBytesOf(fact: unknown): number {
  if (typeof fact === "string") return fact.length * UNIT_BYTES + TEXT_BYTES;
  if (!Array.isArray(fact)) return NUMBER_BYTES;
  return fact.reduce((sum: number, each) => sum + mostBytesOf(each), TEXT_BYTES);
}
