import { LapidaryError } from "../config/errors.ts";
import type { ProjectConfig } from "../config/types.ts";
import { EventStore, pointInTime } from "../data/index.ts";
import { numPastRead } from "../features/request-inputs.ts";
import type { Batch } from "../features/spec.ts";
import { sigmoid } from "../metrics/predictions.ts";
import type { OnlineStore, Ranking } from "../serve/index.ts";
import { examplesOf, type OpenedRun, openRun, type Split, scoreBatch } from "../train/index.ts";
import { knowledgeFor } from "../transfer/index.ts";
import { relativeDifference } from "./difference.ts";
import { LoggedEvents } from "./logged-events.ts";

/** Requests that are under way at once. */
const CONCURRENCY = 8;

/** Ranks the one item of a logged example. */
export type Ranker = (request: object) => Promise<Pick<Ranking, "ranked" | "numPast">>;

/** What to audit. */
export interface AuditOptions {
  /** Name of a finished run, or path of its folder. */
  readonly run: string;
  readonly split: Split;
  /** Who serves the run's model. */
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
  /** Probabilities compared: of every objective of every example. */
  readonly probabilities: number;
  /** Largest and mean relative difference: `|p_served − p_offline| / p_offline`. */
  readonly maxDifference: number;
  readonly meanDifference: number;
  /** Example with the largest difference. */
  readonly worst: { readonly event: string; readonly objective: string; served: number; offline: number } | null;
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
 * says offline: features, graph, calibration and histories are right together or not at all. The online store must hold
 * the events of the log.
 *
 * @throws {LapidaryError} AUDIT_MODEL if another model is served, RUN_*, KNOWLEDGE_*, and as `rank` does
 */
export async function audit(project: ProjectConfig, options: AuditOptions): Promise<Audit> {
  const { run, split, onProgress = () => {}, signal } = options;
  const opened = openRun(project, run);
  const store = EventStore.open(project.store);
  try {
    const auditor = new Auditor(store, opened, options);
    for await (const batch of await examplesOf(opened, split, knowledgeFor(project))) {
      signal?.throwIfAborted();
      await inParallel(examplesIn(opened, batch), (example) => auditor.check(example));
      onProgress(auditor.examples);
    }
    return auditor.result();
  } finally {
    store.close();
  }
}

class Auditor {
  readonly #store: EventStore;
  readonly #logged: LoggedEvents;
  readonly #options: AuditOptions;
  readonly #objectives: readonly string[];
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

  constructor(store: EventStore, { inputs, config }: OpenedRun, options: AuditOptions) {
    this.#store = store;
    this.#logged = new LoggedEvents(store);
    this.#options = options;
    this.#objectives = inputs.spec.objectives;
    this.#limit = numPastRead({ spec: inputs.spec, history: config.model.history });
  }

  async check(example: Example): Promise<void> {
    const { row, user, timeMs, numPast, offline } = example;
    const { surface = "", ...candidate } = this.#logged.shown(row);
    const id = this.#logged.user(user);
    const request = { user: id, time: timeMs, context: { surface }, candidates: [candidate] };
    const { ranked, numPast: servedPast } = await this.#options.rank(request);
    for (const [t, objective] of this.#objectives.entries()) {
      this.#compare({ row, objective, served: ranked[0]?.probabilities[objective], offline: offline[t]! });
    }
    if (servedPast !== numPast) this.#otherCounts++;
    await this.#checkHistory(id, example);
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
    if (served === undefined) throw otherModel(`the objective ${objective}`, "none");
    const difference = relativeDifference(served, offline);
    this.#probabilities++;
    this.#sum += difference;
    if (difference <= this.#max) return;
    this.#max = difference;
    this.#worst = { event: this.#logged.id(row), objective, served, offline };
  }

  async #checkHistory(user: string, { row, timeMs }: Example): Promise<void> {
    const { online } = this.#options;
    if (online === null) return;
    const { events } = await online.read({ user, beforeMs: timeMs, limit: this.#limit });
    const { start, end } = pointInTime(this.#store, row, this.#limit);
    const isSame = events.length === end - start && events.every(({ id }, i) => id === this.#logged.id(start + i));
    this.#histories++;
    if (!isSame) this.#otherHistories++;
  }
}

function examplesIn({ model, inputs }: OpenedRun, batch: Batch): readonly Example[] {
  const logits = scoreBatch(model, batch);
  const width = inputs.spec.objectives.length;
  return Array.from(batch.rows, (row, b) => ({
    row,
    user: batch.groups.users[b]!,
    timeMs: batch.times[b]!,
    numPast: batch.groups.pastEvents[b]!,
    offline: Array.from(logits.subarray(b * width, (b + 1) * width), sigmoid),
  }));
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

function otherModel(expected: string, got: string): LapidaryError {
  const hint = "Serve the bundle of this very run: `lapidary export RUN`, then load it.";
  return new LapidaryError({ code: "AUDIT_MODEL", where: "the server", expected, got, hint });
}
