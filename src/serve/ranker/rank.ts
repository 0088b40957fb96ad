import type { BundleManifest } from "../../bundle/index.ts";
import type { TileCounts } from "../../features/counters/tile-counts.ts";
import type { RawFacts } from "../../features/events/raw-event.ts";
import type { Objective } from "../../features/objectives.ts";
import { objectivesOf } from "../../features/objectives.ts";
import { numPastRead } from "../../features/requests/request-inputs.ts";
import { hasHistories } from "../../features/schema.ts";
import { OUTCOME_FORMS, scoresOf } from "../../metrics/outcomes/index.ts";
import type { OnlineStore } from "../store/online-store.ts";
import type { ServedModel } from "./served-model.ts";

const NO_PAST = { events: [], numPast: 0 } as const;

/** One item to rank. */
export interface Candidate {
  readonly facts: RawFacts;
  /** Worth of one outcome by objective, in any one unit; null stands for 1 of the objective asked. */
  readonly bids: Readonly<Record<string, number>> | null;
}

/** What to rank, for whom. */
export interface RankRequest {
  /** Null if nobody knows who asks: then there is no history. */
  readonly user: string | null;
  /** @unit ms since 1970, UTC */
  readonly timeMs: number;
  readonly context: RawFacts;
  readonly candidates: readonly Candidate[];
  /** By which candidates without bids are ordered. */
  readonly objective: string;
}

/** One candidate's scores. */
export interface Ranked {
  /** Place among the candidates of the request, from 0. */
  readonly index: number;
  /** By objective, of those that are yes or no. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** Expected amounts and counts by objective; absent where the model has no such objective. */
  readonly expected?: Readonly<Record<string, number>>;
  /** `Σ bid · mean` over the objectives with a bid: their probabilities, expected amounts and counts. */
  readonly expectedValue: number;
}

/** A ranking: the candidates, the most valuable first, equal ones in the order of the request. */
export interface Ranking {
  readonly version: string;
  readonly numPast: number;
  readonly ranked: readonly Ranked[];
}

/**
 * Scores and orders candidates. The user's history is read and coded once, and probabilities, expected amounts and counts
 * are calibrated as the bundle says: `p = σ(scale · z + shift)`.
 *
 * @throws {LapidaryError} ONLINE_STORE_UNAVAILABLE, ONLINE_STORE_COUNTERS, SERVE_OVERLOADED, SERVE_MODEL
 * @example
 * import { loadProject } from "lapidary";
 * import { ModelRepository, openOnlineStore, rank } from "lapidary/serve";
 *
 * const { bundles } = await loadProject();
 * const models = await ModelRepository.open({ kind: "folder", dir: bundles }, { workers: 0, maxQueued: 16 });
 * const store = await openOnlineStore({ kind: "lmdb", at: ".lapidary/online" });
 * const model = models.host("vertical")?.current;
 * if (model === undefined) throw new Error("no model of this name");
 *
 * const candidates = ["ad3", "ad8"].map((item) => ({ facts: { item, category: "toys", price: 9.5 }, bids: null }));
 * const context = { surface: "feed", origin: "ad", action: "impression" };
 * const request = { user: "u7", timeMs: Date.parse("2025-03-20"), context, candidates, objective: "click" };
 * const { ranked, numPast } = await rank(request, model, store);
 * console.log(ranked.length, numPast); // 2 25
 * await models.close();
 * await store.close();
 */
export async function rank(request: RankRequest, model: ServedModel, store: OnlineStore): Promise<Ranking> {
  const { user, timeMs, context, candidates, objective } = request;
  const { manifest, version } = model;
  // A model whose log tells no histories has never learned to read one.
  const isRead = user !== null && hasHistories(manifest.schema);
  const past = isRead ? await store.read({ user, beforeMs: timeMs, limit: numPastRead(manifest) }) : NO_PAST;
  const raw = { user, timeMs, past: past.events, numPast: past.numPast, context };
  const counts = await countsOf(request, model, store);
  const { logits } = await model.score({ ...raw, counts, candidates: candidates.map(({ facts }) => facts) });
  const means = meansOf(manifest, logits);
  const ranked = candidates.map(({ bids }, index): Ranked => {
    const worth = bids ?? { [objective]: 1 };
    const expectedValue = means.reduce((sum, { name, values }) => sum + (worth[name] ?? 0) * values[index]!, 0);
    return { index, ...answerOf(means, index), expectedValue };
  });
  const order = ranked.toSorted((a, b) => b.expectedValue - a.expectedValue || a.index - b.index);
  return { version, numPast: past.numPast, ranked: order };
}

/** What the model's counters have counted of each candidate. @shape [counters][candidates] */
function countsOf(
  { user, context, candidates }: RankRequest,
  { counters }: ServedModel,
  store: OnlineStore,
): Promise<readonly (readonly TileCounts[])[]> {
  const queries = candidates.map(({ facts }) => ({ user, factOf: (name: string) => facts[name] ?? context[name] }));
  return Promise.all(counters.map((counter) => store.counts(counter, queries)));
}

/** The mean of one objective for every candidate. */
interface ObjectiveMeans extends Pick<Objective, "name" | "kind"> {
  readonly values: ArrayLike<number>;
}

function meansOf({ spec, calibration }: BundleManifest, outputs: Float32Array): readonly ObjectiveMeans[] {
  const objectives = objectivesOf(spec);
  const width = objectives.at(-1)?.to ?? 0;
  return objectives.map((objective, t) => {
    const { name, kind } = objective;
    const scores = scoresOf(outputs, objective, { width, ...(calibration[t] && { calibration: calibration[t] }) });
    return { name, kind, values: scores.map(OUTCOME_FORMS[kind].mean) };
  });
}

/** What is said of one candidate. */
function answerOf(means: readonly ObjectiveMeans[], index: number): Pick<Ranked, "probabilities" | "expected"> {
  const named = (values: readonly ObjectiveMeans[]) =>
    Object.fromEntries(values.map(({ name, values }) => [name, values[index]!]));
  const amounts = means.filter(({ kind }) => kind !== "binary");
  const probabilities = named(means.filter(({ kind }) => kind === "binary"));
  return { probabilities, ...(amounts.length === 0 ? {} : { expected: named(amounts) }) };
}
