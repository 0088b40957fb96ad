import type { Static } from "typebox";
import { type ErrorCode, LapidaryError } from "../../base/errors.ts";
import type { JsonAnswer } from "./answer.ts";
import { strictObject, TEXT } from "./values/shapes.ts";

const FACTS = strictObject({ code: TEXT, where: TEXT, expected: TEXT, got: TEXT, hint: TEXT });

/** An error outside of `/v2`. */
export const ERROR = strictObject({ error: FACTS });
/** An error below `/v2`, where the protocol has text in that place: the facts stand beside it. */
export const PROTOCOL_ERROR = strictObject({ error: TEXT, lapidary: FACTS });

const STATUS: Partial<Readonly<Record<ErrorCode, number>>> = {
  SERVE_REQUEST: 400,
  ONLINE_STORE_EVENT: 400,
  SERVE_NOT_FOUND: 404,
  SERVE_METHOD: 405,
  SERVE_MODELS: 409,
  SERVE_LIMIT: 413,
  SERVE_OVERLOADED: 503,
  ONLINE_STORE_UNAVAILABLE: 503,
};

/** What the rules of events refuse is the request's fault. */
function statusOf(code: ErrorCode): number {
  return code.startsWith("EVENT_") ? 400 : (STATUS[code] ?? 500);
}

/** Any error as one of ours. */
export function asLapidaryError(error: unknown): LapidaryError {
  if (error instanceof LapidaryError) return error;
  const facts = { where: "server", expected: "an answer", got: String(error), hint: "Report this." };
  return new LapidaryError({ code: "INTERNAL", ...facts }, { cause: error });
}

/** The answer that tells an error: {@link PROTOCOL_ERROR} or {@link ERROR}. */
export function errorAnswer(
  error: LapidaryError,
  isProtocol: boolean,
): JsonAnswer<Static<typeof ERROR> | Static<typeof PROTOCOL_ERROR>> {
  const { code, where, expected, got, hint } = error;
  const facts = { code, where, expected, got, hint };
  const status = statusOf(code);
  const json = isProtocol ? { error: error.message, lapidary: facts } : { error: facts };
  return { status, json, ...(status === 503 && { headers: { "Retry-After": "1" } }) };
}
