import { calibrated } from "../../features/logit-calibration.ts";
import type { RawFacts } from "../../features/raw-event.ts";
import { numPastRead } from "../../features/request-inputs.ts";
import { hasHistories } from "../../features/schema.ts";
import { sigmoid } from "../../metrics/predictions.ts";
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
  /** By objective. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** `Σ bid · probability` over the objectives with a bid. */
  readonly expectedValue: number;
}

/** A ranking: the candidates, the most valuable first, equal ones in the order of the request. */
export interface Ranking {
  readonly version: string;
  readonly numPast: number;
  readonly ranked: readonly Ranked[];
}

/**
 * Scores and orders candidates. The user's history is read and coded once, and the probabilities are calibrated as the
 * bundle says: `p = σ(scale · z + shift)`.
 *
 * @throws {LapidaryError} ONLINE_STORE_UNAVAILABLE, SERVE_OVERLOADED, SERVE_MODEL
 */
export async function rank(request: RankRequest, model: ServedModel, store: OnlineStore): Promise<Ranking> {
  const { user, timeMs, context, candidates, objective } = request;
  const { manifest, version } = model;
  // A model whose log tells no histories has never learned to read one.
  const isRead = user !== null && hasHistories(manifest.schema);
  const past = isRead ? await store.read({ user, beforeMs: timeMs, limit: numPastRead(manifest) }) : NO_PAST;
  const raw = { user, timeMs, past: past.events, numPast: past.numPast, context };
  const { logits } = await model.score({ ...raw, candidates: candidates.map(({ facts }) => facts) });
  const { spec, calibration } = manifest;
  const { objectives } = spec;
  const probability = (index: number, task: number): number =>
    sigmoid(calibrated(logits[index * objectives.length + task]!, calibration[task]!));
  const ranked = candidates.map(({ bids }, index): Ranked => {
    const row = objectives.map((name, task) => [name, probability(index, task)] as const);
    const worth = bids ?? { [objective]: 1 };
    const expectedValue = row.reduce((sum, [name, p]) => sum + (worth[name] ?? 0) * p, 0);
    return { index, probabilities: Object.fromEntries(row), expectedValue };
  });
  const order = ranked.toSorted((a, b) => b.expectedValue - a.expectedValue || a.index - b.index);
  return { version, numPast: past.numPast, ranked: order };
}
