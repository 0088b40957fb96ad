import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Predicted } from "../../src/predict/index.ts";
import { readPredictions } from "../../src/train/index.ts";
import { type Ended, initSmall, lapidary, lastLine, startServer, temporaryFolder } from "./lapidary.ts";

const OBJECTIVES = ["click", "conversion"] as const;
const SHORT = ["--set", "training.epochs=1", "--set", "training.threads=1"];
/** The fields of the sample log that say nothing of what came of an event. */
const HEADER = "event_id,user_id,ad_id,time,surface,origin,category,price";

let folder: ReturnType<typeof temporaryFolder>;
let project = "";
/** The lines of the sample log. */
let log: readonly string[] = [];
const at = (...path: readonly string[]): string => join(project, ...path);
const inProject = (args: readonly string[]) => lapidary(args, { cwd: project });
const codeOf = (ended: Ended) => lastLine<{ readonly error: { readonly code: string } }>(ended).error.code;

beforeAll(async () => {
  folder = temporaryFolder();
  project = join(folder.path, "project");
  await initSmall(project);
  await inProject(["ingest"]);
  for (const run of ["vertical", "previous"]) await inProject(["train", run, ...SHORT]);
  log = readFileSync(at("events.csv"), "utf8").trimEnd().split("\n").slice(1);
});
beforeAll(async () => {
  await inProject(["evaluate", "vertical", "--split", "test"]);
  await inProject(["export", "vertical"]);
  await inProject(["backfill"]);
});
afterAll(() => folder[Symbol.dispose]());

/** Rows of the log without what came of them. */
const shown = (lines: readonly string[]): string => {
  return `${[HEADER, ...lines.map((line) => line.split(",").slice(0, 8).join(","))].join("\n")}\n`;
};

/** Scores a text as CSV, and reads what was written. */
async function predict(name: string, text: string, args: readonly string[] = []) {
  writeFileSync(at(`${name}.csv`), text);
  const ended = await inProject(["predict", "--json", "--input", `${name}.csv`, "--out", `${name}.parquet`, ...args]);
  expect(ended.stderr).not.toContain("error:");
  return { ended, result: lastLine<Predicted>(ended), rows: await parquet(at(`${name}.parquet`)) };
}

interface Row {
  readonly event: string;
  readonly user: string;
  readonly item: string;
  readonly time: string;
  readonly surface: string | null;
  readonly file: string;
  readonly line: string;
  readonly p_click: number;
  readonly p_conversion: number;
  readonly embedding?: readonly number[];
}

async function query(sql: string): Promise<readonly object[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  const rows = await (await connection.run(sql)).getRowObjectsJson();
  connection.closeSync();
  instance.closeSync();
  return rows;
}
const parquet = async (path: string) =>
  (await query(`SELECT * FROM read_parquet('${path}')`)) as unknown as readonly Row[];

/** Event ids in the order of an event store: users as they first appear, each one's events by time. */
function storeOrder(): readonly string[] {
  const rows = log.map((line) => line.split(","));
  const users = [...new Set(rows.map(([, user]) => user))];
  return users.flatMap((user) => {
    const own = rows.filter((row) => row[1] === user);
    return own.toSorted((a, b) => Date.parse(a[3]!) - Date.parse(b[3]!)).map(([id]) => id!);
  });
}

const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));
const relative = (a: number, b: number): number => Math.abs(a - b) / b;

