import type { Finding } from "../finding.ts";
import { lateOutcomes } from "./delays.ts";
import type { Evidence } from "./evidence.ts";
import { suspiciousFields } from "./fields.ts";
import { suspiciousIds } from "./ids.ts";
import { suspiciousLabels } from "./labels.ts";
import { suspiciousRows } from "./rows.ts";
import { copiedOutcomes, tellingFields } from "./tell.ts";
import { suspiciousTimes } from "./times.ts";

const SEARCHES: readonly ((evidence: Evidence) => readonly Finding[])[] = [
  // Times come first: what is wrong of them makes labels unknown and windows empty.
  suspiciousTimes,
  tellingFields,
  copiedOutcomes,
  suspiciousLabels,
  lateOutcomes,
  suspiciousIds,
  suspiciousRows,
  suspiciousFields,
];

/** Everything suspicious. */
export function findSuspicions(evidence: Evidence): readonly Finding[] {
  return SEARCHES.flatMap((search) => search(evidence));
}
