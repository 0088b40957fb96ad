import { once } from "node:events";
import { appendFileSync, cpSync, existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { IngestResult } from "../../src/data/index.ts";
import { type Ended, initSmall, lapidary, lastLine, ROOT, start, temporaryFolder } from "./lapidary.ts";

let folder: ReturnType<typeof temporaryFolder>;
let project = "";
let initialized: Ended;
beforeAll(async () => {
  folder = temporaryFolder();
  project = join(folder.path, "project");
  initialized = await initSmall(project, ["--json"]);
});
afterAll(() => folder[Symbol.dispose]());

const inProject = (args: readonly string[]) => lapidary(args, { cwd: project });
const codeOf = (ended: Ended) => lastLine<{ readonly error: { readonly code: string } }>(ended).error.code;

describe("init", () => {
  it("writes a configuration, its schema and a log, and says so", () => {
    const files = ["events.csv", "lapidary.config.ts", "lapidary.schema.json"];
    expect(readdirSync(project).filter((name) => files.includes(name))).toEqual(files);
    expect(initialized.code).toBe(0);
    const { files: written } = lastLine<{ readonly files: readonly string[] }>(initialized);
    expect(written.toSorted()).toEqual(files.map((name) => join(project, name)));
    expect(initialized.stderr).toContain("lapidary ingest");
    const schema = JSON.parse(readFileSync(join(project, "lapidary.schema.json"), "utf8"));
    expect(schema).toMatchObject({ type: "object", properties: { events: {}, models: {} } });
  });

  it("overwrites nothing, whatever the format of the configuration that is there", async () => {
    writeFileSync(join(project, "events.csv.bak"), readFileSync(join(project, "events.csv")));
    const again = await lapidary(["init", project, "--json"]);
    expect(again.code).toBe(1);
    expect(codeOf(again)).toBe("INIT_EXISTS");
    using other = temporaryFolder();
    writeFileSync(join(other.path, "lapidary.config.yaml"), "");
    expect(codeOf(await lapidary(["init", other.path, "--json"]))).toBe("INIT_EXISTS");
    expect(readdirSync(other.path)).toEqual(["lapidary.config.yaml"]);
  });
});

describe("ingest", () => {
  it("reads the sample whole, and does nothing the second time", async () => {
    const first = await inProject(["ingest", "--json"]);
    expect(first.code).toBe(0);
    expect(lastLine(first)).toEqual({
      upToDate: false,
      files: { total: 1, notRead: 0 },
      numUsers: 80,
      outside: 0,
      rows: { rowsRead: 2000, accepted: 2000, duplicates: 0, rejected: 0 },
      rejections: {},
      deadLetterFile: join(project, ".lapidary/store/v1/dead-letter.jsonl"),
      repeats: {
        ...{ completed: 0, contradictions: {}, firstContradictions: [] },
        contradictionsFile: join(project, ".lapidary/store/v1/contradictions.jsonl"),
      },
      outcomes: {},
      store: join(project, ".lapidary/store"),
    });
    expect(first.stdout.trimEnd()).not.toContain("\n");
    const second = await inProject(["ingest"]);
    expect(second).toMatchObject({ code: 0, stdout: expect.stringMatching(/events +2,000\n.*already made/s) });
    expect(lastLine<IngestResult>(await inProject(["ingest", "--force", "--json"])).upToDate).toBe(false);
  });

  it("counts bad rows by their reason and says where they are", async () => {
    const log = join(project, "bad.csv");
    const rows = readFileSync(join(project, "events.csv"), "utf8").split("\n").slice(0, 20);
    writeFileSync(log, `${rows.join("\n")}\n`);
    appendFileSync(log, "x1,,ad1,2025-03-01T00:00:00Z,feed,ad,books,1,0,0\n");
    appendFileSync(log, "x2,u1,ad1,yesterday,feed,ad,books,1,0,0\n");
    appendFileSync(log, `${rows[3]}\n`);
    const args = ["ingest", "--set", "events.from=bad.csv", "--set", "store=.lapidary/bad"];
    const { code, stdout } = await inProject(args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/rows +22\n.*events +19\n.*duplicates +1\nrejected +2\n {2}\S.* 1\n {2}\S.* 1\nstore/s);
    const deadLetters = /^rejected rows +(.*)$/m.exec(stdout)?.[1] ?? "";
    expect(readFileSync(deadLetters, "utf8").trimEnd().split("\n")).toHaveLength(2);
  });
});

describe("Ctrl-C", () => {
  const args = ["ingest", "--set", "events.from=big.csv", "--set", "store=.lapidary/big"];
  const store = () => join(project, ".lapidary", "big");
  beforeAll(() => {
    const [header, ...rows] = readFileSync(join(project, "events.csv"), "utf8").trimEnd().split("\n");
    const big = join(project, "big.csv");
    writeFileSync(big, `${header}\n`);
    for (let copy = 0; copy < 150; copy++) appendFileSync(big, rows.map((row) => `${copy}-${row}\n`).join(""));
  });

  it("ends at once the second time", async () => {
    const { child, ended } = start(["stubborn"], { main: join(import.meta.dirname, "stubborn-worker.js") });
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      if (child.stderr) await once(child.stderr, "data");
      child.kill(signal);
    }
    const stderr = "begun\nstopping; SIGTERM again to end at once\n";
    expect(await ended).toEqual({ code: 130, stdout: "", stderr });
  });

  it("leaves no half store, says how to go on, and the next run does", async () => {
    const { child, ended } = start([...args, "--json"], { cwd: project });
    if (child.stderr) await once(child.stderr, "data");
    child.kill("SIGINT");
    const stopped = await ended;
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toMatch(/stopping; Ctrl-C again.*\nstopped\. Run `lapidary ingest` again/s);
    expect(lastLine(stopped)).toMatchObject({ stopped: true, resume: expect.stringContaining("lapidary ingest") });
    expect(existsSync(join(store(), "CURRENT"))).toBe(false);
    const next = await inProject([...args, "--json"]);
    expect(lastLine<IngestResult>(next).rows.accepted).toBe(300_000);
    expect(existsSync(`${store()}.ingest`)).toBe(false);
  });
});

