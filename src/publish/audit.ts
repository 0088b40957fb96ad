import { join } from "node:path";
import { type Bundle, readBundle } from "../bundle/index.ts";
import type { ProjectConfig } from "../config/project.ts";
import type { Split } from "../config/types.ts";
import { EventStore, pointInTime } from "../data/index.ts";
import { type Objective, objectivesOf, outputWidth } from "../features/objectives.ts";
import { numPastRead } from "../features/requests/request-inputs.ts";
import { hasHistories } from "../features/schema.ts";
import type { Batch } from "../features/spec.ts";
import { OUTCOME_FORMS, scoresOf } from "../metrics/outcomes/index.ts";
import { type OnlineStore, type Ranking, versionOf } from "../serve/index.ts";
import { loggedExamplesOf, type OpenedRun, openRun, scoreBatch } from "../train/index.ts";
import { knowledgeFor } from "../transfer/index.ts";
import { otherModel } from "./audit-errors.ts";
import { relativeDifference } from "./difference.ts";
import { LoggedEvents } from "./logged-events.ts";

/** Requests that are under way at once. */
const CONCURRENCY = 8;

/** Ranks the one item of a logged example. */
export type Ranker = (request: object) => Promise<Ranking>;

/** What to audit. */
export interface AuditOptions {
  /** Name of a finished run, or path of its folder. */
  readonly run: string;
  readonly split: Split;
  /** Folder of the bundle that is served. @default the model's name, below the project's bundles */
  readonly bundle?: string;
  /** Who serves it. */
  readonly rank: Ranker;
  /** Where it finds histories; null leaves them unread. */
  readonly online: OnlineStore | null;
  /** Told of the examples audited so far. @default nobody is told */
  readonly onProgress?: (examples: number) => void;
  /** Ends the audit between two batches. @default never */
  readonly signal?: AbortSignal;
}

/** How served scores differ from offline ones. */
export interface Audit {
  readonly examples: number;
  /** Probabilities, expected amounts and counts compared: of every objective of every example. */
  readonly probabilities: number;
  /** Largest and mean relative difference: `|p_served − p_offline| / p_offline`, likewise of expected amounts and counts. */
  readonly maxDifference: number;
  readonly meanDifference: number;
  /** Example with the largest difference. */
  readonly worst: { readonly event: string; readonly objective: string; served: number | null; offline: number } | null;
  /** Examples whose number of past events is another online. */
  readonly otherCounts: number;
  /** Examples whose history was read from the online store too, and those where its events are others. */
  readonly histories: number;
  readonly otherHistories: number;
}

/** One logged example, and what the run's model says of it offline. */
interface Example {
  readonly row: number;
  readonly user: number;
  readonly timeMs: number;
  readonly numPast: number;
  /** By objective. */
  readonly offline: readonly number[];
}

/**
 * Ranks the item of every example of a split at the example's own time, and compares what is served with what the run
 * says offline, calibrated as its bundle says: features, graph and histories are right together or not at all. The online
 * store must hold the events of the log.
 *
 * @throws {LapidaryError} AUDIT_MODEL if another model is served, BUNDLE_*, RUN_*, KNOWLEDGE_*, and as `rank` does
 */
export async function audit(project: ProjectConfig, options: AuditOptions): Promise<Audit> {
  const { run, split, onProgress = () => {}, signal } = options;
  using store = EventStore.open(project.store);
  const opened = openRun(project, run, { store });
  const bundle = bundleOf(opened, options.bundle ?? join(project.bundles, opened.config.name));
  const auditor = new Auditor(store, bundle, options);
  for await (const batch of await loggedExamplesOf(opened, split, knowledgeFor(project))) {
    signal?.throwIfAborted();
    await inParallel(examplesIn(opened, bundle, batch), (example) => auditor.check(example));
    onProgress(auditor.examples);
  }
  return auditor.result();
}

class Auditor {
  readonly #store: EventStore;
  readonly #logged: LoggedEvents;
  readonly #options: AuditOptions;
  readonly #objectives: readonly Objective[];
  readonly #model: string;
  readonly #version: string;
  /** Past events that the model needs. */
  readonly #limit: number;
  #sum = 0;
  #probabilities = 0;
  #max = 0;
  #worst: Audit["worst"] = null;
  #otherCounts = 0;
  #histories = 0;
  #otherHistories = 0;
  examples = 0;

