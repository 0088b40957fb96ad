import {
  delayTable,
  type Finding,
  fieldTable,
  labelTable,
  type Profile,
  type ProfileTable,
  quantileText,
  windowTable,
} from "../../describe/index.ts";
import { formatCount } from "./progress-line.ts";
import { formatPairs, formatTable } from "./table.ts";

/** A profile for people. */
export function profileText(profile: Profile): string {
  const { numEvents, numUsers, outside, time, histories } = profile;
  const lengths = (name: string, perUser: Profile["histories"]["perUser"]): [string, string][] =>
    perUser === null ? [] : [[name, quantileText(perUser, (value) => formatCount(Math.round(value)))]];
  const facts = formatPairs([
    ["events", formatCount(numEvents)],
    ...(numUsers === null ? [] : [["users", formatCount(numUsers)] as const]),
    ...(time === null
      ? []
      : [
          ["from", new Date(time.earliestMs).toISOString()] as const,
          ["to", new Date(time.latestMs).toISOString()] as const,
        ]),
    ...lengths("events of a user", histories.perUser),
    ...lengths("past events of an event", histories.perEvent),
    ...(outside === 0 ? [] : [["in no window of the split", formatCount(outside)] as const]),
  ]);
  const tables = [fieldTable(profile), labelTable(profile), windowTable(profile), delayTable(profile)];
  return [facts, ...tables.map(tableText), findingsText(profile.findings)].join("\n\n");
}

/** What is suspicious, for people: one paragraph each. */
export function findingsText(findings: readonly Finding[]): string {
  if (findings.length === 0) return "Nothing suspicious was found.";
  const number = findings.length === 1 ? "1 finding" : `${findings.length} findings`;
  const paragraphs = findings.map(({ severity, code, field, meaning, evidence, action }) => {
    return `${severity}  ${field}: ${meaning} [${code}]\n  ${evidence}\n  ${action}`;
  });
  return [`${number}:`, ...paragraphs].join("\n");
}

function tableText({ columns, rows }: ProfileTable): string {
  const isNumber = columns.map((_, c) => rows.some((row) => typeof row[c] === "number"));
  const cells = rows.map((row) => row.map((cell) => (typeof cell === "number" ? formatCount(cell) : (cell ?? "–"))));
  const aligns = isNumber.map((right): "right" | "left" => (right ? "right" : "left"));
  return formatTable(
    columns.map(({ label }) => label),
    cells,
    aligns,
  );
}
