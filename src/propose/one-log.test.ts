import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../data/events.test.support.ts";
import { propose } from "./propose.ts";

const ROWS = Array.from({ length: 400 }, (_, i) => [
  `u${i % 20}`,
  `a${i % 13}`,
  1_741_000_000 + i * 60,
  i % 5 === 0 ? 1 : 0,
  `b${i % 3}`,
]);
const LOG = ROWS.map((row) => `${row.join(",")}\n`).join("");
const HEADER = "user_id,ad_id,ts,click,brand";

function write(folder: string, files: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(files).map(([name, text]) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  });
}

describe("files that are not one log with names", () => {
  it.each([
    [
      "a log of conversions beside",
      { "log.csv": `${HEADER}\n${LOG}`, "bought.csv": "user_id,ad_id,bought_at,revenue\nu1,a1,1741000300,5\n" },
      { code: "INIT_FIELDS", got: "its own: bought_at, revenue" },
    ],
    [
      "one in another format",
      { "log.csv": `${HEADER}\n${LOG}`, "bought.jsonl": '{"user_id":"u1","bought_at":1741000300}\n' },
      { code: "EVENTS_UNREADABLE", got: "jsonl, csv" },
    ],
    ["rows without names", { "log.csv": LOG }, { code: "INIT_FIELDS" }],
    ["rows without names, with tabs", { "log.tsv": LOG.replaceAll(",", "\t") }, { code: "INIT_FIELDS" }],
  ])("%s", async (_, files, error) => {
    using folder = temporaryFolder();
    const found = await propose(write(folder.path, files)).catch((thrown: unknown) => thrown);
    const { got, ...rest } = error as { readonly code: string; readonly got?: string };
    expect(found).toMatchObject(rest);
    const facts = found as { readonly got: string; readonly hint: string; readonly where: string };
    if (got !== undefined) expect(facts.got.split(", ").toSorted()).toEqual(got.split(", ").toSorted());
    expect(facts.hint).toMatch(
      got === undefined ? /names above the rows.*header = false/ : /log: "bought\.(csv|jsonl)"/,
    );
  });

  it("but newer files may have more fields, and a table may have numbers for names", async () => {
    using folder = temporaryFolder();
    const more = ROWS.map((row) => `${row.join(",")},${String(row[4])}x,7\n`).join("");
    const files = { "1.csv": `${HEADER}\n${LOG}`, "2.csv": `${HEADER},color,weight\n${more}` };
    const { proposal } = await propose(write(folder.path, files));
    expect(proposal).toMatchObject({ numFiles: 2, numRows: 800, user: { field: "user_id" } });
    const numbered = await propose(write(folder.path, { "n.csv": `0,1,2,3,4\n${LOG}` }));
    expect(numbered.proposal.time).toMatchObject({ field: "2" });
  });
});
