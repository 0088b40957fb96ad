import { type Finding, finding } from "../finding.ts";
import { count, percent } from "../format.ts";
import type { Evidence } from "./evidence.ts";

/** Shares of rejected, of dropped and of equal rows that need no word. */
const FEW_REJECTED = 0.001;
const FEW_DUPLICATED = 0.001;
const FEW_REPEATED = 0.001;
const FEW_OUTSIDE = 0.001;
const MOST_REASONS = 3;

/** What is suspicious of the rows of the log. */
export function suspiciousRows({ rows, rejections, repeated, outside, numEvents }: Evidence): readonly Finding[] {
  const found: Finding[] = [];
  const { rowsRead, rejected, duplicates } = rows;
  if (rejected > FEW_REJECTED * rowsRead) {
    const reasons = Object.entries(rejections)
      .sort(([, a], [, b]) => b - a)
      .slice(0, MOST_REASONS)
      .map(([reason, times]) => `${reason} (${count(times)})`);
    const evidence = `${count(rejected)} of ${count(rowsRead)} rows, ${percent(rejected / rowsRead)}: ${reasons.join("; ")}.`;
    found.push(finding("ROWS_REJECTED", "rows", { evidence, numbers: { rowsRead, rejected } }));
  }
  if (duplicates > FEW_DUPLICATED * rowsRead) {
    const evidence = `${count(duplicates)} of ${count(rowsRead)} rows, ${percent(duplicates / rowsRead)}.`;
    found.push(finding("ROWS_DUPLICATED", "id", { evidence, numbers: { rowsRead, duplicates } }));
  }
  if (repeated > FEW_REPEATED * numEvents) {
    const evidence = `${count(repeated)} of ${count(numEvents)} events, ${percent(repeated / numEvents)}.`;
    found.push(finding("ROWS_REPEATED", "rows", { evidence, numbers: { events: numEvents, repeated } }));
  }
  if (outside > FEW_OUTSIDE * numEvents) {
    const evidence = `${count(outside)} of ${count(numEvents)} events, ${percent(outside / numEvents)}.`;
    found.push(finding("EVENTS_OUTSIDE_SPLIT", "split", { evidence, numbers: { events: numEvents, outside } }));
  }
  return found;
}
