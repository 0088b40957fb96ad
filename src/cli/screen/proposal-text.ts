import type { Proposal } from "../../propose/index.ts";
import { formatCount } from "./progress-line.ts";
import { formatTable } from "./table.ts";

/** What was proposed, for people: each field with its role and the reason, then what they must decide. */
export function proposalText(proposal: Proposal): string {
  const { numRows, numFiles, sampledRows, doubts, split } = proposal;
  const keys = (["id", "user", "item", "time", "action", "surface", "origin"] as const).flatMap((role) => {
    const choice = proposal[role];
    return choice === null ? [] : [[choice.field, role, choice.reason]];
  });
  const facts = (["objectives", "outcomes", "attributes"] as const).flatMap((role) =>
    proposal[role].map(({ field, kind, reason }) => [field, `${role.slice(0, -1)} (${kind})`, reason]),
  );
  const rest = proposal.unmapped.map(({ field, reason }) => [field, "–", reason]);
  const rows = `${formatCount(numRows)} rows in ${formatCount(numFiles)} ${numFiles === 1 ? "file" : "files"}, ${formatCount(sampledRows)} looked at`;
  return [
    rows,
    formatTable(["field", "is", "because"], [...keys, ...facts, ...rest]),
    ...(split === null ? [] : [`split: ${split.reason}`]),
    ["Please check:", ...doubts.map((doubt) => `- ${doubt}`)].join("\n"),
  ].join("\n\n");
}
