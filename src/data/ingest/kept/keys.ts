import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { version } from "@duckdb/node-api";
import type { EventsConfig } from "../../../config/types.ts";
import { sha256 } from "../../../files/digest.ts";
import type { LogFile } from "../files/index.ts";
import type { IngestPlan, PlannedColumn } from "../plan.ts";

/**
 * Digest of everything besides a file that decides what reading it gives: the mapping, and the code. What only later
 * stages use (split, models, delays, encodings of ids) is no part of it: a change there keeps what was read.
 */
export function readerDigest(config: EventsConfig, plan: IngestPlan): string {
  const { format, text, partitions, time, earliestMs, latestMs } = config;
  const facts = [format, text, partitions, time?.unit ?? null, earliestMs, latestMs, plan.all.map(readingOf)];
  return sha256(JSON.stringify([codeDigest(), facts])).slice(0, 32);
}

function readingOf({ name, source, kind, required, list }: PlannedColumn): readonly unknown[] {
  const shape = list?.kind === "vector" ? list.dim : list?.delimiter;
  return [name, source, kind, required, list?.kind ?? null, shape ?? null];
}

/** Folders of the code that reads files; a folder of code imports from those below it alone. */
const CODE = ["data", "features", "config", "files", "base"];

let code: string | null = null;

/** Digest of the code that reads, and of the engine's version: a number that someone has to raise would be forgotten. */
function codeDigest(): string {
  if (code !== null) return code;
  const hash = createHash("sha256").update(version());
  const root = join(import.meta.dirname, "..", "..", "..");
  for (const folder of CODE) {
    const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
    for (const name of names.filter((each) => /(?<!\.(test|support|child))\.[jt]s$/.test(each)).sort()) {
      hash.update(`${folder}/${name}\0`).update(readFileSync(join(root, folder, name)));
    }
  }
  code = hash.digest("hex");
  return code;
}

/**
 * What a file is, as a text: equal ones were read alike. Size and time of its content may be made equal by hand, the time
 * of its last change may not. `window` is that of the split that the file is named for.
 */
export function fileKey(file: LogFile, window: string | null): string {
  const { path, sizeBytes, modifiedNs, changedNs, identity } = file;
  // Without the device, whose number may be another one after the next start of the system.
  const inode = identity.slice(identity.indexOf(":") + 1);
  return JSON.stringify([path, sizeBytes, `${modifiedNs}`, `${changedNs}`, inode, window]);
}
