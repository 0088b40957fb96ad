/**
 * What reads logs, loaded when it is called: its query engine takes longer to load than everything else of this folder,
 * and training, evaluation and serving do without it.
 */
import type { readGivenRows as ReadGivenRows } from "./examples/given-rows.ts";
import type { ingest as Ingest } from "./ingest/ingest.ts";

/**
 * Reads a log into an event store: `ingest` of `./ingest/ingest.ts`.
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { ingest } from "lapidary/data";
 *
 * const { events } = await loadProject(); // the files of the log, and which of their fields is what
 * const { rows, numUsers } = await ingest(events, { store: "other-store" });
 * console.log(rows.accepted, rows.rejected, numUsers); // 2000 0 80
 */
export const ingest: typeof Ingest = async (...args) => (await import("./ingest/ingest.ts")).ingest(...args);

/**
 * Checks files as ingest checks a log, and reads their rows: `readGivenRows` of `./examples/given-rows.ts`.
 *
 * @example
 * import { mkdirSync } from "node:fs";
 * import { loadProject } from "lapidary";
 * import { readGivenRows } from "lapidary/data";
 *
 * mkdirSync("workspace", { recursive: true });
 * const { events } = await loadProject();
 * const files = await readGivenRows(events, { workspace: "workspace", deadLetters: "rejected.jsonl" });
 * let rows = 0;
 * for await (const { users } of files.chunks()) rows += users.length;
 * console.log(rows, files.rejections); // 2000 {}
 * files.close();
 */
export const readGivenRows: typeof ReadGivenRows = async (...args) =>
  (await import("./examples/given-rows.ts")).readGivenRows(...args);
