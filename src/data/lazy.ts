/**
 * What reads logs, loaded when it is called: its query engine takes longer to load than everything else of this folder,
 * and training, evaluation and serving do without it.
 */
import type { readGivenRows as ReadGivenRows } from "./examples/given-rows.ts";
import type { ingest as Ingest } from "./ingest/ingest.ts";

/** `ingest` of `./ingest/ingest.ts`. */
export const ingest: typeof Ingest = async (...args) => (await import("./ingest/ingest.ts")).ingest(...args);

/** `readGivenRows` of `./examples/given-rows.ts`. */
export const readGivenRows: typeof ReadGivenRows = async (...args) =>
  (await import("./examples/given-rows.ts")).readGivenRows(...args);
