import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../data/events.test.support.ts";
import { propose } from "../propose.ts";

/** A log as a data frame writes it: the number of each row first, lists and arrays in words of Python. */
function frame(rowOf: (i: number) => number): string {
  const rows = Array.from({ length: 600 }, (_, i) => {
    const time = new Date(Date.UTC(2025, 2, 1) + i * 600_000).toISOString();
    const tags = `"['a', 'b${i % 3}']"`;
    return `${rowOf(i)},u${i % 40},i${i % 30},${time},${tags},"[0.1  ${i % 7}. -3.]",${900 + ((i * 7919) % 4001)},${(i * 7) % 13 < 3 ? 1 : 0}`;
  });
  return `${rows.join("\n")}\n`;
}

async function unmappedOf(header: string, rowOf: (i: number) => number) {
  using folder = temporaryFolder();
  const path = join(folder.path, "log.csv");
  writeFileSync(path, `${header},user_id,item_id,ts,tags,look,weight,clicked\n${frame(rowOf)}`);
  const { proposal } = await propose([path]);
  expect(proposal.attributes.map(({ field }) => field)).toContain("weight");
  return Object.fromEntries(proposal.unmapped.map(({ field, reason }) => [field, reason]));
}

describe("fields that are left out", () => {
  it.each([
    ["number", (i: number) => i],
    ["number", (i: number) => i + 1],
    ["Unnamed: 0", (i: number) => i % 200],
  ])("are the number of each row (%s)", async (name, rowOf) => {
    expect(await unmappedOf(name, rowOf)).toMatchObject({ [name]: "it counts the rows" });
  });

  it("are lists that nobody reads, with what to do", async () => {
    const unmapped = await unmappedOf("number", (i) => i);
    for (const name of ["tags", "look"]) expect(unmapped[name]).toMatch(/a list that is not written as JSON/);
  });
});
