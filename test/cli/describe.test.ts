import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Profile } from "../../src/describe/index.ts";
import { initSmall, lapidary, lastLine, temporaryFolder } from "./lapidary.ts";

let folder: ReturnType<typeof temporaryFolder>;
let project = "";
beforeAll(async () => {
  folder = temporaryFolder();
  project = join(folder.path, "project");
  await initSmall(project);
});
afterAll(() => folder[Symbol.dispose]());

const inProject = (args: readonly string[]) => lapidary(args, { cwd: project });

describe("describe", () => {
  it("tells what to do first without a store", async () => {
    const { code, stderr } = await inProject(["describe"]);
    expect(code).toBe(1);
    expect(stderr).toContain("STORE_NOT_FOUND");
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it("says what is in the sample, where ingest found nothing suspicious, and writes the page beside the store", async () => {
    expect((await inProject(["ingest"])).stdout).toContain("\nNothing suspicious was found.\n");
    const { code, stdout, stderr } = await inProject(["describe", "--json"]);
    expect(code).toBe(0);
    const profile = JSON.parse(stdout) as Profile & { readonly page: string };
    expect(profile).toMatchObject({ numEvents: 2000, numUsers: 80, findings: [] });
    expect(profile.page).toBe(join(project, ".lapidary", "describe.html"));
    const page = readFileSync(profile.page, "utf8");
    for (const name of profile.fields.map((field) => field.name))
      expect(page).toMatch(new RegExp(`<td[^>]*>${name}</td>`));
    expect(page.match(/<svg/g)?.length).toBeGreaterThan(8);
    expect(page).not.toMatch(/<script|src=|@import|url\(|NaN|undefined/);
    expect(stderr).toMatch(/^price +attribute +number +0% +60 /m);
    expect(stderr).toMatch(/^click +feed +982 +211 +21\.5%$/m);
  });

  it("tells of events in no window, and of no users where the log has none", async () => {
    const rows = readFileSync(join(project, "events.csv"), "utf8").trimEnd().split("\n").slice(1);
    const end = "2025-03-14T12:00Z";
    const late = rows.filter((row) => row.split(",").some((cell) => cell.startsWith("2025-") && cell > end)).length;
    const set = ["store=.lapidary/cut", `split.testUntil="${end}"`, "~events.user"];
    const { stdout } = await inProject(["ingest", ...set.flatMap((one) => ["--set", one])]);
    expect(late).toBeGreaterThan(0);
    expect(stdout).toContain(`\n${late} events lie in no window of the split.\n`);
    expect(stdout).toContain("EVENTS_OUTSIDE_SPLIT");
    expect(stdout).not.toMatch(/^users/m);
    expect(stdout).not.toContain("USER_");
  });

  it("shows findings in text, JSON and page, with names of the data escaped", async () => {
    const [header, ...rows] = readFileSync(join(project, "events.csv"), "utf8").trimEnd().split("\n");
    const planted = rows.map((row) => {
      const cells = row.split(",");
      return [...cells, cells[8] === "1" ? "<b>yes</b>" : "no"].join(",");
    });
    writeFileSync(join(project, "planted.csv"), `${[`${header},answer`, ...planted].join("\n")}\n`);
    const set = ["events.from=planted.csv", "store=.lapidary/planted", "+events.attributes.answer=category"];
    const options = set.flatMap((one) => ["--set", one]);
    const ingested = await inProject(["ingest", ...options]);
    expect(ingested.stdout).toMatch(
      /2 findings:\nerror {2}answer: a field tells the label \[LABEL_TOLD\]\n {2}answer alone/,
    );
    const out = join(folder.path, "pages", "look.html");
    const described = await inProject(["describe", ...options, "--out", out, "--json"]);
    const { findings } = lastLine<Profile>(described);
    expect(findings).toMatchObject([
      { code: "LABEL_TOLD", field: "answer", severity: "error" },
      // Who buys has clicked.
      { code: "LABEL_NEARLY_TOLD", field: "answer", severity: "warning" },
    ]);
    expect(readFileSync(out, "utf8")).toContain("&lt;b&gt;yes&lt;/b&gt;");
    expect(readFileSync(out, "utf8")).toContain("LABEL_TOLD");
  });
});
