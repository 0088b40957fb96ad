/** From training to serving: runs become bundles, logged events fill online stores, served scores are audited. */
export { type Audit, type AuditOptions, audit, type Ranker } from "./audit.ts";
export { type Backfilled, type BackfillOptions, backfill } from "./backfill.ts";
export type { LeftOut, LeftOutEvent } from "./left-out.ts";
export { LoggedEvents } from "./logged-events.ts";
export { MAX_DIFFERENCE, type Published, type PublishOptions, publishRun } from "./publish-run.ts";
export { rankOverHttp } from "./rank-over-http.ts";
export { type RunReference, referencesTo } from "./run-references.ts";
