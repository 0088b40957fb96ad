import type { RawFact, RawFacts } from "../events/raw-event.ts";
import type { RawRequest } from "./raw-request.ts";

/** One input that a model reads of facts. */
export interface FactInput {
  readonly name: string;
  /** Whether its values are ids, with a dictionary, or lists of such ids. */
  readonly isId: boolean;
  /** What an event store's column would hold, of a list of each of its ids; 0 for an id that is not in the dictionary. */
  readonly value: (fact: RawFact | undefined) => number;
}

/** Inputs of the request itself, and of each candidate. */
export interface FactInputs {
  readonly contextual: readonly FactInput[];
  readonly candidate: readonly FactInput[];
}

/** Something that a model reads, and that a request does not tell. */
export interface Gap {
  /** `missing`: there is no value. `unseen`: the log had no such id, so that it is read as if it were missing. */
  readonly kind: "missing" | "unseen";
  readonly name: string;
  /** The first candidate with it; null if it is of the request's context. */
  readonly candidate: number | null;
  /** The value; of a list the first id that the log did not have. */
  readonly fact: RawFact | undefined;
  /** Candidates with it; 1 if it is of the context. */
  readonly count: number;
}

/** The gaps of a request: of each fact at most one of each kind, with its first place and the number of candidates. */
export function findGaps({ contextual, candidate }: FactInputs, request: RawRequest): readonly Gap[] {
  const gaps = contextual.flatMap((input) => contextGap(input, request.context));
  const ofCandidates = candidate.flatMap((input) => candidateGaps(input, request));
  // What the context lacks is told once, though candidates read it too.
  const isInContext = ({ kind, name }: Gap): boolean => gaps.some((gap) => gap.kind === kind && gap.name === name);
  return [...gaps, ...ofCandidates.filter((gap) => !isInContext(gap))];
}

function contextGap(input: FactInput, context: RawFacts): readonly Gap[] {
  const lack = lackOf(input, context[input.name]);
  return lack === null ? [] : [{ ...lack, name: input.name, candidate: null, count: 1 }];
}

function candidateGaps(input: FactInput, { candidates, context }: RawRequest): readonly Gap[] {
  const { name } = input;
  const ofContext = lackOf(input, context[name]);
  const gaps = new Map<Gap["kind"], Gap>();
  for (const [i, facts] of candidates.entries()) {
    // What is known of a candidate by itself comes before what is known of the request.
    const value = facts[name];
    const lack = value === undefined ? ofContext : lackOf(input, value);
    if (lack === null) continue;
    const known = gaps.get(lack.kind);
    const isOfContext = value === undefined && lack.kind === "unseen";
    const first = { ...lack, name, candidate: isOfContext ? null : i, count: 0 };
    gaps.set(lack.kind, { ...(known ?? first), count: (known?.count ?? 0) + 1 });
  }
  return [...gaps.values()];
}

function lackOf({ isId, value }: FactInput, fact: RawFact | undefined): Pick<Gap, "kind" | "fact"> | null {
  if (fact === undefined) return { kind: "missing", fact };
  if (!isId) return null;
  const ids: readonly (string | number)[] = Array.isArray(fact) ? fact : [fact];
  const unseen = ids.find((id) => value(id) === 0);
  return unseen === undefined ? null : { kind: "unseen", fact: unseen };
}
