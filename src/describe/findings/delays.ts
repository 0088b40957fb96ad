import { type Finding, finding } from "../finding.ts";
import { count, duration, percent } from "../format.ts";
import type { Evidence } from "./evidence.ts";

/** Share of the outcomes that may come after the window. */
const MANY_LATE = 0.05;
/** Outcomes that a judgement needs. */
const FEWEST = 20;

/** Outcomes of which many come too late to count. */
export function lateOutcomes({ delays }: Evidence): readonly Finding[] {
  return delays.flatMap(({ name, delayMs, measured }) => {
    const share = measured?.missed.at(-1)?.share ?? 0;
    const late = measured?.late ?? 0;
    if (late < FEWEST || share < MANY_LATE) return [];
    const evidence = `${count(late)} outcomes of ${name}, ${percent(share)}, come later than they count (${duration(delayMs)}).`;
    return [finding("OUTCOME_LATE", name, { evidence, numbers: { late, share } })];
  });
}
