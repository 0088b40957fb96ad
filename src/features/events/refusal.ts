import type { ErrorCode } from "../../base/errors.ts";

/** Why a value of an event is refused: what dead letters and answers of the server name. */
export type RefusalCode = Extract<ErrorCode, `EVENT_${string}`>;

/** A value that is none. */
export class Refused {
  readonly code: RefusalCode;
  /** What it should have been. */
  readonly expected: string;

  constructor(code: RefusalCode, expected: string) {
    this.code = code;
    this.expected = expected;
  }
}

/** Whether a value was refused. */
export function isRefused(value: unknown): value is Refused {
  return value instanceof Refused;
}
