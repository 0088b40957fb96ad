import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadProject } from "../config/load.ts";
import { temporaryFolder } from "../data/events.test.support.ts";
import { ingest } from "../data/index.ts";
import { configText } from "./config-text.ts";
import type { Proposal } from "./proposal.ts";
import { type GeneratedLog, generatedLogs, type Role, writeLog } from "./propose.test.support.ts";
import { propose } from "./propose.ts";

/** Fields that are known only later: never attributes. */
const LATER: readonly Role[] = ["click", "buy", "dwell", "clickTime", "told"];

function expectRoles(proposal: Proposal, { names, unit, rows, format }: GeneratedLog): void {
  const nameOf = (role: Role): string | undefined => names.get(role);
  expect(proposal.user?.field).toBe(nameOf("user"));
  expect(proposal.item?.field).toBe(nameOf("item"));
  expect(proposal.time).toMatchObject({ field: nameOf("time"), unit });
  expect(proposal.id?.field).toBe(nameOf("id"));
  expect(proposal.surface?.field).toBe(nameOf("surface"));
  expect(proposal.numRows).toBe(rows.length);
  expect(proposal.format).toBe(format.replace(".gz", ""));
  const objectives = proposal.objectives.map(({ field }) => field);
  expect(objectives).toEqual(expect.arrayContaining([nameOf("click"), nameOf("buy")]));
  // Clicks are known within 61 seconds, and other objectives have no time of their own.
  const click = proposal.objectives.find(({ field }) => field === nameOf("click"));
  expect(click?.isMeasured).toBe(names.has("clickTime"));
  if (names.has("clickTime")) expect(["1m", "10m"]).toContain(click?.delay);
  expect(proposal.objectives.find(({ field }) => field === nameOf("buy"))?.isMeasured).toBe(false);
  const attributes = new Map(proposal.attributes.map(({ field, kind }) => [field, kind]));
  for (const role of LATER) expect(attributes.has(nameOf(role) ?? "")).toBe(false);
  expect(attributes.get(nameOf("category") ?? "")).toBe("category");
  expect(attributes.get(nameOf("price") ?? "")).toBe("number");
  for (const [role, kind] of [
    ["country", "category"],
    ["mobile", "flag"],
  ] as const) {
    const name = nameOf(role);
    if (name !== undefined) expect(attributes.get(name)).toBe(kind);
  }
  const unmapped = proposal.unmapped.map(({ field }) => field);
  for (const role of ["constant", "link", "clickTime"] as const) {
    const name = nameOf(role);
    if (name !== undefined) expect(unmapped).toContain(name);
  }
}

/** Every field has exactly one place. */
function expectWhole(proposal: Proposal, { names }: GeneratedLog): void {
  const { id, user, item, time, action, surface, origin, attributes, outcomes, objectives, unmapped } = proposal;
  const keys = [id, user, item, time, action, surface, origin].filter((own) => own !== null);
  const all = [...keys, ...attributes, ...outcomes, ...objectives, ...unmapped].map(({ field }) => field);
  expect(all.toSorted()).toEqual([...names.values()].toSorted());
}

describe("propose", () => {
  it("finds the roles of the fields of 20 generated logs, whatever they are called", async () => {
    await fc.assert(
      fc.asyncProperty(generatedLogs(), async (log) => {
        using folder = temporaryFolder();
        const { proposal } = await propose([await writeLog(folder.path, log)]);
        expectRoles(proposal, log);
        expectWhole(proposal, log);
      }),
      { numRuns: 20, endOnFailure: true },
    );
  });

  it("tells user from item by their values where no name does, and says that it guessed", async () => {
    await fc.assert(
      fc.asyncProperty(generatedLogs(true), async (log) => {
        using folder = temporaryFolder();
        const { proposal } = await propose([await writeLog(folder.path, log)]);
        expectRoles(proposal, log);
        const doubts = proposal.doubts.join("\n");
        expect(doubts).toContain(`"${log.names.get("user")}" is a guess`);
        expect(doubts).toContain(`"${log.names.get("item")}" is a guess`);
      }),
      { numRuns: 15, endOnFailure: true },
    );
  });

  it("knows times in each spelling that ingest reads", async () => {
    using folder = temporaryFolder();
    const spell: readonly ((iso: string) => string)[] = [
      (iso) => iso,
      (iso) => `${iso.slice(0, 19).replace("T", " ")} Europe/Berlin`,
      (iso) => `${iso.slice(0, 23)}456789[UTC]`,
      (iso) => iso.slice(0, 19).replaceAll(/[-:]/g, ""),
      (iso) => `${iso.slice(0, 16)}+0530`,
      (iso) => iso.slice(0, 13),
    ];
    const rows = Array.from({ length: 300 }, (_, i) => {
      const time = spell[i % spell.length]?.(new Date(Date.UTC(2025, 2, 1) + i * 3_700_123).toISOString());
      return `u${i % 9},a${i % 7},${time},${i % 4 === 0 ? 1 : 0}\n`;
    });
    const path = join(folder.path, "log.csv");
    writeFileSync(path, `user,item,happened,click\n${rows.join("")}`);
    const { proposal } = await propose([path]);
    expect(proposal.time).toMatchObject({ field: "happened", unit: "iso" });
    expect(proposal.split).not.toBeNull();
  });

  it("gives the same proposal for the same files", async () => {
    using folder = temporaryFolder();
    const [log] = fc.sample(generatedLogs(), { numRuns: 1, seed: 5 });
    if (log === undefined) throw new Error("no log");
    const path = await writeLog(folder.path, log);
    expect(await propose([path])).toEqual(await propose([path]));
  });

  it("writes configurations that load and take every row of 8 generated logs", async () => {
    await fc.assert(
      fc.asyncProperty(generatedLogs(), async (log) => {
        using folder = temporaryFolder();
        const path = await writeLog(folder.path, log);
        const { proposal } = await propose([path]);
        const project = join(folder.path, "project");
        mkdirSync(project);
        const text = configText(proposal, { folder: project, patterns: [path], query: null });
        writeFileSync(join(project, "lapidary.config.ts"), text);
        const code = text.split("\n").filter((line) => line.trim() !== "" && !line.trim().startsWith("//"));
        expect(code.every((line) => line.length <= 180)).toBe(true);
        const { events, store, split } = await loadProject({ config: project });
        const { rows } = await ingest(events, { store, threads: 1 });
        expect(rows).toEqual({ rowsRead: log.rows.length, accepted: log.rows.length, duplicates: 0, rejected: 0 });
        if (split.kind !== "time") throw new Error(`a split by ${split.kind}`);
        expect(split.trainUntilMs).toBeLessThan(split.validationUntilMs);
        expect(split.validationUntilMs).toBeLessThan(split.testUntilMs);
      }),
      { numRuns: 8, endOnFailure: true },
    );
  });
});