describe("bench", () => {
  it("lists the benchmarks, and refuses unknown ones and unknown cases", async () => {
    const { benches } = lastLine<{ readonly benches: object }>(await lapidary(["bench", "--json"]));
    expect(Object.keys(benches)).toEqual(expect.arrayContaining(["dispatch", "train-step", "ingest", "storage"]));
    expect(codeOf(await lapidary(["bench", "nothing", "--json"]))).toBe("BENCH_UNKNOWN");
    const none = await lapidary(["bench", "dispatch", "--cases", "none", "--no-peer", "--json"]);
    expect(codeOf(none)).toBe("BENCH_CASE");
  });
});

interface Diagnosis {
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly state: string; readonly fix: string | null }[];
}

describe("doctor", () => {
  const stateOf = ({ checks }: Diagnosis, name: string) => checks.find((check) => check.name === name)?.state;

  it("finds what is here, and checks the project and its store", async () => {
    const store = join(project, ".lapidary", "checked");
    const set = ["--set", "store=.lapidary/checked"];
    expect(stateOf(lastLine(await inProject(["doctor", ...set, "--json"])), "event store")).toBe("absent");
    await inProject(["ingest", ...set]);
    const well = await inProject(["doctor", ...set, "--json"]);
    expect(well.code).toBe(0);
    const states = ["Node", "libtorch", "DuckDB", "configuration", "event store"];
    expect(states.map((name) => stateOf(lastLine(well), name))).toEqual(states.map(() => "ok"));
    const file = join(store, "v1", "columns", readdirSync(join(store, "v1", "columns"))[0] ?? "");
    const bytes = readFileSync(file);
    bytes[0]! ^= 1;
    writeFileSync(file, bytes);
    const damaged = await inProject(["doctor", ...set]);
    expect(damaged).toMatchObject({ code: 1, stdout: expect.stringMatching(/FAILED +event store .*STORE_CORRUPT/) });
    expect(damaged.stdout).toContain("lapidary ingest --force");
  });

  it("says what to do where the native part is missing", async () => {
    using copy = temporaryFolder();
    for (const name of ["dist/src", "package.json"])
      cpSync(join(ROOT, name), join(copy.path, name), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(copy.path, "node_modules"));
    const place = { cwd: copy.path, main: join(copy.path, "dist", "src", "cli", "main.js") };
    const ended = await lapidary(["doctor", "--json"], place);
    expect(ended.code).toBe(1);
    const diagnosis = lastLine<Diagnosis>(ended);
    expect(diagnosis.ok).toBe(false);
    const fix = `cd ${copy.path} && npm run setup`;
    expect(diagnosis.checks).toContainEqual(expect.objectContaining({ name: "libtorch", state: "failed", fix }));
    // Nor are there benchmarks in it.
    expect(codeOf(await lapidary(["bench", "--json"], place))).toBe("BENCH_ABSENT");
  });
});
