import { readFileSync, rmSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import { eventsConfig, storeBytes, temporaryFolder } from "../../events.test.support.ts";
import { ingest } from "../ingest.ts";

/** Changes of the columns, file by file: neighbours of the same types, others, and a field named like DuckDB's own. */
const FILES = ["*", "*", "*, 9 AS file_index", "*, 9 AS file_index", "* REPLACE (ad_id::VARCHAR AS ad_id)"] as const;
const NUM_FILES = FILES.length;
const ROWS = 40;

async function writeLogs(folder: string): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  // Every 11th row repeats the first event, every 13th has no item.
  const rows = (
    first: number,
  ) => `SELECT 'e' || CASE WHEN i % 11 = 0 THEN 0 ELSE i END AS event_id, 'u' || i % 7 AS user_id,
    CASE WHEN i % 13 = 0 THEN NULL ELSE i % 5 END AS ad_id, 1000 + i * 7919 % 101 AS ts, 'view' AS action, 'ad' AS origin,
    'b' || i % 3 AS brand, i / 3 AS price, i % 2 AS is_click, i AS dwell FROM range(${first}, ${first + ROWS}) AS rows(i)`;
  for (const [i, select] of FILES.entries()) {
    const path = join(folder, `log-${i}.parquet`);
    await connection.run(`COPY (SELECT ${select} FROM (${rows(1 + i * ROWS)})) TO '${path}' (FORMAT parquet)`);
  }
  // The same rows as one file of text.
  const all = rows(1).replace(String(1 + ROWS), String(1 + ROWS * NUM_FILES));
  await connection.run(`COPY (${all}) TO '${join(folder, "log.csv")}' (FORMAT csv, HEADER)`);
  connection.closeSync();
  instance.closeSync();
}

describe("a log of several Parquet files", () => {
  it("gives the columns of the same rows in one text file, and tells the rejected rows of each file", async () => {
    using folder = temporaryFolder();
    await writeLogs(folder.path);
    const [parquet, csv] = [join(folder.path, "parquet"), join(folder.path, "csv")];
    const one = await ingest(eventsConfig(join(folder.path, "log.csv"), "csv"), { store: csv });
    const { rows, deadLetterFile } = await ingest(eventsConfig(join(folder.path, "log-*.parquet"), "parquet"), {
      store: parquet,
    });
    expect(rows).toEqual(one.rows);
    expect(rows.rowsRead).toBe(NUM_FILES * ROWS);
    const columns = (store: string) => Object.entries(storeBytes(store)).filter(([name]) => /^(col|dict)/.test(name));
    expect(columns(parquet)).toEqual(columns(csv));
    const letters = readFileSync(deadLetterFile, "utf8").trim().split("\n");
    const places = letters.map((line) => JSON.parse(line) as { file: string; line: number });
    const expected = Array.from({ length: NUM_FILES * ROWS }, (_, i) => i + 1).filter((i) => i % 13 === 0);
    expect(places.map(({ file, line }) => [file, line])).toEqual(
      expected.map((i) => [join(folder.path, `log-${Math.floor((i - 1) / ROWS)}.parquet`), ((i - 1) % ROWS) + 1]),
    );
  });

  it("resumes to the same bytes from every stage", async () => {
    using folder = temporaryFolder();
    await writeLogs(folder.path);
    const config = eventsConfig(join(folder.path, "log-*.parquet"), "parquet");
    const stages: string[] = [];
    await ingest(config, { store: join(folder.path, "whole"), onStage: (stage) => stages.push(stage) });
    const whole = storeBytes(join(folder.path, "whole"));
    const store = join(folder.path, "store");
    for (const at of stages) {
      const onStage = (stage: string) => {
        if (stage === at) throw new Error("stopped");
      };
      await expect(ingest(config, { store, onStage })).rejects.toThrow("stopped");
    }
    await ingest(config, { store });
    expect(storeBytes(store)).toEqual(whole);
  });

  it.each(["changed", "removed"])("is refused if a file is %s while it is read", async (how) => {
    using folder = temporaryFolder();
    await writeLogs(folder.path);
    const [path, store] = [join(folder.path, "log-1.parquet"), join(folder.path, "store")];
    const config = eventsConfig(join(folder.path, "log-*.parquet"), "parquet");
    const onStage = (stage: string) => {
      if (stage !== "build dictionaries") return;
      if (how === "changed") utimesSync(path, 1e9, 1e9);
      else rmSync(path);
    };
    await expect(ingest(config, { store, onStage })).rejects.toMatchObject({ code: "EVENTS_UNREADABLE", where: path });
    await ingest(config, { store });
    expect(storeBytes(store)).toHaveProperty("manifest.json");
  });
});
