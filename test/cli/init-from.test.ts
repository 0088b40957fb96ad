import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { IngestResult } from "../../src/data/index.ts";
import type { Proposal } from "../../src/propose/index.ts";
import { type GeneratedLog, generatedLogs, writeLog } from "../../src/propose/propose.test.support.ts";
import { type Ended, lapidary, lastLine, ROOT, temporaryFolder } from "./lapidary.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder[Symbol.dispose]());

const KUAIRAND = join(ROOT, "examples", "kuairand", "data", "kuairand.tsv.gz");
const codeOf = (ended: Ended) => lastLine<{ readonly error: { readonly code: string } }>(ended).error.code;

/** Lines of a configuration that are no comment. */
function codeLines(project: string): readonly string[] {
  const lines = readFileSync(join(project, "lapidary.config.ts"), "utf8").split("\n");
  return lines.filter((line) => line.trim() !== "" && !line.trim().startsWith("//"));
}

/** One generated log of a format: always the same. */
function logOf(format: GeneratedLog["format"]): GeneratedLog {
  const log = fc.sample(generatedLogs(), { numRuns: 60, seed: 3 }).find((own) => own.format === format);
  if (log === undefined) throw new Error(`no ${format}`);
  return log;
}

async function writeDays(into: string, numFiles: number): Promise<readonly string[]> {
  const log = logOf("csv");
  mkdirSync(into, { recursive: true });
  const text = readFileSync(await writeLog(into, log), "utf8")
    .trimEnd()
    .split("\n");
  const [header = "", ...rows] = text;
  const size = Math.ceil(rows.length / numFiles);
  return Array.from({ length: numFiles }, (_, i) => {
    const path = join(into, `day-${i}.tsv`);
    const own = [header, ...rows.slice(i * size, (i + 1) * size)];
    writeFileSync(path, `${own.join("\n").replaceAll(",", "\t")}\n`);
    return path;
  });
}

describe("init --from", () => {
  it.each(["csv", "tsv", "jsonl.gz", "parquet"] as const)(
    "makes a project of a %s log that is ingested whole and trained, in at most 15 lines",
    async (format) => {
      const log = logOf(format);
      const place = join(folder.path, format);
      mkdirSync(place);
      const path = await writeLog(place, log);
      const project = join(place, "project");
      const initialized = await lapidary(["init", project, "--from", path]);
      expect(initialized.stderr).toBe("");
      expect(initialized.code).toBe(0);
      expect(initialized.stdout).toMatch(/^field +is +because$/m);
      expect(initialized.stdout).toContain("\nPlease check:\n- ");
      expect(readdirSync(project).toSorted()).toEqual(["lapidary.config.ts", "lapidary.schema.json"]);
      expect(codeLines(project).length).toBeLessThanOrEqual(15);
      const ingested = await lapidary(["ingest", "--json"], { cwd: project });
      expect(lastLine<IngestResult>(ingested).rows).toMatchObject({ accepted: log.rows.length, rejected: 0 });
      expect(ingested.stderr).not.toContain("LABEL_TOLD");
      expect(ingested.stderr).not.toContain("OUTCOME_COPIED");
      const trained = await lapidary(["train", "previous", "--set", "++training.epochs=1"], { cwd: project });
      expect(trained.code, trained.stderr).toBe(0);
      expect(existsSync(join(project, "runs", "previous", "summary.json"))).toBe(true);
    },
  );

  it("finds in the log of the demo what its own configuration says", async () => {
    const project = join(folder.path, "kuairand");
    const { proposal } = lastLine<{ readonly proposal: Proposal }>(
      await lapidary(["init", project, "--from", KUAIRAND, "--json"]),
    );
    const fields = (some: readonly { readonly field: string }[]) => some.map(({ field }) => field);
    expect(proposal).toMatchObject({ user: { field: "user_id" }, item: { field: "video_id" }, numRows: 41_828 });
    expect(proposal.time).toMatchObject({ field: "time_ms", unit: "ms" });
    expect(fields(proposal.attributes)).toEqual(["duration_ms"]);
    expect(fields(proposal.objectives)).toEqual(expect.arrayContaining(["is_click", "long_view", "is_profile_enter"]));
    expect(fields(proposal.outcomes)).toEqual(expect.arrayContaining(["play_time_ms", "is_comment", "is_follow"]));
    expect(fields(proposal.unmapped)).toEqual(["date", "hourmin", "timestamp"]);
    // Relative or, far from the project, absolute: it leads to the file.
    const [, from = ""] = /from: "([^"]*)",/.exec(readFileSync(join(project, "lapidary.config.ts"), "utf8")) ?? [];
    expect(resolve(project, from)).toBe(KUAIRAND);
  });

  it("names files relative to the project, and many of one folder by a pattern, if it names no others", async () => {
    const project = join(folder.path, "days");
    const files = await writeDays(join(project, "logs"), 5);
    // As a shell expands them.
    const expanded = await lapidary(["init", project, "--from", ...files, "--json"]);
    expect(lastLine<{ readonly proposal: Proposal }>(expanded).proposal).toMatchObject({ numFiles: 5, format: "tsv" });
    expect(codeLines(project)).toContain('    from: "logs/*.tsv",');
    const other = join(folder.path, "some-days");
    await lapidary(["init", other, ...files.slice(0, 4).flatMap((path) => ["--from", path])]);
    expect(codeLines(other).join("\n")).toContain('from: ["../days/logs/day-0.tsv", "../days/logs/day-1.tsv"');
    const pattern = join(folder.path, "by-pattern");
    await lapidary(["init", pattern, "--from", "../days/logs/day-*.tsv"], { cwd: other });
    expect(codeLines(pattern)).toContain('    from: "../days/logs/day-*.tsv",');
  });

  it("overwrites nothing, and writes nothing where it has nothing to propose", async () => {
    const project = join(folder.path, "taken");
    mkdirSync(project);
    writeFileSync(join(project, "lapidary.config.yaml"), "mine");
    expect(codeOf(await lapidary(["init", project, "--from", KUAIRAND, "--json"]))).toBe("INIT_EXISTS");
    expect(readdirSync(project)).toEqual(["lapidary.config.yaml"]);
    const cases: readonly (readonly [string, string, string])[] = [
      ["none.csv", "", "EVENTS_EMPTY"],
      ["header.csv", "user_id,item_id,time\n", "EVENTS_EMPTY"],
      ["names.csv", `name,city\n${"Ann,Rome\n".repeat(50)}`, "INIT_FIELDS"],
      ["semicolons.csv", `user_id;item_id;time;click\n${"u1;i1;2025-01-01;0\n".repeat(50)}`, "INIT_FIELDS"],
      ["broken.parquet", "PAR1 but no more", "EVENTS_UNREADABLE"],
    ];
    for (const [name, text, code] of cases) {
      const path = join(folder.path, name);
      writeFileSync(path, text);
      const ended = await lapidary(["init", join(folder.path, "nothing"), "--from", path, "--json"]);
      expect([name, codeOf(ended), ended.code]).toEqual([name, code, 1]);
      expect(ended.stderr).not.toMatch(/^ +at /m);
    }
    expect(codeOf(await lapidary(["init", join(folder.path, "nothing"), "--from", "no/*.csv", "--json"]))).toBe(
      "EVENTS_NOT_FOUND",
    );
    expect(codeOf(await lapidary(["init", join(folder.path, "nothing"), "stray.csv", "--json"]))).toBe("USAGE");
    expect(existsSync(join(folder.path, "nothing"))).toBe(false);
  });
});
