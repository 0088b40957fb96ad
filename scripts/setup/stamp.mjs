// Stamps: a hash of all that a result depends on, kept inside the result, so that deleting one deletes the other.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { ROOT } from "./run.mjs";

/** Files below `folder` for which `keep(name)` holds, sorted; folders for which it does not hold are not entered. */
export function listFiles(folder, keep) {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (!keep(entry.name, entry.isDirectory())) return [];
    return entry.isDirectory() ? listFiles(path, keep) : [path];
  });
}

/** SHA-256 over the names of `files`, seen from the checkout, their contents, and `facts`. */
export function hashOf(files, facts) {
  const hash = createHash("sha256");
  hash.update(JSON.stringify(facts));
  for (const file of files) {
    const bytes = readFileSync(file);
    hash.update(`\0${relative(ROOT, file)}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

/** The text of a stamp, or the empty string if there is none. */
export function readStamp(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
