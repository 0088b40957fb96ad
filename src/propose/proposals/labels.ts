import { isFlagOf, positiveShare } from "../compare.ts";
import type { FieldFacts } from "../facts.ts";
import { hasTrait, hasWord } from "../words.ts";

/** Positive and negative labels in the sample that an objective needs, each. */
const FEWEST = 10;
/** Objectives that are proposed; further labels are read of past events alone. */
export const MOST_OBJECTIVES = 4;

const CLICKS = ["click", "clicks", "clicked", "clk", "label"];

/** The flags of a log, each with what it is taken for. */
export interface Flags {
  readonly objectives: readonly FieldFacts[];
  /** Known later, or not surely known before. */
  readonly outcomes: readonly FieldFacts[];
  /** Known when the item is shown. */
  readonly attributes: readonly FieldFacts[];
  /** Of {@link outcomes}, those that may be attributes, and of {@link objectives}, those that no name proves. */
  readonly unsure: readonly FieldFacts[];
}

/** Whether a flag is a fact of the user or the item, or named as one that is known before. */
function isKnownBefore(flag: FieldFacts, ids: readonly FieldFacts[]): boolean {
  if (hasTrait(flag.name, "outcome")) return false;
  return hasTrait(flag.name, "before") || ids.some((id) => isFlagOf(flag, id));
}

/** Clicks and what is paid for come first, then what tells the most: the entropy of the label. */
function worth(flag: FieldFacts): number {
  const share = positiveShare(flag);
  const isMain = hasWord(flag.name, CLICKS) || hasTrait(flag.name, "late");
  return (isMain ? 1 : 0) - share * Math.log2(share) - (1 - share) * Math.log2(1 - share);
}

/** Sorts flags; what may be known only later is never an attribute. */
export function sortFlags(flags: readonly FieldFacts[], ids: readonly FieldFacts[]): Flags {
  const attributes = flags.filter((flag) => isKnownBefore(flag, ids));
  const others = flags.filter((flag) => !attributes.includes(flag));
  const named = others.filter(({ name }) => hasTrait(name, "outcome"));
  const usable = (flag: FieldFacts): boolean => {
    const known = (1 - flag.missing) * flag.values.length;
    const positive = positiveShare(flag) * known;
    return positive >= FEWEST && known - positive >= FEWEST;
  };
  const likely = named.filter(usable);
  // Without a name a label is a flag that is rare.
  const rare = others.filter((flag) => usable(flag) && positiveShare(flag) < 0.5);
  const best = (likely.length > 0 ? likely : rare).toSorted((a, b) => worth(b) - worth(a)).slice(0, MOST_OBJECTIVES);
  const objectives = others.filter((flag) => best.includes(flag));
  const outcomes = others.filter((flag) => !objectives.includes(flag));
  const unsure = others.filter((flag) => !named.includes(flag));
  return { objectives, outcomes, attributes, unsure };
}