describe("predict", () => {
  it("says of the test days what evaluate and the server say, each from its own way to the history", async () => {
    const days = log.filter((line) => line.split(",")[3]! >= "2025-03-13");
    const { rows, result } = await predict("days", shown(days), ["vertical"]);
    expect(result).toMatchObject({ predicted: days.length, rejected: 0, deadLetterFile: null });
    expect(rows.map(({ event, user }) => [event, user])).toEqual(days.map((line) => line.split(",").slice(0, 2)));
    const evaluated = readPredictions(at("runs", "vertical", "predictions", "test.safetensors"));
    const ids = storeOrder();
    for (const objective of OBJECTIVES) {
      const { rows: places, logits } = evaluated[objective]!;
      const expected = new Map(Array.from(places, (place, i) => [ids[place], sigmoid(logits[i]!)]));
      expect(expected.size).toBe(days.length);
      for (const row of rows) expect(relative(row[`p_${objective}`], expected.get(row.event)!)).toBeLessThan(1e-5);
    }
    const served = await predict("served", shown(days), ["vertical", "--bundle", "bundles/vertical"]);
    await expectServed(served.rows, days);
  });

  it("says of rows that are in no store what the server says, at their own time", async () => {
    const rows = log.slice(0, 60).map((line, i) => {
      const [, user, item, , surface, origin, category, price] = line.split(",");
      // Before, in the middle of and after what the store holds; an instant of the user's own event, and after it.
      const own = Date.parse(log.filter((other) => other.split(",")[1] === user)[i % 9]!.split(",")[3]!);
      const time = [own, own + 1, Date.parse("2025-02-01"), Date.parse("2025-06-01")][i % 4]!;
      const who = i % 7 === 0 ? `nobody${i}` : user;
      const what = i % 5 === 0 ? `new${i}` : item;
      const where = i % 11 === 0 ? "elsewhere" : surface;
      const kind = i % 6 === 0 ? "" : category;
      const fields = [`x${i}`, who, what, new Date(time).toISOString(), where, origin, kind, i % 8 === 0 ? "" : price];
      return fields.join(",");
    });
    const args = ["vertical", "--bundle", "bundles/vertical"];
    const scored = await predict("given", shown(rows), args);
    await expectServed(scored.rows, rows);
    // A row depends on itself alone: neither on its neighbours nor on their order.
    const turned = await predict("turned", shown(rows.toReversed()), args);
    const byEvent = new Map(turned.rows.map((row) => [row.event, row.p_click]));
    for (const { event, p_click } of scored.rows) expect(relative(byEvent.get(event)!, p_click)).toBeLessThan(1e-5);
  });

  it("reads files of another text format as that format has it, whatever is said of the log's", async () => {
    const fields = HEADER.split(",");
    const rows = log.slice(0, 20).map((line, i) => [`é${i}`, ...line.split(",").slice(1, 8)]);
    const withComma = (cell: string, c: number): string => (fields[c] === "price" ? cell.replace(".", ",") : cell);
    const csv = [fields, ...rows.map((row) => row.map(withComma))].map((row) => `${row.join(";")}\n`).join("");
    writeFileSync(at("log.csv"), Buffer.from(csv, "latin1"));
    writeFileSync(at("other.tsv"), [fields, ...rows].map((row) => `${row.join("\t")}\n`).join(""));
    const objects = rows.map((row) => Object.fromEntries(row.map((cell, c) => [fields[c], cell])));
    writeFileSync(at("other.jsonl"), objects.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const dialect = ["delimiter=;", "encoding=latin-1", "decimal=','"].flatMap((own) => ["--set", `++events.${own}`]);
    const scored: (readonly Row[])[] = [];
    for (const name of ["log.csv", "other.tsv", "other.jsonl"]) {
      const ended = await inProject(["predict", "vertical", "--input", name, "--out", `${name}.parquet`, ...dialect]);
      expect(ended.code, ended.stderr).toBe(0);
      scored.push(await parquet(at(`${name}.parquet`)));
    }
    const told = scored.map((own) => own.map(({ event, user, p_click }) => ({ event, user, p_click })));
    expect(told[0]?.map(({ event }) => event)).toEqual(rows.map(([event]) => event));
    expect(told[1]).toEqual(told[0]);
    expect(told[2]).toEqual(told[0]);
    const both = await inProject([
      "predict",
      "vertical",
      "--input",
      "other.jsonl",
      "other.tsv",
      "--out",
      "both.parquet",
    ]);
    expect(both.code).toBe(1);
    expect(both.stderr).toContain(
      `${at("other.tsv")}: expected a file of jsonl, as the first one, got tsv [EVENTS_UNREADABLE]`,
    );
  });

  /** Asks a server for every row, as its clients do. */
  async function expectServed(rows: readonly Row[], lines: readonly string[]): Promise<void> {
    const { url, child, ended } = await startServer(["--bundle", "bundles/vertical"], { cwd: project });
    try {
      for (const [i, line] of lines.entries()) {
        const [, user, item, time, surface, origin, category = "", price = ""] = line.split(",");
        const known = { ...(category === "" ? {} : { category }), ...(price === "" ? {} : { price: Number(price) }) };
        const candidates = [{ item, origin, ...known }];
        const body = JSON.stringify({ user, time: Date.parse(time!), context: { surface }, candidates });
        const answer = await fetch(`${url}/rank`, { method: "POST", body });
        const { ranked } = (await answer.json()) as { ranked: { probabilities: Record<string, number> }[] };
        for (const objective of OBJECTIVES) {
          const probability = ranked[0]?.probabilities[objective] ?? Number.NaN;
          expect(relative(rows[i]![`p_${objective}`], probability), line).toBeLessThan(1e-5);
        }
      }
    } finally {
      child.kill("SIGTERM");
      await ended;
    }
  }

  it("writes what tells a row, its time as an instant, and embeddings if they are asked for", async () => {
    const { rows } = await predict("few", shown([...log.slice(0, 1), ...log.slice(-2)]), ["previous", "--embeddings"]);
    const types = await query(
      `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet('${at("few.parquet")}'))`,
    );
    expect(Object.fromEntries(types.map((row) => Object.values(row)))).toEqual({
      ...{ event: "VARCHAR", user: "VARCHAR", item: "VARCHAR", surface: "VARCHAR", file: "VARCHAR" },
      ...{ time: "TIMESTAMP WITH TIME ZONE", line: "BIGINT", p_click: "DOUBLE", p_conversion: "DOUBLE" },
      embedding: "FLOAT[]",
    });
    const [, user, item, time, surface] = log[0]!.split(",");
    expect(rows[0]).toMatchObject({ user, item, surface, file: at("few.csv"), line: "2" });
    expect(Date.parse(rows[0]!.time.replace("+00", "Z"))).toBe(Date.parse(time!));
    expect(new Set(rows.map(({ embedding }) => embedding?.length)).size).toBe(1);
    // Of a user without a past the model makes nothing; of others something of their own.
    const isNothing = rows.map(({ embedding }) => embedding?.every((value) => value === 0));
    expect(isNothing).toEqual([true, false, false]);
    expect(rows[1]!.embedding).not.toEqual(rows[2]!.embedding);
    await inProject(["train", "baseRate", ...SHORT]);
    const none = await inProject(["predict", "baseRate", "--input", "few.csv", "--embeddings", "--out", "x", "--json"]);
    expect(codeOf(none)).toBe("PREDICT_EMBEDDINGS");
  });

  it("gives each row that it cannot use a reason, and counts them", async () => {
    const [good = "", other = ""] = log;
    const late = other.replace(/2025-[^,]*/, "soon");
    const lines = [good, "only,two", late, other.replace(/u\d+/, ""), other];
    const { rows, result } = await predict("bad", shown(lines), ["previous"]);
    expect(result).toMatchObject({ predicted: 2, rejected: 3, deadLetterFile: at("bad.parquet.dead-letters.jsonl") });
    expect(result.rejections).toEqual({
      "too few fields": 1,
      "time: expected a time in ISO 8601": 1,
      "user_id: missing": 1,
    });
    expect(rows.map(({ line }) => line)).toEqual(["2", "6"]);
    const letters = readFileSync(result.deadLetterFile!, "utf8").trimEnd().split("\n");
    expect(letters.map((line) => JSON.parse(line) as object)).toMatchObject([
      { file: at("bad.csv"), line: 3, reason: "too few fields" },
      { file: at("bad.csv"), line: 4, reason: "time: expected a time in ISO 8601" },
      { file: at("bad.csv"), line: 5, reason: "user_id: missing" },
    ]);
    const nothing = await inProject(["predict", "previous", "--input", "absent-*.csv", "--out", "y", "--json"]);
    expect(codeOf(nothing)).toBe("EVENTS_NOT_FOUND");
  });

  it("overwrites nothing unless it is forced, and leaves nothing beside its files", async () => {
    await predict("once", shown(log.slice(0, 5)), ["previous"]);
    const before = readFileSync(at("once.parquet"));
    const again = ["predict", "previous", "--input", "few.csv", "--out", "once.parquet", "--json"];
    expect(codeOf(await inProject(again))).toBe("PREDICT_EXISTS");
    expect(readFileSync(at("once.parquet"))).toEqual(before);
    const forced = lastLine<Predicted>(await inProject([...again, "--force"]));
    expect(forced.predicted).toBe(3);
    expect(await parquet(at("once.parquet"))).toHaveLength(3);
    expect(readdirSync(project).filter((name) => name.startsWith("."))).toEqual([".lapidary"]);
  });

  it("reads every format, and scores the rows of a run's surface alone", async () => {
    const days = at("days.csv");
    const csv = await parquet(at("days.parquet"));
    for (const [file, format] of [
      ["same.parquet", "PARQUET"],
      ["same.jsonl", "JSON"],
    ]) {
      const text = "{'time': 'VARCHAR', 'event_id': 'VARCHAR'}";
      await query(`COPY (FROM read_csv('${days}', types = ${text})) TO '${at(file!)}' (FORMAT ${format})`);
      await inProject(["predict", "vertical", "--input", file!, "--out", `${file}.out`]);
      const scores = await parquet(at(`${file}.out`));
      expect(scores.map(({ p_click }) => p_click)).toEqual(csv.map(({ p_click }) => p_click));
    }
    const feed = [...SHORT, "--set", "+models.vertical.surface=feed"];
    expect((await inProject(["train", "vertical", "--run", "feed", ...feed])).code).toBe(0);
    const { result, rows } = await predict("feed", readFileSync(days, "utf8"), ["feed"]);
    const own = csv.filter(({ surface }) => surface === "feed");
    expect(rows.map(({ event }) => event)).toEqual(own.map(({ event }) => event));
    expect(result.rejections).toEqual({ "surface: not feed, which the run is for": csv.length - own.length });
    expect(own.length).toBeGreaterThan(50);
  });
});
