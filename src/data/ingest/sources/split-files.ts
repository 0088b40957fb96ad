import { LapidaryError } from "../../../base/errors.ts";
import { type EventsConfig, SPLITS, type Split } from "../../../config/types.ts";
import { type LogFile, listLogFiles } from "../files/index.ts";

/** Name under which the window of a row's file is found; no field can have it. */
export const WINDOW_FIELD = "\u0000window";

/**
 * The window of the split that each file of the log is named for, by its identity; of a log that is not split by file none.
 *
 * @throws {LapidaryError} EVENTS_NOT_FOUND, SPLIT_VALUE
 */
export async function windowsOfFiles(
  { fold, format }: Pick<EventsConfig, "fold" | "format">,
  log: readonly LogFile[],
): Promise<ReadonlyMap<string, Split> | null> {
  if (fold === undefined || "from" in fold) return null;
  const windows = new Map<string, Split>();
  const known = new Set(log.map(({ identity }) => identity));
  for (const window of SPLITS) {
    for (const { path, identity } of await listLogFiles({ from: fold.files[window], format })) {
      const other = windows.get(identity);
      if (!known.has(identity)) throw misnamed(window, "files of events.from", path);
      if (other !== undefined) throw misnamed(window, "files of its own", `${path}, of ${other} too`);
      windows.set(identity, window);
    }
  }
  return windows;
}

function misnamed(window: Split, expected: string, got: string): LapidaryError {
  const hint = "Correct `split.files`: each file of the log is of one window, or of none.";
  return new LapidaryError({ code: "SPLIT_VALUE", where: `split.files.${window}`, expected, got, hint });
}