  constructor(store: EventStore, { manifest, digest }: Bundle, options: AuditOptions) {
    this.#store = store;
    this.#logged = new LoggedEvents(store);
    this.#options = options;
    this.#objectives = objectivesOf(manifest.spec);
    this.#limit = numPastRead(manifest);
    this.#model = manifest.model.name;
    this.#version = versionOf(digest);
  }

  async check(example: Example): Promise<void> {
    const { row, user, timeMs, numPast, offline } = example;
    const { surface = "", ...candidate } = this.#logged.shown(row);
    const id = this.#logged.user(user);
    const who = id === null ? {} : { user: id };
    const request = { model: this.#model, ...who, time: timeMs, context: { surface }, candidates: [candidate] };
    const { version, ranked, numPast: servedPast } = await this.#options.rank(request);
    if (version !== this.#version) throw otherModel(`version ${this.#version}`, version);
    const [{ probabilities = {}, expected = {} } = {}] = ranked;
    for (const [t, { name: objective, kind }] of this.#objectives.entries()) {
      const served = (kind === "binary" ? probabilities : expected)[objective];
      this.#compare({ row, objective, served, offline: offline[t]! });
    }
    if (servedPast !== numPast) this.#otherCounts++;
    if (id !== null) await this.#checkHistory(id, example);
    this.examples++;
  }

  result(): Audit {
    return {
      examples: this.examples,
      probabilities: this.#probabilities,
      maxDifference: this.#max,
      meanDifference: this.#sum / this.#probabilities,
      worst: this.#worst,
      otherCounts: this.#otherCounts,
      histories: this.#histories,
      otherHistories: this.#otherHistories,
    };
  }

  #compare(of: { row: number; objective: string; served: number | undefined; offline: number }): void {
    const { row, objective, served, offline } = of;
    const difference = relativeDifference(served ?? Number.NaN, offline);
    this.#probabilities++;
    this.#sum += difference;
    if (difference <= this.#max) return;
    this.#max = difference;
    this.#worst = { event: this.#logged.id(row), objective, served: served ?? null, offline };
  }

  async #checkHistory(user: string, { row, timeMs }: Example): Promise<void> {
    const { online } = this.#options;
    if (online === null || !hasHistories(this.#store.manifest.schema)) return;
    const { events } = await online.read({ user, beforeMs: timeMs, limit: this.#limit });
    const { start, end } = pointInTime(this.#store, row, this.#limit);
    const isSame = events.length === end - start && events.every(({ id }, i) => id === this.#logged.id(start + i));
    this.#histories++;
    if (!isSame) this.#otherHistories++;
  }
}

function examplesIn({ model }: OpenedRun, { manifest }: Bundle, batch: Batch): readonly Example[] {
  const outputs = scoreBatch(model, batch);
  const { spec, calibration } = manifest;
  const width = outputWidth(spec);
  const means = objectivesOf(spec).map((objective, task) => {
    const taskCalibration = calibration[task];
    return scoresOf(outputs, objective, { width, ...(taskCalibration && { calibration: taskCalibration }) }).map(
      OUTCOME_FORMS[objective.kind].mean,
    );
  });
  return Array.from(batch.rows, (row, b) => ({
    row,
    user: batch.groups.users[b]!,
    timeMs: batch.times[b]!,
    numPast: batch.groups.pastEvents[b]!,
    offline: means.map((column) => column[b]!),
  }));
}

/** The bundle, which must be of this very run. */
function bundleOf({ folder }: OpenedRun, dir: string): Bundle {
  const bundle = readBundle(dir);
  const [expected, got] = [folder.checkpoints.bestDigest(), bundle.manifest.lineage["checkpoint"] ?? "none"];
  if (expected !== got) throw otherModel(`checkpoint ${expected.slice(0, 12)}`, `${got.slice(0, 12)} in ${dir}`);
  return bundle;
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}
