import type { BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";
import { LapidaryError } from "../../../base/errors.ts";
import { firstLineOf } from "../../../base/message.ts";
import type { EventsConfig } from "../../../config/types.ts";
import { expandGlob } from "./glob.ts";

/** One file of a log, as it was when the ingest was planned. */
export interface LogFile {
  /** Absolute, and a literal: no character of it is special any more. */
  readonly path: string;
  readonly sizeBytes: number;
  /** @unit ns since 1970 */
  readonly modifiedNs: bigint;
  /** When content, name or rights were last changed, which nobody can set. @unit ns since 1970 */
  readonly changedNs: bigint;
  /** Device and inode: two paths of one file share it. */
  readonly identity: string;
}

/**
 * The files of the log, sorted by path. An entry of `events.from` that is a file is that file, whatever its name; any
 * other is a glob, expanded here and once. A file that several entries or links lead to counts once, under the first
 * of its paths.
 *
 * @throws {LapidaryError} EVENTS_NOT_FOUND if an entry matches nothing, EVENTS_UNREADABLE for what is no regular file
 */
export async function listLogFiles({ from, format }: Pick<EventsConfig, "from" | "format">): Promise<LogFile[]> {
  const paths = new Set<string>();
  for (const entry of from) {
    const found = await expandGlob(entry);
    if (found.length === 0) throw notFound(entry);
    for (const path of found) paths.add(path);
  }
  const files = new Map<string, LogFile>();
  for (const path of [...paths].sort()) {
    const file = await logFile(path, format);
    if (!files.has(file.identity)) files.set(file.identity, file);
  }
  return [...files.values()];
}

async function logFile(path: string, format: string): Promise<LogFile> {
  let stats: BigIntStats;
  try {
    stats = await stat(path, { bigint: true });
  } catch (cause) {
    throw unreadable({
      path,
      expected: "a file",
      got: firstLineOf(cause),
      hint: "Check the path and its permissions.",
    });
  }
  if (stats.isFile()) return describe(path, stats);
  const hint = stats.isDirectory()
    ? `To read the files of a folder, write ${path}/**/*.${format}.`
    : "Write what it yields to a file first: a log is read more than once.";
  throw unreadable({ path, expected: "a regular file", got: kindOf(stats), hint });
}

function describe(path: string, stats: BigIntStats): LogFile {
  const { size, mtimeNs, ctimeNs, dev, ino } = stats;
  return { path, sizeBytes: Number(size), modifiedNs: mtimeNs, changedNs: ctimeNs, identity: `${dev}:${ino}` };
}

function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return "a folder";
  if (stats.isFIFO()) return "a named pipe";
  return stats.isSocket() ? "a socket" : "a device";
}

/**
 * Checks that the files are what they were when they were listed: the same files, of the same size and time.
 *
 * @throws {LapidaryError} EVENTS_UNREADABLE
 */
export async function checkUnchanged(files: readonly LogFile[]): Promise<void> {
  for (const file of files) {
    const stats = await stat(file.path, { bigint: true }).catch(() => null);
    const now = stats === null ? null : describe(file.path, stats);
    const isSame =
      now?.sizeBytes === file.sizeBytes && now.modifiedNs === file.modifiedNs && now.identity === file.identity;
    if (isSame) continue;
    throw unreadable({
      path: file.path,
      expected: "a file that stays as it is while it is read",
      got: "one that was changed or removed",
      hint: "Run the ingest again when the file is finished.",
    });
  }
}

/** The error of a file that cannot be taken as a whole. */
export function unreadable(facts: {
  readonly path: string;
  readonly expected: string;
  readonly got: string;
  readonly hint?: string;
}): LapidaryError {
  const { path, expected, got, hint = "Check that the file is whole, and write or download it again." } = facts;
  return new LapidaryError({ code: "EVENTS_UNREADABLE", where: path, expected, got, hint });
}

function notFound(entry: string): LapidaryError {
  return new LapidaryError({
    code: "EVENTS_NOT_FOUND",
    where: entry,
    expected: "at least one file",
    got: "none",
    hint: "Check events.from; relative paths start at the configuration file.",
  });
}
