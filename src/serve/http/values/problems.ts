import { show } from "../../../base/check.ts";
import { type ErrorCode, LapidaryError } from "../../../base/errors.ts";
import type { Refused } from "../../../features/events/refusal.ts";

/** The error of a request. */
export function wrong(
  ...[where, expected, got, code = "SERVE_REQUEST"]: readonly [string, string, unknown, ErrorCode?]
): LapidaryError {
  return new LapidaryError({ code, where, expected, got: show(got), hint: "Correct the request." });
}

/** The error of a value that the rules of events refuse. */
export function refused(where: string, { code, expected }: Refused, got: unknown): LapidaryError {
  return wrong(where, expected, got, code);
}
