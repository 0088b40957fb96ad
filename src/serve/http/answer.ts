import { type ErrorCode, LapidaryError } from "../../base/errors.ts";

/** Header with the length of the JSON before tensors in binary, of requests and answers. @unit bytes */
export const JSON_LENGTH_HEADER = "Inference-Header-Content-Length";

/** What the server says to a request. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

const STATUS: Partial<Readonly<Record<ErrorCode, number>>> = {
  SERVE_REQUEST: 400,
  ONLINE_STORE_EVENT: 400,
  SERVE_NOT_FOUND: 404,
  SERVE_METHOD: 405,
  SERVE_LIMIT: 413,
  SERVE_OVERLOADED: 503,
  ONLINE_STORE_UNAVAILABLE: 503,
};

/** What the rules of events refuse is the request's fault. */
function statusOf(code: ErrorCode): number {
  return code.startsWith("EVENT_") ? 400 : (STATUS[code] ?? 500);
}

/** An answer in JSON. */
export function json(value: object, status = 200): Answer {
  return { status, type: "application/json", body: JSON.stringify(value) };
}

/** Any error as one of ours. */
export function asLapidaryError(error: unknown): LapidaryError {
  if (error instanceof LapidaryError) return error;
  const facts = { where: "server", expected: "an answer", got: String(error), hint: "Report this." };
  return new LapidaryError({ code: "INTERNAL", ...facts }, { cause: error });
}

/**
 * The answer that tells an error. `{"error": {code, where, …}}`; below `/v2` the protocol has text in that place, so
 * that the facts stand beside it: `{"error": "…", "lapidary": {code, where, …}}`.
 */
export function errorAnswer(error: LapidaryError, isProtocol: boolean): Answer {
  const { code, where, expected, got, hint } = error;
  const facts = { code, where, expected, got, hint };
  const answer = json(isProtocol ? { error: error.message, lapidary: facts } : { error: facts }, statusOf(code));
  return answer.status === 503 ? { ...answer, headers: { "Retry-After": "1" } } : answer;
}
