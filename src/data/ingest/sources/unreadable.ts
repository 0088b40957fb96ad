import { LapidaryError } from "../../../base/errors.ts";
import { firstLineOf } from "../../../base/message.ts";

/** An error of reading a file, told as data. */
export function unreadable(path: string, format: string, cause: unknown): LapidaryError {
  if (cause instanceof LapidaryError) return cause;
  const got = firstLineOf(cause);
  const hint = "Check that the file is whole and that events.format is right.";
  return new LapidaryError(
    { code: "EVENTS_UNREADABLE", where: path, expected: `a readable ${format} file`, got, hint },
    { cause },
  );
}
