import { show } from "../../base/check.ts";
import type { RankRequest } from "./rank.ts";
import type { ServedModel } from "./served-model.ts";

/** What a ranking may be warned of: it was answered, and may be worth less than its caller believes. */
export const WARNING_CODES = {
  RANK_UNSEEN: "the log had no such value, so that the model reads it as a missing one",
  RANK_MISSING: "the model reads a fact that the request does not tell",
  RANK_BIDS: "some candidates have bids and others none, which count 1 for the objective",
} as const;

/** One of {@link WARNING_CODES}. */
export type WarningCode = keyof typeof WARNING_CODES;

/** One warning of a ranking: of each fact and code one. */
export interface Warning {
  readonly code: WarningCode;
  /** The first place, such as `candidates[3].brand`. */
  readonly where: string;
  readonly got: string;
  /** Candidates of which it holds; 1 if it is of the request's context. */
  readonly count: number;
}

/** The warnings of a ranking. */
export function warningsOf(request: RankRequest, model: ServedModel): readonly Warning[] {
  const { user, timeMs, context, candidates } = request;
  const raw = { user, timeMs, context, past: [], numPast: 0, candidates: candidates.map(({ facts }) => facts) };
  const gaps = model.gaps(raw).map(({ kind, name, candidate, fact, count }): Warning => {
    const where = candidate === null ? `context.${name}` : `candidates[${candidate}].${name}`;
    return { code: kind === "unseen" ? "RANK_UNSEEN" : "RANK_MISSING", where, got: show(fact), count };
  });
  return [...gaps, ...bidWarnings(request)];
}

function bidWarnings({ candidates }: RankRequest): readonly Warning[] {
  const first = candidates.findIndex(({ bids }) => bids === null);
  const count = candidates.filter(({ bids }) => bids === null).length;
  if (count === 0 || count === candidates.length) return [];
  return [{ code: "RANK_BIDS", where: `candidates[${first}].bids`, got: show(undefined), count }];
}
