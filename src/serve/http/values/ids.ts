/** Ids of a request: how they are read and described. */
import { MISSING } from "../../../features/events/event-facts.ts";
import { readId, textOf } from "../../../features/events/event-rules.ts";
import { isRefused } from "../../../features/events/refusal.ts";
import { refused } from "./problems.ts";
import type { JsonSchema } from "./shapes.ts";

/** What {@link idAt} takes. */
export const ID_SCHEMA: JsonSchema = { type: ["string", "number", "boolean"], minLength: 1 };

/** An id, whose spelling does not matter: `17.0` is `17`. @throws {LapidaryError} EVENT_* */
export function idAt(value: unknown, where: string): string {
  const text = textOf(value) ?? MISSING;
  const id = isRefused(text) ? text : readId(text);
  if (isRefused(id)) throw refused(where, id, value);
  return id;
}
